"""A script, not a test: trains a tiny first_order with every term on synthetic clips, as `kinema learn` does on files.

small_run.py RUN [--resume] [--stop] [FIELD.FIELD=VALUE ...]; prints a line before each step. Also runs under torchrun.
With --stop the last process alone is asked to stop before step 3.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import torch

from kinema.blocks.vgg import Vgg19Features
from kinema.core.random import derive_seed
from kinema.data.clips.synthetic import moving_shapes
from kinema.data.samples.batches import Batch
from kinema.data.samples.frame_pairs import PairSource
from kinema.systems.system import find_system
from kinema.train.loop import TrainingLoop, make_accelerator
from kinema.train.run_folder import RunFolder

TINY = [
    "frames.size=[32, 32]",
    "keypoints.block_expansion=4",
    "keypoints.max_features=8",
    "motion.block_expansion=4",
    "motion.max_features=8",
    "generator.block_expansion=4",
    "generator.max_features=8",
    "generator.num_bottleneck_blocks=1",
    "discriminator.block_expansion=4",
    "discriminator.num_blocks=2",
    "discriminator.spectral_norm=true",
    "discriminator.use_kp=true",
    "objective.generator_gan=1",
    "objective.feature_matching=[10, 10]",
    "train.batch_size=2",
    "train.average_decay=0.9",
    "train.lr_warmup_steps=3",
    "train.keep_checkpoints=100",
]


def main(folder: Path, *, resume: bool, stop: bool, assignments: list[str]) -> None:
    """Trains to the end."""
    config = find_system("first_order").preset("small_64").override(TINY + assignments)
    accelerator = make_accelerator(device="cpu")
    with accelerator.main_process_first():
        run = RunFolder(folder, resume=resume, is_main=accelerator.is_main_process)
    torch.manual_seed(derive_seed("weights", config.train.seed))
    features = Vgg19Features(widths=(4,) * 13, depth=3)
    training = find_system("first_order").make_training(config, features)
    loop = TrainingLoop(
        training,
        config.train,
        total_steps=config.train.total_steps(3),
        config_json=config.to_json(),
        run=run,
        accelerator=accelerator,
    )
    if resume:
        loop.resume()
    elif accelerator.is_main_process:
        run.write_start(config.to_json(), {})
    clips = {f"clip{n}": clip for n, clip in enumerate(moving_shapes(3, 6, 32, seed=1))}
    source = PairSource.from_arrays(clips, config.pairs, config.train.seed)

    def batches() -> Iterator[Batch]:
        for step in range(loop.step, loop.total_steps):
            print(f"step {step}", flush=True)
            if stop and step == 3 and accelerator.is_last_process:
                loop.stop_asked = True
            yield source.batch(
                step,
                config.train.batch_size,
                rank=accelerator.process_index,
                world_size=accelerator.num_processes,
            )

    loop.train(batches())
    if stop:
        print(f"process {accelerator.process_index} ended after {loop.step} steps", flush=True)
    run.close()
    accelerator.wait_for_everyone()


if __name__ == "__main__":
    main(
        Path(sys.argv[1]),
        resume="--resume" in sys.argv,
        stop="--stop" in sys.argv,
        assignments=[a for a in sys.argv[2:] if "=" in a],
    )
