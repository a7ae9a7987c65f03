"""Trains smile in its phases ("Every Smile is Unique", Wang et al., CVPR 2018).

Landmark sequences (landmark_objective.py) and the translation of true landmarks to frames are trained side by side and
share nothing. The weights follow pix2pix; they are a reconstruction.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from kinema.blocks.perceptual import PerceptualFeatures
from kinema.data.samples.batches import LandmarkPair, SmileBatch
from kinema.faces.landmark_maps import draw_landmarks
from kinema.faces.landmarks import MOUTH
from kinema.losses.adversarial import (
    lsgan_discriminator,
    lsgan_generator,
    nonsaturating_discriminator,
    nonsaturating_generator,
)
from kinema.losses.perceptual import perceptual_pyramid
from kinema.ops.heatmap import gaussian_heatmap
from kinema.sequences.landmark_embedding import CoordinateEmbedding
from kinema.synthesis.discriminator import PatchDiscriminator
from kinema.systems.image_losses import check_perceptual_network
from kinema.systems.sample_sheet import MAX_PAIRS, sheet_of_rows
from kinema.systems.smile.config import SmileConfig
from kinema.systems.smile.landmark_objective import LandmarkObjective, landmark_nets
from kinema.systems.smile.model import SmileModel
from kinema.train.phases import Phase, Turn

MOUTH_VARIANCE = 0.005


class SmileTraining:
    """Trains smile: its networks, phases and sample sheet, for the training loop.

    Attributes:
        nets: embedding, sequence, modes, translator, and discriminator where the objective has one.
        features: the frozen perceptual network, or None.
    """

    def __init__(self, config: SmileConfig, features: PerceptualFeatures | None = None) -> None:
        check_perceptual_network(config.objective, features)
        self.config = config
        self.features = features
        self.model = SmileModel(config)
        self.landmarks = LandmarkObjective(config.objective.landmarks, self.model)
        nets: dict[str, nn.Module] = landmark_nets(self.model) | {"translator": self.model.translator}
        if config.objective.generator_gan != 0 and config.objective.lr_translator != 0:
            nets["discriminator"] = PatchDiscriminator(config.discriminator)
        self.nets = nn.ModuleDict(nets)

    def phases(self) -> tuple[Phase, ...]:
        """The phases of the landmarks, one after the other; beside them those of translator and discriminator."""
        weights = self.config.objective
        phases: list[Phase] = []
        if weights.landmarks.learning_rate:
            phases += (_of_sequences(phase) for phase in self.landmarks.phases())
        if weights.lr_translator:
            phases.append(Phase("translate", {"translator": weights.lr_translator}, self.translate_losses))
        if "discriminator" in self.nets:
            rates = {"discriminator": weights.lr_discriminator}
            phases.append(Phase("discriminate", rates, self.discriminate_losses, start=weights.gan_start_step))
        return tuple(phases)

    def translate_losses(self, batch: SmileBatch, turn: Turn) -> dict[str, Tensor]:
        """Weighted losses of the translator.

        Args:
            batch: pairs (B, 3, H, W) with landmarks.
            turn: gives the dropout.

        Returns:
            Name to scalar: pixel, warped, perceptual and generator_gan, those whose weight is not 0.
        """
        weights, pairs = self.config.objective, _pairs(batch)
        face = self.model.encode(pairs.source, pairs.landmarks_source)
        generated = self.model.translator(
            face, pairs.landmarks_driving, lambda features: _dropout(features, weights.dropout, turn)
        )
        turn.shared["frame"] = generated.frame
        losses: dict[str, Tensor] = {}
        if weights.pixel:
            losses["pixel"] = weights.pixel * self._pixel(generated.frame, pairs)
        if weights.warped and generated.moved is not None:
            losses["warped"] = weights.warped * (generated.moved.frame - pairs.driving).abs().mean()
        if weights.uses_features:
            assert self.features is not None
            losses["perceptual"] = perceptual_pyramid(
                self.features, [generated.frame], [pairs.driving], weights.perceptual
            )
        if "discriminator" in self.nets and turn.step >= weights.gan_start_step:
            score = self._discriminate(generated.frame, pairs)
            lsgan = weights.gan == "lsgan"
            gan = lsgan_generator([score]) if lsgan else nonsaturating_generator(score.flatten(1))
            losses["generator_gan"] = weights.generator_gan * gan
        return losses

    def discriminate_losses(self, batch: SmileBatch, turn: Turn) -> dict[str, Tensor]:
        """Weighted loss of the discriminator on the frames that the translator generated in this step.

        Args:
            batch: pairs (B, 3, H, W) with landmarks.
            turn: holds what :meth:`translate_losses` stored.

        Returns:
            ``discriminator_gan``, a scalar.
        """
        weights, pairs = self.config.objective, _pairs(batch)
        real, generated = (self._discriminate(f, pairs) for f in (pairs.driving, turn.shared["frame"].detach()))
        if weights.gan == "lsgan":
            gan = lsgan_discriminator([real], [generated])
        else:
            gan = nonsaturating_discriminator(real.flatten(1), generated.flatten(1))
        return {"discriminator_gan": weights.discriminator_gan * gan}

    @torch.no_grad()
    def sample_sheet(self, batch: SmileBatch) -> Tensor:
        """A picture (3, H, W) in [0, 1] of what the networks generate.

        Its rows are source, driving and generated frames. If no frames are learned, they are drawings of a true
        sequence and of the sequence of each mode.
        """
        if batch.pairs is not None and self.config.objective.lr_translator:
            pairs = batch.pairs[:MAX_PAIRS]
            generated = self.model.translate(pairs.source, pairs.landmarks_source, pairs.landmarks_driving)
            return sheet_of_rows(pairs.source, pairs.driving, generated)
        assert batch.sequences is not None
        first = batch.sequences[0]
        length = first.landmarks.shape[1]
        embedding = self.model.embedding
        rows = embedding.picture(self.model(first.landmarks[:, 0], first.label, length)[0])  # (K, T, S, S)
        if isinstance(embedding, CoordinateEmbedding):
            rows = torch.cat([embedding.picture(first.landmarks), rows])
        time_steps = torch.linspace(0, length - 1, MAX_PAIRS).round().long()
        return sheet_of_rows(*(row[time_steps, None].expand(-1, 3, -1, -1) for row in rows))

    def _pixel(self, generated: Tensor, pairs: LandmarkPair) -> Tensor:
        difference = (generated - pairs.driving).abs()
        extra = self.config.objective.mouth - 1
        if extra == 0:
            return difference.mean()
        size = (generated.shape[2], generated.shape[3])
        mouth = gaussian_heatmap(pairs.landmarks_driving[:, list(MOUTH)], size, variance=MOUTH_VARIANCE)
        pixel_weights = 1 + extra * mouth.amax(dim=1, keepdim=True)  # (B, 1, H, W)
        # A weighted mean, so that a mouth that fills the frame does not count more than a small one.
        return (difference * pixel_weights).sum() / (pixel_weights.sum() * generated.shape[1])

    def _discriminate(self, frames: Tensor, pairs: LandmarkPair) -> Tensor:
        """(B, 1, h, w) scores of (B, 3, H, W) frames, each seen with its source and drawing."""
        drawing = draw_landmarks(pairs.landmarks_driving, (frames.shape[2], frames.shape[3]))
        return self.nets["discriminator"](torch.cat([pairs.source, drawing, frames], dim=1)).score


def _of_sequences(phase: Phase) -> Phase:
    """A phase of the landmarks, for batches that also hold frames."""

    def losses(batch: SmileBatch, turn: Turn) -> dict[str, Tensor]:
        assert batch.sequences is not None
        return phase.losses(batch.sequences, turn)

    return Phase(phase.name, phase.rates, losses, phase.betas, phase.start, phase.every, phase.end)


def _pairs(batch: SmileBatch) -> LandmarkPair:
    assert batch.pairs is not None
    return batch.pairs


def _dropout(features: Tensor, rate: float, turn: Turn) -> Tensor:
    """Sets a random fraction of (B, C, h, w) features to 0, drawn from the turn so that runs can be resumed."""
    noise = turn.draw(len(features), lambda rows, g: torch.rand(rows, *features.shape[1:], generator=g))
    return features * (noise.to(features.device) >= rate).to(features) / (1 - rate)
