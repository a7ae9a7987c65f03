# pyright: strict
"""What this machine can do at most: its own matrix products, for comparison with a network's speed."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path
from typing import Any

import torch

# Large enough that caches are used well, small enough for a slow dtype.
SIDE = 1024


def matmul_gflops(dtype: torch.dtype, *, seconds: float = 1.0, device: torch.device | str = "cpu") -> float:
    """The best speed of a square matrix product, in 10^9 operations (two a product) a second.

    Args:
        dtype: of the factors.
        seconds: to go on for, at least three products.
        device: to compute on.
    """
    left, right = (torch.ones(SIDE, SIDE, dtype=dtype, device=device) for _ in range(2))
    best, spent, rounds = float("inf"), 0.0, 0
    while spent < seconds or rounds < 3:
        began = time.perf_counter()
        product = left @ right
        product[0, 0].item()  # waits for the device
        took = time.perf_counter() - began
        best, spent, rounds = min(best, took), spent + took, rounds + 1
    return 2 * SIDE**3 / best / 1e9


def describe_machine() -> dict[str, Any]:
    """Processor, cores and torch, for reports."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def _processor() -> str:
    facts = Path("/proc/cpuinfo")
    if facts.is_file():
        for line in facts.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
