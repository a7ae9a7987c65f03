"""A still and a driving video -> an animated video, with monkey_net's transfer of keypoints."""

from __future__ import annotations

from typing import Any

from kinema.core.types import Keypoints
from kinema.keypoints.zeroth_transfer import transfer_keypoints
from kinema.systems.animation import AnimationPipeline


class MonkeyNetPipeline(AnimationPipeline):
    """A trained monkey_net model, ready to animate.

    Attributes:
        adapt_variance: carry the change of the driving covariance over to the source's.
        clip_mean: keep points inside the frame.
    """

    def __init__(self, model: Any, *, adapt_variance: bool = False, clip_mean: bool = False, **where: Any) -> None:
        super().__init__(model, **where)
        self.adapt_variance = adapt_variance
        self.clip_mean = clip_mean

    def transfer(
        self, kp_source: Keypoints, kp_driving: Keypoints, kp_anchor: Keypoints, *, relative: bool, adapt_scale: bool
    ) -> Keypoints:
        """See :meth:`AnimationPipeline.transfer`: (B, K, 2) points with their covariances."""
        return transfer_keypoints(
            kp_source,
            kp_driving,
            kp_anchor,
            move_location=relative,
            movement_mult=adapt_scale,
            adapt_variance=self.adapt_variance,
            clip_mean=self.clip_mean,
        )
