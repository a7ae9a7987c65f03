"""Trains co_part to reconstruct one frame of a pair from the other, part by part (Sec. 3.4)."""

from __future__ import annotations

from torch import Tensor, nn

from kinema.blocks.perceptual import PerceptualFeatures
from kinema.core.types import Keypoints
from kinema.data.samples.batches import Batch
from kinema.losses.equivariance import equivariance_jacobian, equivariance_value
from kinema.ops.pyramid import pyramid
from kinema.systems.co_part.config import CoPartConfig
from kinema.systems.co_part.model import CoPartModel
from kinema.systems.image_losses import check_perceptual_network, pyramid_losses
from kinema.systems.keypoint_losses import draw_transform
from kinema.systems.sample_sheet import pair_sheet
from kinema.train.phases import Phase, Turn


class CoPartTraining:
    """Trains co_part: its networks, phases and sample sheet, for the training loop.

    Attributes:
        nets: keypoints (the segmentation) and generator.
        features: the frozen perceptual network, or None where the objective needs none.
    """

    def __init__(self, config: CoPartConfig, features: PerceptualFeatures | None = None) -> None:
        check_perceptual_network(config.objective, features)
        self.config = config
        self.features = features
        self.model = CoPartModel(config)
        self.nets = nn.ModuleDict(dict(self.model.named_children()))

    def phases(self) -> tuple[Phase, ...]:
        """One phase, in which both networks are trained together."""
        weights = self.config.objective
        rates = {"keypoints": weights.lr_keypoints, "generator": weights.lr_generator}
        return (Phase("animate", rates, self.animate_losses),)

    def animate_losses(self, batch: Batch, turn: Turn) -> dict[str, Tensor]:
        """Weighted losses of both networks.

        Args:
            batch: pairs (B, 3, H, W).
            turn: gives the random transform, unless ``turn.shared["transform"]`` already holds one.

        Returns:
            Name to scalar: pixel, perceptual, area, equivariance_shift and equivariance_affine, as far as their weight
            is not 0.
        """
        weights = self.config.objective
        source = self.model.encode(batch.source)
        kp_driving: Keypoints = self.model.keypoints(batch.driving)
        generated, _ = self.model.animate(source, kp_driving)
        turn.shared["prediction"] = generated
        real_levels, generated_levels = (pyramid(frames, weights.scales) for frames in (batch.driving, generated))
        losses = pyramid_losses(generated_levels, real_levels, weights, self.features)
        if weights.area:
            assert kp_driving.segmentation is not None
            losses["area"] = weights.area * (1 - kp_driving.segmentation[:, 0]).mean()
        if weights.equivariance:
            losses |= self._equivariance(batch.driving, kp_driving, turn)
        return losses

    def sample_sheet(self, batch: Batch) -> Tensor:
        """Source, driving and generated frames of (B, 3, H, W) pairs: a picture (3, 3 H, B W) in [0, 1]."""
        return pair_sheet(self.model, batch)

    def _equivariance(self, frames: Tensor, kp: Keypoints, turn: Turn) -> dict[str, Tensor]:
        weights = self.config.objective
        transform = draw_transform(frames, weights, turn)
        align_corners = self.config.generator.align_corners
        # As in the authors' code, the border is repeated here; first_order mirrors it.
        transformed = transform.warp_frames(frames, padding="border", align_corners=align_corners)
        kp_transformed: Keypoints = self.model.keypoints(transformed)
        losses = {"equivariance_shift": weights.equivariance * equivariance_value(kp, kp_transformed, transform)}
        if kp.jacobian is not None:
            distance = equivariance_jacobian(kp, kp_transformed, transform)
            losses["equivariance_affine"] = weights.equivariance * distance
        return losses
