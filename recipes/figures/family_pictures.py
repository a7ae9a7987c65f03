"""Draws the pictures of the pages about monkey_net-emoji and co_part-emoji, from test clips of shared/data/emoji.

usage: family_pictures.py DATA FOLDER

Writes parts.png, swap.png, lock.png (co_part-emoji), predict.png and monkey_net.png (monkey_net-emoji) into FOLDER.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

import kinema
from kinema.runtime.models import Models
from kinema.systems.abilities import PartsPipeline
from kinema.video import contact_sheet, open_video, overlay, part_colours, write_image

# Test clips, one for each motion, chosen by name before any picture was drawn: objects, faces, hands, people, animals.
PARTS = (
    "1f31b",
    "1f405",
    "1f481-1f3fb",
    "1f487-1f3fd",
    "1f498",
    "1f57a-1f3fb",
    "1f91f-1f3fb",
    "1f939-1f3fb",
    "1f998",
    "1f9a8",
)
SWAPS = (("1f481-1f3fe", "1f487-1f3fb", (4, 12)), ("1f939-1f3ff", "1f481-1f3fb", (4, 12)))
PREDICTED = ("1f481-1f3fb", "1f57a-1f3fb", "1f939-1f3fb", "1f91f-1f3fb")
MOVED = (("1f57a-1f3fb", "1f57a-1f3fe"), ("1f481-1f3fe", "1f481-1f3fb"))
COLUMNS = 8


def path_of(data: Path, code: str) -> Path:
    """File of a clip."""
    return data / "clips" / f"{code}.mp4"


def clip(data: Path, code: str) -> list[np.ndarray]:
    """Frames of a clip, uint8 (H, W, 3)."""
    return read(path_of(data, code))


def spaced(frames: list[np.ndarray], count: int = COLUMNS) -> list[np.ndarray]:
    """Evenly spaced frames."""
    return [frames[round(index * (len(frames) - 1) / (count - 1))] for index in range(count)]


def read(path: Path) -> list[np.ndarray]:
    """Frames of a folder or file."""
    with open_video(path) as reader:
        return [frame.image for frame in reader]


def parts_picture(model: PartsPipeline, data: Path) -> np.ndarray:
    """Ten clips: the middle frame, and its parts in colours."""
    colours = part_colours(model.num_parts + 1)
    shown = [frames[len(frames) // 2] for frames in (clip(data, code) for code in PARTS)]
    coloured = [overlay(image, model.labels(image[None])[0], colours, opacity=0.7) for image in shown]
    return contact_sheet([shown[:5], coloured[:5], shown[5:], coloured[5:]])


def swap_picture(models: Models, data: Path, scratch: Path) -> np.ndarray:
    """Each swap: source and target above, result below."""
    rows = []
    for number, (source, target, parts) in enumerate(SWAPS):
        generated = scratch / f"swap{number}"
        kinema.swap(path_of(data, source), path_of(data, target), generated, parts=parts, models=models)
        still = clip(data, source)[0]
        blank = np.full_like(still, 255)
        rows += [[still, *spaced(clip(data, target))], [blank, *spaced(read(generated))]]
    return contact_sheet(rows)


def lock_picture(models: Models, data: Path, scratch: Path) -> np.ndarray:
    """A still on a photographed wall: driven without and with the lock."""
    still, driving = scratch / "scene.png", path_of(data, "1f481-1f3fb")
    picture = on_a_wall(clip(data, "1f481-1f3fe")[0])
    write_image(still, picture)
    rows = [[picture, *spaced(clip(data, "1f481-1f3fb"))]]
    for name, lock in (("free", False), ("locked", True)):
        kinema.animate(still, driving, scratch / name, lock_background=lock, models=models)
        rows.append([np.full_like(picture, 255), *spaced(read(scratch / name))])
    return contact_sheet(rows)


def on_a_wall(image: np.ndarray) -> np.ndarray:
    """The picture with faint tiles where it is white; of a darker wall co_part-emoji sees parts."""
    rows, columns = np.indices(image.shape[:2])
    wall = np.where(np.expand_dims((rows // 8 + columns // 16) % 2, -1) == 0, (255, 255, 255), (236, 242, 250))
    return np.where((image.min(axis=-1) > 245)[..., None], wall, image).astype(np.uint8)


def predict_picture(models: Models, data: Path, scratch: Path) -> np.ndarray:
    """Each clip: the true frames, the prediction of the model, and another sample."""
    rows = []
    for code in PREDICTED:
        frames = clip(data, code)[:17]
        write_image(scratch / f"{code}.png", frames[0])
        rows.append(spaced(frames))
        for seed in (None, 1):
            generated = scratch / f"{code}-{seed}"
            kinema.predict(scratch / f"{code}.png", generated, frames=17, seed=seed, crop="none", models=models)
            rows.append(spaced(read(generated)))
    return contact_sheet(rows)


def moved_picture(models: Models, data: Path, scratch: Path) -> np.ndarray:
    """Each pair: the driving look above, the other look moved below."""
    rows = []
    for source, driving in MOVED:
        generated = scratch / f"moved-{source}"
        kinema.animate(
            path_of(data, source),
            path_of(data, driving),
            generated,
            crop="none",
            model="monkey_net-emoji",
            models=models,
        )
        still = clip(data, source)[0]
        rows += [[np.full_like(still, 255), *spaced(clip(data, driving))], [still, *spaced(read(generated))]]
    return contact_sheet(rows)


def main() -> None:
    """Writes the pictures."""
    data, folder = Path(sys.argv[1]), Path(sys.argv[2])
    models = Models()
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        write_image(folder / "parts.png", parts_picture(models.parts("co_part-emoji"), data))
        write_image(folder / "swap.png", swap_picture(models, data, scratch))
        write_image(folder / "lock.png", lock_picture(models, data, scratch))
        write_image(folder / "predict.png", predict_picture(models, data, scratch))
        write_image(folder / "monkey_net.png", moved_picture(models, data, scratch))


if __name__ == "__main__":
    main()
