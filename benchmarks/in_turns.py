"""Times two implementations alternately, so that other work on the machine affects both equally."""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch

from kinema.core.random import torch_generator
from kinema.systems.system import find_system
from kinema.train.allocator import keep_freed_memory

Measure = Callable[[], object]


def read_options(repository: str, preset: str) -> argparse.Namespace:
    """The command line that the benchmarks of inference share; sets the options of the whole process.

    Args:
        repository: the authors' one.
        preset: of our networks unless the user names another.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--authors", type=Path, help=f"checkout of AliaksandrSiarohin/{repository}")
    parser.add_argument("--preset", default=preset)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--frames", type=int, default=4, help="of the clip; ours takes them as one batch")
    parser.add_argument("--keep-freed-memory", action="store_true", help="allocator as in training, for both sides")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.keep_freed_memory:
        print(keep_freed_memory())
    return options


def random_clip(system: str, options: argparse.Namespace) -> tuple[torch.Tensor, torch.Tensor]:
    """A source (1, 3, H, W) and driving frames (T, 3, H, W) in [0, 1], of the preset's size."""
    height, width = find_system(system).preset(options.preset).size  # type: ignore[attr-defined]
    generator = torch_generator("benchmark")
    source = torch.rand(1, 3, height, width, generator=generator)
    return source, torch.rand(options.frames, 3, height, width, generator=generator)


def compare(sides: dict[str, Measure], options: argparse.Namespace) -> None:
    """Prints milliseconds per frame, and the ratio of ours to the authors' where both are measured.

    Args:
        sides: "ours" and perhaps "authors"; each makes all frames of the clip.
        options: from :func:`read_options`.
    """
    wall: dict[str, list[float]] = {name: [] for name in sides}
    cpu: dict[str, list[float]] = {name: [] for name in sides}
    for repeat in range(options.repeats + 1):
        for name, measure in sides.items():
            began = time.perf_counter(), time.process_time()
            with torch.no_grad():
                measure()
            if repeat > 0:  # the first one warms up
                wall[name].append((time.perf_counter() - began[0]) / options.frames * 1e3)
                cpu[name].append((time.process_time() - began[1]) / options.frames * 1e3)
    for name in sides:
        print(
            f"{name:8} wall {statistics.median(wall[name]):7.1f} ms a frame (best {min(wall[name]):.1f}), "
            f"CPU {statistics.median(cpu[name]):7.1f} ms (best {min(cpu[name]):.1f})"
        )
    if "authors" in sides:
        for what, figures in (("wall", wall), ("CPU", cpu)):
            ratio = statistics.median(figures["ours"]) / statistics.median(figures["authors"])
            print(f"ratio of medians, {what}: {ratio:.3f}")
