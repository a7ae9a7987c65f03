# pyright: strict, reportUnknownMemberType=false
"""Makes a neutral face in a photo smile in several variations: videos and a contact sheet.

Pictures are generated and written one at a time; of the sheet a few small ones are held.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from kinema.core.atomic_output import check_parent, one_line, remove, replace_files, temporary_beside
from kinema.core.checks import InputError
from kinema.core.progress import Advanced, Progress, ignore
from kinema.core.request import Request, Seed
from kinema.faces.detector import choose_face
from kinema.faces.landmark_files import read_landmarks
from kinema.faces.landmarks import LOWER_INNER_LIP, UPPER_INNER_LIP, face_frame, to_face
from kinema.faces.reduced_photo import photo_at_most
from kinema.faces.window import FaceWindow
from kinema.runtime.models import Models
from kinema.video import VideoWriter, read_image, resize, write_image
from kinema.video.info import Image
from kinema.video.writing.picture_or_video import STILL_SUFFIXES

SHEET = "sheet.png"
# Of the contact sheet: frames of a smile, the longest side of a cell in pixels, and what it shows about the face in
# sides of the model's frame.
SHEET_COLUMNS, CELL_SIDE, AROUND = 8, 192, 1.3
# Of the eye distance: wider open, a mouth is not neutral.
OPEN_MOUTH = 0.08
# Of the face's extent: so far its landmarks may lie outside the photo, which may cut a chin or a cheek off.
OUTSIDE = 0.25
FORMATS = ("mp4", "mov", "mkv", "webm", "avi", "gif", "webp")
_OURS = re.compile(rf"smile-\d+\.({'|'.join(FORMATS)})|{re.escape(SHEET)}")
MAX_MODES, MAX_LENGTH = 64, 2000
# A face is generated far smaller, and videos beyond H.264's usual levels do not play everywhere.
VIDEO_SIDE = 1280
# Of x264: several videos are encoded at once, and its slower presets each hold some forty frames.
PRESET = "veryfast"


class SmileRequest(Request):
    """Whose face is to smile, and how.

    Attributes:
        photo: picture file of a neutral face, anywhere in it.
        output: folder for one video a smile and a contact sheet, or a video file that shows them beside each other.
        label: class of expression, one of the model's.
        modes: how many smiles; more than the model has are variations.
        intensity: how far the face moves, 1 as the model says.
        seed: of a variation; None takes what the model finds most likely.
        length: frames; None is what the model learned.
        frame_rate: of the videos; None is what the model learned.
        landmarks: file of the photo's 68 landmarks; None detects them (extra ``face``).
        face: which of several, from left to right, 1 the first; None takes the only large one.
        any_turn: also take a face that looks aside.
        full_size: make videos as large as the photo; otherwise a longer side than 1280 pixels becomes 1280.
        form: suffix of the videos of a folder.
        model: a smile or expression_gan model: shipped, a model folder, or the folder of a run.
    """

    photo: Path
    output: Path
    label: str = "spontaneous"
    modes: int = 3
    intensity: float = 1.0
    seed: Seed | None = None
    length: int | None = None
    frame_rate: Fraction | None = None
    landmarks: Path | None = None
    face: int | None = None
    any_turn: bool = False
    full_size: bool = False
    form: str = "mp4"
    model: str = "smile-faces"


@dataclass(frozen=True)
class SmileResult:
    """What was written.

    Attributes:
        paths: the videos, then the sheet.
        frames: of each video.
        remark: what a person should know of the photo, or None.
    """

    paths: tuple[Path, ...]
    frames: int
    remark: str | None


def smile(request: SmileRequest, models: Models, progress: Progress = ignore) -> SmileResult:
    """Makes a face smile.

    Args:
        request: what to do.
        models: where the model comes from.
        progress: told of the frames.

    Returns:
        The files, which all appear or none does.

    Raises:
        InputError: a file cannot be read or written, no one face is found, or an option is out of range.
        MissingExtraError: landmarks have to be detected and the extra ``face`` is not installed.
    """
    _check(request)
    pipeline = models.faces(request.model)
    photo = read_image(request.photo)
    landmarks = _landmarks(request, photo)
    if not request.full_size:
        photo, landmarks = photo_at_most(VIDEO_SIDE, photo, landmarks)
    face = pipeline.in_photo(photo, landmarks)
    takes = face.sequences(
        request.label, modes=request.modes, length=request.length, intensity=request.intensity, seed=request.seed
    )
    learned = Fraction(pipeline.model.config.expressions.frame_rate).limit_denominator(1001)
    rate = request.frame_rate or learned
    count, length = len(takes), takes.shape[1]
    moments = np.linspace(0, length - 1, min(SHEET_COLUMNS, length)).round().astype(int).tolist()
    cell = _cell(photo, landmarks, pipeline.size)
    sheet: list[list[Image]] = [[] for _ in range(count)]

    def pictures() -> Iterator[list[Image]]:
        """The photo at each moment of all takes."""
        for moment in range(length):
            images = [face.picture(take[moment]) for take in takes]
            if moment in moments:
                for row, image in zip(sheet, images, strict=True):
                    row.append(cell(image))
            yield images
            progress(Advanced("smiling", moment + 1, length))

    if request.output.suffix:
        with VideoWriter(request.output, frame_rate=rate, preset=PRESET) as writer:
            for images in pictures():
                writer.write(np.concatenate(images, axis=1))
        paths: tuple[Path, ...] = (request.output,)
    else:
        names = [f"smile-{index + 1}.{request.form}" for index in range(count)]
        paths = _write_folder(request.output, names, rate, pictures(), sheet)
    return SmileResult(paths, length, _remark(request.photo, landmarks))


def _check(request: SmileRequest) -> None:
    """Refuses before the work what cannot be done."""
    if not 1 <= request.modes <= MAX_MODES:
        raise InputError(f"--modes {request.modes}: give 1 to {MAX_MODES}")
    if not 0 <= request.intensity <= 3:
        raise InputError(f"--intensity {request.intensity}: give 0 (no movement) to 3, 1 as the model learned")
    if request.length is not None and not 2 <= request.length <= MAX_LENGTH:
        raise InputError(f"--length {request.length}: give 2 to {MAX_LENGTH} frames")
    if request.form not in FORMATS:
        raise InputError(f"--format {request.form}: give one of {', '.join(FORMATS)}")
    suffix = request.output.suffix.lower()
    if suffix in STILL_SUFFIXES:
        raise InputError(
            f"{request.output}: is a picture; give a folder, for a video of each smile and a sheet, or an .mp4 or .gif"
        )
    if request.output.is_file() and not suffix:
        raise InputError(f"{request.output}: is a file; give a folder, which is made, or a video, .mp4 or .gif")
    check_parent(request.output)


def _landmarks(request: SmileRequest, photo: Image) -> Tensor:
    """(68, 2) in pixels of the photo."""
    if request.landmarks is None:
        found = choose_face(photo, what=str(request.photo), number=request.face, any_turn=request.any_turn)
        return torch.from_numpy(found.landmarks).float()
    track = read_landmarks(request.landmarks)
    if len(track.landmarks) != 1:
        raise InputError(
            f"{request.landmarks}: has landmarks of {len(track.landmarks)} frames; give those of the photo"
        )
    points = torch.as_tensor(track.landmarks[0]).float()
    size = (photo.shape[0], photo.shape[1])
    if track.size is not None and tuple(track.size) != size:
        raise InputError(
            f"{request.landmarks}: is of a picture of {track.size[1]}x{track.size[0]}, {request.photo} has "
            f"{size[1]}x{size[0]} pixels; give the landmarks of this photo"
        )
    low, high = points.min(dim=0).values, points.max(dim=0).values
    margin = OUTSIDE * float((high - low).max())
    if float(low.min()) < -margin or bool((high > points.new_tensor([size[1] - 1, size[0] - 1]) + margin).any()):
        raise InputError(
            f"{request.landmarks}: the landmarks reach {float(high[0]):.0f},{float(high[1]):.0f} from "
            f"{float(low[0]):.0f},{float(low[1]):.0f}, {request.photo} has {size[1]}x{size[0]} pixels; "
            "give those of this photo"
        )
    inside = ((points >= 0) & (points <= points.new_tensor([size[1] - 1, size[0] - 1]))).all(dim=1)
    if not inside.any() or float(face_frame(points).axis.square().sum()) < 1:
        raise InputError(
            f"{request.landmarks}: no face of {request.photo} lies there, or a point is missing; points are pixels "
            f"(x, y) of a picture of {size[1]}x{size[0]}"
        )
    return points


def _cell(photo: Image, landmarks: Tensor, size: tuple[int, int]) -> Callable[[Image], Image]:
    """What cuts the face out of the photo for the contact sheet."""
    window = FaceWindow.about(landmarks, size)
    middle = window.to_picture(torch.tensor([[(size[1] - 1) / 2, (size[0] - 1) / 2]]))[0]
    half = AROUND * window.scale * max(size) / 2
    height, width = photo.shape[:2]
    left, top = (int(max(0, float(centre) - half)) for centre in middle)
    right, bottom = (
        max(begin + 1, int(min(side, float(centre) + half)))
        for begin, side, centre in zip((left, top), (width, height), middle, strict=True)
    )
    left, top = min(left, width - 1), min(top, height - 1)
    longest = max(right - left, bottom - top)
    shrink = min(1.0, CELL_SIDE / longest)
    wanted = (max(1, round((bottom - top) * shrink)), max(1, round((right - left) * shrink)))

    def cut(image: Image) -> Image:
        return resize(np.ascontiguousarray(image[top:bottom, left:right]), wanted)

    return cut


def _write_folder(
    folder: Path, names: list[str], rate: Fraction, pictures: Iterator[list[Image]], sheet: list[list[Image]]
) -> tuple[Path, ...]:
    """Writes a video for each take and the sheet beside the target first, then puts them all in place.

    Smiles of an earlier run go, so that all that stand there belong to the sheet.
    """
    whole = temporary_beside(folder)
    with one_line(folder):
        try:
            whole.mkdir()
            with ExitStack() as stack:
                writers = [
                    stack.enter_context(VideoWriter(whole / name, frame_rate=rate, preset=PRESET)) for name in names
                ]
                for images in pictures:
                    for writer, image in zip(writers, images, strict=True):
                        writer.write(image)
            write_image(whole / SHEET, np.concatenate([np.concatenate(row, axis=1) for row in sheet]))
            replace_files(whole, folder, _OURS)
        finally:
            remove(whole)
    return tuple(folder / name for name in (*names, SHEET))


def _remark(photo: Path, landmarks: Tensor) -> str | None:
    points = to_face(landmarks, face_frame(landmarks))
    gap = float(points[LOWER_INNER_LIP, 1] - points[UPPER_INNER_LIP, 1])
    if gap < OPEN_MOUTH:
        return None
    return f"{photo}: the mouth is open; the model learned from neutral faces, a closed mouth gives better smiles"
