"""Enter pictures of people with annotated poses; leave batches of two pictures of one person, and nothing on disk.

The form is pose-gan's: ``annotations-SPLIT.csv`` with lines ``name:keypoints_y:keypoints_x``, the identity before the
first "_" of a name, pictures in ``images-SPLIT.tar``, ``images-SPLIT/`` or ``SPLIT/``, and ``pairs-SPLIT.csv`` with
lines ``from,to``.
"""

from __future__ import annotations

import csv
import io
import json
import tarfile
import zipfile
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from pydantic import Field

from kinema.core.checks import InputError
from kinema.core.config import Config
from kinema.core.random import numpy_generator
from kinema.core.types import Joints, PoseBatch
from kinema.data.augment import NUM_DRAWS, augment_pairs, no_augmentation
from kinema.data.cache import Level, Side
from kinema.data.fit import fit_image, fit_mask, fit_points
from kinema.ops.skeleton import JOINTS, TORSO, mirror_joints

MISSING = -1
_ANNOTATIONS = "annotations-{}.csv"
_BROKEN = (OSError, KeyError, ValueError, IndexError, zipfile.BadZipFile)  # what a damaged .npz raises


class PeopleConfig(Config):
    """How pictures of people are fitted and varied."""

    size: tuple[Side, Side] = Field(default=(128, 64), description="height and width of the frames, in pixels")
    fit: Literal["stretch", "pad"] = Field(default="pad", description="other aspect ratios: pad with background")
    background: tuple[Level, Level, Level] = Field(default=(255, 255, 255), description="RGB beside a padded picture")
    horizontal_flip: float = Field(default=0, ge=0, le=1, description="share of pairs that are mirrored, both pictures")
    colour: float = Field(
        default=0,
        ge=0,
        le=0.5,
        description="a pair's brightness, contrast and saturation change by a factor 1 +- this, its hue by half of it",
    )
    whole_torso: bool = Field(default=True, description="leave out pictures without both hips and both shoulders")


@dataclass(frozen=True, eq=False)
class PersonImage:
    """One annotated picture.

    Attributes:
        name: of the file, unique in its split.
        identity: who it shows.
        points: (18, 2) points (x, y) in pixels.
        present: (18,) bool, False where a joint is missing.
        content: gives the bytes of the file.
        mask: gives (H, W) bool, where the person is; None where nobody says.
        visible: (18,) bool, joints that nothing hides; None where nobody says.
    """

    name: str
    identity: str
    points: np.ndarray
    present: np.ndarray
    content: Callable[[], bytes]
    mask: Callable[[], np.ndarray] | None = None
    visible: np.ndarray | None = None

    def picture(self) -> np.ndarray:
        """(H, W, 3) uint8 RGB, decoded anew at each call.

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
        InputError: there is no such split, a file is broken, a picture is missing, or a person of this split is in
            another one too, so that what is measured there would have been learned.
    """
    path = folder / _ANNOTATIONS.format(split)
    known = stated_people_splits(folder)
    if split not in known:
        raise InputError(f"{folder}: has no {path.name}; splits there: {', '.join(known) or 'none'}")
    rows = read_annotations(path)
    identities = {_identity(name) for name in rows}
    for other in known:
        shared = (
            set()
            if other == split
            else identities & {_identity(name) for name in read_annotations(folder / _ANNOTATIONS.format(other))}
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
            name, _identity(name), *rows[name], content=contents[name], mask=masks.get(name), visible=visible.get(name)
        )  # in order, whatever the file's is
        for name in sorted(rows)
    )


def read_pairs(folder: Path, split: str, people: Sequence[PersonImage]) -> tuple[tuple[int, int], ...]:
    """The pairs that ``pairs-SPLIT.csv`` lists, as rows of ``people``: source and driving.

    Raises:
        InputError: the file is missing, names an unknown picture, or joins two people.
    """
    path = folder / f"pairs-{split}.csv"
    row_of = {image.name: row for row, image in enumerate(people)}
    pairs = []
    for cells in _read_csv(path, ("from", "to"), delimiter=","):
        for name in cells:
            if name not in row_of:
                raise InputError(f"{path}: '{name}' is no picture of {split}; correct the line or remove it")
        source, driving = (row_of[name] for name in cells)
        if people[source].identity != people[driving].identity:
            raise InputError(f"{path}: '{cells[0]}' and '{cells[1]}' show two people; pairs are of one")
        pairs.append((source, driving))
    return tuple(pairs)


class PersonPairs:
    """Batches of two pictures of a person, computed from (seed, step, row) without any state, as ``PairSource`` does.

    A picture is drawn first, then another one of the same person. Pictures are decoded when they are drawn and poses
    stay points: what networks see of them is made on the fly.
    """

    def __init__(self, people: Sequence[PersonImage], config: PeopleConfig, seed: int) -> None:
        """Takes the pictures of one split, in any order.

        Raises:
            InputError: nobody has two usable pictures.
        """
        self.config = config
        self.seed = seed
        usable = [image for image in people if not config.whole_torso or image.present[list(TORSO)].all()]
        rows: dict[str, list[PersonImage]] = defaultdict(list)
        for image in sorted(usable, key=lambda image: image.name):
            rows[image.identity].append(image)
        self._of_person = {identity: images for identity, images in rows.items() if len(images) > 1}
        self._drawn = [image for images in self._of_person.values() for image in images]
        if not self._drawn:
            raise InputError(
                f"pairs of people: of {len(people)} pictures, {len(usable)} have usable poses, and none two of one "
                "person; give more pictures a person, named PERSON_ANYTHING.jpg"
            )

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of every frame, in pixels."""
        return self.config.size

    @property
    def num_people(self) -> int:
        """Number of people."""
        return len(self._of_person)

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self._drawn)

    def batch(self, step: int, batch_size: int, *, rank: int = 0, world_size: int = 1) -> PoseBatch:
        """The samples of one process at one step.

        Args:
            step: 0 or more.
            batch_size: B, samples of this process.
            rank: this process, 0 to ``world_size`` - 1; it gets rows rank * B to (rank + 1) * B of the whole batch.
            world_size: number of processes.

        Returns:
            B pairs, frames (B, 3, H, W) in [0, 1].
        """
        if not (batch_size > 0 and step >= 0 and 0 <= rank < world_size):
            raise ValueError(f"step {step}, batch_size {batch_size}, rank {rank} of {world_size} is not a batch")
        pairs, mirrored, draws = [], [], []
        for row in range(batch_size):
            rng = numpy_generator("people", self.seed, step, rank * batch_size + row)
            source = self._drawn[rng.integers(len(self._drawn))]
            others = [image for image in self._of_person[source.identity] if image is not source]
            pairs.append((source, others[rng.integers(len(others))]))
            mirrored.append(bool(rng.random() < self.config.horizontal_flip))
            draws.append(rng.random(NUM_DRAWS, dtype=np.float32))
        batch = load_pairs(pairs, self.config, mirrored=mirrored)
        if not self.config.colour:
            return batch
        strength = self.config.colour
        how = no_augmentation().model_copy(
            update={"brightness": strength, "contrast": strength, "saturation": strength, "hue": strength / 2}
        )
        both = augment_pairs(torch.stack([batch.source, batch.driving], dim=1), torch.from_numpy(np.stack(draws)), how)
        return replace(batch, source=both[:, 0].contiguous(), driving=both[:, 1].contiguous())


def load_pairs(
    pairs: Sequence[tuple[PersonImage, PersonImage]], config: PeopleConfig, *, mirrored: Sequence[bool] | None = None
) -> PoseBatch:
    """Given pairs as a batch.

    Args:
        pairs: source and driving picture of each row.
        config: how they are fitted.
        mirrored: for each row whether both are mirrored; None mirrors none.

    Returns:
        B pairs, frames (B, 3, H, W) in [0, 1], joints within the frame.
    """
    flips = mirrored or [False] * len(pairs)
    frames, poses = [], []
    masks = [load_mask(driving, config) for _, driving in pairs]
    for which in (0, 1):
        images = [load_person(pair[which], config) for pair in pairs]
        rows = [
            (frame.flip(-1), mirror_joints(joints, config.size[1])) if flip else (frame, joints)
            for (frame, joints), flip in zip(images, flips, strict=True)
        ]
        frames.append(torch.stack([frame for frame, _ in rows]))
        value, present = (torch.cat([getattr(joints, name) for _, joints in rows]) for name in ("value", "present"))
        poses.append(Joints(value, present))
    known = [mask.flip(-1) if flip else mask for mask, flip in zip(masks, flips, strict=True) if mask is not None]
    mask = torch.stack(known) if len(known) == len(pairs) else None
    return PoseBatch(frames[0], frames[1], poses[0], poses[1], mask=mask)


def load_person(image: PersonImage, config: PeopleConfig) -> tuple[torch.Tensor, Joints]:
    """One picture as a frame (3, H, W) in [0, 1] and its joints, one row; a joint that was cut off is missing."""
    picture = image.picture()
    fitted = fit_image(picture, config.size, config.fit, config.background)
    frame = torch.from_numpy(np.array(fitted)).movedim(-1, 0).to(torch.float32).div_(255)
    points = image.points
    if picture.shape[:2] != config.size:
        points = fit_points(points, (picture.shape[0], picture.shape[1]), config.size, config.fit)
    value = torch.from_numpy(np.asarray(points, dtype=np.float32))
    return frame.contiguous(), Joints(value[None], torch.from_numpy(image.present)[None])


def load_mask(image: PersonImage, config: PeopleConfig) -> torch.Tensor | None:
    """Where the person of a picture is in its frame: (1, H, W) in [0, 1], or None where nobody says."""
    if image.mask is None:
        return None
    fitted = fit_mask(image.mask(), config.size, config.fit)
    return torch.from_numpy(fitted).to(torch.float32)[None]


def _read_masks(folder: Path, split: str) -> dict[str, Callable[[], np.ndarray]]:
    """Name to what gives its mask, out of ``masks-SPLIT.npz``: names, and masks packed along the rows."""
    path = folder / f"masks-{split}.npz"
    if not path.is_file():
        return {}
    try:
        with np.load(path) as stored:
            names, packed, (height, width) = (stored[name] for name in ("name", "packed", "shape"))
    except _BROKEN as error:
        raise InputError(f"{path}: masks cannot be read ({error}); give arrays name, packed, shape") from error
    if packed.dtype != np.uint8 or packed.shape != (len(names), height, -(-width // 8)):
        raise InputError(
            f"{path}: packed is {packed.dtype} {packed.shape}, expected uint8 {(len(names), height, -(-width // 8))}: "
            "np.packbits of each mask along its rows"
        )
    return {str(name): _PackedMask(row, int(width)) for name, row in zip(names, packed, strict=True)}


def _read_visible(folder: Path, split: str) -> dict[str, np.ndarray]:
    """Name to (18,) bool, out of ``keypoints-SPLIT.npz``: names, and which joints nothing hides."""
    path = folder / f"keypoints-{split}.npz"
    if not path.is_file():
        return {}
    try:
        with np.load(path) as stored:
            names, visible = stored["name"], stored["visible"]
    except _BROKEN as error:
        raise InputError(f"{path}: cannot be read ({error}); give arrays name, visible, or remove it") from error
    if visible.dtype != bool or visible.shape != (len(names), len(JOINTS)):
        raise InputError(f"{path}: visible is {visible.dtype} {visible.shape}, expected bool ({len(names)}, 18)")
    return {str(name): row for name, row in zip(names, visible, strict=True)}


def _identity(name: str) -> str:
    return Path(name).name.split("_")[0]


def read_annotations(path: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The joints of each picture that a file of pose-gan annotates, in the order of the file.

    Args:
        path: CSV with lines ``name:keypoints_y:keypoints_x``; "-1", Market-1501's identity of nobody, is left out.

    Returns:
        Name to (18, 2) points (x, y) in pixels and (18,) presence.

    Raises:
        InputError: the file cannot be read, or a line is broken.
    """
    rows: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for name, *texts in _read_csv(path, ("name", "keypoints_y", "keypoints_x"), delimiter=":"):
        try:
            y, x = (np.array(json.loads(text), dtype=np.float64) for text in texts)
            points = np.stack([x, y], axis=1)
        except (ValueError, TypeError) as error:
            raise InputError(f"{path}: '{name}' has no lists of numbers; write name:[y, ...]:[x, ...]") from error
        if points.shape != (len(JOINTS), 2):
            raise InputError(f"{path}: '{name}' has {len(points)} joints, expected {len(JOINTS)}, -1 where missing")
        if name in rows:
            raise InputError(f"{path}: '{name}' is annotated twice; remove one line")
        if _identity(name) != str(MISSING):
            rows[name] = (points, (points != MISSING).all(axis=1))
    return rows


def _read_csv(path: Path, columns: tuple[str, ...], *, delimiter: str) -> list[tuple[str, ...]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, delimiter=delimiter)
            if not set(columns) <= set(reader.fieldnames or ()):
                raise InputError(f"{path}: its first line is not {delimiter.join(columns)}; write that header")
            return [tuple((cells[column] or "").strip() for column in columns) for cells in reader]
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); make it or give another folder") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not a CSV file in UTF-8 ({error}); save it as such") from error


def _find_contents(folder: Path, split: str) -> Mapping[str, Callable[[], bytes]]:
    """File name to what gives its bytes. A tar stays packed: its files are read where they lie."""
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
