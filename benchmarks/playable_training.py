"""Times a training step of playable's second phase, batch 1, with and without the perceptual network, in CPU seconds.

usage: playable_training.py [--presets breakout tennis bair] [--features vgg19|efficientnet_lite0] [--threads 1]
                            [--repeats 3]

Weights are random, VGG19 has its true widths, and clips have the preset's full length. The authors' figures are those
of shared/spec/playable.md (two threads of a busy machine, one batch of the same length, VGG19 with random weights).
They were measured on another day, so the ratios compare two days on machines of one kind.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Any

import torch

from kinema.blocks.efficientnet import EfficientNetLite0Features
from kinema.blocks.vgg import Vgg19Features
from kinema.data.samples.batches import ClipBatch
from kinema.systems.system import find_system
from kinema.tasks.machine_peak import describe_machine
from kinema.train.loop import TrainingLoop, make_accelerator

# Preset -> CPU seconds of the authors' step with VGG19 and without it.
AUTHORS = {"breakout": (12.4, 2.2), "tennis": (14.8, 5.4), "bair": (40.8, 12.9)}
BAR = 0.5
NETWORKS = {"vgg19": Vgg19Features, "efficientnet_lite0": EfficientNetLite0Features, "none": None}


def settings(preset: str, network: str) -> Any:
    """The preset's config in its second phase, at its full length."""
    system = find_system("playable")
    values = system.preset(preset).model_dump()
    length = values["schedule"]["length_end"]
    values["schedule"] |= {"pretraining_steps": 0, "length_start": length}
    if network == "none":
        values["objective"]["full"]["perceptual"] = values["objective"]["pretraining"]["perceptual"] = ()
    else:
        values["objective"]["perceptual_network"] = network
        for phase in ("full", "pretraining"):
            weights = values["objective"][phase]["perceptual"]
            values["objective"][phase]["perceptual"] = weights[: NETWORKS[network]().num_maps]
    return system.config.parse(values, origin="benchmark")


def measure(preset: str, network: str, repeats: int) -> list[float]:
    """CPU seconds of all threads for each step, after one for warming up."""
    config = settings(preset, network)
    make = NETWORKS[network]
    features = None if make is None else make()
    training: Any = find_system("playable").make_training(config, features)
    accelerator = make_accelerator(device="cpu")
    loop = TrainingLoop(training, config.train, total_steps=1_000, config_json="{}", run=None, accelerator=accelerator)
    training.nets.train()
    batch = ClipBatch(torch.rand(1, config.schedule.length_end, 3 * config.representation.stack, *config.size))
    times = []
    for _ in range(repeats + 1):
        begin = time.process_time()
        loop.take_step(batch)
        times.append(time.process_time() - begin)
    return times[1:]


def main() -> None:
    """Prints a line for each preset and network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--presets", nargs="+", choices=AUTHORS, default=["breakout"])
    parser.add_argument("--features", nargs="+", choices=NETWORKS, default=["vgg19", "none"])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    torch.manual_seed(0)
    print(describe_machine())
    for preset in given.presets:
        for network in given.features:
            times = measure(preset, network, given.repeats)
            theirs = AUTHORS[preset][network == "none"]
            median = statistics.median(times)
            print(
                f"{preset}, {network}: {median:.2f} CPU s a step (best {min(times):.2f}, of {len(times)}), "
                f"authors {theirs:.1f}, ratio {median / theirs:.2f} (bar {BAR})",
                flush=True,
            )


if __name__ == "__main__":
    main()
