"""Converts pictures with an ICC profile to sRGB."""

from __future__ import annotations

import io
from functools import lru_cache

import numpy as np
from PIL import Image as pil
from PIL import ImageCms

_COLOUR_SPACES = {"L": "GRAY", "RGB": "RGB", "RGBA": "RGB"}
_PROBE_LEVELS = np.linspace(0, 255, 18).astype(np.uint8)
_NO_CHANGE = 1


def to_srgb(picture: pil.Image, profile: bytes | None) -> pil.Image:
    """Converts a picture to sRGB, the colour space that every other part of the library assumes.

    Args:
        picture: of mode L, LA, RGB or RGBA.
        profile: as embedded in the file. A profile that cannot be read, or that is for another colour space than the
            picture's, is ignored, as in browsers.

    Returns:
        A picture of the same size; its alpha is kept.
    """
    mode = "L" if picture.mode == "LA" else picture.mode
    transform = _transform(profile, mode) if profile else None
    if transform is None:
        return picture
    if picture.mode != "LA":
        return ImageCms.applyTransform(picture, transform) or picture
    converted = ImageCms.applyTransform(picture.getchannel("L"), transform)
    assert converted is not None, "None is given only for conversion in place"
    converted.putalpha(picture.getchannel("A"))
    return converted


@lru_cache(maxsize=4)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """The transform to sRGB; None if the profile is unreadable, for another colour space, or sRGB within one level."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if getattr(source.profile, "xcolor_space", "").strip() != _COLOUR_SPACES[mode]:
            return None
        target = "RGB" if mode == "L" else mode
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, target)
        probe = _probe(mode)
        converted = ImageCms.applyTransform(probe, transform)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
    assert converted is not None, "None is given only for conversion in place"
    # Converting from a profile that is sRGB itself would only add rounding noise of one level.
    before, after = (np.asarray(one.convert(target)).astype(int) for one in (probe, converted))
    return transform if np.abs(before - after).max() > _NO_CHANGE else None


def _probe(mode: str) -> pil.Image:
    """A picture with all levels of grey, or with a cube of colours, from black to white."""
    if mode == "L":
        return pil.fromarray(_PROBE_LEVELS[None])
    red, green, blue = np.meshgrid(_PROBE_LEVELS, _PROBE_LEVELS, _PROBE_LEVELS, indexing="ij")
    cube = np.stack([red, green, blue], axis=-1).reshape(len(_PROBE_LEVELS), -1, 3)
    return pil.fromarray(cube).convert(mode)
