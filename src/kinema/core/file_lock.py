"""A lock that one process holds at a time and that the system releases when the process ends, however it ends."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None


class FileLock:
    """A lock on a file of its own, which goes with it.

    On systems and file systems without such locks everybody gets it: nothing is guarded there.
    """

    def __init__(self, path: Path) -> None:
        """Makes nothing yet.

        Args:
            path: of the file; its folder must exist when the lock is taken.
        """
        self.path = path
        self._descriptor: int | None = None

    def take(self) -> bool:
        """Takes the lock, without waiting.

        Returns:
            Whether it is this object's now; False where another one has it, of this process or another.

        Raises:
            OSError: the file cannot be made.
        """
        while self._descriptor is None:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                if fcntl is not None:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                return False
            except OSError:
                pass
            # Whoever had it may have removed the file since it was opened: then it is no longer the one to lock.
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), os.stat(self.path)):
                    self._descriptor = descriptor
                    return True
            os.close(descriptor)
        return True

    def release(self) -> None:
        """Gives the lock back and removes its file; does nothing where it is not held."""
        if self._descriptor is None:
            return
        with suppress(OSError):
            self.path.unlink()
        os.close(self._descriptor)
        self._descriptor = None
