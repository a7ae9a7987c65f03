"""Trains the keypoint predictor of a finished monkey_net (Siarohin et al., CVPR 2019, Sec. 3.6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from kinema.core.types import Keypoints
from kinema.data.samples.keypoint_sequences import KeypointTrack, SequenceSource
from kinema.framing.pixels import to_frames
from kinema.ops.heatmap import gaussian_heatmap
from kinema.systems.monkey_net.config import MonkeyNetConfig
from kinema.systems.monkey_net.model import MonkeyNetModel
from kinema.train.phases import Phase, Turn

DETECT_FRAMES = 32

PREDICTOR = {"covariance": False, "num_features": 256, "dropout": 0.0, "residual": True, "noise": 4}
SEQUENCES = {"length": 24, "first_frame": 0.5, "rotation_degrees": 5.0, "resize": (0.95, 1.05), "shift": 0.03}
TRAINING = {
    "stage": "predictor",
    "steps": 3000,
    "batch_size": 64,
    "precision": "float32",
    "channels_last": False,
    "schedule": "cosine",
    "lr_warmup_steps": 50,
    "average_decay": 0.999,
}


def prediction_config(config: MonkeyNetConfig) -> MonkeyNetConfig:
    """Adds the predictor and its training to the config of a finished model."""
    values = config.model_dump(mode="json")
    values["predictor"] = values["predictor"] or PREDICTOR | {"num_kp": config.keypoints.num_kp}
    values["sequences"] |= SEQUENCES
    values["train"] |= TRAINING
    return MonkeyNetConfig.parse(values, origin="stage predictor")


class PredictorTraining:
    """Trains the predictor; the other networks are not changed.

    Attributes:
        nets: all networks of the model, so that the exported model is complete.
    """

    def __init__(self, config: MonkeyNetConfig) -> None:
        self.config = config
        self.model = MonkeyNetModel(config)
        assert self.model.predictor is not None, "the stage's config has a predictor"
        self.predictor = self.model.predictor
        self.nets = nn.ModuleDict(dict(self.model.named_children()))

    def phases(self) -> tuple[Phase, ...]:
        """One phase, which trains the predictor."""
        rates = {"predictor": self.config.objective.lr_predictor}
        return (Phase("predict", rates, self.predict_losses, betas=(0.9, 0.999)),)

    def predict_losses(self, batch: Keypoints, turn: Turn) -> dict[str, Tensor]:
        """Distance of the predicted keypoints from the true ones.

        Args:
            batch: sequences, ``value`` (B, T, K, 2) and perhaps ``covariance``.
            turn: gives the noise.

        Returns:
            Name to scalar: prediction (the most likely motion) and, with noise, best_of (the best of several motions).
        """
        losses = {"prediction": self._error(batch, None).mean()}
        if self.predictor.config.noise:
            samples, size = self.config.objective.prediction_samples, self.predictor.config.noise

            def draw(rows: int, generator: torch.Generator) -> Tensor:
                return torch.randn(rows, samples, size, generator=generator)

            noise = turn.draw(len(batch.value), draw).to(batch.value.device)  # (B, samples, size)
            repeated = batch.map(lambda tensor: tensor.repeat_interleave(samples, dim=0))
            errors = self._error(repeated, noise.flatten(0, 1)).unflatten(0, (-1, samples))
            losses["best_of"] = errors.min(dim=1).values.mean()
        return losses

    def sample_sheet(self, batch: Keypoints) -> Tensor:
        """True points above predicted ones, at eight time steps of the first sequence: (3, 128, 512) in [0, 1]."""
        first, rest = _split(batch[:1])
        with torch.no_grad():
            state = self.predictor.begin(first)
            predicted, _ = self.predictor.advance(first, state, rest.value.shape[1])
        time_steps = np.linspace(0, rest.value.shape[1] - 1, 8).round().astype(int).tolist()
        rows = []
        for kp in (rest, predicted):
            spots = gaussian_heatmap(kp.value[0, time_steps], (64, 64), variance=0.003)  # (8, K, 64, 64)
            rows.append(1 - spots.amax(dim=1).movedim(0, 1).flatten(1))  # (64, 512)
        return torch.cat(rows).expand(3, -1, -1)

    def _error(self, batch: Keypoints, noise: Tensor | None) -> Tensor:
        """(B,) mean absolute distance of points and, where they are predicted, of covariances."""
        first, rest = _split(batch)
        predicted, _ = self.predictor.advance(first, self.predictor.begin(first, noise), rest.value.shape[1])
        error = (predicted.value - rest.value).abs().flatten(1).mean(dim=1)
        if self.predictor.config.covariance:
            assert predicted.covariance is not None and rest.covariance is not None
            error = error + (predicted.covariance - rest.covariance).abs().flatten(1).mean(dim=1)
        return error


def sequence_source(training: PredictorTraining, clips: Sequence[Any], config: MonkeyNetConfig) -> SequenceSource:
    """The keypoints of all clips, found by the finished detector, as a source of sequences."""
    detector = training.model.keypoints.eval()
    device = next(detector.parameters()).device
    tracks = []
    for clip in clips:
        if clip.shape[0] < config.sequences.length:
            continue
        frames = to_frames(clip.frames()).split(DETECT_FRAMES)
        with torch.no_grad():
            found = [detector(part.to(device)) for part in frames]
        value = torch.cat([kp.value for kp in found]).cpu()
        covariance = None
        if config.predictor is not None and config.predictor.covariance:
            covariance = torch.cat([kp.covariance for kp in found]).cpu()
        tracks.append(KeypointTrack(clip.code, clip.group, Keypoints(value, covariance=covariance)))
    return SequenceSource(tracks, config.sequences, config.train.seed)


def _split(batch: Keypoints) -> tuple[Keypoints, Keypoints]:
    """Sequences (B, T, ...) to the given frame (B, ...) and what follows (B, T - 1, ...)."""
    return batch.map(lambda tensor: tensor[:, 0]), batch.map(lambda tensor: tensor[:, 1:])
