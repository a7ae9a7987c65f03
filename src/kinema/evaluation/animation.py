"""Measures animation: the first frame of a clip is animated, and the result is compared with a clip.

reconstruction: frame 0 of a clip is animated by the same clip, with absolute motion; the truth is that clip (FOMM
    Sec. 4).
cross_look: frame 0 of one look is animated by another look of the same motion, with relative motion; the truth is the
    first look's own clip. Each clip is driven by the next look of its group, in the order of their names.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kinema.core.checks import InputError
from kinema.data.clips.cache import CachedClip
from kinema.evaluation.clips import batches, measured_clips
from kinema.evaluation.pairs import Pair, look_pairs, own_pairs
from kinema.evaluation.request import REPEAT, EvaluateRequest, Instruments
from kinema.evaluation.summary import mean_of_known, summarise
from kinema.framing.pixels import to_frames
from kinema.metrics.face import identity_distance, landmark_distance
from kinema.metrics.image_quality import l1, psnr, ssim
from kinema.metrics.keypoints import keypoint_distance
from kinema.metrics.perceptual import perceptual_distance, perceptual_metric_name
from kinema.systems.abilities import AnimationPipeline, HeadPipeline


def evaluate_animation(
    pipeline: AnimationPipeline, request: EvaluateRequest, instruments: Instruments
) -> dict[str, Any]:
    """Measures one of the two protocols; see :func:`kinema.evaluation.protocols.evaluate`.

    Raises:
        InputError: the model has no keypoints to measure.
    """
    if isinstance(pipeline, HeadPipeline):
        raise InputError(
            f"{request.model}: follows a face and has no keypoints, which the protocol {request.protocol} measures; "
            "take --protocol head"
        )
    clips, left_out, split = measured_clips(request.folder, pipeline.size)
    pairs = _pairs(clips, request)
    familiarity = instruments.know(pipeline, request, [np.array(pair.truth.frames()[0]) for pair in pairs])
    rows: list[dict[str, Any]] = []
    for index, pair in enumerate(pairs):
        rows.append(_measure_pair(pipeline, pair, request, instruments))
        instruments.advance(index + 1, len(pairs))
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
        "perceptual_network": None if instruments.features is None else perceptual_metric_name(instruments.features),
        "familiarity": familiarity,
        "metrics": summarise(rows, "model", clusters, request.seed),
        "baselines": {REPEAT: summarise(rows, REPEAT, clusters, request.seed)},
        "per_clip": rows,
    }


def _pairs(clips: Sequence[CachedClip], request: EvaluateRequest) -> list[Pair[CachedClip]]:
    makes = own_pairs if request.protocol == "reconstruction" else look_pairs
    pairs = makes(clips)[: request.limit]
    if not pairs:
        need = "clips" if request.protocol == "reconstruction" else "groups of clips that share a motion (index.csv)"
        raise InputError(f"{request.folder}: the protocol {request.protocol} needs {need}; the folder has none")
    return pairs


def _measure_pair(
    pipeline: AnimationPipeline, pair: Pair[CachedClip], request: EvaluateRequest, instruments: Instruments
) -> dict[str, Any]:
    """Means over the frames of one pair, for the model and for repeating the source."""
    count = min(pair.truth.shape[0], pair.driving.shape[0])
    truth, driving = pair.truth.frames(), pair.driving.frames()
    source = to_frames(truth[0])
    animation = pipeline.prepare(
        source, relative=request.protocol == "cross_look", anchor=pipeline.detect(to_frames(driving[0]))
    )
    sums: dict[str, dict[str, list[np.ndarray]]] = {"model": defaultdict(list), REPEAT: defaultdict(list)}
    for begin, end in batches(count):
        wanted = to_frames(np.array(truth[begin:end]))
        generated = animation.step(to_frames(np.array(driving[begin:end]))).cpu()
        for method, frames in (("model", generated), (REPEAT, source.expand_as(wanted))):
            for name, values in _measure(pipeline, frames, wanted, request, instruments).items():
                sums[method][name].append(np.asarray(values, dtype=np.float64))
    row: dict[str, Any] = {"code": pair.truth.code, "driving": pair.driving.code, "frames": count}
    for method, metrics in sums.items():
        row[method] = {name: mean_of_known(np.concatenate(parts)) for name, parts in metrics.items()}
    return row


def _measure(
    pipeline: AnimationPipeline, frames: Tensor, wanted: Tensor, request: EvaluateRequest, instruments: Instruments
) -> dict[str, Any]:
    """One value per frame for each metric."""
    with torch.no_grad():
        values: dict[str, Any] = {
            "l1": l1(frames, wanted),
            "psnr": psnr(frames, wanted),
            "ssim": ssim(frames, wanted),
        }
        if instruments.features is not None:
            values["perceptual"] = perceptual_distance(instruments.features, frames, wanted)
        size = (wanted.shape[2], wanted.shape[3])
        ours, theirs = pipeline.detect(frames).value.cpu(), pipeline.detect(wanted).value.cpu()
        values["keypoint_distance"] = keypoint_distance(ours, theirs, size=size)
    if request.face:
        values["akd_face"] = landmark_distance(wanted, frames)
        values["aed_face"] = identity_distance(wanted, frames)
    return values
