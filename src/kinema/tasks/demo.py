# pyright: strict
"""Animates a still that comes with kinema: a portrait with a talking head, or an emoji with another one's dance."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np

from kinema.core.checks import InputError
from kinema.core.progress import Progress, ignore
from kinema.runtime.models import Models
from kinema.tasks.animate import AnimateRequest, AnimateResult, animate
from kinema.tasks.animation.choose_model import FACE_MODEL, OTHER_MODEL, can_follow_faces
from kinema.tasks.animation.request import AUTO
from kinema.video import contact_sheet, open_video, read_image, resize, write_image

SHEET_FRAMES = 8


@dataclass(frozen=True)
class DemoFiles:
    """What the demo leaves.

    Attributes:
        animated: the result.
        side_by_side: source, driving and result.
        sheet: a few frames of driving and result.
        report: of the animation.
        model: that was used.
    """

    animated: Path
    side_by_side: Path
    sheet: Path
    report: AnimateResult
    model: str


def run_demo(folder: Path, models: Models, progress: Progress = ignore, *, model: str = AUTO) -> DemoFiles:
    """Animates a bundled still into ``folder``, which is made if it does not exist.

    Args:
        folder: to write into.
        models: where the model comes from.
        progress: told of the frames.
        model: shipped model, model folder, or folder of a run; "auto" moves a portrait where the extra ``head`` is
            installed, and an emoji elsewhere.

    Raises:
        InputError: the folder cannot be made or written into.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be made ({error.strerror}); give another folder") from error
    animated, beside, sheet = folder / "animated.mp4", folder / "side_by_side.mp4", folder / "contact_sheet.png"
    with as_file(files("kinema") / "assets") as assets:
        if model == AUTO:
            model = FACE_MODEL if can_follow_faces() else OTHER_MODEL
        names = ("portrait.jpg", "talking.mp4") if model == FACE_MODEL else ("still.png", "driving.mp4")
        still, driving = (assets / name for name in names)
        plain = AnimateRequest(source=still, driving=driving, output=animated, model=model)
        report = animate(plain, models, progress)
        animate(plain.replace(output=beside, side_by_side=True), models, progress)
        write_image(sheet, make_sheet(read_image(still), driving, animated))
    return DemoFiles(animated, beside, sheet, report, model)


def make_sheet(still: np.ndarray, driving: Path, animated: Path, *, columns: int = SHEET_FRAMES) -> np.ndarray:
    """Two rows, driving above result, the source at the left.

    Args:
        still: uint8 (H, W, 3), the source.
        driving: clip file.
        animated: file that was generated from it.
        columns: frames shown, evenly spaced.

    Returns:
        uint8 (H', W', 3).
    """
    upper, lower = _spread_frames(driving, columns), _spread_frames(animated, columns)
    size = (lower[0].shape[0], lower[0].shape[1])
    blank = np.full((*size, 3), 255, dtype=np.uint8)
    return contact_sheet([[blank, *(resize(image, size) for image in upper)], [resize(still, size), *lower]])


def _spread_frames(path: Path, count: int) -> list[np.ndarray]:
    """Up to ``count`` evenly spaced frames, two passes so that only they are held."""
    with open_video(path) as reader:
        total = sum(1 for _ in reader)
    wanted = {round(index * (total - 1) / max(1, count - 1)) for index in range(count)}
    with open_video(path) as reader:
        return [frame.image for number, frame in enumerate(reader) if number in wanted]
