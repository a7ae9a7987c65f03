"""Draws the pictures of docs/how-to/smile.md: a test person and photographed people, each with three smiles.

usage: smile_pictures.py SMILE_MODEL EXPRESSION_MODEL DATA

DATA is shared/data (smiles, london-faces). Writes smile-test.png, smile-portrait.png and smile-portraits.png
into docs/images.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import kinema
from kinema.data.labelled.expression_clips import LabelledClip, read_labelled_clips
from kinema.faces.detector import choose_face
from kinema.faces.window import FaceWindow
from kinema.video import open_video, read_image, resize, write_image

IMAGES = Path(__file__).parents[2] / "docs" / "images"
PERSON, TIME_STEPS, CELL = "131", (0, 4, 8, 12, 16, 20, 25, 31), 128
PORTRAIT, PORTRAITS = "013", ("001", "030", "005", "022", "062", "082")
APEX = 15


def frames_of(clip: LabelledClip) -> list[np.ndarray]:
    """All of them."""
    with open_video(clip.path) as reader:
        return [frame.image for frame in reader]


def cell(image: np.ndarray) -> np.ndarray:
    """Of one size."""
    return resize(image, (CELL, CELL))


def row(images: list[np.ndarray]) -> np.ndarray:
    """Beside each other."""
    return np.concatenate([cell(image) for image in images], axis=1)


def portrait(folder: Path, number: str, kind: str) -> tuple[np.ndarray, Tensor]:
    """A photograph of data/london-faces and its landmarks."""
    path = folder / f"{kind}_front" / f"{number}_{'03' if kind == 'neutral' else '08'}.jpg"
    image = read_image(path)
    return image, torch.from_numpy(choose_face(image, what=str(path)).landmarks).float()


def about_face(image: np.ndarray, landmarks: Tensor) -> np.ndarray:
    """The square that the model sees, at the photo's own resolution."""
    rows, columns = FaceWindow.about(landmarks, (96, 96)).region((image.shape[0], image.shape[1]))
    side = min(rows.stop - rows.start, columns.stop - columns.start)
    return image[rows.start : rows.start + side, columns.start : columns.start + side]


def test_person(model: Any, expression: Any, data: Path) -> np.ndarray:
    """True clips of both labels, each above what the models make of their first frame."""
    clips = [clip for clip in read_labelled_clips(data / "smiles", "test") if clip.identity == PERSON]
    rows = []
    for label in ("posed", "spontaneous"):
        for clip in (clip for clip in clips if clip.label == label):
            frames = frames_of(clip)
            rows.append(row([frames[time_step] for time_step in TIME_STEPS]))
        smile = model.prepare(frames[0], clip.known_landmarks()[0])
        rows += [row([smile.step(take[time_step]) for time_step in TIME_STEPS]) for take in smile.sequences(label)]
        generated = list(expression.frames(frames[0], label, length=len(frames) // 2))
        rows.append(row([generated[time_step // 2] for time_step in TIME_STEPS]))
    return np.concatenate(rows)


def smiling(model: Any, image: np.ndarray, landmarks: Tensor, label: str, time_steps: tuple[int, ...]) -> list[Any]:
    """For each of three smiles the face at each time_step."""
    face = model.in_photo(image, landmarks)
    return [
        [about_face(face.picture(take[m]), landmarks) for m in time_steps] for take in face.sequences(label, modes=3)
    ]


def main() -> None:
    """Writes the pictures."""
    model, expression, data = kinema.load(sys.argv[1]), kinema.load(sys.argv[2]), Path(sys.argv[3])
    london = data / "london-faces"
    write_image(IMAGES / "smile-test.png", test_person(model, expression, data))
    image, landmarks = portrait(london, PORTRAIT, "neutral")
    rows = [row(images) for images in smiling(model, image, landmarks, "spontaneous", TIME_STEPS)]
    write_image(IMAGES / "smile-portrait.png", np.concatenate(rows))
    rows = []
    for number in PORTRAITS:
        image, landmarks = portrait(london, number, "neutral")
        generated = [images[0] for images in smiling(model, image, landmarks, "spontaneous", (APEX,))]
        face = expression.in_photo(image, landmarks)
        take = face.sequences("spontaneous", modes=1)[0]
        painted = about_face(face.picture(take[len(take) // 2]), landmarks)
        true, of_true = portrait(london, number, "smiling")
        rows.append(row([about_face(image, landmarks), *generated, painted, about_face(true, of_true)]))
    left, right = np.concatenate(rows[: len(rows) // 2]), np.concatenate(rows[len(rows) // 2 :])
    write_image(IMAGES / "smile-portraits.png", np.concatenate([left, right], axis=1))


if __name__ == "__main__":
    main()
