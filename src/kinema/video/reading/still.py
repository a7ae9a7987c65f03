"""Still pictures by Pillow: a file in, upright opaque RGB out."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image as pil
from PIL import ImageOps, UnidentifiedImageError

from kinema.core.checks import InputError
from kinema.video.info import Color, Image, check_size
from kinema.video.reading.alpha import composite

STILL_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF", "PPM", "TGA", "JPEG2000", "AVIF", "ICO")
"""Formats Pillow may be asked for. Its readers of video and vector formats need outside programs, so they stay out."""

_SIDEWAYS = {5, 6, 7, 8}
_EXIF_ORIENTATION = 0x0112
_HEIF_BRANDS = {b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"}


class NotAPictureError(InputError):
    """Pillow does not know the file's format; it may still be a video."""


@contextmanager
def open_still(path: Path, data: BinaryIO | None = None) -> Iterator[pil.Image]:
    """An open Pillow image whose size has been checked and whose pixels are not yet decoded.

    Args:
        path: of the file, or what messages call it.
        data: what to read in its place, from its beginning.

    Raises:
        NotAPictureError: the format is not known to Pillow.
        InputError: too large, HEIF, or damaged (also while the caller decodes it).
    """
    try:
        with open(path, "rb") if data is None else nullcontext(data) as file:
            head = file.read(12)
            file.seek(0)
    except OSError as error:
        # Taken away since it was listed, or not ours to read.
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the file") from error
    if head[4:8] == b"ftyp" and head[8:12] in _HEIF_BRANDS:
        raise InputError(f"{path}: HEIF pictures (.heic) are not read; save it as JPEG or PNG first")
    try:
        with warnings.catch_warnings():
            # check_size below gives the one line; Pillow's own warning about size would be a second.
            warnings.simplefilter("ignore", pil.DecompressionBombWarning)
            with pil.open(path if data is None else data, formats=STILL_FORMATS) as image:
                check_size(path, height=image.height, width=image.width)
                yield image
    except UnidentifiedImageError as error:
        raise NotAPictureError(f"{path}: is no picture or video that can be read; give JPEG, PNG, MP4 ...") from error
    except pil.DecompressionBombError as error:
        raise InputError(f"{path}: the picture is too large to be read; make it smaller first") from error
    except InputError:
        raise
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        # Pillow reports damaged files with any of these; SyntaxError is its PNG reader's.
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: the picture is damaged or cut short ({reason}); save it again") from error


def decode_still(path: Path, background: Color) -> Image:
    """The first picture in a file, turned as its EXIF orientation says.

    Args:
        path: an existing file.
        background: shown through transparent pixels.

    Returns:
        (H, W, 3) uint8 RGB. 16-bit grey is reduced to 8 bits, CMYK converted without its colour profile.
    """
    with open_still(path) as image:
        return to_rgb(ImageOps.exif_transpose(image), background, path)


def still_size(path: Path) -> tuple[int, int]:
    """(height, width) after EXIF orientation, from the header alone."""
    with open_still(path) as image:
        turned = image.getexif().get(_EXIF_ORIENTATION) in _SIDEWAYS
        return (image.width, image.height) if turned else (image.height, image.width)


def to_rgb(image: pil.Image, background: Color, path: Path) -> Image:
    """Any mode of Pillow as opaque RGB.

    Args:
        image: the picture, of any mode except floating point.
        background: shown through transparent pixels.
        path: for the message.

    Returns:
        (H, W, 3) uint8, writable.
    """
    if image.mode == "F":
        raise InputError(f"{path}: floating-point pictures have no known range; save it as 8-bit or 16-bit PNG")
    if image.mode.startswith("I"):
        return _reduce_deep_grey(image, path)
    if image.has_transparency_data or image.mode in ("RGBa", "La"):
        return composite(np.asarray(image.convert("RGBA")), background)
    return np.array(image.convert("RGB"))


def _reduce_deep_grey(image: pil.Image, path: Path) -> Image:
    """16-bit grey to 8 bits by dividing by 257, which maps 65535 to 255 exactly."""
    values = np.asarray(image).astype(np.int64)
    if values.size and (values.min() < 0 or values.max() > 65535):
        raise InputError(f"{path}: grey values beyond 16 bits have no known range; save it as 8-bit or 16-bit PNG")
    grey = ((values + 128) // 257).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)  # (H, W, 3)
