"""A place for one value between two threads: the newest replaces one that was not taken, so that nothing queues up."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Latest(Generic[Value]):
    """Holds the newest value until somebody takes it.

    Attributes:
        replaced: values so far that were put away untaken.

    >>> place: Latest[str] = Latest()
    >>> place.put("a"), place.put("b"), place.take(), place.replaced
    (None, None, 'b', 1)
    """

    def __init__(self) -> None:
        """Makes an empty place."""
        self._changed = threading.Condition()
        self._value: Value | None = None
        self._closed = False
        self._error: BaseException | None = None
        self.replaced = 0

    def put(self, value: Value) -> None:
        """Leaves a value; after :meth:`close` it is thrown away."""
        with self._changed:
            self.replaced += self._value is not None
            self._value = value
            self._changed.notify()

    def take(self) -> Value | None:
        """Waits for a value and takes it; None once the place is closed and empty.

        Raises:
            BaseException: what :meth:`close` was given.
        """
        with self._changed:
            # In steps: on some systems a lock that is waited for without end keeps Ctrl+C out.
            while self._value is None and not self._closed:
                self._changed.wait(0.2)
            if self._value is None and self._error is not None:
                raise self._error
            value, self._value = self._value, None
            return value

    def close(self, error: BaseException | None = None) -> None:
        """Says that nothing more comes; a value that waits can still be taken, then ``error`` is raised."""
        with self._changed:
            self._closed, self._error = True, error or self._error
            self._changed.notify_all()
