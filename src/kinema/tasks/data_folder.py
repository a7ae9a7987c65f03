# pyright: strict
"""Refuses to replace a folder unless it holds nothing but what `kinema data` writes."""

from __future__ import annotations

import os
import re
from pathlib import Path

from kinema.core.checks import InputError
from kinema.data.clips.folder import CLIPS_FOLDER
from kinema.data.clips.index import INDEX_NAME

SOURCE_NAME = "SOURCE.txt"
PHOTOS_NAME = "photos.csv"
_PLAIN = "|".join(re.escape(name) for name in (CLIPS_FOLDER, INDEX_NAME, SOURCE_NAME, PHOTOS_NAME))
_OURS = re.compile(rf"{_PLAIN}|(train|val|test)-\d+\.(mp4|npz)")


def check_data_folder(folder: Path, *, overwrite: bool) -> None:
    """Refuses a folder that is not empty, unless it may be replaced and holds nothing but what this verb writes.

    Raises:
        InputError: the message names what is in the way.
    """
    if not os.path.lexists(folder):
        return
    if not folder.is_dir():
        raise InputError(f"{folder}: is a file; give a new folder")
    names = [entry.name for entry in folder.iterdir()]
    if names and not overwrite:
        raise InputError(f"{folder}: exists; give a new folder or remove it")
    clips = folder / CLIPS_FOLDER
    names += [entry.name for entry in clips.iterdir()] if clips.is_dir() else []
    for name in names:
        if not _OURS.fullmatch(name):
            raise InputError(f"{folder}: holds other files ({name}) than those of kinema data; give a new folder")
