"""Trains expression_gan in its phases ("Learning How to Smile", Wang et al., TMM 2020).

The paper names a VAE-GAN, a conditional recurrent network and an identity adversarial loss. Its abstract says that this
loss keeps videos consistent with the label. Both possible meanings are implemented: the frames show one person, and
they show the label. The weights, the lengths of the phases and the form of the discriminators are a reconstruction.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kinema.blocks.perceptual import PerceptualFeatures
from kinema.data.samples.batches import LabelledFrames
from kinema.losses.adversarial import feature_matching, lsgan_discriminator, lsgan_generator
from kinema.losses.perceptual import perceptual_pyramid
from kinema.sequences.code_sequence import SequenceClassifier
from kinema.synthesis.discriminator import PatchDiscriminator
from kinema.systems.expression_gan.config import ExpressionGanConfig
from kinema.systems.expression_gan.model import ExpressionGanModel, NeutralFace
from kinema.systems.image_losses import check_perceptual_network
from kinema.systems.sample_sheet import MAX_PAIRS, sheet_of_rows
from kinema.train.phases import Phase, Turn


class ExpressionGanTraining:
    """Trains expression_gan: its networks, phases and sample sheet, for the training loop.

    Attributes:
        nets: encoder, generator, sequence; discriminator, identity and judge where the objective has them.
        features: the frozen perceptual network, or None.
    """

    def __init__(self, config: ExpressionGanConfig, features: PerceptualFeatures | None = None) -> None:
        check_perceptual_network(config.objective, features)
        self.config = config
        self.features = features
        self.model = ExpressionGanModel(config)
        nets: dict[str, nn.Module] = dict(self.model.named_children())
        if config.objective.generator_gan:
            nets["discriminator"] = PatchDiscriminator(config.discriminator)
        if config.objective.identity_gan:
            nets["identity"] = PatchDiscriminator(config.identity)
        if config.objective.label:
            nets["judge"] = SequenceClassifier(config.sequence)
        self.nets = nn.ModuleDict(nets)

    def phases(self) -> tuple[Phase, ...]:
        """Image model, then sequence, then all; the discriminators are trained on the frames of the same step."""
        weights = self.config.objective
        image = {"encoder": weights.lr_generator, "generator": weights.lr_generator}
        sequence = {"sequence": weights.lr_sequence}
        first, joint = weights.sequence_step, weights.joint_step
        phases = [
            Phase("autoencode", image, self.autoencode_losses, end=first),
            Phase("sequence", sequence, self.sequence_losses, start=first, end=joint),
            Phase("joint", image | sequence, self.joint_losses, start=joint),
        ]
        rate = weights.lr_discriminator
        if "discriminator" in self.nets:
            phases.append(Phase("discriminate", {"discriminator": rate}, self.discriminate_losses))
        if "identity" in self.nets:
            phases.append(Phase("identify", {"identity": rate}, self.identify_losses, start=joint))
        if "judge" in self.nets:
            phases.append(Phase("judge", {"judge": rate}, self.judge_losses, start=first))
        return tuple(phases)

    def autoencode_losses(self, batch: LabelledFrames, turn: Turn) -> dict[str, Tensor]:
        """Weighted losses of the image model on some frames of each clip.

        Args:
            batch: frames (B, T, 3, H, W).
            turn: chooses the frames and gives the noise.

        Returns:
            Name to scalar: pixel, kl, perceptual, feature_matching and generator_gan, those whose weight is not 0.
        """
        weights = self.config.objective
        real = self._choose_frames(batch.frames, turn)  # (B, M, 3, H, W)
        num_frames = real.shape[1]
        real = real.flatten(0, 1)
        mean, log_variance = self.model.encoder(real)
        noise = turn.draw(len(mean), lambda rows, g: torch.randn(rows, mean.shape[1], generator=g)).to(mean)
        codes = mean + noise * (0.5 * log_variance).exp()
        generated = self.model.decode(codes.unflatten(0, (-1, num_frames)), self.model.encode(batch.frames[:, 0]))
        generated = generated.flatten(0, 1)
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(dim=1).mean()
        turn.shared.update(real=real, generated=generated.detach())
        return self._compare(generated, real, "") | {"kl": weights.kl * divergence}

    def sequence_losses(self, batch: LabelledFrames, turn: Turn) -> dict[str, Tensor]:
        """Weighted losses of the recurrent network; the image model is finished.

        Args:
            batch: frames (B, T, 3, H, W) and labels (B,).
            turn: chooses the frames that are decoded.

        Returns:
            Name to scalar: code, sequence_pixel, and label where there is a judge.
        """
        self.model.encoder.eval()
        self.model.generator.eval()
        with torch.no_grad():
            face = self.model.encode(batch.frames[:, 0])
        losses, generated, real = self._follow(batch, face, turn)
        turn.shared.update(real=real, generated=generated.detach())
        pixel = self.config.objective.pixel
        return losses | ({"sequence_pixel": pixel * (generated - real).abs().mean()} if pixel else {})

    def joint_losses(self, batch: LabelledFrames, turn: Turn) -> dict[str, Tensor]:
        """The losses of all phases, and the adversarial losses of generated sequences.

        Args:
            batch: frames (B, T, 3, H, W), labels (B,) and strangers (B, 3, H, W).
            turn: as in the phases.

        Returns:
            Name to scalar: those of the phases, those of sequences with the prefix ``sequence_``, and identity_gan.
        """
        weights = self.config.objective
        self.model.encoder.train()
        self.model.generator.train()
        losses = self.autoencode_losses(batch, turn)
        followed, generated, real = self._follow(batch, self.model.encode(batch.frames[:, 0]), turn)
        losses |= followed | self._compare(generated, real, "sequence_")
        if "identity" in self.nets:
            neutral = batch.frames[:, 0].repeat_interleave(len(generated) // len(batch.frames), dim=0)
            score = self.nets["identity"](torch.cat([neutral, generated], dim=1)).score
            losses["identity_gan"] = weights.identity_gan * lsgan_generator([score])
            turn.shared["pairs"] = (neutral, real, generated.detach())
        turn.shared.update(real=real, generated=generated.detach())
        return losses

    def discriminate_losses(self, batch: LabelledFrames, turn: Turn) -> dict[str, Tensor]:
        """Loss of the discriminator on real and generated frames (N, 3, H, W) of this step; name to scalar."""
        net = self.nets["discriminator"]
        real, generated = (net(turn.shared[name]).score for name in ("real", "generated"))
        return {"discriminator_gan": lsgan_discriminator([real], [generated])}

    def identify_losses(self, batch: LabelledFrames, turn: Turn) -> dict[str, Tensor]:
        """Loss of the identity discriminator; name to scalar.

        A real pair has two frames (N, 3, H, W) of one clip. The other pairs have the neutral frame and a generated
        frame, or the neutral frame and a frame of another person with the same label.
        """
        net = self.nets["identity"]
        neutral, real, generated = turn.shared["pairs"]
        strangers = batch.stranger.repeat_interleave(len(generated) // len(batch.frames), dim=0)
        one, two, other = (net(torch.cat([neutral, second], dim=1)).score for second in (real, generated, strangers))
        # Half for each kind of wrong pair, so that right and wrong pairs have equal weight.
        loss = lsgan_discriminator([one], [two]) + lsgan_discriminator([one], [other])
        return {"identity_discriminator": 0.5 * loss}

    def judge_losses(self, batch: LabelledFrames, turn: Turn) -> dict[str, Tensor]:
        """Cross-entropy of the judge on the true codes (B, T, d) of this step; name to scalar."""
        return {"judge": F.cross_entropy(self.nets["judge"](turn.shared["codes"]), batch.label)}

    @torch.no_grad()
    def sample_sheet(self, batch: LabelledFrames) -> Tensor:
        """True frames of a clip, and below them generated frames for each label: a picture (3, N H, 8 W) in [0, 1]."""
        true = batch.frames[0]
        length = len(true)
        time_steps = torch.linspace(0, length - 1, MAX_PAIRS).round().long()
        labels = torch.arange(len(self.config.labels), device=true.device)
        generated = self.model(true[:1].expand(len(labels), -1, -1, -1), labels, length)
        return sheet_of_rows(true[time_steps], *(row[time_steps] for row in generated))

    def _follow(self, batch: LabelledFrames, face: NeutralFace, turn: Turn) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        """Losses of the generated codes, some generated frames, and the true frames at the same times, (N, 3, H, W)."""
        weights = self.config.objective
        rows, length = batch.frames.shape[:2]
        with torch.no_grad():
            true = self.model.encoder(batch.frames.flatten(0, 1))[0].unflatten(0, (rows, length))
        codes = self.model.codes(face.mean, batch.label, length)
        turn.shared["codes"] = true
        losses = {"code": weights.code * (codes - true).square().mean()}
        if "judge" in self.nets:
            losses["label"] = weights.label * F.cross_entropy(self.nets["judge"](codes), batch.label)
        chosen = self._choice(rows, length, turn).to(codes.device)
        generated = self.model.decode(codes.gather(1, chosen[..., None].expand(-1, -1, codes.shape[2])), face)
        real = batch.frames.gather(1, chosen[..., None, None, None].expand(-1, -1, *batch.frames.shape[2:]))
        return losses, generated.flatten(0, 1), real.flatten(0, 1)

    def _compare(self, generated: Tensor, real: Tensor, prefix: str) -> dict[str, Tensor]:
        weights = self.config.objective
        losses: dict[str, Tensor] = {}
        if weights.pixel:
            losses["pixel"] = weights.pixel * (generated - real).abs().mean()
        if weights.uses_features:
            assert self.features is not None
            losses["perceptual"] = perceptual_pyramid(self.features, [generated], [real], weights.perceptual)
        if "discriminator" in self.nets:
            output = self.nets["discriminator"](generated)
            losses["generator_gan"] = weights.generator_gan * lsgan_generator([output.score])
            if weights.feature_matching:
                with torch.no_grad():
                    wanted = self.nets["discriminator"](real).features
                each = [weights.feature_matching] * len(wanted)
                losses["feature_matching"] = feature_matching([wanted], [output.features], each)
        return {prefix + name: value for name, value in losses.items()}

    def _choose_frames(self, frames: Tensor, turn: Turn) -> Tensor:
        """Random frames (B, M, 3, H, W) of each clip (B, T, 3, H, W)."""
        chosen = self._choice(len(frames), frames.shape[1], turn).to(frames.device)
        return frames.gather(1, chosen[..., None, None, None].expand(-1, -1, *frames.shape[2:]))

    def _choice(self, rows: int, length: int, turn: Turn) -> Tensor:
        """Indices (B, M) of different random frames of each clip."""
        order = turn.draw(rows, lambda count, g: torch.rand(count, length, generator=g)).argsort(dim=1)
        return order[:, : self.config.objective.moments]
