"""A model and a folder of clips -> measured figures with confidence intervals, beside a baseline.

Protocols:
    reconstruction: frame 0 of a clip is animated by the clip itself, absolutely; the truth is the clip (FOMM Sec. 4).
    cross_look: frame 0 of one look is animated by another look of the same motion, relatively; the truth is the first
        look's own clip. Each clip is driven by the next look of its group, in the order of their names.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from kinema.blocks.features import PerceptualFeatures
from kinema.core.checks import InputError
from kinema.core.random import derive_seed
from kinema.data.cache import CacheConfig, CachedClip, FrameCache
from kinema.data.folder import Unreadable, scan_folder
from kinema.data.index import stated_splits
from kinema.metrics.bootstrap import bootstrap_mean
from kinema.metrics.face import identity_distance, landmark_distance
from kinema.metrics.frames import l1, psnr, ssim
from kinema.metrics.keypoints import keypoint_distance
from kinema.metrics.perceptual import perceptual_distance, perceptual_metric_name
from kinema.systems.framing import to_frames

Protocol = Literal["reconstruction", "cross_look"]
PROTOCOLS: tuple[Protocol, ...] = ("reconstruction", "cross_look")
REPEAT = "repeat_source"
BATCH_FRAMES = 12


@dataclass(frozen=True)
class EvaluateRequest:
    """What to measure.

    Attributes:
        folder: of clips; with an ``index.csv`` that has a split column only its test rows are used.
        protocol: see the module.
        features: perceptual network, or None to leave the perceptual distance out.
        face: also measure AKD and AED with dlib's detector (extra ``face``).
        seed: of the bootstrap.
        limit: at most this many clips, for a quick look; None takes all.
        on_progress: clips done, clips in all.
    """

    folder: Path
    protocol: Protocol = "reconstruction"
    features: PerceptualFeatures | None = None
    face: bool = False
    seed: int = 0
    limit: int | None = None
    on_progress: Callable[[int, int], None] | None = None


@dataclass(frozen=True)
class Pair:
    """A clip to reproduce and the clip that drives."""

    truth: CachedClip
    driving: CachedClip

    @property
    def cluster(self) -> str:
        """What figures are resampled by: looks of one motion are not independent."""
        return self.truth.group or self.truth.code


def evaluate(pipeline: Any, request: EvaluateRequest) -> dict[str, Any]:
    """Measures a model.

    Args:
        pipeline: from :func:`kinema.runtime.load.load`.
        request: what to measure.

    Returns:
        JSON values: ``metrics.NAME.mean`` with ``low`` and ``high`` of a 95 % interval, the same under
        ``baselines.repeat_source``, ``per_clip`` rows, and what was measured how.

    Raises:
        InputError: the folder has no clips that the protocol can use.
    """
    if request.protocol not in PROTOCOLS:
        raise InputError(f"protocol '{request.protocol}' is unknown; known: {', '.join(PROTOCOLS)}")
    clips, left_out, split = _clips(request, pipeline.size)
    pairs = _pairs(clips, request)
    rows: list[dict[str, Any]] = []
    for index, pair in enumerate(pairs):
        rows.append(_measure_pair(pipeline, pair, request))
        if request.on_progress is not None:
            request.on_progress(index + 1, len(pairs))
    clusters = [pair.cluster for pair in pairs]
    return {
        "protocol": request.protocol,
        "folder": str(request.folder),
        "split": split,
        "size": list(pipeline.size),
        "clips": len(pairs),
        "frames": sum(row["frames"] for row in rows),
        "clusters": len(set(clusters)),
        "left_out": [str(entry) for entry in left_out],
        "perceptual_network": None if request.features is None else perceptual_metric_name(request.features),
        "metrics": _summarise(rows, "model", clusters, request.seed),
        "baselines": {REPEAT: _summarise(rows, REPEAT, clusters, request.seed)},
        "per_clip": rows,
    }


def _clips(
    request: EvaluateRequest, size: tuple[int, int]
) -> tuple[tuple[CachedClip, ...], tuple[Unreadable, ...], str | None]:
    splits = stated_splits(request.folder)
    split = "test" if "test" in splits else None
    if splits and split is None:
        raise InputError(
            f"{request.folder}/index.csv states the splits {', '.join(splits)} but has no test row; "
            "mark the clips to measure on as test, or remove the split column to use all"
        )
    found = scan_folder(request.folder, split=split)
    # Every frame counts: long clips are not thinned.
    built = FrameCache(CacheConfig(size=size, max_frames=None)).build(found.clips)
    return tuple(built.clips), (*found.unreadable, *built.failed), split


def _pairs(clips: Sequence[CachedClip], request: EvaluateRequest) -> list[Pair]:
    ordered = sorted(clips, key=lambda clip: clip.code)
    if request.protocol == "reconstruction":
        pairs = [Pair(clip, clip) for clip in ordered]
    else:
        groups: dict[str, list[CachedClip]] = defaultdict(list)
        for clip in ordered:
            if clip.group is not None:
                groups[clip.group].append(clip)
        pairs = [
            Pair(look, looks[(index + 1) % len(looks)])
            for _, looks in sorted(groups.items())
            if len(looks) > 1
            for index, look in enumerate(looks)
        ]
    pairs = pairs[: request.limit]
    if not pairs:
        need = "clips" if request.protocol == "reconstruction" else "groups of clips that share a motion (index.csv)"
        raise InputError(f"{request.folder}: the protocol {request.protocol} needs {need}, and there are none")
    return pairs


def _measure_pair(pipeline: Any, pair: Pair, request: EvaluateRequest) -> dict[str, Any]:
    """Means over the frames of one pair, for the model and for repeating the source."""
    count = min(pair.truth.shape[0], pair.driving.shape[0])
    truth, driving = pair.truth.frames(), pair.driving.frames()
    source = to_frames(truth[0])
    animation = pipeline.prepare(
        source, relative=request.protocol == "cross_look", anchor=pipeline.detect(to_frames(driving[0]))
    )
    sums: dict[str, dict[str, list[np.ndarray]]] = {"model": defaultdict(list), REPEAT: defaultdict(list)}
    for begin, end in _spans(count):
        wanted = to_frames(np.array(truth[begin:end]))
        made = animation.step(to_frames(np.array(driving[begin:end]))).cpu()
        for who, frames in (("model", made), (REPEAT, source.expand_as(wanted))):
            for name, values in _measure(pipeline, frames, wanted, request).items():
                sums[who][name].append(np.asarray(values, dtype=np.float64))
    row: dict[str, Any] = {"code": pair.truth.code, "driving": pair.driving.code, "frames": count}
    for who, metrics in sums.items():
        row[who] = {name: _mean(np.concatenate(parts)) for name, parts in metrics.items()}
    return row


def _measure(pipeline: Any, frames: Tensor, wanted: Tensor, request: EvaluateRequest) -> dict[str, Any]:
    """One value a frame for each metric."""
    with torch.no_grad():
        values: dict[str, Any] = {
            "l1": l1(frames, wanted),
            "psnr": psnr(frames, wanted),
            "ssim": ssim(frames, wanted),
        }
        if request.features is not None:
            values["perceptual"] = perceptual_distance(request.features, frames, wanted)
        size = (wanted.shape[2], wanted.shape[3])
        ours, theirs = pipeline.detect(frames).value.cpu(), pipeline.detect(wanted).value.cpu()
        values["keypoint_distance"] = keypoint_distance(ours, theirs, size=size)
    if request.face:
        values["akd_face"] = landmark_distance(wanted, frames)
        values["aed_face"] = identity_distance(wanted, frames)
    return values


def _summarise(rows: list[dict[str, Any]], who: str, clusters: list[str], seed: int) -> dict[str, Any]:
    summary: dict[str, Any] = {}
    for name in rows[0][who]:
        values = np.array([np.nan if row[who][name] is None else row[who][name] for row in rows])
        if np.isnan(values).all():
            # No face in any clip, say: the other figures stand.
            summary[name] = {"mean": None, "low": None, "high": None, "clips": 0, "missing": len(values)}
            continue
        estimate = bootstrap_mean(values, clusters, seed=derive_seed("bootstrap", seed))
        summary[name] = {
            "mean": estimate.mean,
            "low": estimate.low,
            "high": estimate.high,
            "clips": estimate.count,
            "missing": estimate.missing,
        }
    return summary


def _mean(values: np.ndarray) -> float | None:
    """Mean of the frames that have a value; None where none has."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else None


def _spans(count: int) -> Iterator[tuple[int, int]]:
    for begin in range(0, count, BATCH_FRAMES):
        yield begin, min(count, begin + BATCH_FRAMES)
