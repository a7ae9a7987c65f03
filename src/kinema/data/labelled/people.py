"""Reads pictures of people with annotated poses, without writing anything to disk.

The layout is pose-gan's: ``annotations-SPLIT.csv`` with lines ``name:keypoints_y:keypoints_x``, the identity before the
first "_" of a name, pictures in ``images-SPLIT.tar``, ``images-SPLIT/`` or ``SPLIT/``, and ``pairs-SPLIT.csv`` with
lines ``from,to``.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from kinema.core.checks import InputError
from kinema.people.pose_csv import UNREADABLE, identity_of, read_annotations, read_csv
from kinema.people.skeleton import JOINTS

_ANNOTATIONS = "annotations-{}.csv"


@dataclass(frozen=True, eq=False)
class PersonImage:
    """One annotated picture.

    Attributes:
        name: of the file, unique in its split.
        identity: of the person.
        points: (18, 2) points (x, y) in pixels.
        present: (18,) bool, False where a joint is missing.
        content: returns the bytes of the file.
        mask: returns the mask of the person, (H, W) bool; None if unknown.
        visible: (18,) bool, which joints are not hidden; None if unknown.
    """

    name: str
    identity: str
    points: np.ndarray
    present: np.ndarray
    content: Callable[[], bytes]
    mask: Callable[[], np.ndarray] | None = None
    visible: np.ndarray | None = None

    def picture(self) -> np.ndarray:
        """The picture, (H, W, 3) uint8 RGB, decoded at each call.

        Raises:
            InputError: the file is missing or damaged.
        """
        try:
            with Image.open(io.BytesIO(self.content())) as image:
                return np.asarray(image.convert("RGB"))
        except (OSError, UnidentifiedImageError, SyntaxError, ValueError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise InputError(
                f"picture '{self.name}': cannot be read ({reason}); replace it or its annotation"
            ) from error


def stated_people_splits(folder: Path) -> tuple[str, ...]:
    """The splits for which ``folder`` has annotations, sorted."""
    before, after = _ANNOTATIONS.split("{}")
    return tuple(
        sorted(path.name.removeprefix(before).removesuffix(after) for path in folder.glob(_ANNOTATIONS.format("*")))
    )


def read_people(folder: Path, split: str) -> tuple[PersonImage, ...]:
    """The annotated pictures of a split, by name.

    Args:
        folder: as the module describes.
        split: such as "train" or "test".

    Raises:
        InputError: there is no such split, a file is broken, a picture is missing, or a person of this split is also in
            another one, so that a model would be tested on people that it has learned.
    """
    path = folder / _ANNOTATIONS.format(split)
    known = stated_people_splits(folder)
    if split not in known:
        raise InputError(f"{folder}: has no {path.name}; splits there: {', '.join(known) or 'none'}")
    rows = read_annotations(path)
    identities = {identity_of(name) for name in rows}
    for other in known:
        shared = (
            set()
            if other == split
            else identities & {identity_of(name) for name in read_annotations(folder / _ANNOTATIONS.format(other))}
        )
        if shared:
            raise InputError(
                f"{folder}: person '{min(shared)}' is in the splits {split} and {other}; people must be in one only"
            )
    contents = _find_contents(folder, split)
    missing = [name for name in rows if name not in contents]
    if missing:
        raise InputError(f"{path}: '{missing[0]}' and {len(missing) - 1} more are not among the pictures of {split}")
    masks, visible = _read_masks(folder, split), _read_visible(folder, split)
    return tuple(
        PersonImage(
            name,
            identity_of(name),
            *rows[name],
            content=contents[name],
            mask=masks.get(name),
            visible=visible.get(name),
        )  # in order of names, whatever the order of the file
        for name in sorted(rows)
    )


def read_pairs(folder: Path, split: str, people: Sequence[PersonImage]) -> tuple[tuple[int, int], ...]:
    """The pairs that ``pairs-SPLIT.csv`` lists, as rows of ``people``: source and driving.

    Raises:
        InputError: the file is missing, names an unknown picture, or pairs two people.
    """
    path = folder / f"pairs-{split}.csv"
    row_of = {image.name: row for row, image in enumerate(people)}
    pairs = []
    for cells in read_csv(path, ("from", "to"), delimiter=","):
        for name in cells:
            if name not in row_of:
                raise InputError(f"{path}: '{name}' is no picture of {split}; correct the line or remove it")
        source, driving = (row_of[name] for name in cells)
        if people[source].identity != people[driving].identity:
            raise InputError(f"{path}: '{cells[0]}' and '{cells[1]}' show two people; pairs are of one")
        pairs.append((source, driving))
    return tuple(pairs)


def _read_masks(folder: Path, split: str) -> dict[str, Callable[[], np.ndarray]]:
    """Name to a function that returns its mask, from ``masks-SPLIT.npz``: names, and masks packed along the rows."""
    path = folder / f"masks-{split}.npz"
    if not path.is_file():
        return {}
    try:
        with np.load(path) as stored:
            names, packed, (height, width) = (stored[name] for name in ("name", "packed", "shape"))
    except UNREADABLE as error:
        raise InputError(f"{path}: masks cannot be read ({error}); give arrays name, packed, shape") from error
    if packed.dtype != np.uint8 or packed.shape != (len(names), height, -(-width // 8)):
        raise InputError(
            f"{path}: packed is {packed.dtype} {packed.shape}, expected uint8 {(len(names), height, -(-width // 8))}: "
            "np.packbits of each mask along its rows"
        )
    return {str(name): _PackedMask(row, int(width)) for name, row in zip(names, packed, strict=True)}


def _read_visible(folder: Path, split: str) -> dict[str, np.ndarray]:
    """Name to (18,) bool from ``keypoints-SPLIT.npz``: names, and which joints are not hidden."""
    path = folder / f"keypoints-{split}.npz"
    if not path.is_file():
        return {}
    try:
        with np.load(path) as stored:
            names, visible = stored["name"], stored["visible"]
    except UNREADABLE as error:
        raise InputError(f"{path}: cannot be read ({error}); give arrays name, visible, or remove it") from error
    if visible.dtype != bool or visible.shape != (len(names), len(JOINTS)):
        raise InputError(f"{path}: visible is {visible.dtype} {visible.shape}, expected bool ({len(names)}, 18)")
    return {str(name): row for name, row in zip(names, visible, strict=True)}


def _find_contents(folder: Path, split: str) -> Mapping[str, Callable[[], bytes]]:
    """File name to a function that returns its bytes. A tar is not unpacked: its files are read in place."""
    archive = folder / f"images-{split}.tar"
    if archive.is_file():
        try:
            with tarfile.open(archive, "r:") as tar:
                members = [member for member in tar if member.isfile()]
        except (tarfile.TarError, OSError) as error:
            raise InputError(f"{archive}: not a plain tar file ({error}); pack it without compression") from error
        return {Path(member.name).name: _SliceOfFile(archive, member.offset_data, member.size) for member in members}
    for inner in (folder / f"images-{split}", folder / split):
        if inner.is_dir():
            return {path.name: path.read_bytes for path in inner.iterdir() if path.is_file()}
    raise InputError(f"{folder}: has neither images-{split}.tar nor images-{split}/ nor {split}/; give the pictures")


@dataclass(frozen=True, eq=False)
class _PackedMask:
    packed: np.ndarray
    width: int

    def __call__(self) -> np.ndarray:
        return np.unpackbits(self.packed, axis=1, count=self.width).astype(bool)


@dataclass(frozen=True)
class _SliceOfFile:
    path: Path
    offset: int
    size: int

    def __call__(self) -> bytes:
        with self.path.open("rb") as stream:
            stream.seek(self.offset)
            return stream.read(self.size)
