"""Trains deformable_gan on pairs of pictures of one person (Deformable GANs, CVPR 2018, Sec. 3.3)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kinema.blocks.perceptual import PerceptualFeatures
from kinema.data.samples.batches import PoseBatch
from kinema.losses.adversarial import nonsaturating_discriminator, nonsaturating_generator
from kinema.losses.nearest_neighbour import nearest_neighbour
from kinema.people.limbs import person_mask
from kinema.synthesis.pose_discriminator import PoseDiscriminator
from kinema.systems.deformable_gan.config import DeformableGanConfig
from kinema.systems.deformable_gan.model import DeformableGanModel
from kinema.systems.image_losses import check_perceptual_network
from kinema.systems.sample_sheet import MAX_PAIRS, sheet_of_rows
from kinema.train.phases import Phase, Turn

GREY = 0.5
MIN_ALPHA = 1e-4


class DeformableGanTraining:
    """Trains deformable_gan: its networks, phases and sample sheet, for the training loop.

    Attributes:
        nets: motion (without weights unless its kind is "stn"), generator, and discriminator where the objective has
            one.
        features: the frozen perceptual network, or None where the objective needs none.
    """

    def __init__(self, config: DeformableGanConfig, features: PerceptualFeatures | None = None) -> None:
        check_perceptual_network(config.objective, features)
        self.config = config
        self.features = features
        self.model = DeformableGanModel(config)
        nets: dict[str, nn.Module] = dict(self.model.named_children())
        if config.objective.generator_gan != 0:
            nets["discriminator"] = PoseDiscriminator(config.discriminator)
        self.nets = nn.ModuleDict(nets)

    def phases(self) -> tuple[Phase, ...]:
        """First the generator side, then the discriminator on the same generated frames."""
        weights = self.config.objective
        rates = {"motion": weights.lr_generator, "generator": weights.lr_generator}
        phases = [Phase("repose", rates, self.repose_losses)]
        if "discriminator" in self.nets:
            phases.append(
                Phase(
                    "discriminate",
                    {"discriminator": weights.lr_discriminator},
                    self.discriminate_losses,
                    start=weights.gan_start_step,
                )
            )
        return tuple(phases)

    def repose_losses(self, batch: PoseBatch, turn: Turn) -> dict[str, Tensor]:
        """Weighted losses of the generator.

        Args:
            batch: pairs (B, 3, H, W) with joints.
            turn: gives the dropout.

        Returns:
            Name to scalar: pixel, matte, perceptual and generator_gan, those whose weight is not 0.
        """
        weights = self.config.objective
        person = self.model.encode(batch.source, batch.joints_source)
        motion = self.model.move(person, batch.joints_driving)
        generated, matte = self.model.repose_with_matte(
            person,
            batch.joints_driving,
            motion=motion,
            background=batch.background,
            disturb=lambda features: _dropout(features, weights.dropout, turn),
        )
        mask = self._mask_of(batch)
        turn.shared.update(prediction=generated, motion=motion, mask=mask)
        losses: dict[str, Tensor] = {}
        if weights.pixel:
            losses["pixel"] = weights.pixel * self._pixel(generated, batch.driving, mask)
        if matte is not None:
            assert mask is not None
            losses["matte"] = weights.matte * _cross_entropy(matte, mask)
        if weights.uses_features:
            losses["perceptual"] = self._perceptual(_cut(generated, mask), _cut(batch.driving, mask))
        if "discriminator" in self.nets and turn.step >= weights.gan_start_step:
            losses["generator_gan"] = weights.generator_gan * nonsaturating_generator(
                self._discriminate(generated, batch, turn)
            )
        return losses

    def discriminate_losses(self, batch: PoseBatch, turn: Turn) -> dict[str, Tensor]:
        """Weighted loss of the discriminator on the frames that the generator generated in this step.

        Args:
            batch: pairs (B, 3, H, W) with joints.
            turn: holds what :meth:`repose_losses` stored.

        Returns:
            ``discriminator_gan``, a scalar.
        """
        real, generated = (
            self._discriminate(f, batch, turn) for f in (batch.driving, turn.shared["prediction"].detach())
        )
        return {
            "discriminator_gan": self.config.objective.discriminator_gan * nonsaturating_discriminator(real, generated)
        }

    @torch.no_grad()
    def sample_sheet(self, batch: PoseBatch) -> Tensor:
        """Source, driving and generated frames of (B, 3, H, W) pairs: a picture (3, 3 H, B W) in [0, 1]."""
        pairs = batch[:MAX_PAIRS]
        generated = self.model(pairs.source, pairs.joints_source, pairs.joints_driving, pairs.background)
        return sheet_of_rows(pairs.source, pairs.driving, generated)

    def _mask_of(self, batch: PoseBatch) -> Tensor | None:
        """Mask of the person, (B, 1, H, W) in [0, 1]: that of the data, or otherwise a region around the limbs.

        None if neither the generator nor the objective separates person and background, as in the paper.
        """
        if not self.config.generator.matte and self.config.objective.person == 1:
            return None
        if batch.mask is not None:
            return batch.mask
        return person_mask(batch.joints_driving, (batch.driving.shape[2], batch.driving.shape[3])).to(batch.driving)

    def _pixel(self, generated: Tensor, real: Tensor, mask: Tensor | None) -> Tensor:
        weights = self.config.objective
        if weights.person == 1 or mask is None:
            return _distance(generated, real, weights.pixel_area)
        pixel_weights = 1 + (weights.person - 1) * mask
        # A weighted mean, so that a person who fills the frame does not count more than a small one.
        return ((generated - real).abs() * pixel_weights).sum() / (pixel_weights.sum() * generated.shape[1])

    def _perceptual(self, generated: Tensor, real: Tensor) -> Tensor:
        assert self.features is not None
        weights = self.config.objective
        with torch.no_grad():
            real_maps = self.features(real)
        terms = [
            weight * _distance(m, r, weights.perceptual_area)
            for m, r, weight in zip(self.features(generated), real_maps, weights.perceptual, strict=True)
            if weight != 0
        ]
        return torch.stack(terms).sum()

    def _discriminate(self, frames: Tensor, batch: PoseBatch, turn: Turn) -> Tensor:
        """(B, N) logits of (B, 3, H, W) frames in the driving pose; only of the person if there is a matte."""
        if self.config.generator.matte:
            frames = _cut(frames, turn.shared["mask"])
        size = (frames.shape[2], frames.shape[3])
        motion = turn.shared["motion"]
        return self.nets["discriminator"](
            batch.source,
            self.model.pose_maps(batch.joints_source, size),
            frames,
            self.model.pose_maps(batch.joints_driving, size),
            background=batch.background,
            motion=None if motion is None else motion.detach(),
        )


def _distance(generated: Tensor, real: Tensor, area: int) -> Tensor:
    """Scalar: mean absolute difference; with nearest neighbours the sum over channels, as in the authors' code."""
    if area == 1:
        return (generated - real.detach()).abs().mean()
    return nearest_neighbour(generated, real, area=area).mean()


def _cut(frames: Tensor, mask: Tensor | None) -> Tensor:
    """(B, 3, H, W) frames whose background is replaced by grey; unchanged if there is no mask.

    The background cannot be predicted from the source, so it would make every generated frame easy to recognise.
    """
    return frames if mask is None else frames * mask + GREY * (1 - mask)


def _cross_entropy(matte: Tensor, mask: Tensor) -> Tensor:
    """Scalar, of (B, 1, H, W) alphas; computed in float32 and away from 0 and 1, where it is infinite."""
    return F.binary_cross_entropy(matte.float().clamp(MIN_ALPHA, 1 - MIN_ALPHA), mask.float())


def _dropout(features: Tensor, rate: float, turn: Turn) -> Tensor:
    """Sets a random fraction of (B, C, h, w) features to 0, drawn from the turn so that runs can be resumed."""
    noise = turn.draw(len(features), lambda rows, g: torch.rand(rows, *features.shape[1:], generator=g))
    return features * (noise >= rate).to(features) / (1 - rate)
