"""A still and a driving video -> an animated video by parts, or a video whose parts come from the still."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from kinema.core.types import Keypoints
from kinema.keypoints.transfer import transfer_motion
from kinema.systems.animation import Animation, AnimationPipeline


class CoPartPipeline(AnimationPipeline):
    """A trained co_part model, ready to animate, and to swap parts."""

    def transfer(
        self, kp_source: Keypoints, kp_driving: Keypoints, kp_anchor: Keypoints, *, relative: bool, adapt_scale: bool
    ) -> Keypoints:
        """See :meth:`AnimationPipeline.transfer`: (B, K, 2) points with Jacobians; a segmentation unless relative."""
        return transfer_motion(kp_source, kp_driving, kp_anchor, relative=relative, adapt_scale=adapt_scale)

    def swap(
        self, animation: Animation, target: Tensor, parts: Sequence[int], *, hard: bool = False, of_source: bool = False
    ) -> Tensor:
        """Target frames whose ``parts`` come from a source.

        Args:
            animation: from :meth:`prepare`; its source is encoded once for all calls.
            target: (B, 3, H, W) in [0, 1].
            parts: 0 is the background, 1 to K the parts.
            hard: take each pixel wholly from one side instead of blending.
            of_source: take the parts' outline from the source, moved; otherwise from the target.

        Returns:
            (B, 3, H, W) in [0, 1].

        Raises:
            InputError: there is no such part.
        """
        with torch.no_grad(), self._autocast():
            made = self.model.swap(animation.source, self._batch(target), parts, hard=hard, of_source=of_source)
        return made.float()
