"""Times a training step of first_order at 256x256 with GAN, feature matching and equivariance, alternating.

usage: first_order_training.py [--authors FOLDER] [--batch-size 1] [--threads 2] [--steps 3] [--repeats 1]

The preset is vox_adv_256 with perceptual weights 0, random weights and random frames. Each side runs in its own
process, as the allocator's settings hold for a whole process: our code with the settings of ``kinema learn``, the
authors' code without them, and again with them, to show the effect of the rest.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from authors import first_order as authors_first_order

from kinema.core.random import torch_generator
from kinema.data.samples.batches import Batch
from kinema.systems.system import find_system
from kinema.train.allocator import keep_freed_memory
from kinema.train.loop import TrainingLoop, make_accelerator

PRESET = "vox_adv_256"
SIDES = ("ours", "authors", "authors, our allocator settings")


def make_ours(batch_size: int) -> Callable[[Batch], object]:
    """A function that takes one step of the loop that ``kinema learn`` runs."""
    system = find_system("first_order")
    config = system.preset(PRESET).override(["objective.perceptual=[0, 0, 0, 0, 0]", f"train.batch_size={batch_size}"])
    loop = TrainingLoop(
        system.make_training(config, None),
        config.train,  # type: ignore[attr-defined]
        total_steps=1000,
        config_json=config.to_json(),
        run=None,
        accelerator=make_accelerator(device="cpu"),
    )
    loop.system.nets.train()
    return loop.take_step


def make_theirs(folder: Path) -> Callable[[Batch], object]:
    """The same with the authors' code."""
    step = authors_first_order.make_step(authors_first_order.load_networks(folder, PRESET), perceptual=[0, 0, 0, 0, 0])
    return lambda batch: step({"source": batch.source, "driving": batch.driving})


def measure(side: str, options: argparse.Namespace) -> None:
    """Runs one side in this process and prints its figures as JSON."""
    torch.set_num_threads(options.threads)
    if side != "authors":
        keep_freed_memory()
    torch.set_flush_denormal(True)
    step = make_ours(options.batch_size) if side == "ours" else make_theirs(options.authors)
    generator = torch_generator("benchmark")
    frames = torch.rand(2, options.batch_size, 3, 256, 256, generator=generator)
    batch = Batch(frames[0], frames[1])
    step(batch)  # warms up
    cpu, wall = [], []
    for _ in range(options.steps):
        began = time.process_time(), time.perf_counter()
        step(batch)
        cpu.append(time.process_time() - began[0])
        wall.append(time.perf_counter() - began[1])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps({"cpu": cpu, "wall": wall, "peak_gib": peak}))


def main() -> None:
    """Prints CPU seconds per step and ratios."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--authors", type=Path, help="checkout of AliaksandrSiarohin/first-order-model")
    parser.add_argument("--batch-size", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=3, help="measured in each process, after one for warming up")
    parser.add_argument("--repeats", type=int, default=1, help="processes for each side")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side is not None:
        measure(options.side, options)
        return
    sides = SIDES if options.authors is not None else SIDES[:1]
    cpu: dict[str, list[float]] = {side: [] for side in sides}
    wall: dict[str, list[float]] = {side: [] for side in sides}
    peak: dict[str, float] = {}
    for _ in range(options.repeats):
        for side in sides:
            command = [sys.executable, __file__, *sys.argv[1:], "--side", side]
            answer = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            cpu[side] += answer["cpu"]
            wall[side] += answer["wall"]
            peak[side] = answer["peak_gib"]
    for side in sides:
        print(
            f"{side:32} CPU {statistics.median(cpu[side]):6.2f} s a step (best {min(cpu[side]):.2f}), "
            f"wall {statistics.median(wall[side]):6.2f} s, peak {peak[side]:.2f} GiB"
        )
    for side in sides[1:]:
        print(
            f"ratio of CPU seconds, ours to {side}: {statistics.median(cpu['ours']) / statistics.median(cpu[side]):.3f}"
        )


if __name__ == "__main__":
    main()
