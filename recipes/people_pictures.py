"""Pictures of docs/repose.md: one test person in eight poses, and a walk beside the true one.

usage: people_pictures.py MODEL DATA [ABLATION]

DATA is shared/data/people. ABLATION is the model without deformable skips; with it the strip has a third row.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch

import kinema
from kinema.core.types import Joints
from kinema.data.people import PersonImage, read_people
from kinema.video import contact_sheet, open_video, resize, write_image

IMAGES = Path(__file__).parents[1] / "docs" / "images"
PERSON, WALKER = "0264", "0264"
POSES, WALK_FRAMES, ENLARGED = 8, 8, 2


def joints_of(image: PersonImage) -> Joints:
    """One row."""
    return Joints(torch.from_numpy(image.points[None]).float(), torch.from_numpy(image.present[None]))


def enlarge(image: np.ndarray) -> np.ndarray:
    """Twice as large, to be looked at."""
    return resize(image, (image.shape[0] * ENLARGED, image.shape[1] * ENLARGED))


def strip(models: list[str], data: Path) -> None:
    """The person, the true pictures of eight poses, and what each model makes of the first one."""
    people = [image for image in read_people(data / "market128x64", "test") if image.identity == PERSON]
    source, others = people[0], people[1 : POSES + 1]
    rows = [[source.picture(), *(image.picture() for image in others)]]
    for name in models:
        person = kinema.load(name, device="cpu").prepare(source.picture(), joints_of(source))
        rows.append([source.picture(), *(person.step(joints_of(image)) for image in others)])
    labels = ["source, and the true pictures", *(f"made by {Path(name).name}" for name in models)]
    write_image(IMAGES / "repose.png", contact_sheet([[enlarge(cell) for cell in row] for row in rows], labels))


def walk(model: str, data: Path) -> None:
    """Frames of the walking video of a test person, and the walk made of one of their pictures."""
    stored = np.load(data / "video" / f"walk-{WALKER}-128x64.npz")
    source = next(image for image in read_people(data / "market128x64", "test") if image.identity == WALKER)
    person = kinema.load(model, device="cpu").prepare(source.picture(), joints_of(source))
    count = len(stored["yx"])
    chosen = [round(index * count / WALK_FRAMES) for index in range(WALK_FRAMES)]
    with open_video(data / "video" / f"walk-{WALKER}-128x64.mp4") as reader:
        true = {frame.index: frame.image for frame in reader if frame.index in chosen}
    made = []
    for index in chosen:
        points = torch.from_numpy(stored["yx"][index][:, ::-1].copy()).float()[None]
        made.append(person.step(Joints(points, torch.ones(1, points.shape[1], dtype=torch.bool))))
    rows = [[source.picture(), *(true[index] for index in chosen)], [source.picture(), *made]]
    labels = ["source, and the true walk", "the walk made of the source"]
    write_image(IMAGES / "repose-walk.png", contact_sheet([[enlarge(cell) for cell in row] for row in rows], labels))


if __name__ == "__main__":
    strip([sys.argv[1], *sys.argv[3:]], Path(sys.argv[2]))
    walk(sys.argv[1], Path(sys.argv[2]))
