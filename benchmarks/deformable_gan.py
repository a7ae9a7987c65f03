"""Times deformable_gan at the paper's two sizes: a forward pass of the generator and a training step, in CPU seconds.

usage: deformable_gan.py [--preset market_full|fashion_full] [--threads N] [--repeats N] [--forward-only]

Batch 1, random weights. The content network is block 1 of VGG with random weights, as in the measurements of the
authors' Keras graph in shared/spec/pose.md: forward 0.57 (market) and 2.36 (fashion) CPU seconds, a training step 1.73
(0.47 discriminator + 1.26 generator) and 11.83 (2.60 + 9.23). These were measured on another day, as their code (Keras
2.0 on TensorFlow 1) does not run beside ours; the printed ratios therefore compare two days on machines of one kind.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch

from kinema.blocks.vgg_caffe import VggCaffeFeatures
from kinema.core.types import Joints
from kinema.data.samples.batches import PoseBatch
from kinema.runtime.optimize import prepare_for_inference
from kinema.systems.deformable_gan.bench import UPRIGHT
from kinema.systems.system import find_system
from kinema.tasks.machine_peak import describe_machine
from kinema.train.loop import TrainingLoop, make_accelerator

AUTHORS = {"market_full": (0.57, 0.47 + 1.26), "fashion_full": (2.36, 2.60 + 9.23)}
BARS = (0.5, 0.7)


def poses(size: tuple[int, int], shift: float) -> Joints:
    """One row: a person upright in the frame, shifted by a fraction of its width."""
    value = (torch.tensor([UPRIGHT]) + torch.tensor([shift, 0])) * torch.tensor([size[1], size[0]])
    return Joints(value, torch.ones(1, len(UPRIGHT), dtype=torch.bool))


def cpu_seconds(work: Callable[[], object], repeats: int) -> list[float]:
    """CPU seconds of all threads for each repeat, after one for warming up."""
    work()
    times = []
    for _ in range(repeats):
        begin = time.process_time()
        work()
        times.append(time.process_time() - begin)
    return times


def measure(preset: str, repeats: int, *, forward_only: bool) -> dict[str, list[float]]:
    """Name of each measurement to CPU seconds of its repeats."""
    system = find_system("deformable_gan")
    config: Any = system.preset(preset)
    source, driving = (torch.rand(1, 3, *config.size).to(memory_format=torch.channels_last) for _ in range(2))
    first, second = poses(config.size, 0), poses(config.size, 0.02)
    model = prepare_for_inference(system.make_model(config).eval())
    with torch.inference_mode():
        rows = {"forward": cpu_seconds(lambda: model(source, first, second), repeats)}
    if forward_only:
        return rows
    training = system.make_training(config, VggCaffeFeatures(depth=1))
    accelerator = make_accelerator(device="cpu")
    loop = TrainingLoop(training, config.train, total_steps=1_000, config_json="{}", run=None, accelerator=accelerator)
    training.nets.train()
    batch = PoseBatch(source, driving, first, second)
    return rows | {"training step": cpu_seconds(lambda: loop.take_step(batch), repeats)}


def main() -> None:
    """Prints a line for each measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=AUTHORS, action="append")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--forward-only", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    torch.manual_seed(0)
    print(describe_machine())
    for preset in given.preset or AUTHORS:
        rows = measure(preset, given.repeats, forward_only=given.forward_only)
        for (what, times), theirs, bar in zip(rows.items(), AUTHORS[preset], BARS, strict=False):
            median = statistics.median(times)
            print(
                f"{preset} {what}: {median:.2f} CPU s (best {min(times):.2f}, of {len(times)}), "
                f"authors {theirs:.2f}, ratio {median / theirs:.2f} (bar {bar})"
            )


if __name__ == "__main__":
    main()
