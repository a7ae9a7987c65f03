"""Which process made a file, told by the file's name, and whether that process lives no more."""

from __future__ import annotations

import os
import platform
import uuid
import zlib
from functools import lru_cache
from pathlib import Path


def process_mark() -> str:
    """This process as text: a machine, a process number and a moment, such as "3f2a9c01-4711-8842211"."""
    return f"{_machine()}-{os.getpid()}-{_started(os.getpid())}"


def made_by_dead(mark: str) -> bool:
    """Whether the process of a mark has surely ended.

    False where that cannot be told: the mark is of another machine, container or start of the system, or this system
    does not say when a process began and another one has its number.
    """
    machine, pid, started = mark.split("-")
    # On Windows os.kill is no question but a signal.
    if os.name != "posix" or machine != _machine():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        # It lives under another user, or the number is none.
        pass
    now = _started(int(pid))
    return now not in (0, int(started))


def _started(pid: int) -> int:
    """When a process began, in ticks since the system's start; 0 where that is not told."""
    try:
        # The name in brackets may hold blanks and brackets; the moment is the 20th field after it.
        return int(Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[19])
    except (OSError, IndexError, ValueError):
        return 0


@lru_cache
def _machine() -> str:
    """What process numbers are counted in: a start of a system, and a container in it."""
    parts = [platform.node(), f"{uuid.getnode()}"]
    try:
        parts = [Path("/proc/sys/kernel/random/boot_id").read_text(), os.readlink("/proc/self/ns/pid")]
    except OSError:
        # Not Linux: numbers are told apart by the machine alone.
        pass
    return f"{zlib.crc32(' '.join(parts).encode()):08x}"
