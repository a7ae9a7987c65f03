"""Animates a still by a driving video, or by predicted motion, with monkey_net's keypoints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from kinema.core.checks import InputError
from kinema.core.types import Keypoints
from kinema.keypoints.zeroth_transfer import transfer_keypoints
from kinema.systems.animation import Animation, KeypointPipeline

# Number of frames that are generated at once.
BATCH_FRAMES = 4


class MonkeyNetPipeline(KeypointPipeline):
    """A trained monkey_net model, ready to animate.

    Attributes:
        adapt_variance: apply the change of the driving covariance to that of the source.
        clip_mean: keep points inside the frame.
    """

    def __init__(self, model: Any, *, adapt_variance: bool = False, clip_mean: bool = False, **placement: Any) -> None:
        super().__init__(model, **placement)
        self.adapt_variance = adapt_variance
        self.clip_mean = clip_mean

    def predict(self, animation: Animation, length: int, *, seed: int | None = None) -> Iterator[Tensor]:
        """The frames that may follow a source, without any driving video (Sec. 3.6).

        Args:
            animation: from :meth:`prepare`, of one source.
            length: number of frames after the source.
            seed: selects one of the possible motions if the predictor has noise; None: the most likely motion.

        Yields:
            (B, 3, H, W) frames in [0, 1], a few at a time.

        Raises:
            InputError: the model has no predictor, or a seed is given for a predictor without noise.
        """
        for kp in self.predict_keypoints(animation.source.kp, length, seed=seed):
            with torch.no_grad(), self._autocast():
                frames, _ = self.model.animate(animation.source, kp)
            yield frames.float()

    def predict_keypoints(self, kp_source: Keypoints, length: int, *, seed: int | None = None) -> Iterator[Keypoints]:
        """The keypoints of the frames of :meth:`predict`, a few rows (B, K, 2) at a time; ``kp_source`` is one row."""
        predictor = self.model.predictor
        if predictor is None:
            raise InputError(
                "this monkey_net model has no predictor: train one with "
                "`kinema learn monkey_net FOLDER -o RUN --stage predictor --start-from MODEL`"
            )
        if seed is not None and predictor.config.noise == 0:
            raise InputError(
                "the predictor of this model has no noise, so it predicts only one motion: leave --seed out"
            )
        first = Keypoints(kp_source.value.float(), covariance=kp_source.covariance)
        noise = None
        if seed is not None:
            generator = torch.Generator().manual_seed(seed)
            noise = torch.randn(1, predictor.config.noise, generator=generator).to(first.value)
        with torch.no_grad():
            state = predictor.begin(first, noise)
        for begin in range(0, length, BATCH_FRAMES):
            with torch.no_grad():
                kp, state = predictor.advance(first, state, min(BATCH_FRAMES, length - begin))
            yield kp.map(lambda tensor: tensor.flatten(0, 1))

    def transfer(
        self, kp_source: Keypoints, kp_driving: Keypoints, kp_anchor: Keypoints, *, relative: bool, adapt_scale: bool
    ) -> Keypoints:
        """See :meth:`KeypointPipeline.transfer`: (B, K, 2) points with their covariances."""
        return transfer_keypoints(
            kp_source,
            kp_driving,
            kp_anchor,
            move_location=relative,
            movement_mult=adapt_scale,
            adapt_variance=self.adapt_variance,
            clip_mean=self.clip_mean,
        )
