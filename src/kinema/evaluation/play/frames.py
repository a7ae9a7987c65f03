"""Measures how far played frames are from the clips, frame by frame and as distributions, and where objects are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kinema.blocks.efficientnet import EfficientNetLite0Features
from kinema.blocks.perceptual import PerceptualFeatures
from kinema.core.random import derive_seed
from kinema.evaluation.clips import batches
from kinema.evaluation.play.actions import single_figure
from kinema.evaluation.play.long_games import pooled_vectors
from kinema.framing.pixels import to_frames
from kinema.metrics.bootstrap import bootstrap_mean
from kinema.metrics.frechet import clip_vector, frechet_distance
from kinema.metrics.image_quality import l1, mse, psnr, ssim
from kinema.metrics.object_position import Box, compare_detections
from kinema.metrics.perceptual import perceptual_distance
from kinema.metrics.sharpness import sharpness
from kinema.simulation.breakout_paddle import find_paddle
from kinema.simulation.robot_hand import find_hand

REAL = "real"
# Objects that can be found in frames, by their name in the truth: detector, and unit of the distance.
DETECTORS: dict[str, tuple[Callable[[Tensor, Box | None], Tensor], str]] = {
    "paddle": (find_paddle, "pixels of the 160 wide picture"),
    "hand": (find_hand, "pixels of a 64 wide picture"),
}


class FrameFigures:
    """Collects the figures of frames, which ``kinema.evaluation.play.protocol`` defines, clip by clip.

    Attributes:
        network: the network whose pooled features are compared as distributions, or None.
    """

    def __init__(self, features: PerceptualFeatures | None) -> None:
        self._features = features
        # It also serves perceptual distances; other networks have no pooled features.
        self.network = features if isinstance(features, EfficientNetLite0Features) and features.head else None
        self._clips = 0
        self._frames: dict[str, tuple[list[np.ndarray], list[np.ndarray]]] = defaultdict(lambda: ([], []))
        self._curves: dict[str, dict[str, list[np.ndarray]]] = defaultdict(lambda: defaultdict(list))

    @torch.no_grad()
    def measure(self, videos: Mapping[str, np.ndarray]) -> dict[str, dict[str, float]]:
        """Compares the videos of one clip.

        Args:
            videos: method to (T, H, W, 3) uint8; the others are compared with ``REAL``.

        Returns:
            Method to metric to its mean over the frames.
        """
        half = self._clips % 2
        self._clips += 1
        means: dict[str, dict[str, float]] = {}
        for method, images in videos.items():
            values = self._compare(images, None if method == REAL else videos[REAL])
            for name, per_frame in values.items():
                self._curves[method][name].append(per_frame)
            means[method] = {name: float(per_frame.mean()) for name, per_frame in values.items()}
            if self.network is not None:
                self._frames[method][half].append(pooled_vectors(self.network, images))
        return means

    def over_time(self, method: str) -> dict[str, list[float | None]]:
        """Metric to its mean at each time step, over the clips that are long enough."""
        return {name: _mean_per_step(clips) for name, clips in self._curves[method].items()}

    def true_vectors(self, clips: Sequence[int] | None = None) -> np.ndarray | None:
        """(N, D) pooled features of the true frames of ``clips`` (None: all clips); None without a network."""
        chosen = range(self._clips) if clips is None else clips
        halves = self._frames[REAL]
        return None if self.network is None else np.concatenate([halves[one % 2][one // 2] for one in chosen])

    def distances(self, method: str) -> dict[str, dict[str, Any]]:
        """The Frechet distances of a method, as far as there are enough frames or clips."""
        generated, true = self._frames[method], self._frames[REAL]
        found = {}
        for name, vectors in (("frechet", np.concatenate), ("clip_frechet", _clip_vectors)):
            halves = [[vectors(half) if half else np.empty((0, 1)) for half in both] for both in (generated, true)]
            if min(len(half) for both in halves for half in both) < 2:
                continue
            distance = frechet_distance(halves[0][0], halves[1][1])
            if method != REAL:  # the distance of the two halves is symmetric
                distance = (distance + frechet_distance(halves[0][1], halves[1][0])) / 2
            found[name] = single_figure(distance, self._clips)
        return found

    def _compare(self, generated: np.ndarray, true: np.ndarray | None) -> dict[str, np.ndarray]:
        """Metric to (T,) values."""
        values: dict[str, list[Tensor]] = defaultdict(list)
        for begin, end in batches(len(generated)):
            frames = to_frames(generated[begin:end])
            if true is not None:
                wanted = to_frames(true[begin:end])
                for name, metric in (("l1", l1), ("mse", mse), ("psnr", psnr), ("ssim", ssim)):
                    values[name].append(metric(frames, wanted))
                if self._features is not None:
                    values["perceptual"].append(perceptual_distance(self._features, frames, wanted))
            values["sharpness"].append(sharpness(frames))
        return {name: torch.cat(parts).double().numpy() for name, parts in values.items()}


class ObjectFigures:
    """Measures whether an object is at the same place in generated frames as in true ones."""

    def __init__(self, thing: str) -> None:
        """Takes a key of ``DETECTORS``."""
        self.thing = thing
        self._find, self.unit = DETECTORS[thing]
        self._clusters: list[str] = []
        self._distances: dict[str, list[np.ndarray]] = defaultdict(list)
        self._missed: dict[str, list[np.ndarray]] = defaultdict(list)

    def measure(self, videos: Mapping[str, np.ndarray], box: Box, cluster: str) -> None:
        """Measures one clip.

        Args:
            videos: as in :meth:`FrameFigures.measure`.
            box: the part of the frames that shows the whole picture.
            cluster: cluster of the clip in the bootstrap.
        """
        found = {method: self._find(to_frames(images)[None], box) for method, images in videos.items()}
        self._clusters += [cluster] * len(videos[REAL])
        for method, places in found.items():
            if method != REAL:
                errors = compare_detections(found[REAL], places)
                both, missed = errors.both.numpy() > 0, errors.missed.numpy() > 0
                self._distances[method].append(np.where(both, errors.distance.numpy(), np.nan))
                self._missed[method].append(np.where(both | missed, missed.astype(float), np.nan))

    def summary(self, method: str, seed: int) -> dict[str, dict[str, Any]]:
        """ADD and MDR of all frames, with intervals over clips; ADD is None if the object was never found in both."""
        figures = {}
        for name, parts in (("add", self._distances[method]), ("mdr", self._missed[method])):
            values = np.concatenate(parts)
            if np.isnan(values).all():
                figures[f"{self.thing}_{name}"] = single_figure(0.0, 0) | {"mean": None, "missing": len(values)}
                continue
            estimate = bootstrap_mean(values, self._clusters, seed=derive_seed("bootstrap", seed))
            figures[f"{self.thing}_{name}"] = {
                "mean": estimate.mean,
                "low": estimate.low,
                "high": estimate.high,
                "clips": len(parts),
                "missing": estimate.missing,  # frames
            }
        return figures

    def over_time(self, method: str) -> dict[str, list[float | None]]:
        """The same for each time step, None if nothing was found."""
        both = (("add", self._distances[method]), ("mdr", self._missed[method]))
        return {f"{self.thing}_{name}": _mean_per_step(parts) for name, parts in both}


def _mean_per_step(clips: Sequence[np.ndarray]) -> list[float | None]:
    """Mean at each time step over the clips that are long enough and have a value."""
    curve: list[float | None] = []
    for step in range(max(map(len, clips))):
        values = np.array([clip[step] for clip in clips if len(clip) > step])
        known = values[~np.isnan(values)]
        curve.append(round(float(known.mean()), 6) if known.size else None)
    return curve


def _clip_vectors(half: Sequence[np.ndarray]) -> np.ndarray:
    return np.stack([clip_vector(vectors) for vectors in half])
