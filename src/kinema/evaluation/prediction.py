"""Measures how well a model predicts the frames that follow a first frame (Monkey-Net, CVPR 2019, Sec. 4.4).

Frame 0 of a clip is given; the next ``FRAMES`` frames are predicted and compared with those of the clip. Baselines:

repeat: the keypoints stay where they are, and the model generates the frames.
repeat_source: the first frame itself, repeated.
constant_velocity: the keypoints continue their movement from frame 0 to frame 1, which is given too; the model
    generates the frames.

Metrics that end in ``_best_of_8`` measure the best of eight samples of a predictor with noise. The sample is chosen by
the true keypoints, as many motions can follow one frame.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kinema.core.checks import InputError
from kinema.core.types import Keypoints
from kinema.data.clips.cache import CachedClip
from kinema.evaluation.clips import batches, measured_clips
from kinema.evaluation.request import REPEAT, EvaluateRequest, Instruments
from kinema.evaluation.summary import mean_of_known, summarise
from kinema.framing.pixels import to_frames
from kinema.metrics.image_quality import l1
from kinema.metrics.keypoints import keypoint_distance
from kinema.metrics.perceptual import perceptual_distance, perceptual_metric_name
from kinema.systems.abilities import PredictionPipeline

FRAMES = 16
SAMPLES = 8
STILL, VELOCITY = "repeat", "constant_velocity"
METHODS = ("model", STILL, REPEAT, VELOCITY)


def evaluate_prediction(
    pipeline: PredictionPipeline, request: EvaluateRequest, instruments: Instruments
) -> dict[str, Any]:
    """Measures predicted frames and keypoints; ``over_time`` holds each metric's mean at each frame."""
    clips, left_out, split = measured_clips(request.folder, pipeline.size)
    clips = tuple(clip for clip in clips if clip.shape[0] > FRAMES)[: request.limit]
    if not clips:
        raise InputError(f"{request.folder}: the protocol prediction needs clips of more than {FRAMES} frames")
    familiarity = instruments.know(pipeline, request, [np.array(clip.frames()[0]) for clip in clips])
    rows, curves = [], []
    for index, clip in enumerate(clips):
        values = _measure_clip(pipeline, clip, request, instruments)
        curves.append(values)
        rows.append(
            {"code": clip.code, "frames": FRAMES}
            | {
                method: {name: mean_of_known(per_frame) for name, per_frame in values[method].items()}
                for method in METHODS
            }
        )
        instruments.advance(index + 1, len(clips))
    clusters = [clip.group or clip.code for clip in clips]
    return {
        "protocol": request.protocol,
        "folder": str(request.folder),
        "split": split,
        "size": list(pipeline.size),
        "clips": len(clips),
        "frames": FRAMES * len(clips),
        "clusters": len(set(clusters)),
        "left_out": [str(entry) for entry in left_out],
        "perceptual_network": None if instruments.features is None else perceptual_metric_name(instruments.features),
        "familiarity": familiarity,
        "metrics": summarise(rows, "model", clusters, request.seed),
        "baselines": {method: summarise(rows, method, clusters, request.seed) for method in METHODS[1:]},
        "over_time": {
            method: {
                name: np.mean([values[method][name] for values in curves], axis=0).round(6).tolist()
                for name in curves[0][method]
            }
            for method in METHODS
        },
        "per_clip": rows,
    }


def _measure_clip(
    pipeline: PredictionPipeline, clip: CachedClip, request: EvaluateRequest, instruments: Instruments
) -> dict[str, dict[str, np.ndarray]]:
    """Method to metric to (FRAMES,) values."""
    frames = to_frames(np.array(clip.frames()[: FRAMES + 1]))
    size = (frames.shape[2], frames.shape[3])
    source, truth = frames[:1], frames[1:]
    true_kp = pipeline.detect(truth).value.cpu()
    animation = pipeline.prepare(source)
    first = animation.source.kp
    velocity = pipeline.detect(truth[:1]).value - first.value  # (1, K, 2)
    steps = torch.arange(1, FRAMES + 1, device=velocity.device).view(-1, 1, 1)
    paths = {
        "model": _predict(pipeline, first, None),
        STILL: _with_covariance(first, first.value.expand(FRAMES, -1, -1)),
        VELOCITY: _with_covariance(first, (first.value + steps * velocity).clamp(-1, 1)),
    }
    values: dict[str, dict[str, list[Tensor]]] = {method: defaultdict(list) for method in METHODS}
    for begin, end in batches(FRAMES):
        for method in METHODS:
            kp = paths[STILL if method == REPEAT else method][begin:end]
            generated = source.expand(end - begin, -1, -1, -1)
            if method != REPEAT:
                generated = _generate(pipeline, animation, kp)
            values[method]["l1"].append(l1(generated, truth[begin:end]))
            values[method]["keypoint_error"].append(keypoint_distance(kp.value.cpu(), true_kp[begin:end], size=size))
            if instruments.features is not None:
                with torch.no_grad():
                    values[method]["perceptual"].append(
                        perceptual_distance(instruments.features, generated, truth[begin:end])
                    )
    if pipeline.model.predictor.config.noise:
        samples = [_predict(pipeline, first, seed) for seed in range(SAMPLES)]
        errors = [keypoint_distance(kp.value.cpu(), true_kp, size=size) for kp in samples]
        best = min(range(SAMPLES), key=lambda seed: float(errors[seed].mean()))
        values["model"][f"keypoint_error_best_of_{SAMPLES}"].append(errors[best])
        for begin, end in batches(FRAMES):
            generated = _generate(pipeline, animation, samples[best][begin:end])
            values["model"][f"l1_best_of_{SAMPLES}"].append(l1(generated, truth[begin:end]))
    return {
        method: {name: torch.cat(parts).double().numpy() for name, parts in metrics.items()}
        for method, metrics in values.items()
    }


def _predict(pipeline: PredictionPipeline, first: Keypoints, seed: int | None) -> Keypoints:
    """The predicted keypoints of all frames, (T, K, 2)."""
    parts = list(pipeline.predict_keypoints(first, FRAMES, seed=seed))
    covariance = [kp.covariance for kp in parts if kp.covariance is not None]
    return Keypoints(torch.cat([kp.value for kp in parts]), covariance=torch.cat(covariance) if covariance else None)


def _with_covariance(first: Keypoints, value: Tensor) -> Keypoints:
    """Keypoints (T, K, 2) with the covariance of the first frame."""
    covariance = first.covariance
    return Keypoints(value, covariance=None if covariance is None else covariance.expand(len(value), -1, -1, -1))


def _generate(pipeline: PredictionPipeline, animation: Any, kp: Keypoints) -> Tensor:
    with torch.no_grad():
        return pipeline.model.animate(animation.source, kp)[0].float().cpu()
