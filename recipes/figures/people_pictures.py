"""Pictures of docs/how-to/repose.md: one test person in eight poses, a walk beside the true one, and photographs.

usage: people_pictures.py MODEL DATA [ABLATION] [PHOTO ...]

DATA is shared/data (people, intel-scenes). ABLATION is the folder of the model without deformable skips; with it the
strip has a third row. Each PHOTO is a further picture to be reposed, beside two frames of a filmed room.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

import kinema
from kinema.core.types import Joints
from kinema.data.labelled.people import PersonImage, read_people
from kinema.framing.pixels import to_frames
from kinema.metrics.masked_quality import masked_l1, masked_ssim
from kinema.people.detector import BodyPoseDetector
from kinema.people.overlay import draw_skeleton
from kinema.video import contact_sheet, open_video, read_image, resize, write_image

IMAGES = Path(__file__).parents[2] / "docs" / "images"
PERSON, WALKER = "0264", "0264"
POSES, WALK_FRAMES, ENLARGED = 8, 8, 2
# Two people of a filmed room, and whose poses they and other photographs take.
ROOM, ROOM_FRAMES = "intel-scenes/clips/one-by-one-person-detection.mp4", (140, 1300)
WANTED = ("0261_c4s1_000003_00.jpg", "0266_c1s1_000000_00.jpg", "0262_c4s1_000003_00.jpg")
PHOTO_HEIGHT = 224


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


def walk_figures(model: str, data: Path) -> None:
    """Prints L1 and SSIM inside the exact masks over all frames of the five walks, beside repeating the source."""
    pipeline, people = kinema.load(model, device="cpu"), read_people(data / "market128x64", "test")
    figures: dict[str, list[torch.Tensor]] = {"made": [], "source repeated": []}
    for path in sorted((data / "video").glob("walk-*-128x64.npz")):
        stored = np.load(path)
        count, identity = len(stored["yx"]), path.name.split("-")[1]
        source = next(image for image in people if image.identity == identity)
        person = pipeline.prepare(source.picture(), joints_of(source))
        points = torch.from_numpy(stored["yx"][..., ::-1].copy()).float()
        there = torch.ones(1, points.shape[1], dtype=torch.bool)
        made = np.stack([person.step(Joints(points[index : index + 1], there)) for index in range(count)])
        with open_video(path.with_suffix(".mp4")) as reader:
            true = to_frames(np.stack([frame.image for frame, _ in zip(reader, range(count), strict=False)]))
        mask = torch.from_numpy(np.unpackbits(stored["masks"], axis=2).astype(bool))[:, None]
        shown = {"made": to_frames(made), "source repeated": to_frames(source.picture()).expand(count, -1, -1, -1)}
        for name, frames in shown.items():
            figures[name].append(torch.stack([masked_l1(frames, true, mask), masked_ssim(frames, true, mask)]))
    for name, values in figures.items():
        error, likeness = torch.cat(values, dim=1).mean(dim=1).tolist()
        print(f"walks, {name}: L1 {error:.4f}, SSIM {likeness:.4f} inside the mask, {len(values)} people")


def photos(model: str, data: Path, given: list[Path]) -> None:
    """Photographs, the poses found in them, and the people in other poses; poses are found by the extra ``pose``."""
    people = {image.name: image for image in read_people(data / "people" / "fashion256x176", "test")}
    with tempfile.TemporaryDirectory() as name, open_video(data / ROOM) as reader:
        folder = Path(name)
        chosen = {frame.index: frame.image for frame in reader if frame.index in ROOM_FRAMES}
        paths = []
        for index, image in chosen.items():
            paths.append(folder / f"room-{index}.png")
            write_image(paths[-1], image)
        wanted = []
        for pose in WANTED:
            wanted.append(folder / pose)
            write_image(wanted[-1], people[pose].picture())
        models, detector = kinema.Models(device="cpu"), BodyPoseDetector()
        rows = [
            [np.full((PHOTO_HEIGHT, PHOTO_HEIGHT, 3), 255, dtype=np.uint8)] * 2 + [read_image(path) for path in wanted]
        ]
        for path in [*paths, *given]:
            photo = read_image(path)
            joints = detector.detect(photo)[0].joints
            row = [photo, draw_skeleton(photo, joints.value[0].numpy(), joints.present[0].numpy())]
            for pose in wanted:
                kinema.repose(path, pose, folder / "made.png", model=model, models=models)
                row.append(read_image(folder / "made.png"))
            rows.append(row)
    write_image(IMAGES / "repose-photos.png", contact_sheet([[_to_height(cell) for cell in row] for row in rows]))


def _to_height(image: np.ndarray) -> np.ndarray:
    return resize(image, (PHOTO_HEIGHT, round(image.shape[1] * PHOTO_HEIGHT / image.shape[0])))


def main() -> None:
    """Makes all pictures."""
    model, data, *more = sys.argv[1], Path(sys.argv[2]), *sys.argv[3:]
    ablation = [name for name in more if Path(name).is_dir()]
    strip([model, *ablation], data / "people")
    walk(model, data / "people")
    walk_figures(model, data / "people")
    photos(model, data, [Path(name) for name in more if Path(name).is_file()])


if __name__ == "__main__":
    main()
