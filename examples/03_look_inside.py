"""What the model sees: keypoints of still and driving frame, where each pixel comes from, what is hidden.

usage: 03_look_inside.py STILL DRIVING OUT.png [MODEL]
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import kinema
from kinema.framing.pixels import to_frames, to_images
from kinema.video import contact_sheet, resize, write_image

SIDE = 256


def mark(image: np.ndarray, points: Tensor) -> np.ndarray:
    """The (H, W, 3) picture enlarged, with a red square at each of the (K, 2) points (x, y) in [-1, 1]."""
    marked = resize(image, (SIDE, SIDE))
    for x, y in ((points + 1) / 2 * (SIDE - 1)).round().int().tolist():
        marked[max(0, y - 3) : y + 4, max(0, x - 3) : x + 4] = (255, 0, 0)
    return marked


def paint(values: Tensor) -> np.ndarray:
    """(C, h, w) numbers in [0, 1], C of 1 to 3, as an enlarged picture."""
    return resize(to_images(values[[0, len(values) // 2, -1]][None])[0], (SIDE, SIDE))


def main(still: str, driving: str, out: str, model_name: str = "first_order-emoji") -> None:
    """Writes a row of five pictures; the driving frame is the one in the middle of the clip."""
    pipeline = kinema.load(model_name, device="cpu")
    with kinema.open_video(driving) as video:
        frames = [frame.image for frame in video]
    pictures = (kinema.read_image(still), frames[len(frames) // 2])
    source, posed = (pipeline.frame(picture, "auto").apply(picture) for picture in pictures)
    with torch.no_grad():
        encoded = pipeline.model.encode(to_frames(source))
        kp_driving = pipeline.detect(to_frames(posed))
        made, motion = pipeline.model.animate(encoded, kp_driving)
    row = [
        mark(source, encoded.kp.value[0]),
        mark(posed, kp_driving.value[0]),
        resize(to_images(made)[0], (SIDE, SIDE)),
    ]
    row.append(paint((motion.deformation[0].movedim(-1, 0) + 1) / 2))
    if motion.occlusion is not None:
        row.append(paint(motion.occlusion[0]))
    write_image(Path(out), contact_sheet([row]))
    print(f"{out}: source, driving, made, where pixels come from, what the source shows (white)")


if __name__ == "__main__":
    main(*sys.argv[1:])
