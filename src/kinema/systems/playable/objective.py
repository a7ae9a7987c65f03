"""Trains playable on clips without labels, in two phases (CADDY, CVPR 2021, Sec. 3.5)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kinema.actions.joint_distribution import SmoothedJointDistribution
from kinema.actions.seen_actions import AssignedActions, SeenActions, UnseenNoise, hold_unseen, rest_unseen
from kinema.blocks.perceptual import PerceptualFeatures
from kinema.core.checks import InputError
from kinema.data.samples.batches import ClipBatch
from kinema.losses.distributions import entropy_of_logits, kl_from_standard_normal, kl_of_means
from kinema.losses.multi_resolution import clip_motion_weights, feature_distances, motion_weights, pixel_distances
from kinema.losses.mutual_information import joint_distribution, mutual_information
from kinema.systems.image_losses import check_perceptual_network
from kinema.systems.playable.config import PlayableConfig, PlayableLossConfig
from kinema.systems.playable.model import PlayableModel
from kinema.systems.playable.rollout import Rollout, RolloutNoise, draw_noise, reconstruct, roll_out
from kinema.systems.sample_sheet import MAX_PAIRS, sheet_of_rows
from kinema.train.phases import Phase, Turn

# Longest hold of a clip in time steps, and the learning rate of the action probabilities, which no other network uses.
_LONGEST_HOLD, _SEEN_RATE = 5, 1e-2


class PlayableTraining:
    """Trains playable: its networks, phases and sample sheet, for the training loop.

    Attributes:
        nets: representation, action_network, centroids, dynamics, renderer; state_to_hidden, which pretraining alone
            uses; running_joint, the average for the mutual information; seen_actions if unseen actions are inserted.
        features: the frozen perceptual network, or None where the objective needs none.
    """

    def __init__(self, config: PlayableConfig, features: PerceptualFeatures | None = None) -> None:
        check_perceptual_network(config.objective, features)
        _check_maps(config)
        self.config = config
        self.features = features
        self.model = PlayableModel(config)
        dynamics = config.dynamics
        self.nets = nn.ModuleDict(
            {
                **dict(self.model.named_children()),
                "state_to_hidden": nn.Conv2d(dynamics.state_features, dynamics.hidden_features, 3, padding=1),
                "running_joint": SmoothedJointDistribution(config.actions.num_actions),
            }
        )
        if config.objective.unseen_share:
            self.nets["seen_actions"] = SeenActions(config.actions.num_actions, config.actions.action_space)

    def phases(self) -> tuple[Phase, ...]:
        """Pretraining, then the full model, with one optimizer, whose moments are kept between the phases."""
        rates = dict.fromkeys(self.nets, self.config.objective.learning_rate)
        if "seen_actions" in rates:
            rates["seen_actions"] = _SEEN_RATE
        end = self.config.schedule.pretraining_steps
        decay = self.config.objective.weight_decay
        return tuple(
            Phase(
                name,
                rates,
                losses,
                betas=(0.9, 0.999),
                start=start,
                end=stop,
                optimizer="all",
                weight_decay=decay,
            )
            for name, losses, start, stop in (
                ("pretrain", self.pretraining_losses, 0, end),
                ("play", self.full_losses, end, None),
            )
        )

    def pretraining_losses(self, batch: ClipBatch, turn: Turn) -> dict[str, Tensor]:
        """Weighted losses of the first phase: frames are rendered from their own states.

        Returns:
            Name to scalar, those of :class:`PlayableLossConfig` whose weight is not 0.
        """
        observations = self._cut(batch, turn)
        temperature = self.config.schedule.temperature(turn.step + 1)
        noise = self._noise(observations, turn)
        rollout = reconstruct(self.model, self.nets["state_to_hidden"], observations, noise, temperature=temperature)
        turn.shared["rollout"] = rollout
        return self._weighted(rollout, observations, self.config.objective.pretraining)

    def full_losses(self, batch: ClipBatch, turn: Turn) -> dict[str, Tensor]:
        """Weighted losses of the second phase: frames follow from the first ones and actions.

        Returns:
            Name to scalar, those of :class:`PlayableLossConfig` whose weight is not 0.
        """
        observations = self._cut(batch, turn)
        step = turn.step + 1
        noise = self._noise(observations, turn)
        inserted, losses = None, {}
        if "seen_actions" in self.nets:
            inserted, losses["seen_actions"] = self._insert_unseen(observations, turn)
            observations = inserted.apply(observations)
        rollout = roll_out(
            self.model,
            observations,
            noise,
            num_real=min(self.config.schedule.real_frames(step), observations.shape[1] - 1),
            temperature=self.config.schedule.temperature(step),
            inserted=inserted,
        )
        turn.shared["rollout"] = rollout
        return losses | self._weighted(rollout, observations, self.config.objective.full)

    @torch.no_grad()
    def sample_sheet(self, batch: ClipBatch) -> Tensor:
        """The first, the last, and the generated last frames of clips: a picture (3, 3 H, B W) in [0, 1]."""
        observations = batch[:MAX_PAIRS].observations
        actions = self.model.recognise(observations).logits.argmax(dim=-1)
        generated = self.model(observations[:, 0], actions)
        return sheet_of_rows(observations[:, 0, :3], observations[:, -1, :3], generated[:, -1])

    def _cut(self, batch: ClipBatch, turn: Turn) -> Tensor:
        """Observations (B, T, 3 S, H, W), with as many time steps as the schedule says, or as the batch has."""
        return batch.observations[:, : self.config.schedule.length(turn.step + 1)]

    def _noise(self, observations: Tensor, turn: Turn) -> RolloutNoise:
        rows, length = observations.shape[:2]
        noise = turn.draw(rows, lambda count, generator: draw_noise(self.config, count, length, generator))
        if turn.step < self.config.schedule.certain_steps:
            noise = noise.with_mean_positions()
        return noise.to(observations.device)

    def _insert_unseen(self, observations: Tensor, turn: Turn) -> tuple[AssignedActions, Tensor]:
        """Unseen actions to insert into clips (B, T, 3 S, H, W), and the loss of the network that finds them."""
        rows = len(observations)
        noise = turn.draw(rows, lambda count, generator: UnseenNoise(torch.rand(count, 4, generator=generator)))
        with torch.no_grad():
            self.model.eval()
            seen = self.model.recognise(observations)
            self.model.train()
        network = self.nets["seen_actions"]
        assert isinstance(network, SeenActions)
        network.remember(seen.state_mean[:, :-1].flatten(0, 1), torch.softmax(seen.logits, dim=-1).flatten(0, 1))
        with torch.no_grad():
            probabilities = torch.softmax(network(seen.state_mean), dim=-1)  # (B, T, A)
        objective = self.config.objective
        fraction = objective.unseen_share if turn.step >= self.config.schedule.unseen_from else 0.0
        noise, below = noise.to(probabilities.device), objective.unseen_below
        if objective.unseen_does == "stop":
            inserted = hold_unseen(probabilities, noise, below=below, fraction=fraction, longest=_LONGEST_HOLD)
        else:
            resting = self.model.centroids.resting()
            inserted = rest_unseen(
                probabilities, seen.logits.argmax(dim=-1), noise, resting=resting, below=below, fraction=fraction
            )
        return inserted, network.loss()

    def _weighted(self, rollout: Rollout, observations: Tensor, weights: PlayableLossConfig) -> dict[str, Tensor]:
        losses: dict[str, Tensor] = {}
        num_generated = rollout.frames[0].shape[1]
        clips = observations[:, :, :3]
        real = clips[:, -num_generated:].flatten(0, 1)  # (B * N, 3, H, W)
        generated = [level.flatten(0, 1) for level in rollout.frames]
        pixel_weights = self._motion(clips, rollout.frames[0])
        if pixel_weights is not None:
            pixel_weights = pixel_weights[:, -num_generated:].flatten(0, 1)
        if weights.pixel:
            losses["pixel"] = weights.pixel * pixel_distances(generated, real, pixel_weights).mean()
        if weights.uses_features:
            losses["perceptual"] = feature_distances(
                self._maps, generated, real, weights.perceptual, pixel_weights
            ).mean()
        if weights.state:
            losses["state"] = weights.state * F.mse_loss(rollout.generated_states.value, rollout.states.value.detach())
        if weights.hidden and rollout.encoded_hidden is not None:
            wanted = rollout.encoded_hidden[:, 1:].detach()
            losses["hidden"] = weights.hidden * F.mse_loss(rollout.hidden, wanted)
        return losses | self._weighted_actions(rollout, weights)

    def _weighted_actions(self, rollout: Rollout, weights: PlayableLossConfig) -> dict[str, Tensor]:
        true, generated = rollout.actions, rollout.generated_actions
        losses: dict[str, Tensor] = {}
        if weights.entropy:
            losses["entropy"] = weights.entropy * entropy_of_logits(true.logits)
        if weights.direction_kl:
            distance = kl_from_standard_normal(true.direction_mean, true.direction_variance)
            losses["direction_kl"] = weights.direction_kl * distance
        if weights.mutual_information:
            objective = self.config.objective
            joint = joint_distribution(torch.softmax(true.logits, dim=-1), torch.softmax(generated.logits, dim=-1))
            joint = self.nets["running_joint"](joint, objective.joint_rate)
            shared = mutual_information(joint, marginal_entropy=objective.marginal_entropy)
            losses["mutual_information"] = -weights.mutual_information * shared
        if weights.state_kl:
            # The positions of generated frames move towards those of true frames, not the reverse.
            distance = kl_of_means(
                generated.state_mean, generated.state_variance, true.state_mean.detach(), true.state_variance
            )
            losses["state_kl"] = weights.state_kl * distance
        return losses

    def _motion(self, real: Tensor, generated: Tensor) -> Tensor | None:
        """Weights (B, T, 1, H, W) of the pixels of clips (B, T, 3, H, W) in [0, 1]; None if all are equal."""
        objective = self.config.objective
        if objective.motion_bias is None:
            return None
        weigh = clip_motion_weights if objective.motion_span == "clip" else motion_weights
        # Scaled by 2, as the bias is stated for the authors' frames in [-1, 1].
        return weigh(2 * real, 2 * generated, bias=objective.motion_bias)

    def _maps(self, frames: Tensor) -> list[Tensor]:
        """Maps of the perceptual network for frames (B, 3, H, W) in [0, 1]."""
        assert self.features is not None
        if self.config.objective.perceptual_input == "raw":
            # The network's own normalisation turns this into [-1, 1].
            frames = (2 * frames - 1) * self.features.std + self.features.mean
        return self.features(frames)


def _check_maps(config: PlayableConfig) -> None:
    """Refuses frames whose lowest resolution is too small for all maps of the perceptual network."""
    (height, width), number = config.size, len(config.objective.perceptual)
    shortest = min(height, width) // 4
    if config.objective.uses_features and shortest < 2 ** (number - 1):
        raise InputError(
            f"frames.size {height}x{width}: at the lowest resolution, {shortest} pixels, the perceptual network has no "
            f"{number} maps; make the frames larger or give fewer weights"
        )
