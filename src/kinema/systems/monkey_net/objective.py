"""Trains monkey_net to reconstruct one frame of a pair from the other (Siarohin et al., CVPR 2019, Sec. 3.5)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from kinema.core.types import Keypoints
from kinema.data.samples.batches import Batch
from kinema.losses.adversarial import lsgan_discriminator, lsgan_generator
from kinema.synthesis.keypoint_discriminator import KeypointDiscriminator
from kinema.systems.keypoint_losses import spread_losses
from kinema.systems.monkey_net.config import MonkeyNetConfig
from kinema.systems.monkey_net.model import MonkeyNetModel
from kinema.systems.sample_sheet import pair_sheet
from kinema.train.phases import Phase, Turn


class MonkeyNetTraining:
    """Trains monkey_net: its networks, phases and sample sheet, for the training loop.

    Attributes:
        nets: keypoints, generator, motion where the config has one, discriminator where the objective has one. The
            predictor is trained separately (prediction.py).
    """

    def __init__(self, config: MonkeyNetConfig, features: object = None) -> None:
        assert features is None, "monkey_net compares frames by its discriminator's maps, not by a perceptual network"
        self.config = config
        self.model = MonkeyNetModel(config)
        nets: dict[str, nn.Module] = dict(self.model.named_children())
        nets.pop("predictor", None)
        if config.objective.generator_gan != 0:
            nets["discriminator"] = KeypointDiscriminator(config.discriminator)
        self.nets = nn.ModuleDict(nets)

    def phases(self) -> tuple[Phase, ...]:
        """First the generator side, then the discriminator on the same generated frames."""
        weights = self.config.objective
        rates = {"keypoints": weights.lr_keypoints, "generator": weights.lr_generator}
        if "motion" in self.nets:
            rates["motion"] = weights.lr_generator
        phases = [Phase("animate", rates, self.animate_losses)]
        if "discriminator" in self.nets:
            rate = {"discriminator": weights.lr_discriminator}
            phases.append(Phase("discriminate", rate, self.discriminate_losses))
        return tuple(phases)

    def animate_losses(self, batch: Batch, turn: Turn) -> dict[str, Tensor]:
        """Weighted losses of keypoints, motion and generator.

        Args:
            batch: pairs (B, 3, H, W).
            turn: keeps what the discriminator's phase needs.

        Returns:
            Name to scalar: reconstruction_0 (the frame), reconstruction_1, ... (maps of the discriminator),
            reconstruction_deformed, generator_gan, keypoints_gan, separation and concentration, as far as their weight
            is not 0.
        """
        weights = self.config.objective
        # One batch for both, so that they share the statistics of batch norm, as in the authors' code.
        kp = self.model.keypoints(torch.cat([batch.source, batch.driving]))
        kp_source, kp_driving = kp[: len(batch.source)], kp[len(batch.source) :]
        pair = (kp_source, kp_driving)
        moving = tuple(points.detach() for points in pair) if weights.detach_kp_generator else pair
        generated, deformed = self._animate(batch.source, *moving)
        turn.shared.update(prediction=generated, kp_source=kp_source, kp_driving=kp_driving)
        losses: dict[str, Tensor] = {}
        if weights.reconstruction_deformed:
            losses["reconstruction_deformed"] = weights.reconstruction_deformed * _l1(deformed, batch.driving)
        generated_maps, real_maps = [generated], [batch.driving]
        if "discriminator" in self.nets:
            # The keypoints also get gradients through the maps of the real frame.
            generated_maps += self.nets["discriminator"](generated, *pair)
            real_maps += self.nets["discriminator"](batch.driving, *pair)
        for index, weight in enumerate(weights.reconstruction):
            if weight != 0:
                losses[f"reconstruction_{index}"] = weight * _l1(generated_maps[index], real_maps[index])
        if "discriminator" in self.nets:
            losses["generator_gan"] = weights.generator_gan * lsgan_generator([generated_maps[-1]])
            if not weights.detach_kp_discriminator:
                # The gradients of the discriminator's own loss for the keypoints.
                losses["keypoints_gan"] = self._discriminator_loss(generated.detach(), batch.driving, pair)
        losses |= spread_losses(kp_driving, weights)
        return losses

    def discriminate_losses(self, batch: Batch, turn: Turn) -> dict[str, Tensor]:
        """Weighted loss of the discriminator on the frames that the generator generated in this step.

        Args:
            batch: pairs (B, 3, H, W).
            turn: holds what :meth:`animate_losses` stored.

        Returns:
            ``discriminator_gan``, a scalar.
        """
        pair = (turn.shared["kp_source"].detach(), turn.shared["kp_driving"].detach())
        generated = turn.shared["prediction"].detach()
        return {"discriminator_gan": self._discriminator_loss(generated, batch.driving, pair)}

    def sample_sheet(self, batch: Batch) -> Tensor:
        """Source, driving and generated frames of (B, 3, H, W) pairs: a picture (3, 3 H, B W) in [0, 1]."""
        return pair_sheet(self.model, batch)

    def _animate(self, source: Tensor, kp_source: Keypoints, kp_driving: Keypoints) -> tuple[Tensor, Tensor]:
        """Generated frames and the warped source alone, from keypoints that are known already."""
        encoded = self.model.encode_with(source, kp_source)
        generated, motion = self.model.animate(encoded, kp_driving)
        return generated, self.model.generator.warp_features(source, motion)

    def _discriminator_loss(self, generated: Tensor, real: Tensor, pair: tuple[Keypoints, Keypoints]) -> Tensor:
        discriminator = self.nets["discriminator"]
        loss = lsgan_discriminator([discriminator(real, *pair)[-1]], [discriminator(generated, *pair)[-1]])
        return self.config.objective.discriminator_gan * loss


def _l1(generated: Tensor, real: Tensor) -> Tensor:
    return (generated - real).abs().mean()
