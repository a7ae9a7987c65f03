"""Writes frames into numbered PNG files."""

from __future__ import annotations

import os
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

from PIL import Image as pil

from kinema.core.atomic_output import put_in_place
from kinema.video.info import Image
from kinema.video.writing.one_picture import comment_options


class PngSink:
    """Writes PNG files numbered from 0 into a folder that appears when complete, or into an existing one by pattern."""

    def __init__(self, target: Path, temporary: Path, pattern: str | None) -> None:
        self._target = target
        self._temporary = temporary
        self._pattern = pattern
        self._count = 0
        self._options: dict[str, Any] = {}
        temporary.mkdir()

    def describe(self, comment: str) -> None:
        """Every picture will carry the comment."""
        self._options = comment_options("PNG", comment)

    def write(self, image: Image, time: Fraction, duration: Fraction) -> None:
        """Writes a frame; PNG frames carry no times."""
        self.write_picture(pil.fromarray(image))

    def write_picture(self, picture: pil.Image) -> None:
        """Writes a frame of any mode that PNG supports, such as one with a palette."""
        picture.save(self._temporary / ((self._pattern or "%05d.png") % self._count), **self._options)
        self._count += 1

    def finish(self) -> None:
        """Does nothing, since frames are written at once."""

    def abort(self) -> None:
        """Does nothing, since no file is open."""

    def put_in_place(self) -> None:
        """Renames the folder, or moves its files and removes those of an earlier run with the same pattern."""
        if self._pattern is None:
            put_in_place(self._temporary, self._target)
            return
        for file in sorted(self._temporary.iterdir()):
            os.replace(file, self._target / file.name)
        self._temporary.rmdir()
        before, after = re.split(r"%0?\d*d", self._pattern)
        numbered = re.compile(re.escape(before) + r"(\d+)" + re.escape(after))
        for file in list(self._target.iterdir()):
            found = numbered.fullmatch(file.name)
            if found and int(found[1]) >= self._count and self._pattern % int(found[1]) == file.name:
                file.unlink()
