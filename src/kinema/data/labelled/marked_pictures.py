"""Reads folders of pictures with manually annotated landmarks in DeepLabCut's layout."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import torch
from torch import Tensor

from kinema.core.checks import InputError

HEADER_ROWS = ("scorer", "bodyparts", "coords")
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif")


@dataclass(frozen=True)
class LabelledPictures:
    """Pictures with the same landmarks.

    Attributes:
        names: of the landmarks, L.
        paths: of the pictures, N.
        landmarks: (N, L, 2) pixels (x, y), NaN where one is not annotated.
    """

    names: tuple[str, ...]
    paths: tuple[Path, ...]
    landmarks: Tensor


def find_label_table(folder: Path) -> Path | None:
    """The CSV file of a folder that begins as DeepLabCut's do, or None."""
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
            if next(csv.reader(stream), [""])[:1] == [HEADER_ROWS[0]]:
                return path
    return None


def read_labelled_pictures(table: Path) -> LabelledPictures:
    """Reads a table and finds its pictures beside it.

    A row's picture is FOLDER/NAME, FOLDER/PATH_WITH_UNDERSCORES, or the path itself, with any picture suffix.

    Raises:
        InputError: the table is broken, or a picture is missing.
    """
    with table.open(encoding="utf-8-sig", newline="") as stream:
        rows = [row for row in csv.reader(stream) if row]
    if tuple(row[0] for row in rows[:3]) != HEADER_ROWS or len(rows) < 4:
        raise InputError(f"{table}: its first rows must be {', '.join(HEADER_ROWS)}, and pictures must follow")
    names = rows[1][1::2]
    paths, points = [], []
    for row in rows[3:]:
        try:
            values = [float(cell) if cell.strip() else math.nan for cell in row[1:]]
        except ValueError as error:
            raise InputError(f"{table}: the row of {row[0]} holds no numbers ({error}); mend it") from error
        if len(values) != 2 * len(names):
            raise InputError(f"{table}: the row of {row[0]} has {len(values)} numbers instead of {2 * len(names)}")
        paths.append(_find_picture(table, row[0]))
        points.append(values)
    return LabelledPictures(tuple(names), tuple(paths), torch.tensor(points).unflatten(1, (-1, 2)))


def _find_picture(table: Path, written: str) -> Path:
    plain = PurePosixPath(written.replace("\\", "/"))
    for stem in (plain.with_suffix(""), plain.with_suffix("").name, "_".join(plain.with_suffix("").parts)):
        for suffix in (plain.suffix, *PICTURE_SUFFIXES):
            candidate = table.parent / f"{stem}{suffix}"
            if candidate.is_file():
                return candidate
    raise InputError(f"{table}: the picture {written} is not beside it; put {plain.name} there")
