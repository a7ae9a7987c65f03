"""Reads annotations of people from pose-gan's CSV tables."""

from __future__ import annotations

import csv
import json
import zipfile
from pathlib import Path

import numpy as np

from kinema.core.checks import InputError
from kinema.people.skeleton import JOINTS

MISSING = -1


UNREADABLE = (OSError, KeyError, ValueError, IndexError, zipfile.BadZipFile)  # errors of reading a damaged .npz


def identity_of(name: str) -> str:
    """The identity of the person in a picture: in Market-1501 and DeepFashion its file name begins with it."""
    return Path(name).name.split("_")[0]


def read_annotations(path: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Reads the joints of all pictures that a file of pose-gan annotates, in the order of the file.

    Args:
        path: CSV with lines ``name:keypoints_y:keypoints_x``. Market-1501's identity "-1", pictures without a person,
            is left out.

    Returns:
        Name to (18, 2) points (x, y) in pixels and (18,) bool, whether each is present.

    Raises:
        InputError: the file cannot be read, or a line is broken.
    """
    rows: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for name, *texts in read_csv(path, ("name", "keypoints_y", "keypoints_x"), delimiter=":"):
        try:
            y, x = (np.array(json.loads(text), dtype=np.float64) for text in texts)
            points = np.stack([x, y], axis=1)
        except (ValueError, TypeError, OverflowError, RecursionError) as error:
            raise InputError(f"{path}: '{name}' has no lists of numbers; write name:[y, ...]:[x, ...]") from error
        if not np.isfinite(points).all():
            raise InputError(f"{path}: '{name}' has numbers that are not finite; write -1 where a joint is missing")
        if points.shape != (len(JOINTS), 2):
            raise InputError(f"{path}: '{name}' has {len(points)} joints, expected {len(JOINTS)}, -1 where missing")
        if name in rows:
            raise InputError(f"{path}: '{name}' is annotated twice; remove one line")
        if identity_of(name) != str(MISSING):
            rows[name] = (points, (points != MISSING).all(axis=1))
    return rows


def read_csv(path: Path, columns: tuple[str, ...], *, delimiter: str) -> list[tuple[str, ...]]:
    """Reads some columns of a CSV file with a header, one tuple for each line.

    Args:
        path: of the file.
        columns: their names, in the order wanted.
        delimiter: between cells.

    Raises:
        InputError: the file cannot be read or lacks a column.
    """
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
