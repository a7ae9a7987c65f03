"""Learns a model from a folder of clips, here clips of moving shapes that the example draws itself.

usage: 02_learn_from_python.py FOLDER [STEPS]
"""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

from kinema.data.clips.synthetic import moving_shapes
from kinema.systems.system import find_system
from kinema.tasks.learn import LearnRequest, Listener, learn
from kinema.video import VideoWriter

SETTINGS = [
    "frames.size=[32, 32]",
    "keypoints.block_expansion=8",
    "motion.block_expansion=8",
    "generator.block_expansion=8",
    "objective.perceptual=[]",
    "train.batch_size=4",
]


def main(folder: Path, steps: int) -> None:
    """Leaves FOLDER/clips and FOLDER/run with its model; minutes on a laptop for 500 steps."""
    clips = folder / "clips"
    clips.mkdir(parents=True, exist_ok=True)
    for number, clip in enumerate(moving_shapes(num_clips=8, num_frames=16, size=48, seed=0)):
        with VideoWriter(clips / f"{number}.mp4", frame_rate=Fraction(12)) as writer:
            for image in clip:
                writer.write(image)

    system = find_system("first_order")
    config = system.preset("small_64").override([*SETTINGS, f"train.steps={steps}"])
    listener = Listener(
        on_line=print,
        on_progress=lambda line: print(line.step, {name: round(value, 3) for name, value in line.losses.items()}),
    )
    model = learn(LearnRequest(system, config, clips, folder / "run", listener=listener))
    print(f"{model}: animate with it by --model {model.parent}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 500)
