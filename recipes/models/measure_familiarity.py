"""Fits the distribution of a shipped model's training pictures, and stores it beside the weights.

usage: measure_familiarity.py DATA MODEL...

DATA is the folder of clips that the models learned from (shared/data/emoji). The distribution is that of the first
frames of the training clips. The distances of test clips and of other people's pictures are printed.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import torch

import kinema
from kinema.data.clips.folder import scan_folder
from kinema.framing.pixels import to_frames
from kinema.runtime.models import Models
from kinema.systems.abilities import AnimationPipeline
from kinema.systems.familiarity import FILE_NAME, Familiarity
from kinema.weights.catalogue import find_model

MAX_PICTURES = 400
# Folders beside DATA with other kinds of pictures.
OTHERS = ("london-faces/neutral_front", "portraits/clips", "people/video", "animals-behaviour", "intel-scenes/clips")
SHOWN = 20


def described(pipeline: AnimationPipeline, paths: list[Path]) -> torch.Tensor:
    """(N, D) features of the first pictures of files."""
    rows = []
    for path in paths:
        picture = kinema.read_image(path)
        rows.append(pipeline.describe(to_frames(pipeline.frame(picture, "auto").apply(picture))))
    return torch.cat(rows)


def evenly(paths: list[Path], count: int) -> list[Path]:
    """At most ``count`` of the paths, spread evenly."""
    return paths if len(paths) <= count else [paths[index * len(paths) // count] for index in range(count)]


def main(data: Path, names: list[str]) -> None:
    """Writes the file of each model and prints distances."""
    warnings.simplefilter("ignore")
    models = Models(device="cpu")
    clips = {split: [clip.path for clip in scan_folder(data, split=split).clips] for split in ("train", "test")}
    for name in names:
        pipeline = models.animation(name)
        known = Familiarity.of(described(pipeline, evenly(clips["train"], MAX_PICTURES)))
        known.save(find_model(name) / FILE_NAME)
        print(f"{name}: 99 % of {min(len(clips['train']), MAX_PICTURES)} training pictures within {known.reach:.2f}")
        groups = {"test": clips["test"]}
        for other in OTHERS:
            folder = data.parent / other
            groups[other] = sorted(path for path in folder.iterdir() if path.suffix in (".jpg", ".png", ".mp4"))
        for group, paths in groups.items():
            far = known.distance(described(pipeline, evenly(paths, SHOWN)))
            print(
                f"  {group}: {float(far.min()):.2f} to {float(far.max()):.2f}, "
                f"{float((far > known.limit).float().mean()):.0%} are unfamiliar (limit {known.limit:.2f})"
            )


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
