"""Marks files with the process that created them, and tells whether that process has ended."""

from __future__ import annotations

import os
import platform
import uuid
import zlib
from functools import lru_cache
from pathlib import Path


def process_mark() -> str:
    """This process as text: machine, process id and start time, such as "3f2a9c01-4711-8842211"."""
    return f"{_machine()}-{os.getpid()}-{_started(os.getpid())}"


def process_has_ended(mark: str) -> bool:
    """Whether the process of a mark is known to have ended.

    False if that cannot be known: the mark is from another machine, container or boot of the system, or another process
    has the same id and this system does not say when processes started.
    """
    machine, pid, started = mark.split("-")
    # On Windows os.kill would end the process instead of only checking it.
    if os.name != "posix" or machine != _machine():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        # The process belongs to another user, or the number is not a process id.
        pass
    now = _started(int(pid))
    return now not in (0, int(started))


def _started(pid: int) -> int:
    """When a process started, in ticks since the boot of the system; 0 if unknown."""
    try:
        # The name in brackets may hold blanks and brackets; the start time is the 20th field after it.
        return int(Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[19])
    except (OSError, IndexError, ValueError):
        return 0


@lru_cache
def _machine() -> str:
    """Identifies the boot of a system and the container in it, within which process ids are unique."""
    parts = [platform.node(), f"{uuid.getnode()}"]
    try:
        parts = [Path("/proc/sys/kernel/random/boot_id").read_text(), os.readlink("/proc/self/ns/pid")]
    except OSError:
        # Not Linux: only the machine is identified.
        pass
    return f"{zlib.crc32(' '.join(parts).encode()):08x}"
