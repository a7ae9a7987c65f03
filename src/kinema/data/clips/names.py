"""Finds the files and splits that names written by people or spreadsheets refer to."""

from __future__ import annotations

import unicodedata
from pathlib import Path, PurePosixPath

TRAIN, VALIDATION, TEST = "train", "val", "test"
# Other common names of the three splits.
_SPLITS = {
    **{name: name for name in (TRAIN, VALIDATION, TEST)},
    "training": TRAIN,
    "valid": VALIDATION,
    "validation": VALIDATION,
    "testing": TEST,
}


def split_name(word: str) -> str:
    """The name of a split in kinema, without regard to case; other common names for train, val and test are known.

    >>> split_name("Train"), split_name("validation"), split_name("Fold1")
    ('train', 'val', 'fold1')
    """
    name = word.strip().casefold()
    return _SPLITS.get(name, name)


def split_of_folder(name: str) -> str | None:
    """The split whose clips are in a folder of this name, or None for other names."""
    return _SPLITS.get(name.casefold())


def composed(name: str) -> str:
    """The form (NFC) in which names are compared: macOS stores accents separately from letters, tables do not."""
    return unicodedata.normalize("NFC", name)


def find_below(folder: Path, name: str) -> Path | None:
    """Finds the file or folder ``name`` below ``folder``, whatever the Unicode normal form of its name on disk.

    Args:
        folder: where to look.
        name: a relative path with slashes.

    Returns:
        An existing path, or None if there is none, or if two names differ only in their normal form.
    """
    path = folder / name
    try:
        if path.exists():
            return path
        path = folder
        for part in PurePosixPath(name).parts:
            (path,) = [entry for entry in path.iterdir() if composed(entry.name) == composed(part)]
    except (OSError, ValueError):
        return None
    return path
