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
LEAST_SHARE = 1e-4


class DeformableGanTraining:
    """The system as the training loop sees it: networks, phases, sample sheet.

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
        """Generator side first, then the discriminator on the same made frames."""
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
        made, matte = self.model.repose_with_matte(
            person,
            batch.joints_driving,
            motion=motion,
            background=batch.background,
            disturb=lambda features: _dropout(features, weights.dropout, turn),
        )
        where = self._where(batch)
        turn.shared.update(prediction=made, motion=motion, where=where)
        losses: dict[str, Tensor] = {}
        if weights.pixel:
            losses["pixel"] = weights.pixel * self._pixel(made, batch.driving, where)
        if matte is not None:
            assert where is not None
            losses["matte"] = weights.matte * _cross_entropy(matte, where)
        if weights.uses_features:
            losses["perceptual"] = self._perceptual(_cut(made, where), _cut(batch.driving, where))
        if "discriminator" in self.nets and turn.step >= weights.gan_start_step:
            losses["generator_gan"] = weights.generator_gan * nonsaturating_generator(self._judged(made, batch, turn))
        return losses

    def discriminate_losses(self, batch: PoseBatch, turn: Turn) -> dict[str, Tensor]:
        """Weighted loss of the discriminator on the frames that this turn's generator made.

        Args:
            batch: pairs (B, 3, H, W) with joints.
            turn: holds what :meth:`repose_losses` left.

        Returns:
            ``discriminator_gan``, a scalar.
        """
        real, made = (self._judged(f, batch, turn) for f in (batch.driving, turn.shared["prediction"].detach()))
        return {"discriminator_gan": self.config.objective.discriminator_gan * nonsaturating_discriminator(real, made)}

    @torch.no_grad()
    def sample_sheet(self, batch: PoseBatch) -> Tensor:
        """Source, driving and made frames of (B, 3, H, W) pairs: a picture (3, 3 H, B W) in [0, 1]."""
        pairs = batch[:MAX_PAIRS]
        made = self.model(pairs.source, pairs.joints_source, pairs.joints_driving, pairs.background)
        return sheet_of_rows(pairs.source, pairs.driving, made)

    def _where(self, batch: PoseBatch) -> Tensor | None:
        """(B, 1, H, W) in [0, 1], where the person is: as the data say, else about where its limbs are.

        None where neither the generator nor the objective tells person from background, as in the paper.
        """
        if not self.config.generator.matte and self.config.objective.person == 1:
            return None
        if batch.mask is not None:
            return batch.mask
        return person_mask(batch.joints_driving, (batch.driving.shape[2], batch.driving.shape[3])).to(batch.driving)

    def _pixel(self, made: Tensor, real: Tensor, where: Tensor | None) -> Tensor:
        weights = self.config.objective
        if weights.person == 1 or where is None:
            return _distance(made, real, weights.pixel_area)
        shares = 1 + (weights.person - 1) * where
        # A mean over the weights, so that a person that fills the frame counts no more than a small one.
        return ((made - real).abs() * shares).sum() / (shares.sum() * made.shape[1])

    def _perceptual(self, made: Tensor, real: Tensor) -> Tensor:
        assert self.features is not None
        weights = self.config.objective
        with torch.no_grad():
            real_maps = self.features(real)
        terms = [
            weight * _distance(m, r, weights.perceptual_area)
            for m, r, weight in zip(self.features(made), real_maps, weights.perceptual, strict=True)
            if weight != 0
        ]
        return torch.stack(terms).sum()

    def _judged(self, frames: Tensor, batch: PoseBatch, turn: Turn) -> Tensor:
        """(B, N) logits of (B, 3, H, W) frames in the driving pose; with a matte, of the person alone."""
        if self.config.generator.matte:
            frames = _cut(frames, turn.shared["where"])
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


def _distance(made: Tensor, real: Tensor, area: int) -> Tensor:
    """Scalar: mean absolute difference, or of the nearest neighbours the sum over channels, as the authors weigh it."""
    if area == 1:
        return (made - real.detach()).abs().mean()
    return nearest_neighbour(made, real, area=area).mean()


def _cut(frames: Tensor, where: Tensor | None) -> Tensor:
    """(B, 3, H, W) frames before mid grey; unchanged where nothing is known of the person's place.

    Backgrounds that no source tells of would make every made frame easy to know.
    """
    return frames if where is None else frames * where + GREY * (1 - where)


def _cross_entropy(matte: Tensor, where: Tensor) -> Tensor:
    """Scalar, of (B, 1, H, W) shares; in float32 and away from 0 and 1, where it has no end."""
    return F.binary_cross_entropy(matte.float().clamp(LEAST_SHARE, 1 - LEAST_SHARE), where.float())


def _dropout(features: Tensor, share: float, turn: Turn) -> Tensor:
    """Sets a share of (B, C, h, w) features to 0, drawn from the turn so that a resumed run draws the same."""
    noise = turn.draw(len(features), lambda rows, g: torch.rand(rows, *features.shape[1:], generator=g))
    return features * (noise >= share).to(features) / (1 - share)
