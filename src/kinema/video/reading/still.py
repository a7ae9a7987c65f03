"""Reads still pictures by Pillow as upright, opaque RGB."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from struct import error as StructError
from typing import BinaryIO

import numpy as np
from PIL import Image as pil
from PIL import UnidentifiedImageError
from PIL.TiffImagePlugin import TiffImageFile

from kinema.core.checks import InputError
from kinema.video.info import Color, Image, check_size
from kinema.video.reading.alpha import composite, strips
from kinema.video.reading.colour_profile import to_srgb
from kinema.video.reading.orientation import UPRIGHT, Turn, stored_view, turn_from_exif

STILL_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF", "PPM", "TGA", "JPEG2000", "AVIF", "ICO")
"""Formats that Pillow may open. Its readers of video and vector formats need external programs and are excluded."""

DAMAGE = (
    OSError,
    EOFError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    RuntimeError,
    ArithmeticError,
    StructError,
)
"""Errors of Pillow's readers on damaged files: SyntaxError comes from that of PNG, RuntimeError from that of AVIF."""

_EXIF_ORIENTATION = 0x0112
_SUBFILE_TYPE, _REDUCED = 0x00FE, 1
_HEIF_BRANDS = {b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"}


class NotAPictureError(InputError):
    """Pillow does not know the file's format; it may still be a video."""


@contextmanager
def open_still(path: Path, data: BinaryIO | None = None) -> Iterator[pil.Image]:
    """Opens a Pillow image and checks its size; its pixels are not decoded yet.

    Args:
        path: of the file, or its name for messages.
        data: read instead of the file, from its beginning.

    Raises:
        NotAPictureError: the format is not known to Pillow.
        InputError: too large, HEIF, or damaged.
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
            # check_size below reports the size in one line; Pillow's own warning would repeat it.
            warnings.simplefilter("ignore", pil.DecompressionBombWarning)
            image = pil.open(path if data is None else data, formats=STILL_FORMATS)
    except UnidentifiedImageError as error:
        raise NotAPictureError(f"{path}: is no picture or video that can be read; give JPEG, PNG, MP4 ...") from error
    except pil.DecompressionBombError as error:
        raise InputError(f"{path}: the picture is too large to be read; make it smaller first") from error
    except DAMAGE as error:
        raise _damaged(path, error) from error
    with image:
        check_size(path, height=image.height, width=image.width)
        _halve_transparent_colour(image)
        yield image


def decode_still(path: Path, background: Color) -> Image:
    """Decodes the first picture in a file, turned as its EXIF orientation says, in sRGB.

    Warns if the file is an animation or a document of several pages, of which only the first is used.

    Args:
        path: an existing file.
        background: shown through transparent pixels.

    Returns:
        (H, W, 3) uint8 RGB. 16-bit grey is reduced to 8 bits, CMYK converted without its colour profile.
    """
    with open_still(path) as image:
        count = count_pictures(image)
        if count > 1:
            warnings.warn(f"{path}: holds {count} pictures; the first is used", stacklevel=3)
        return to_rgb(image, background, path)


def count_pictures(image: pil.Image) -> int:
    """Counts the pictures in an opened file: the frames of an animation or the pages of a document.

    Smaller versions in a TIFF and the previews, depth and brightness maps that cameras append to a JPEG (MPO) are not
    counted. The file is left at its first picture.
    """
    try:
        count = getattr(image, "n_frames", 1)
    except DAMAGE:
        return 1
    if image.format == "MPO" or count == 1:
        return 1
    if not isinstance(image, TiffImageFile):
        return count
    pages = 0
    try:
        for index in range(count):
            image.seek(index)
            pages += not int(image.tag_v2.get(_SUBFILE_TYPE, 0)) & _REDUCED
    except DAMAGE:
        pages += 1
    image.seek(0)
    return max(1, pages)


def still_size(path: Path) -> tuple[int, int]:
    """(height, width) after EXIF orientation, from the header alone."""
    with open_still(path) as image:
        # Pillow has turned the size of a TIFF when it opens it.
        transposed = image.format != "TIFF" and _turn_of(image)[0]
        return (image.width, image.height) if transposed else (image.height, image.width)


def to_rgb(image: pil.Image, background: Color, path: Path) -> Image:
    """Converts a picture of any mode of Pillow to upright, opaque sRGB.

    Args:
        image: the picture, of any mode except floating point.
        background: shown through transparent pixels.
        path: for the message.

    Returns:
        (H, W, 3) uint8, writable.

    Raises:
        InputError: damaged, or of values without a known range.
    """
    if image.mode == "F":
        raise InputError(f"{path}: floating-point pictures have no known range; save it as 8-bit or 16-bit PNG")
    try:
        image.load()
        turn = _turn_of(image)
        sides = (image.width, image.height) if turn[0] else (image.height, image.width)
        upright = np.empty((*sides, 3), np.uint8)
        stored = stored_view(upright, turn)
        # Strip by strip, since conversions need several times the memory of the picture.
        for rows in strips(image.height, image.width):
            strip = _eight_bits(image.crop((0, rows.start, image.width, rows.stop)), path)
            strip = to_srgb(strip, image.info.get("icc_profile"))
            pixels = np.asarray(strip.convert("RGB" if strip.mode in ("L", "RGB") else "RGBA"))
            stored[rows] = pixels if pixels.shape[2] == 3 else composite(pixels, background)
    except InputError:
        raise
    except DAMAGE as error:
        raise _damaged(path, error) from error
    return upright


def _eight_bits(image: pil.Image, path: Path) -> pil.Image:
    """The picture in one of the modes L, LA, RGB and RGBA."""
    if image.mode.startswith("I"):
        return _reduce_deep_grey(image, path)
    clear = image.has_transparency_data or image.mode in ("RGBa", "La")
    if image.mode in ("1", "L", "LA", "La"):
        return image.convert("LA" if clear else "L")
    return image.convert("RGBA" if clear else "RGB")


def _reduce_deep_grey(image: pil.Image, path: Path) -> pil.Image:
    """Converts 16-bit grey to 8 bits by dividing by 257, which maps 65535 to 255; one level may be transparent."""
    values = np.asarray(image).astype(np.int64)
    if values.size and (values.min() < 0 or values.max() > 65535):
        raise InputError(f"{path}: grey values beyond 16 bits have no known range; save it as 8-bit or 16-bit PNG")
    grey = pil.fromarray(((values + 128) // 257).astype(np.uint8))
    hidden = image.info.get("transparency")
    if isinstance(hidden, int):
        grey.putalpha(pil.fromarray(np.where(values == hidden, 0, 255).astype(np.uint8)))
    return grey


def _halve_transparent_colour(image: pil.Image) -> None:
    """Reduces the transparent colour of a 16-bit RGB PNG to the upper bytes, which are all that Pillow keeps."""
    hidden = image.info.get("transparency")
    tiles = getattr(image, "tile", ())
    if image.format == "PNG" and isinstance(hidden, tuple) and any(tile[3] == "RGB;16B" for tile in tiles):
        image.info["transparency"] = tuple(level >> 8 for level in hidden)


def _turn_of(image: pil.Image) -> Turn:
    """The turn that the EXIF block states; one that cannot be read is ignored, as in viewers."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            return turn_from_exif(image.getexif().get(_EXIF_ORIENTATION))
    except DAMAGE:
        return UPRIGHT


def _damaged(path: Path, error: Exception) -> InputError:
    reason = " ".join(str(error).split())
    return InputError(f"{path}: the picture is damaged or cut short ({reason}); save it again")
