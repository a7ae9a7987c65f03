"""Provides a lock that one process holds at a time and that the system releases when the process ends, even killed."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None


class FileLock:
    """A lock on a file that exists only while the lock is held.

    On systems and file systems without such locks, every process gets the lock: there it protects nothing.
    """

    def __init__(self, path: Path) -> None:
        """Does not create the file yet.

        Args:
            path: of the file; its folder must exist when the lock is acquired.
        """
        self.path = path
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """Acquires the lock without waiting.

        Returns:
            Whether this object holds the lock now; False if another one does, in this process or another.

        Raises:
            OSError: the file cannot be created.
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
            # The previous holder may have removed the file after it was opened here: then another one must be locked.
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), os.stat(self.path)):
                    self._descriptor = descriptor
                    return True
            os.close(descriptor)
        return True

    def release(self) -> None:
        """Releases the lock and removes its file; does nothing if the lock is not held."""
        if self._descriptor is None:
            return
        with suppress(OSError):
            self.path.unlink()
        os.close(self._descriptor)
        self._descriptor = None
