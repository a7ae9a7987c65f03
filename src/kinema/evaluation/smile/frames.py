"""Measures how far the frames of videos are from those of the clips, one by one and as distributions."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from kinema.blocks.features import EfficientNetLite0Features
from kinema.blocks.perceptual import PerceptualFeatures
from kinema.evaluation.clips import batches
from kinema.evaluation.smile.conditions import Row, Rows, add
from kinema.evaluation.smile.landmarks import REAL
from kinema.evaluation.smile.videos import Video, compared_video
from kinema.framing.pixels import to_frames
from kinema.metrics.frechet import frechet_distance
from kinema.metrics.image_quality import l1, ssim
from kinema.metrics.perceptual import perceptual_distance

FRECHET = "frechet"


class FrameFigures:
    """Collects the frame figures, which ``kinema.evaluation.smile.protocol`` defines, start by start.

    Attributes:
        network: the network whose pooled features are compared as distributions, or None.
        num_frames: number of frames of all compared clips.
    """

    def __init__(self, rows: Rows, features: PerceptualFeatures | None) -> None:
        self._features = features
        # It also serves perceptual distances; other networks have no pooled features.
        self.network = features if isinstance(features, EfficientNetLite0Features) and features.head else None
        self.num_frames = 0
        self._halves = iter(clip_halves(rows))
        self._vectors: dict[str, tuple[list[np.ndarray], list[np.ndarray]]] = defaultdict(lambda: ([], []))

    @torch.no_grad()
    def measure(self, clip_rows: Sequence[Row], videos: Mapping[str, list[Video]]) -> None:
        """Adds figures to the rows of the clips of a start.

        Args:
            clip_rows: of its N clips, in their order.
            videos: from :func:`kinema.evaluation.smile.videos.start_videos`.
        """
        halves = [next(self._halves) for _ in clip_rows]
        truth = [to_frames(video.images) for video in videos[REAL]]
        self.num_frames += sum(len(frames) for frames in truth)
        for method, shown in videos.items():
            if method != REAL:
                for place, (row, wanted) in enumerate(zip(clip_rows, truth, strict=True)):
                    generated = shown[compared_video(method, row, place)]
                    add(row, method, **self._compare(to_frames(generated.images), wanted))
            if self.network is not None:
                pooled = [self._pooled(self.network, video) for video in shown]
                for place, half in enumerate(halves):
                    self._vectors[method][half].append(pooled[place % len(pooled)])

    def frechet(self, method: str) -> float | None:
        """The distance of the videos of a method from the clips; None if there are too few vectors."""
        if self.network is None or method not in self._vectors or not all(self._vectors[method]):
            return None
        generated, true = ([np.concatenate(half) for half in self._vectors[name]] for name in (method, REAL))
        if min(len(half) for half in (*generated, *true)) < 2:
            return None
        distance = frechet_distance(generated[0], true[1])
        # The distance of the two halves is symmetric.
        return distance if method == REAL else (distance + frechet_distance(generated[1], true[0])) / 2

    @property
    def frames_per_half(self) -> int:
        """Number of frames in the smaller half of the clips."""
        return min(sum(len(vectors) for vectors in half) for half in self._vectors[REAL])

    def _compare(self, generated: Tensor, wanted: Tensor) -> dict[str, float]:
        """Means over the frames (T, 3, H, W)."""
        values: dict[str, list[Tensor]] = defaultdict(list)
        for begin, end in batches(len(generated)):
            pair = generated[begin:end], wanted[begin:end]
            values["l1"].append(l1(*pair))
            values["ssim"].append(ssim(*pair))
            if self._features is not None:
                values["perceptual"].append(perceptual_distance(self._features, *pair))
        return {name: float(torch.cat(parts).mean()) for name, parts in values.items()}

    @staticmethod
    def _pooled(network: EfficientNetLite0Features, video: Video) -> np.ndarray:
        frames = to_frames(video.images)
        return np.concatenate([network.pooled(frames[begin:end]).numpy() for begin, end in batches(len(frames))])


def clip_halves(rows: Rows) -> list[int]:
    """Half (0 or 1) of each clip: alternating within an identity, and reversed for every other identity."""
    number = {row["identity"]: index for index, row in enumerate(rows.identities)}
    seen: Counter[str] = Counter()
    halves = []
    for row in rows.clips:
        identity = row["identity"]
        halves.append((seen[identity] + number[identity]) % 2)
        seen[identity] += 1
    return halves
