"""Animates a still part by part, or swaps the parts of a video for those of a still."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from kinema.core.types import Keypoints
from kinema.framing.pixels import to_frames
from kinema.keypoints.transfer import transfer_motion
from kinema.ops.warp import resize_map
from kinema.systems.animation import Animation, KeypointPipeline
from kinema.systems.co_part.model import check_parts


def most_likely_class(weights: Tensor, size: tuple[int, ...]) -> np.ndarray:
    """The class with the largest weight at each pixel of a picture.

    Args:
        weights: (N, h, w) of N classes, at most 256.
        size: (height, width) of the picture.

    Returns:
        (height, width) uint8 indices.
    """
    height, width = size
    best = resize_map(weights[None, :1], (height, width))[0, 0].clone()
    labels = torch.zeros(height, width, dtype=torch.uint8)
    # One map at a time, as all maps at the size of a large photograph need too much memory.
    for index in range(1, len(weights)):
        weight = resize_map(weights[None, index : index + 1], (height, width))[0, 0]
        labels[(weight > best).cpu()] = index
        best = torch.maximum(best, weight)
    return labels.numpy()


class CoPartPipeline(KeypointPipeline):
    """A trained co_part model, ready to animate, to find parts and to swap them."""

    has_parts = True

    def transfer(
        self, kp_source: Keypoints, kp_driving: Keypoints, kp_anchor: Keypoints, *, relative: bool, adapt_scale: bool
    ) -> Keypoints:
        """See :meth:`KeypointPipeline.transfer`: (B, K, 2) points with Jacobians; a segmentation unless relative."""
        return transfer_motion(kp_source, kp_driving, kp_anchor, relative=relative, adapt_scale=adapt_scale)

    @property
    def num_parts(self) -> int:
        """K, without the background."""
        return self.model.config.keypoints.num_parts

    def check_parts(self, parts: Sequence[int]) -> None:
        """Refuses parts that the model does not have.

        Raises:
            InputError: a number is not from 0 (background) to K, or none is given.
        """
        check_parts(parts, self.num_parts + 1)

    def segment(self, frames: Tensor) -> Tensor:
        """The parts of frames.

        Args:
            frames: (B, 3, H, W) in [0, 1] with sides that fit.

        Returns:
            (B, K + 1, h, w) weights of the background (index 0) and of each part, sum 1, at the network's resolution.
        """
        segmentation = self.detect(frames).segmentation
        assert segmentation is not None
        return segmentation

    def labels(self, images: np.ndarray) -> np.ndarray:
        """The part of each pixel.

        Args:
            images: uint8 (T, H, W, 3) pictures of any one size, seen whole.

        Returns:
            (T, H, W) uint8, 0 for the background.

        Raises:
            InputError: the pictures are too small.
        """
        framing = self.frame(images[0], "none")
        weights = self.segment(to_frames(np.stack([framing.apply(image) for image in images])))
        return np.stack([most_likely_class(rows, images.shape[1:3]) for rows in weights])

    def swap(
        self,
        animation: Animation,
        target: Tensor,
        parts: Sequence[int],
        *,
        hard: bool = False,
        of_source: bool = False,
        segmentation: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Target frames whose ``parts`` come from a source.

        Args:
            animation: from :meth:`prepare`; its source is encoded once for all calls.
            target: (B, 3, H, W) in [0, 1].
            parts: 0 is the background, 1 to K the parts.
            hard: take each pixel wholly from one side instead of blending.
            of_source: take the parts' outline from the source, moved; otherwise from the target.
            segmentation: (B, N, h, w) weights of N classes from a parser, of the source if ``of_source``, else of the
                target; None: the model's own parts.

        Returns:
            Frames (B, 3, H, W) in [0, 1], and where they show the source: (B, 1, h', w') in [0, 1].

        Raises:
            InputError: there is no such part.
        """
        with torch.no_grad(), self._autocast():
            generated, alpha = self.model.swap(
                animation.source, self._batch(target), parts, hard=hard, of_source=of_source, segmentation=segmentation
            )
        return generated.float(), alpha.float()
