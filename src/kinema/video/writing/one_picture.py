"""One picture into a file, whole or not at all; of a video's writer, the kind that takes one frame."""

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
    """Encodes (H, W, 3) or, where the kind holds alpha, (H, W, 4) uint8 as the suffix says, whatever the path's own."""
    pil.fromarray(image).save(path, format=pil.registered_extensions()[suffix], **_OPTIONS.get(suffix, {}))


class PictureSink:
    """A file for one frame."""

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
        """Nothing is held back."""

    def abort(self) -> None:
        """Nothing is open."""

    def put_in_place(self) -> None:
        """Renames the file."""
        put_in_place(self._temporary, self._target)


def one_picture_only(target: Path) -> str:
    """What is said where more frames come than a picture holds."""
    return f"{target}: is one picture and the result has more frames; give .mp4, .gif, a folder or frames/%05d.png"
