"""Prepares the batches of a source in order in a background thread, while the model works."""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self

from kinema.core.types import TensorGroup

POLL_SECONDS = 0.1


class BatchSource(Protocol):
    """The interface of sources such as ``PairSource``, which give the batch of any step, in any order."""

    def batch(self, step: int, batch_size: int, *, rank: int = 0, world_size: int = 1) -> Any:
        """The samples of one process at one step, a :class:`kinema.core.types.TensorGroup`."""
        ...


@dataclass(frozen=True)
class _Failure:
    error: BaseException


_Item = TensorGroup | _Failure | None


class BatchStream:
    """An iterator over batches of consecutive steps; a context manager that stops its thread at the end."""

    def __init__(
        self,
        source: BatchSource,
        start_step: int,
        batch_size: int,
        *,
        stop_step: int | None = None,
        rank: int = 0,
        world_size: int = 1,
        depth: int = 3,
    ) -> None:
        """Starts the thread; see ``prefetch`` for the arguments."""
        self._queue: queue.Queue[_Item] = queue.Queue(maxsize=depth)
        self._stopped = threading.Event()
        self._finished = False

        # A closure, not a method: the thread would keep this object alive, and a forgotten stream would never stop.
        items, stopped = self._queue, self._stopped

        def produce() -> None:
            step = start_step
            try:
                while not stopped.is_set() and (stop_step is None or step < stop_step):
                    batch = source.batch(step, batch_size, rank=rank, world_size=world_size)
                    _put(items, batch, stopped)
                    step += 1
                _put(items, None, stopped)
            except BaseException as error:  # noqa: BLE001 - it is raised again where the batch is asked for
                _put(items, _Failure(error), stopped)

        self._thread = threading.Thread(target=produce, name="kinema-prefetch", daemon=True)
        self._thread.start()

    def __iter__(self) -> Self:
        """The stream itself, which can be iterated once."""
        return self

    def __next__(self) -> Any:
        """The batch of the next step; an error of the source is raised here, once.

        Returns:
            The batch of the source: a group of B rows.
        """
        if self._finished or self._stopped.is_set():
            raise StopIteration
        item = self._queue.get()
        if isinstance(item, TensorGroup):
            return item
        self._finished = True
        self._thread.join()
        if isinstance(item, _Failure):
            raise item.error
        raise StopIteration

    def close(self) -> None:
        """Stops the thread and waits for it; may be called more than once."""
        self._stopped.set()
        self._thread.join()

    def __enter__(self) -> Self:
        """The stream itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Closes the stream."""
        self.close()

    def __del__(self) -> None:
        """Lets the thread of a forgotten stream end."""
        self._stopped.set()


def prefetch(
    source: BatchSource,
    start_step: int,
    batch_size: int,
    *,
    stop_step: int | None = None,
    rank: int = 0,
    world_size: int = 1,
    depth: int = 3,
) -> BatchStream:
    """Prepares the batches of ``source`` from ``start_step`` on in a thread.

    Args:
        source: of the batches.
        start_step: step of the first batch.
        batch_size: B, samples of this process.
        stop_step: step after the last batch; None for no end.
        rank: this process, see ``PairSource.batch``.
        world_size: number of processes.
        depth: the largest number of batches that are prepared ahead.

    Returns:
        An iterator and context manager; leaving its ``with`` block, or ``close()``, ends the thread.
    """
    return BatchStream(
        source, start_step, batch_size, stop_step=stop_step, rank=rank, world_size=world_size, depth=depth
    )


def _put(items: queue.Queue[_Item], item: _Item, stopped: threading.Event) -> None:
    while not stopped.is_set():
        try:
            items.put(item, timeout=POLL_SECONDS)
        except queue.Full:
            continue
        return
