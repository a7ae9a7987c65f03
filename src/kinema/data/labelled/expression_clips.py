"""Reads folders of clips with a label, an identity and landmarks each.

Two layouts are read. One is ``clips.csv`` with the columns ``clip,label,identity`` and optionally ``landmarks`` (a
landmark file, see ``faces.landmark_files``; without it ``clip_landmarks`` detects them) and ``split``; for UvA-NEMO,
write one line for each video.
The other is ``SPLIT.npz`` with one row for each clip: ``clip``, ``label``, ``label_names``, ``identity`` and
``landmarks`` (n, T, 68, 2) in pixels, 0.5 the centre of the first.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kinema.core.checks import InputError
from kinema.data.clips.folder import DEFAULT_SPLIT
from kinema.data.clips.index import has_content
from kinema.data.clips.names import composed, find_below, split_name
from kinema.faces.landmark_files import read_landmarks
from kinema.faces.landmarks import NUM_LANDMARKS

CSV_NAME = "clips.csv"
CSV_COLUMNS = ("clip", "label", "identity")
NPZ_FIELDS = ("clip", "label", "label_names", "identity", "landmarks")


@dataclass(frozen=True, eq=False)
class LabelledClip:
    """A clip of one person who shows one expression, the first frame neutral.

    Attributes:
        code: unique in its folder.
        path: of the video.
        label: name of the expression's class, such as "posed".
        identity: of the person.
        landmarks: (T, 68, 2) float32 points (x, y) in pixels of the video, 0 the centre of the first pixel; None if the
            folder has none.
    """

    code: str
    path: Path
    label: str
    identity: str
    landmarks: np.ndarray | None

    def known_landmarks(self) -> np.ndarray:
        """The landmarks, (T, 68, 2).

        Raises:
            InputError: there are none.
        """
        if self.landmarks is None:
            raise InputError(f"clip '{self.code}' has no landmarks; name a landmark file in the column landmarks")
        return self.landmarks


def labelled_splits(folder: Path) -> tuple[str, ...]:
    """The splits of a folder of labelled clips, sorted; empty if it is a folder of another kind."""
    if (folder / CSV_NAME).is_file():
        return tuple(sorted({row["split"] for row in _read_csv(folder / CSV_NAME)}))
    return tuple(sorted({split_name(path.stem) for path in _tables(folder)}))


def read_labelled_clips(folder: Path, split: str = DEFAULT_SPLIT) -> tuple[LabelledClip, ...]:
    """The clips of a split, by code.

    Args:
        folder: in one of the two layouts that the module describes.
        split: such as "train" or "test".

    Raises:
        InputError: there is no such split, a file is broken or missing, or a person of this split is also in another
            one, so that a model would be tested on people that it has learned.
    """
    known = labelled_splits(folder)
    if split not in known:
        told = f"splits there: {', '.join(known)}" if known else f"give a folder with {CSV_NAME} or SPLIT.npz"
        raise InputError(f"{folder}: has no labelled clips of split '{split}'; {told}")
    clips = _clips(folder, split)
    people = {clip.identity for clip in clips}
    for other in known:
        shared = people & _identities(folder, other) if other != split else set()
        if shared:
            raise InputError(
                f"{folder}: person '{min(shared)}' is in the splits {split} and {other}; people must be in one only"
            )
    return tuple(sorted(clips, key=lambda clip: clip.code))


def read_hidden_styles(folder: Path, split: str) -> dict[str, int]:
    """Code of each clip to its true style, for evaluation only: training never reads it.

    Raises:
        InputError: the folder does not state the styles.
    """
    table = _read_table(_table_of(folder, split), ("clip", "style"))
    return {_code(str(clip)): int(style) for clip, style in zip(table["clip"], table["style"], strict=True)}


def check_labels(clips: Sequence[LabelledClip], labels: Sequence[str]) -> None:
    """Refuses clips whose label a model does not know.

    Raises:
        InputError: the message names the first of them.
    """
    for clip in clips:
        if clip.label not in labels:
            found = sorted({clip.label for clip in clips})
            raise InputError(
                f"clip '{clip.code}' is labelled '{clip.label}', this config knows {', '.join(labels)}; "
                f"set labels=[{', '.join(found)}]"
            )


def _clips(folder: Path, split: str) -> list[LabelledClip]:
    if (folder / CSV_NAME).is_file():
        rows = [row for row in _read_csv(folder / CSV_NAME) if row["split"] == split]
        return [_clip_of_row(folder, row) for row in rows]
    path = _table_of(folder, split)
    table = _read_table(path, NPZ_FIELDS)
    names = [str(name) for name in table["label_names"]]
    points = table["landmarks"].astype(np.float32) - 0.5
    if points.ndim != 4 or points.shape[2:] != (NUM_LANDMARKS, 2):
        raise InputError(f"{path}: landmarks of shape {points.shape}, expected (n, T, {NUM_LANDMARKS}, 2)")
    return [
        LabelledClip(_code(str(clip)), folder / str(clip), names[int(label)], str(identity), landmarks)
        for clip, label, identity, landmarks in zip(
            table["clip"], table["label"], table["identity"], points, strict=True
        )
    ]


def _identities(folder: Path, split: str) -> set[str]:
    if (folder / CSV_NAME).is_file():
        return {row["identity"] for row in _read_csv(folder / CSV_NAME) if row["split"] == split}
    return {str(identity) for identity in _read_table(_table_of(folder, split), ("identity",))["identity"]}


def _clip_of_row(folder: Path, row: Mapping[str, str]) -> LabelledClip:
    points = None
    if row["landmarks"]:
        path = _file_of(folder, row["landmarks"])
        track = read_landmarks(path)
        if len(track.landmarks) < 2 or not track.present.all():
            missing = int((~track.present).sum())
            raise InputError(
                f"{path}: landmarks of {len(track.landmarks)} frames, {missing} of them without a face; expected two "
                "frames or more, each with one; leave the column empty to have them found"
            )
        points = track.landmarks
    return LabelledClip(_code(row["clip"]), _file_of(folder, row["clip"]), row["label"], row["identity"], points)


def _file_of(folder: Path, name: str) -> Path:
    """The file that a table names; if there is none, a path whose opening reports the error."""
    return find_below(folder, name) or folder / name


def _code(clip: str) -> str:
    path = Path(composed(clip))
    return str(path.with_suffix("") if path.name else path)


def _read_csv(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            reader.fieldnames = tuple(name.strip().lower() for name in reader.fieldnames or ())
            if not set(CSV_COLUMNS) <= set(reader.fieldnames):
                raise InputError(f"{path}: its first line is not {','.join(CSV_COLUMNS)}[,landmarks][,split]; write it")
            names = reader.fieldnames
            rows = [{name: (cells.get(name) or "").strip() for name in names} for cells in reader if has_content(cells)]
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); make it or give another folder") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not a CSV file in UTF-8 ({error}); save it as such") from error
    codes: set[str] = set()
    for row in rows:
        if not all(row[name] for name in CSV_COLUMNS):
            raise InputError(f"{path}: a line has no {' or '.join(CSV_COLUMNS)}: {','.join(row.values())}")
        if composed(row["clip"]) in codes:
            raise InputError(f"{path}: clip '{row['clip']}' is listed twice; remove one line")
        codes.add(composed(row["clip"]))
    return [{"landmarks": "", **row, "split": split_name(row.get("split") or DEFAULT_SPLIT)} for row in rows]


def _tables(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.glob("*.npz")) if _is_table(path)]


def _table_of(folder: Path, split: str) -> Path:
    """The table of a split, whatever the case of its name."""
    named = [path for path in sorted(folder.glob("*.npz")) if split_name(path.stem) == split]
    if len(named) > 1:
        raise InputError(f"{folder}: {named[0].name} and {named[1].name} are of one split; keep one of them")
    return named[0] if named else folder / f"{split}.npz"


def _is_table(path: Path) -> bool:
    try:
        with np.load(path) as table:
            return set(NPZ_FIELDS) <= set(table.files)
    except (OSError, ValueError):
        return False


def _read_table(path: Path, fields: Sequence[str]) -> dict[str, Any]:
    try:
        with np.load(path) as table:
            missing = [name for name in fields if name not in table.files]
            if missing:
                raise InputError(f"{path}: has no '{missing[0]}'; give a table with {', '.join(fields)}")
            return {name: table[name] for name in fields}
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: not a readable .npz file ({str(error).splitlines()[0]}); give another") from error
