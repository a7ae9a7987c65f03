"""Reduces a photo and the landmarks of its face to a size suitable for a video."""

from __future__ import annotations

from torch import Tensor

from kinema.video import resize
from kinema.video.info import Image


def photo_at_most(side: int, photo: Image, landmarks: Tensor) -> tuple[Image, Tensor]:
    """Shrinks a photo, and its landmarks (68, 2), to at most ``side`` pixels; a smaller photo is not changed."""
    height, width = photo.shape[:2]
    factor = side / max(height, width)
    if factor >= 1:
        return photo, landmarks
    size = (max(1, round(height * factor)), max(1, round(width * factor)))
    scale = landmarks.new_tensor([size[1] / width, size[0] / height])
    return resize(photo, size), (landmarks + 0.5) * scale - 0.5
