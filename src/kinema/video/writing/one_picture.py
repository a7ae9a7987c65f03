"""Writes one picture to a file that appears complete or not at all, also as a video of one frame."""

from __future__ import annotations

import html
from fractions import Fraction
from pathlib import Path
from typing import Any

from PIL import Image as pil
from PIL.PngImagePlugin import PngInfo

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


def save_picture(path: Path, suffix: str, image: Image, comment: str | None = None) -> None:
    """Encodes (H, W, 3) uint8, or (H, W, 4) if the format has alpha, in the format of ``suffix``, not of ``path``.

    A comment goes where the kind has room for one: .bmp has none.
    """
    kind = pil.registered_extensions()[suffix]
    said = {} if comment is None else comment_options(kind, comment)
    pil.fromarray(image).save(path, format=kind, **_OPTIONS.get(suffix, {}), **said)


def comment_options(kind: str, comment: str) -> dict[str, Any]:
    """What Pillow is given to write a comment into a file of a kind, such as "PNG"."""
    if kind == "PNG":
        text = PngInfo()
        text.add_itxt("Comment", comment)
        return {"pnginfo": text}
    if kind == "JPEG":
        return {"comment": comment.encode()}
    if kind == "TIFF":
        return {"description": comment}
    return {"xmp": xmp_packet(comment)} if kind == "WEBP" else {}


def xmp_packet(comment: str) -> bytes:
    """A comment as XMP (ISO 16684-1), in the description of Dublin Core."""
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:description><rdf:Alt>'
        f'<rdf:li xml:lang="x-default">{html.escape(comment)}</rdf:li>'
        "</rdf:Alt></dc:description></rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()


class PictureSink:
    """Writes a single frame to a file."""

    def __init__(self, target: Path, temporary: Path) -> None:
        self._target = target
        self._temporary = temporary
        self._written = False
        self._comment: str | None = None

    def describe(self, comment: str) -> None:
        """Keeps the comment for the frame."""
        self._comment = comment

    def write(self, image: Image, time: Fraction, duration: Fraction) -> None:
        """Writes the frame; a second one is refused."""
        if self._written:
            raise InputError(one_picture_only(self._target))
        save_picture(self._temporary, self._target.suffix.lower(), image, self._comment)
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
