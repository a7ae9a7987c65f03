"""Enter names that a person or a spreadsheet wrote; leave the files and splits that they mean."""

from __future__ import annotations

import unicodedata
from pathlib import Path, PurePosixPath

TRAIN, VALIDATION, TEST = "train", "val", "test"
# What else people call the three.
_SPLITS = {
    **{name: name for name in (TRAIN, VALIDATION, TEST)},
    "training": TRAIN,
    "valid": VALIDATION,
    "validation": VALIDATION,
    "testing": TEST,
}


def split_name(word: str) -> str:
    """A split as kinema calls it: case does not matter, and the usual other words for train, val and test are known.

    >>> split_name("Train"), split_name("validation"), split_name("Fold1")
    ('train', 'val', 'fold1')
    """
    name = word.strip().casefold()
    return _SPLITS.get(name, name)


def split_of_folder(name: str) -> str | None:
    """The split whose clips lie in a folder of this name, or None where it is another name."""
    return _SPLITS.get(name.casefold())


def composed(name: str) -> str:
    """The one form (NFC) in which names are compared: macOS stores accents apart from their letters, tables do not."""
    return unicodedata.normalize("NFC", name)


def find_below(folder: Path, name: str) -> Path | None:
    """The file or folder that ``name`` means below ``folder``, in whichever normal form the disk has it.

    Args:
        folder: where to look.
        name: a relative path with slashes.

    Returns:
        An existing path, or None where there is none, or where two differ in nothing but their form.
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
