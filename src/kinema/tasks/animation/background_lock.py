# pyright: strict
"""Gives generated frames the source's own background: only pixels where the object is or was may change."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from kinema.framing.pixels import to_frames, to_images
from kinema.ops.warp import resize_map
from kinema.systems.abilities import PartsPipeline

# Shares of the foreground that count as none and as all: maps are soft, and a faint one would tint the background.
FAINT, CLEAR = 0.25, 0.6
# Of the shorter side: the parts' edges are coarser than the picture, so the object gets a margin.
MARGIN = 1 / 32


class BackgroundLock:
    """Composites frames of one source over it, by the parts of a co_part model.

    Attributes:
        pipeline: that finds the parts.
    """

    def __init__(self, pipeline: PartsPipeline, still: np.ndarray) -> None:
        """Takes a pipeline that finds parts and the source, uint8 (H, W, 3)."""
        self.pipeline = pipeline
        self._still = to_frames(still)  # (1, 3, H, W)
        self._was = self._foreground(still[None])  # (1, 1, H, W)

    def apply(self, images: np.ndarray) -> np.ndarray:
        """Frames whose background is the source's.

        Args:
            images: uint8 (T, H, W, 3) generated from the source.

        Returns:
            uint8 (T, H, W, 3); outside a soft mask around the object, then and now, the source's very pixels.
        """
        mask = soft_mask(torch.maximum(self._foreground(images), self._was))
        return to_images(torch.lerp(self._still.expand(len(images), -1, -1, -1), to_frames(images), mask))

    def matte(self, images: np.ndarray) -> np.ndarray:
        """How much each pixel belongs to the object.

        Args:
            images: uint8 (T, H, W, 3) generated from the source.

        Returns:
            uint8 (T, H, W, 3), 255 where the object is, the same in all three channels.
        """
        foreground = self._foreground(images)
        alpha = ((foreground - FAINT) / (CLEAR - FAINT)).clamp(0, 1)
        return to_images(alpha.expand(-1, 3, -1, -1))

    def _foreground(self, images: np.ndarray) -> Tensor:
        """(T, 1, H, W) weight of all parts together."""
        framing = self.pipeline.frame(images[0], "none")
        weights = self.pipeline.segment(to_frames(np.stack([framing.apply(image) for image in images])))
        return resize_map(1 - weights[:, :1], (images.shape[1], images.shape[2])).cpu()


def soft_mask(foreground: Tensor) -> Tensor:
    """A mask with a margin and soft edges.

    Args:
        foreground: (B, 1, H, W) in [0, 1].

    Returns:
        (B, 1, H, W) in [0, 1]; exactly 1 on the object, exactly 0 a margin and an edge away from it.
    """
    margin = max(1, round(min(foreground.shape[2:]) * MARGIN))
    clear = ((foreground - FAINT) / (CLEAR - FAINT)).clamp(0, 1)
    # Twice the margin, of which the blur takes one back.
    grown = F.max_pool2d(clear, 4 * margin + 1, stride=1, padding=2 * margin)
    padded = F.pad(grown, [margin] * 4, mode="replicate")
    return F.avg_pool2d(padded, 2 * margin + 1, stride=1).clamp(0, 1)
