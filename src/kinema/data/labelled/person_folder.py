"""Reads pictures and videos of people, cut to the person and with poses, into memory.

The identity of a person is the name of a sub-folder, or the part of a file's name before the first "_". Poses are read
from a file of the same name beside it (``.json``, ``.csv``, or ``NAME_keypoints.json``), else detected with the extra
``pose``. Nothing is written to disk: the cut pictures, some 10 kB each, and the joints are held in memory.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from kinema.core.checks import InputError, MissingExtraError
from kinema.core.types import Joints
from kinema.data.clips.folder import VIDEO_SUFFIXES, Unreadable, is_run_or_model, reason_without_path
from kinema.data.clips.names import TRAIN, split_of_folder
from kinema.data.labelled.people import PersonImage
from kinema.people.detector import BodyPoseDetector
from kinema.people.pose_files import read_poses
from kinema.people.window import window_about, window_height
from kinema.video import open_video, read_image, resize

PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"})
FRAMES_PER_VIDEO = 48
MIN_JOINTS = 6


@dataclass(frozen=True)
class PersonFolder:
    """The result of reading: ``people`` by name, and files that cannot be used, with reasons."""

    people: tuple[PersonImage, ...]
    unreadable: tuple[Unreadable, ...]


def read_person_folder(
    folder: Path,
    size: tuple[int, int],
    *,
    split: str = "train",
    on_progress: Callable[[int, int], None] | None = None,
) -> PersonFolder:
    """Reads the people of a folder of pictures and videos.

    Args:
        folder: with sub-folders ``train``, ``val``, ``test``, or sub-folders of people, or files.
        size: (height, width) for which pictures are cut; they keep up to twice its height.
        split: the sub-folder to read; if there are no splits, all files belong to "train".
        on_progress: called with the number of files done and of all files.

    Returns:
        Pictures with poses. A video gives at most ``FRAMES_PER_VIDEO`` frames, evenly spaced.

    Raises:
        InputError: the folder is missing, has no pictures and videos, or shows a person in two splits.
        MissingExtraError: a pose has to be detected and the extra ``pose`` is not installed.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: is no folder; give one of pictures or videos of people")
    files = _files_of_split(folder, split)
    people: list[PersonImage] = []
    unreadable: list[Unreadable] = []
    reader = _Reader(size)
    for index, (identity, path) in enumerate(files):
        try:
            people.extend(reader.read(identity, path, str(path.relative_to(folder))))
        except MissingExtraError:
            raise
        except (InputError, OSError) as error:
            unreadable.append(Unreadable(path, reason_without_path(error, path)))
        if on_progress is not None:
            on_progress(index + 1, len(files))
    return PersonFolder(tuple(people), tuple(unreadable))


def _files_of_split(folder: Path, split: str) -> list[tuple[str, Path]]:
    """Identity and path of every picture and video of a split."""
    if is_run_or_model(folder):
        raise InputError(f"{folder}: is the folder of a run or a model, not of people; give the pictures")
    splits: dict[str, Path] = {}
    for entry in sorted(folder.iterdir()):
        if (name := split_of_folder(entry.name)) and entry.is_dir():
            if name in splits:
                raise InputError(
                    f"{folder}: {splits[name].name} and {entry.name} are of one split; bring them into one folder"
                )
            splits[name] = entry
    splits = splits or {TRAIN: folder}
    if split not in splits:
        raise InputError(f"{folder}: has no split '{split}'; its splits are: {', '.join(splits)}")
    found = {name: list(_identified(path)) for name, path in splits.items()}
    own = {identity for identity, _ in found[split]}
    for name, files in found.items():
        shared = own & {identity for identity, _ in files} if name != split else set()
        if shared:
            raise InputError(f"{folder}: person '{min(shared)}' is in {split} and {name}; people must be in one only")
    if not found[split]:
        raise InputError(f"{splits[split]}: no pictures or videos in it; give a folder with some")
    return found[split]


def _identified(folder: Path) -> Iterator[tuple[str, Path]]:
    for entry in sorted(path for path in folder.iterdir() if not path.name.startswith(".")):
        if entry.is_dir():
            yield from ((entry.name, path) for path in sorted(_files_below(entry)) if _is_picture_or_video(path))
        elif _is_picture_or_video(entry):
            yield entry.stem.split("_")[0], entry


def _files_below(folder: Path) -> Iterator[Path]:
    """All files below a folder, except those in the folders of runs and models."""
    for here, inner, names in os.walk(folder):
        if is_run_or_model(Path(here)):
            inner.clear()
        else:
            yield from (Path(here, name) for name in names)


def _is_picture_or_video(path: Path) -> bool:
    suffix = path.suffix.lower()
    return path.is_file() and not path.name.startswith(".") and suffix in PICTURE_SUFFIXES | VIDEO_SUFFIXES


class _Reader:
    """Reads files one by one; the detector is created when it is first needed."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.size = size
        self._detector: BodyPoseDetector | None = None

    def read(self, identity: str, path: Path, name: str) -> list[PersonImage]:
        """The usable pictures of a file."""
        stated = _stated_poses(path)
        if path.suffix.lower() in PICTURE_SUFFIXES:
            frames: Iterator[tuple[int, np.ndarray]] = iter([(0, read_image(path))])
        else:
            frames = _spread_frames(path)
        images = []
        for index, image in frames:
            joints = self._detected(image) if stated is None else _row(stated, index, path)
            if joints is not None and int(joints.present.sum()) >= MIN_JOINTS:
                images.append(self._cut(identity, f"{name}:{index:06d}", image, joints))
        if not images:
            raise InputError(f"{path}: shows no person with {MIN_JOINTS} joints or more")
        return images

    def _detected(self, image: np.ndarray) -> Joints | None:
        if self._detector is None:
            self._detector = BodyPoseDetector()
        found = self._detector.detect(image)
        return found[0].joints if found else None

    def _cut(self, identity: str, name: str, image: np.ndarray, joints: Joints) -> PersonImage:
        aspect = self.size[1] / self.size[0]
        window = window_about(joints, window_height(joints, aspect), aspect)
        picture, inside = window.cut(image), window.inside(joints)
        value = inside.value[0].double()
        if picture.shape[0] > 2 * self.size[0]:
            small = (2 * self.size[0], 2 * self.size[1])
            scale = torch.tensor([small[1] / picture.shape[1], small[0] / picture.shape[0]], dtype=torch.float64)
            value, picture = (value + 0.5) * scale - 0.5, resize(picture, small)
        packed = io.BytesIO()
        Image.fromarray(picture).save(packed, format="PNG", compress_level=1)
        return PersonImage(name, identity, value.numpy(), inside.present[0].numpy(), packed.getvalue)


def _stated_poses(path: Path) -> Joints | None:
    for beside in (path.with_suffix(".json"), path.with_suffix(".csv"), path.with_name(f"{path.stem}_keypoints.json")):
        if beside.is_file():
            return read_poses(beside).joints
    return None


def _row(joints: Joints, index: int, path: Path) -> Joints:
    if index >= len(joints.value):
        raise InputError(
            f"{path}: its pose file has {len(joints.value)} poses, none for frame {index}; give one a frame"
        )
    return joints[index]


def _spread_frames(path: Path) -> Iterator[tuple[int, np.ndarray]]:
    """Numbers and pictures of at most ``FRAMES_PER_VIDEO`` evenly spaced frames of a video."""
    with open_video(path) as reader:
        known = reader.info.num_frames
        stride = max(1, -(-known // FRAMES_PER_VIDEO)) if known else 5
        taken = 0
        for frame in reader:
            if frame.index % stride == 0 and taken < FRAMES_PER_VIDEO:
                taken += 1
                yield frame.index, frame.image
