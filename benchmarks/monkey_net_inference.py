"""Times a frame of monkey_net at 256x256, in our code as ``kinema animate`` runs it and in the authors', alternating.

usage: monkey_net_inference.py [--authors FOLDER] [--preset vox] [--threads 2] [--repeats 5] [--frames 4]

Weights are random. The keypoints of the source are not timed on either side. The authors' generator encodes the source
for every frame, which is part of their time. Compare CPU seconds if the machine is busy with other work.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

import in_turns
import torch
from authors import monkey_net as authors_monkey_net

from kinema.framing.pixels import to_images
from kinema.runtime.optimize import prepare_for_inference
from kinema.systems.abilities import AnimationPipeline
from kinema.systems.system import find_system


def ours(preset: str, source: torch.Tensor, driving: torch.Tensor) -> in_turns.Measure:
    """A function that animates all driving frames."""
    system = find_system("monkey_net")
    model = prepare_for_inference(system.make_model(system.preset(preset)))
    pipeline = cast(AnimationPipeline, system.make_pipeline(model))
    animation = pipeline.prepare(source, anchor=driving[:1])
    return lambda: to_images(animation.step(driving))


def theirs(folder: Path, preset: str, source: torch.Tensor, driving: torch.Tensor) -> in_turns.Measure:
    """The same with the authors' code, which takes one frame at a time."""
    networks = authors_monkey_net.load_networks(folder, preset)
    still, clip = source.unsqueeze(2), driving.movedim(1, 0)[None]  # (1, 3, 1, H, W), (1, 3, T, H, W)
    with torch.no_grad():
        kp_source = networks.kp_detector(still)
    return lambda: authors_monkey_net.transfer(networks, still, kp_source, clip).numpy()


def main() -> None:
    """Prints milliseconds per frame and ratios."""
    options = in_turns.read_options("monkey-net", "vox")
    clip = in_turns.random_clip("monkey_net", options)
    sides = {"ours": ours(options.preset, *clip)}
    if options.authors is not None:
        sides["authors"] = theirs(options.authors, options.preset, *clip)
    in_turns.compare(sides, options)


if __name__ == "__main__":
    main()
