"""Defines the config of playable: networks, objective, schedules and training."""

from __future__ import annotations

import math
from typing import Literal, Self

from pydantic import Field, model_validator

from kinema.actions.action_network import ActionNetworkConfig
from kinema.actions.centroids import CentroidConfig
from kinema.actions.representation import DOWNSCALE, RepresentationConfig
from kinema.core.config import Config
from kinema.data.clips.shots import ShotConfig
from kinema.data.samples.clip_windows import ClipConfig
from kinema.sequences.action_dynamics import ActionDynamicsConfig
from kinema.synthesis.state_renderer import StateRendererConfig
from kinema.systems.frame_size import FrameSizeConfig
from kinema.train.config import TrainConfig


class PlayableLossConfig(Config):
    """Weights of the losses in one of the two phases (CADDY, Sec. 3.5); a weight of 0 switches its term off."""

    pixel: float = Field(default=2.0, ge=0, description="L1, mean over three resolutions; 2 in [0, 1] is the paper's 1")
    perceptual: tuple[float, ...] = Field(
        default=(1, 2, 2, 2, 2), description="for each map of the perceptual network, mean over three resolutions"
    )
    state: float = Field(default=0.2, ge=0, description="squared error of the generated frames' states")
    hidden: float = Field(
        default=0.0, ge=0, description="squared error of the predicted hidden state; in pretraining only"
    )
    entropy: float = Field(default=0.0, ge=0, description="entropy of the actions")
    direction_kl: float = Field(
        default=1e-4, ge=0, description="divergence of the action directions from a standard normal distribution"
    )
    mutual_information: float = Field(
        default=0.15, ge=0, description="between the actions in true and in generated frames"
    )
    state_kl: float = Field(
        default=0.0,
        ge=0,
        description="divergence of the positions of generated frames in the action space from those of true ones",
    )

    @property
    def uses_features(self) -> bool:
        """Whether a perceptual network is needed."""
        return any(weight != 0 for weight in self.perceptual)


class PlayableObjectiveConfig(Config):
    """Losses of the two phases, learning rate and weight decay."""

    pretraining: PlayableLossConfig = PlayableLossConfig(hidden=1.0)
    full: PlayableLossConfig = PlayableLossConfig()
    perceptual_network: Literal["vgg19", "efficientnet_lite0"] = Field(
        default="vgg19", description="vgg19 is the paper's, with five maps"
    )
    perceptual_input: Literal["raw", "normalised"] = Field(
        default="raw",
        description="raw: frames in [-1, 1], as in the authors' code; normalised: as the network was trained",
    )
    motion_bias: float | None = Field(
        default=None,
        ge=0,
        description="added to the movement of a pixel to give its weight; None: all have equal weight, as published",
    )
    motion_span: Literal["moment", "clip"] = Field(
        default="moment",
        description="movement that gives the weight; moment: at this time step, as published; clip: the largest in it",
    )
    joint_rate: float = Field(
        default=1.0,
        gt=0,
        le=1,
        description="weight of a batch in the running average of the joint distribution of actions; 1: no average",
    )
    marginal_entropy: float = Field(default=1.0, ge=0, description="weight of the marginals in the mutual information")
    unseen_share: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="fraction of clips in which an action without any effect is inserted where it is never seen, among "
        "the clips with such a time step; 0: as published",
    )
    unseen_does: Literal["stop", "rest"] = Field(
        default="stop",
        description="stop: the clip stands still during the inserted action; rest: it goes on, with the action of no "
        "movement, for games in which other objects move by themselves",
    )
    unseen_below: float = Field(
        default=0.06, gt=0, lt=1, description="an action with a smaller probability counts as never seen"
    )
    learning_rate: float = Field(default=4e-4, gt=0, description="of all networks")
    weight_decay: float = Field(default=1e-6, ge=0, description="L2 in Adam's gradient")

    @model_validator(mode="after")
    def _agree(self) -> Self:
        both = (self.pretraining.perceptual, self.full.perceptual)
        if len({len(weights) for weights in both if weights}) > 1:
            raise ValueError("objective.pretraining.perceptual and objective.full.perceptual must be equally long")
        return self

    @property
    def perceptual(self) -> tuple[float, ...]:
        """Weights of the maps, which show how many maps the perceptual network needs."""
        return self.full.perceptual or self.pretraining.perceptual

    @property
    def uses_features(self) -> bool:
        """Whether a perceptual network is needed."""
        return self.pretraining.uses_features or self.full.uses_features


class PlayableScheduleConfig(Config):
    """Values that change over the run, each linearly from its start to its end in a number of steps."""

    pretraining_steps: int = Field(default=1000, ge=0, description="steps of the first phase")
    length_start: int = Field(default=7, ge=2, description="time steps of a clip, at first")
    length_end: int = Field(default=12, ge=2, description="the same, at the end")
    length_steps: int = Field(default=25_000, ge=1, description="steps until the end is reached")
    certain_steps: int = Field(
        default=0,
        ge=0,
        description="steps in which positions in the action space are means, not samples; noise hides small movements",
    )
    unseen_from: int = Field(
        default=300, ge=0, description="step from which unseen actions are inserted (objective.unseen_share)"
    )
    real_start: int = Field(
        default=6, ge=1, description="true observations before generated frames are the input, at first"
    )
    real_end: int = Field(default=6, ge=1, description="the same, at the end")
    real_steps: int = Field(default=16_000, ge=1, description="steps until the end is reached")
    temperature_start: float = Field(default=1.0, gt=0, description="temperature of the sampling of actions, at first")
    temperature_end: float = Field(default=0.4, gt=0, description="the same, at the end")
    temperature_steps: int = Field(default=20_000, ge=1, description="steps until the end is reached")

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.length_end < self.length_start:
            raise ValueError(
                f"schedule.length_end {self.length_end} must not be below schedule.length_start {self.length_start}"
            )
        if self.real_end > self.real_start or self.temperature_end > self.temperature_start:
            raise ValueError("schedule.real_end and schedule.temperature_end must not be above their starts")
        return self

    def length(self, step: int) -> int:
        """Time steps of a clip at ``step``, counted from 1.

        >>> [PlayableScheduleConfig().length(step) for step in (1, 4999, 5000, 25_000)]
        [7, 7, 8, 12]
        """
        grown = self.length_start + (self.length_end - self.length_start) * step / self.length_steps
        return min(self.length_end, math.floor(grown))

    def real_frames(self, step: int) -> int:
        """Number of true observations at the start of a clip, at ``step``, counted from 1.

        >>> [PlayableScheduleConfig(real_start=8, real_end=3, real_steps=1000).real_frames(s) for s in (1, 200, 2000)]
        [8, 7, 3]
        """
        left = self.real_start - (self.real_start - self.real_end) * step / self.real_steps
        return max(self.real_end, math.ceil(left))

    def temperature(self, step: int) -> float:
        """Temperature of the sampling of actions at ``step``, counted from 1.

        >>> round(PlayableScheduleConfig().temperature(10_000), 6)
        0.7
        """
        cooled = (
            self.temperature_start - (self.temperature_start - self.temperature_end) * step / self.temperature_steps
        )
        return max(self.temperature_end, cooled)


class PlayableConfig(FrameSizeConfig):
    """Everything that defines a playable model and its training."""

    frames: ClipConfig = ClipConfig()
    shots: ShotConfig = ShotConfig()
    representation: RepresentationConfig = RepresentationConfig()
    actions: ActionNetworkConfig = ActionNetworkConfig()
    centroids: CentroidConfig = CentroidConfig()
    dynamics: ActionDynamicsConfig = ActionDynamicsConfig()
    renderer: StateRendererConfig = StateRendererConfig()
    variations: bool = Field(
        default=True, description="whether the dynamics see how a step differs from the mean of its action"
    )
    hard_actions: bool = Field(default=False, description="train with one-hot actions and the gradient of soft ones")
    objective: PlayableObjectiveConfig = PlayableObjectiveConfig()
    schedule: PlayableScheduleConfig = PlayableScheduleConfig()
    train: TrainConfig = TrainConfig()

    @model_validator(mode="after")
    def _agree(self) -> Self:
        parts = {"representation", "actions", "centroids", "dynamics", "renderer"}
        for field in ("state_features", "num_actions", "action_space", "hidden_features"):
            values = {part: getattr(getattr(self, part), field, None) for part in parts}
            given = {part: value for part, value in values.items() if value is not None}
            if len(set(given.values())) > 1:
                shown = ", ".join(f"{part} {given[part]}" for part in sorted(given))
                raise ValueError(f"{field} must be the same in all parts, not {shown}; set all of them")
        if self.objective.unseen_share and self.representation.stack > 1:
            raise ValueError("objective.unseen_share must be 0 where representation.stack is above 1")
        height, width = self.frames.size
        if self.dynamics.size != (height // DOWNSCALE, width // DOWNSCALE):
            wanted = [height // DOWNSCALE, width // DOWNSCALE]
            raise ValueError(
                f"dynamics.size {list(self.dynamics.size)} must be frames.size / {DOWNSCALE}, {wanted}; set both"
            )
        return self

    @property
    def divisor(self) -> int:
        """Both sides of a frame must be multiples of this: states are an eighth, and the dynamics halve them."""
        return 2 * DOWNSCALE
