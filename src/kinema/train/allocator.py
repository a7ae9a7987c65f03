"""Keeps freed memory in the process, because returning it to the system slows CPU training several times.

With glibc's default settings the large temporary tensors of a step are returned to the system, and their pages must be
mapped again in the next step.
"""

from __future__ import annotations

import ctypes
import os

# Parameter numbers of mallopt in glibc's malloc.h.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX, _ARENA_MAX = -1, -2, -4, -8
_KEEP_BYTES = 2**31 - 1
_TOP_PAD_BYTES = 256 * 2**20


def keep_freed_memory() -> str:
    """Tells glibc's allocator to keep freed memory for reuse.

    Returns:
        A line for the log that says what was done.
    """
    if "LD_PRELOAD" in os.environ and "malloc" in os.environ["LD_PRELOAD"]:
        return f"allocator: {os.environ['LD_PRELOAD']} (preloaded), left as it is"
    if any(name.startswith("MALLOC_") for name in os.environ):
        return "allocator: glibc with the MALLOC_ settings of the environment, left as it is"
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return "allocator: not glibc, left as it is"
    settings = ((_ARENA_MAX, 1), (_MMAP_MAX, 0), (_TRIM_THRESHOLD, _KEEP_BYTES), (_TOP_PAD, _TOP_PAD_BYTES))
    if not all(mallopt(parameter, value) for parameter, value in settings):
        return "allocator: glibc refused the settings, training on the CPU may be several times slower"
    return "allocator: glibc told to keep freed memory (otherwise CPU training is several times slower)"
