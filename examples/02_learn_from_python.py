"""Learns a model from a folder of clips, here clips of moving shapes that the example draws itself.

usage: 02_learn_from_python.py FOLDER [STEPS]
"""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

import kinema
from kinema.core.progress import Event, Told, Trained
from kinema.data.clips.synthetic import moving_shapes

SETTINGS = (
    "frames.size=[32, 32]",
    "keypoints.block_expansion=8",
    "motion.block_expansion=8",
    "generator.block_expansion=8",
    "objective.perceptual=[]",
    "train.batch_size=4",
)


def main(folder: Path, steps: int) -> None:
    """Leaves FOLDER/clips and FOLDER/run with its model; minutes on a laptop for 500 steps."""
    clips = folder / "clips"
    clips.mkdir(parents=True, exist_ok=True)
    for number, clip in enumerate(moving_shapes(num_clips=8, num_frames=16, size=48, seed=0)):
        with kinema.VideoWriter(clips / f"{number}.mp4", frame_rate=Fraction(12)) as writer:
            for image in clip:
                writer.write(image)

    settings = (*SETTINGS, f"train.steps={steps}")
    learned = kinema.learn("first_order", clips, folder / "run", preset="small_64", assignments=settings, progress=show)
    print(f"{learned.path}: animate with it by --model {learned.run}")


def show(event: Event) -> None:
    """Prints what a run tells, except for every clip that it reads."""
    if isinstance(event, Told):
        print(event.line)
    elif isinstance(event, Trained):
        print(event.step, {name: round(value, 3) for name, value in event.losses.items()})


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 500)
