"""Animates a still by a driving video, with first_order's transfer of motion."""

from __future__ import annotations

from kinema.core.types import Keypoints
from kinema.keypoints.transfer import transfer_motion
from kinema.systems.animation import KeypointPipeline


class FirstOrderPipeline(KeypointPipeline):
    """A trained first_order model, ready to animate."""

    def transfer(
        self, kp_source: Keypoints, kp_driving: Keypoints, kp_anchor: Keypoints, *, relative: bool, adapt_scale: bool
    ) -> Keypoints:
        """See :meth:`KeypointPipeline.transfer`: (B, K, 2) points with their Jacobians."""
        return transfer_motion(kp_source, kp_driving, kp_anchor, relative=relative, adapt_scale=adapt_scale)
