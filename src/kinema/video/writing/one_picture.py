"""Writes one picture to a file that appears complete or not at all, also as a video of one frame."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

from PIL import Image as pil

from kinema.core.atomic_output import put_in_place
from kinema.core.checks import InputError
from kinema.video.info import Image

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
_JPEG_QUALITY = 95
_OPTIONS: dict[str, dict[str, Any]] = {
    ".webp": {"lossless": True},
    ".jpg": {"quality": _JPEG_QUALITY},
    ".jpeg": {"quality": _JPEG_QUALITY},
}


def save_picture(path: Path, suffix: str, image: Image) -> None:
    """Encodes (H, W, 3) uint8, or (H, W, 4) if the format has alpha, in the format of ``suffix``, not of ``path``."""
    pil.fromarray(image).save(path, format=pil.registered_extensions()[suffix], **_OPTIONS.get(suffix, {}))


class PictureSink:
    """Writes a single frame to a file."""

    def __init__(self, target: Path, temporary: Path) -> None:
        self._target = target
        self._temporary = temporary
        self._written = False

    def write(self, image: Image, time: Fraction, duration: Fraction) -> None:
        """Writes the frame; a second one is refused."""
        if self._written:
            raise InputError(one_picture_only(self._target))
        save_picture(self._temporary, self._target.suffix.lower(), image)
        self._written = True

    def finish(self) -> None:
        """Does nothing, since the frame is written at once."""

    def abort(self) -> None:
        """Does nothing, since no file is open."""

    def put_in_place(self) -> None:
        """Renames the file."""
        put_in_place(self._temporary, self._target)


def one_picture_only(target: Path) -> str:
    """The error message for a second frame."""
    return f"{target}: is one picture and the result has more frames; give .mp4, .gif, a folder or frames/%05d.png"
