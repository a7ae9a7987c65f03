"""Lets SIGTERM end a command as Ctrl+C does: every ``finally`` runs, so that no half-written file is left."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

TERMINATED = 128 + signal.SIGTERM
"""Exit status of a command that SIGTERM ended, the same that a shell reports for such a process."""


@contextmanager
def ending_orderly() -> Iterator[None]:
    """A context in which SIGTERM raises ``SystemExit(TERMINATED)`` in the main thread.

    Code inside may install another handler for a while, as training does to finish its step. If signals cannot be
    handled (outside the main thread) or SIGTERM is ignored, nothing changes.
    """
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) is signal.SIG_IGN:
        yield
        return
    owner = os.getpid()

    def end(number: int, frame: FrameType | None) -> None:
        if os.getpid() != owner:
            # A forked worker has nothing to clean up; it ends as it would have without this handler.
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTERM)
            return
        # A second signal must not interrupt the clean-up that the first one started; SIGKILL is there for that.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise SystemExit(TERMINATED)

    previous = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL if previous is None else previous)
