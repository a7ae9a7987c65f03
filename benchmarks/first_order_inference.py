"""Times a frame of first_order at 256x256, in our code as ``kinema animate`` runs it and in the authors', alternating.

usage: first_order_inference.py [--authors FOLDER] [--preset vox_256] [--threads 2] [--repeats 5] [--frames 4]

Weights are random. What is computed once for a source is not timed on either side. Compare CPU seconds if the machine
is busy with other work.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

import in_turns
import torch
from authors import first_order as authors_first_order

from kinema.framing.pixels import to_images
from kinema.runtime.optimize import prepare_for_inference
from kinema.systems.abilities import AnimationPipeline
from kinema.systems.system import find_system


def ours(preset: str, source: torch.Tensor, driving: torch.Tensor) -> in_turns.Measure:
    """A function that animates all driving frames."""
    system = find_system("first_order")
    model = prepare_for_inference(system.make_model(system.preset(preset)))
    pipeline = cast(AnimationPipeline, system.make_pipeline(model))
    animation = pipeline.prepare(source, anchor=driving[:1])
    return lambda: to_images(animation.step(driving))


def theirs(folder: Path, preset: str, source: torch.Tensor, driving: torch.Tensor) -> in_turns.Measure:
    """The same with the authors' code, which takes one frame at a time."""
    networks = authors_first_order.load_networks(folder, preset)
    networks.kp_detector.eval()
    networks.generator.eval()
    with torch.no_grad():
        kp_source, kp_first = networks.kp_detector(source), networks.kp_detector(driving[:1])
    return lambda: [
        authors_first_order.animate(networks, source, kp_source, kp_first, frame[None]) for frame in driving
    ]


def main() -> None:
    """Prints milliseconds per frame and ratios."""
    options = in_turns.read_options("first-order-model", "vox_256")
    clip = in_turns.random_clip("first_order", options)
    sides = {"ours": ours(options.preset, *clip)}
    if options.authors is not None:
        sides["authors"] = theirs(options.authors, options.preset, *clip)
    in_turns.compare(sides, options)


if __name__ == "__main__":
    main()
