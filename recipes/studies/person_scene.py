"""Cuts a video of a static camera into clips with true masks, to measure parts on real video.

usage: person_scene.py VIDEO FOLDER

The true mask is where a frame differs from the empty scene, the median of the first frames, by more than ``LEVEL`` grey
levels in any channel; single pixels are removed. Shadows, and clothes in the colour of the wall, cause errors. The
first 70 % of the clips are for training.
"""

from __future__ import annotations

import sys
from itertools import islice
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from kinema.video import VideoWriter, open_video

LEVEL = 28
# Left edge of the square that is cut out: people stand right of the middle.
LEFT, SIDE = 80, 128
EMPTY_FRAMES = 24
LEAST_AREA, CLIP_FRAMES, TRAIN_FRACTION = 0.03, 48, 0.7


def empty_scene(video: Path) -> np.ndarray:
    """(128, 128, 3) uint8: the empty scene, as the video begins without people."""
    with open_video(video) as reader:
        return np.median([cut(frame.image) for frame in islice(reader, EMPTY_FRAMES)], axis=0).astype(np.uint8)


def cut(image: np.ndarray) -> np.ndarray:
    """The square that is cut out of (128, 224, 3)."""
    return image[:, LEFT : LEFT + SIDE]


def true_mask(image: np.ndarray, scene: np.ndarray) -> np.ndarray:
    """(128, 128) bool: what differs from the scene, after opening and closing with 5x5 pixels."""
    differs = np.abs(image.astype(int) - scene).max(axis=-1) > LEVEL
    mask = torch.from_numpy(differs)[None, None].float()
    for sign in (-1, 1, 1, -1):  # erode, dilate, dilate, erode
        mask = sign * F.max_pool2d(sign * mask, 5, stride=1, padding=2)
    return mask[0, 0].numpy() > 0.5


def main() -> None:
    """Writes FOLDER/clips, FOLDER/masks and FOLDER/index.csv."""
    video, folder = Path(sys.argv[1]), Path(sys.argv[2])
    scene = empty_scene(video)
    runs: list[list[tuple[np.ndarray, np.ndarray]]] = [[]]
    with open_video(video) as reader:
        rate = reader.info.frame_rate
        for frame in reader:
            image = cut(frame.image).copy()
            mask = true_mask(image, scene)
            if mask.mean() < LEAST_AREA or len(runs[-1]) == CLIP_FRAMES:
                runs.append([])
            if mask.mean() >= LEAST_AREA:
                runs[-1].append((image, mask))
    runs = [run for run in runs if len(run) >= CLIP_FRAMES // 2]
    rows = ["code,split"]
    for name in ("clips", "masks"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for number, run in enumerate(runs):
        rows.append(f"p{number:02d},{'train' if number < TRAIN_FRACTION * len(runs) else 'test'}")
        with (
            VideoWriter(folder / "clips" / f"p{number:02d}.mp4", frame_rate=rate, crf=12) as clip,
            VideoWriter(folder / "masks" / f"p{number:02d}.mp4", frame_rate=rate, crf=12) as truth,
        ):
            for image, mask in run:
                clip.write(image)
                truth.write(np.repeat(mask[..., None], 3, axis=-1).astype(np.uint8) * 255)
    (folder / "index.csv").write_text("\n".join(rows) + "\n")
    print(f"{folder}: {len(runs)} clips, {sum(map(len, runs))} frames")


if __name__ == "__main__":
    main()
