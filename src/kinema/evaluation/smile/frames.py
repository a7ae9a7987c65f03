"""Measures how far the frames of videos are from those of the clips, one by one and as distributions."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from kinema.blocks.features import EfficientNetLite0Features
from kinema.blocks.perceptual import PerceptualFeatures
from kinema.evaluation.clips import spans
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
        network: whose pooled vectors are compared as distributions, or None.
        num_frames: of all clips that were compared.
    """

    def __init__(self, rows: Rows, features: PerceptualFeatures | None) -> None:
        self._features = features
        # Its other maps serve perceptual distances as well; other networks have no pooled vector.
        self.network = features if isinstance(features, EfficientNetLite0Features) and features.head else None
        self.num_frames = 0
        self._halves = iter(clip_halves(rows))
        self._vectors: dict[str, tuple[list[np.ndarray], list[np.ndarray]]] = defaultdict(lambda: ([], []))

    @torch.no_grad()
    def measure(self, clip_rows: Sequence[Row], videos: Mapping[str, list[Video]]) -> None:
        """Puts figures into the rows of the clips of a start.

        Args:
            clip_rows: N of them, in their order.
            videos: from :func:`kinema.evaluation.smile.videos.start_videos`.
        """
        halves = [next(self._halves) for _ in clip_rows]
        truth = [to_frames(video.images) for video in videos[REAL]]
        self.num_frames += sum(len(frames) for frames in truth)
        for who, shown in videos.items():
            if who != REAL:
                for place, (row, wanted) in enumerate(zip(clip_rows, truth, strict=True)):
                    made = shown[compared_video(who, row, place)]
                    add(row, who, **self._compare(to_frames(made.images), wanted))
            if self.network is not None:
                pooled = [self._pooled(self.network, video) for video in shown]
                for place, half in enumerate(halves):
                    self._vectors[who][half].append(pooled[place % len(pooled)])

    def frechet(self, who: str) -> float | None:
        """The distance of the videos of one maker from the clips; None where there are too few vectors, or none."""
        if self.network is None or who not in self._vectors or not all(self._vectors[who]):
            return None
        made, true = ([np.concatenate(half) for half in self._vectors[name]] for name in (who, REAL))
        if min(len(half) for half in (*made, *true)) < 2:
            return None
        there = frechet_distance(made[0], true[1])
        # The floor is the same either way.
        return there if who == REAL else (there + frechet_distance(made[1], true[0])) / 2

    @property
    def frames_a_side(self) -> int:
        """How many frames the smaller half of the clips has."""
        return min(sum(len(vectors) for vectors in half) for half in self._vectors[REAL])

    def _compare(self, made: Tensor, wanted: Tensor) -> dict[str, float]:
        """Means over the frames (T, 3, H, W)."""
        values: dict[str, list[Tensor]] = defaultdict(list)
        for begin, end in spans(len(made)):
            pair = made[begin:end], wanted[begin:end]
            values["l1"].append(l1(*pair))
            values["ssim"].append(ssim(*pair))
            if self._features is not None:
                values["perceptual"].append(perceptual_distance(self._features, *pair))
        return {name: float(torch.cat(parts).mean()) for name, parts in values.items()}

    @staticmethod
    def _pooled(network: EfficientNetLite0Features, video: Video) -> np.ndarray:
        frames = to_frames(video.images)
        return np.concatenate([network.pooled(frames[begin:end]).numpy() for begin, end in spans(len(frames))])


def clip_halves(rows: Rows) -> list[int]:
    """Half (0 or 1) of each clip: by turns within an identity, every other identity the other way round."""
    number = {row["identity"]: index for index, row in enumerate(rows.identities)}
    seen: Counter[str] = Counter()
    halves = []
    for row in rows.clips:
        identity = row["identity"]
        halves.append((seen[identity] + number[identity]) % 2)
        seen[identity] += 1
    return halves
