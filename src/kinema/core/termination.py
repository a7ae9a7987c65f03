"""SIGTERM ends a command as Ctrl+C does: through every ``finally``, so that no half-written file stays."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

TERMINATED = 128 + signal.SIGTERM
"""Exit status of a command that SIGTERM ended: what a shell gives for a process that it killed."""


@contextmanager
def ending_orderly() -> Iterator[None]:
    """Inside, SIGTERM raises ``SystemExit(TERMINATED)`` in the main thread.

    A block inside may put another handler in its place, as training does to finish its step, and put this one back.
    Where signals cannot be handled (outside the main thread) or SIGTERM is ignored, nothing changes.
    """
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) is signal.SIG_IGN:
        yield
        return
    owner = os.getpid()

    def end(number: int, frame: FrameType | None) -> None:
        if os.getpid() != owner:
            # A forked worker has nothing to put away; it ends as it would have.
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTERM)
            return
        # A second one must not cut short what the first one set going; SIGKILL is there for that.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise SystemExit(TERMINATED)

    previous = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL if previous is None else previous)
