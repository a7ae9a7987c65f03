"""Times a frame of co_part at 256x256 with swapped parts, soft, by the target's parts, in our code and the authors'.

usage: co_part_inference.py [--authors FOLDER] [--preset vox_5] [--threads 2] [--repeats 5] [--frames 4]

Weights are random. The parts of the source are not timed on either side. The authors' generator encodes the source for
every frame, which is part of their time. Compare CPU seconds if the machine is busy with other work.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

import in_turns
import torch
from authors import co_part as authors_co_part

from kinema.framing.pixels import to_images
from kinema.runtime.optimize import prepare_for_inference
from kinema.systems.abilities import PartsPipeline
from kinema.systems.system import find_system

PARTS = (1, 2, 5)  # as many as the authors' default


def ours(preset: str, source: torch.Tensor, target: torch.Tensor) -> in_turns.Measure:
    """A function that swaps parts of all target frames."""
    system = find_system("co_part")
    model = prepare_for_inference(system.make_model(system.preset(preset)))
    pipeline = cast(PartsPipeline, system.make_pipeline(model))
    animation = pipeline.prepare(source)
    return lambda: to_images(pipeline.swap(animation, target, PARTS)[0])


def theirs(folder: Path, preset: str, source: torch.Tensor, target: torch.Tensor) -> in_turns.Measure:
    """The same with the authors' code, which takes one frame at a time."""
    networks = authors_co_part.load_networks(folder, preset)
    with torch.no_grad():
        seg_source = networks.segmentation(source)
    return lambda: [authors_co_part.swap(networks, source, seg_source, frame[None], PARTS) for frame in target]


def main() -> None:
    """Prints milliseconds per frame and ratios."""
    options = in_turns.read_options("motion-cosegmentation", "vox_5")
    clip = in_turns.random_clip("co_part", options)
    sides = {"ours": ours(options.preset, *clip)}
    if options.authors is not None:
        sides["authors"] = theirs(options.authors, options.preset, *clip)
    in_turns.compare(sides, options)


if __name__ == "__main__":
    main()
