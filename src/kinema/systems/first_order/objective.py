"""Trains first_order to reconstruct one frame of a pair from the other (FOMM Sec. 3.3)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from kinema.blocks.perceptual import PerceptualFeatures
from kinema.core.types import Keypoints
from kinema.data.samples.batches import Batch
from kinema.losses.adversarial import feature_matching, lsgan_discriminator, lsgan_generator
from kinema.losses.equivariance import equivariance_jacobian, equivariance_value
from kinema.ops.pyramid import pyramid
from kinema.synthesis.discriminator import MultiScaleDiscriminator
from kinema.systems.first_order.config import FirstOrderConfig
from kinema.systems.first_order.model import FirstOrderModel
from kinema.systems.image_losses import check_perceptual_network, pyramid_losses
from kinema.systems.keypoint_losses import draw_transform, spread_losses
from kinema.systems.sample_sheet import pair_sheet
from kinema.train.phases import Phase, Turn


class FirstOrderTraining:
    """Trains first_order: its networks, phases and sample sheet, for the training loop.

    Attributes:
        nets: keypoints, motion, generator, and discriminator where the objective has one.
        features: the frozen perceptual network, or None where the objective needs none.
    """

    def __init__(self, config: FirstOrderConfig, features: PerceptualFeatures | None = None) -> None:
        check_perceptual_network(config.objective, features)
        self.config = config
        self.features = features
        self.model = FirstOrderModel(config)
        nets: dict[str, nn.Module] = dict(self.model.named_children())
        if config.objective.generator_gan != 0:
            nets["discriminator"] = MultiScaleDiscriminator(config.discriminator)
        self.nets = nn.ModuleDict(nets)

    def phases(self) -> tuple[Phase, ...]:
        """First the generator side, then the discriminator on the same generated frames."""
        weights = self.config.objective
        rates = {
            "keypoints": weights.lr_keypoints,
            "motion": weights.lr_generator,
            "generator": weights.lr_generator,
        }
        phases = [Phase("animate", rates, self.animate_losses)]
        if "discriminator" in self.nets:
            rate = {"discriminator": weights.lr_discriminator}
            phases.append(Phase("discriminate", rate, self.discriminate_losses))
        return tuple(phases)

    def animate_losses(self, batch: Batch, turn: Turn) -> dict[str, Tensor]:
        """Weighted losses of keypoints, motion and generator.

        Args:
            batch: pairs (B, 3, H, W).
            turn: gives the random transform, unless ``turn.shared["transform"]`` already holds one.

        Returns:
            Name to scalar: pixel, perceptual, generator_gan, feature_matching, separation, concentration,
            equivariance_value and equivariance_jacobian, those whose weight is not 0.
        """
        weights = self.config.objective
        source = self.model.encode(batch.source)
        kp_driving: Keypoints = self.model.keypoints(batch.driving)
        generated, _ = self.model.animate(source, kp_driving)
        real_levels = pyramid(batch.driving, weights.scales)
        generated_levels = pyramid(generated, weights.scales)
        turn.shared.update(prediction=generated, kp_driving=kp_driving, real_levels=real_levels)
        losses = pyramid_losses(generated_levels, real_levels, weights, self.features)
        if "discriminator" in self.nets:
            losses |= self._adversarial(generated_levels, real_levels, kp_driving)
        losses |= spread_losses(kp_driving, weights)
        if weights.equivariance_value or weights.equivariance_jacobian:
            losses |= self._equivariance(batch.driving, kp_driving, turn)
        return losses

    def discriminate_losses(self, batch: Batch, turn: Turn) -> dict[str, Tensor]:
        """Weighted loss of the discriminator on the frames that the generator generated in this step.

        Args:
            batch: pairs (B, 3, H, W).
            turn: holds what :meth:`animate_losses` stored.

        Returns:
            ``discriminator_gan``, a scalar.
        """
        kp = turn.shared["kp_driving"].detach()
        discriminator = self.nets["discriminator"]
        generated = discriminator(
            self._seen(pyramid(turn.shared["prediction"].detach(), self.config.objective.scales)), kp
        )
        real = discriminator(self._seen(turn.shared["real_levels"]), kp)
        loss = lsgan_discriminator([output.score for output in real], [output.score for output in generated])
        return {"discriminator_gan": self.config.objective.discriminator_gan * loss}

    def sample_sheet(self, batch: Batch) -> Tensor:
        """Source, driving and generated frames of (B, 3, H, W) pairs: a picture (3, 3 H, B W) in [0, 1]."""
        return pair_sheet(self.model, batch)

    def _seen(self, levels: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        scales = self.config.objective.scales
        return tuple(levels[scales.index(scale)] for scale in self.config.discriminator.scales)

    def _adversarial(
        self, generated: tuple[Tensor, ...], real: tuple[Tensor, ...], kp_driving: Keypoints
    ) -> dict[str, Tensor]:
        weights = self.config.objective
        discriminator = self.nets["discriminator"]
        kp = kp_driving.detach()
        generated_outputs = discriminator(self._seen(generated), kp)
        losses = {
            "generator_gan": weights.generator_gan * lsgan_generator([output.score for output in generated_outputs])
        }
        compares_features = any(weight != 0 for weight in weights.feature_matching)
        if compares_features or self.config.discriminator.spectral_norm:
            # Each pass is also a power iteration of the spectral norm; the authors' training makes this one always.
            with torch.no_grad():
                real_outputs = discriminator(self._seen(real), kp)
        if compares_features:
            losses["feature_matching"] = feature_matching(
                [output.features for output in real_outputs],
                [output.features for output in generated_outputs],
                weights.feature_matching,
            )
        return losses

    def _equivariance(self, frames: Tensor, kp: Keypoints, turn: Turn) -> dict[str, Tensor]:
        weights = self.config.objective
        transform = draw_transform(frames, weights, turn)
        transformed = transform.warp_frames(frames, align_corners=self.config.motion.align_corners)
        if weights.transform_color:
            noise = turn.draw(frames.shape[0], lambda rows, generator: torch.randn(rows, 3, 3, generator=generator))
            transformed = _recolor(transformed, weights.transform_color * noise.to(frames))
        kp_transformed: Keypoints = self.model.keypoints(transformed)
        turn.shared["kp_transformed"] = kp_transformed
        losses: dict[str, Tensor] = {}
        if weights.equivariance_value:
            losses["equivariance_value"] = weights.equivariance_value * equivariance_value(
                kp, kp_transformed, transform
            )
        if weights.equivariance_jacobian and kp.jacobian is not None:
            losses["equivariance_jacobian"] = weights.equivariance_jacobian * equivariance_jacobian(
                kp, kp_transformed, transform
            )
        return losses


def _recolor(frames: Tensor, change: Tensor) -> Tensor:
    """Mixes the colour channels of (B, 3, H, W) frames by the identity plus half of a (B, 3, 3) change.

    With random changes, keypoints learn shapes rather than the colours of one subject.
    """
    mixing = torch.eye(3).to(frames) + change / 2
    # Rows with sum 1 leave white and grey unchanged.
    mixing = mixing / mixing.sum(dim=2, keepdim=True).clamp_min(0.5)
    return (mixing @ frames.flatten(2)).view_as(frames).clamp(0, 1)
