"""Collects the videos of a start that are compared: of the model, of the baselines, and the recorded clip."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kinema.data.samples.expressions import DecodedClips, evenly_spaced
from kinema.evaluation.clips import batches
from kinema.evaluation.request import REPEAT
from kinema.evaluation.smile.conditions import Row, Start
from kinema.evaluation.smile.landmarks import REAL, SINGLE
from kinema.faces.landmarks import face_frame, from_face
from kinema.framing.pixels import to_frames, to_images
from kinema.systems.abilities import PredictionPipeline
from kinema.video import resize

TRANSLATION, PREDICTED = "translation", "predicted"
# Neighbouring frames are similar: of more than this many, every second one is measured.
MANY_FRAMES = 16


@dataclass(frozen=True, eq=False)
class Video:
    """T measured frames of a face.

    Attributes:
        images: (T, H, W, 3) uint8.
        landmarks: (T, 68, 2) points (x, y) in pixels, 0 the centre of the first. Exact for true frames and for
            those generated from landmarks; otherwise those of the neutral frame.
    """

    images: np.ndarray
    landmarks: Tensor


def measured_frames(length: int) -> np.ndarray:
    """Indices of the frames of a sequence that are measured, without the neutral one, which is given.

    >>> measured_frames(32).tolist()
    [1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31]
    """
    return np.arange(1, length, 2 if length > MANY_FRAMES else 1)


def in_pixels(landmarks: Tensor, size: tuple[int, int]) -> Tensor:
    """Points (..., 2) in [-1, 1] of a frame of (height, width) pixels, in pixels: (..., 2)."""
    height, width = size
    return (landmarks + 1) * landmarks.new_tensor([(width - 1) / 2, (height - 1) / 2])


def neutral_video(decoded: DecodedClips, start: Start) -> Video:
    """The neutral frame of a start, from its first clip, as a video of one frame."""
    code = start.clips[0].code
    images = np.array(decoded.images(code)[:1])
    return Video(images, in_pixels(decoded.landmarks(code)[:1], (images.shape[1], images.shape[2])))


def true_video(decoded: DecodedClips, code: str, length: int) -> Video:
    """The measured frames of a clip of any length, after thinning or stretching to ``length`` frames."""
    images = decoded.images(code)
    chosen = evenly_spaced(len(images), length)[measured_frames(length)]
    landmarks = decoded.landmarks(code)[torch.from_numpy(chosen)]
    return Video(np.array(images[chosen]), in_pixels(landmarks, (images.shape[1], images.shape[2])))


def translated_videos(
    pipeline: Any, neutral: Video, true: list[Video], sequences: Mapping[str, Tensor]
) -> dict[str, list[Video]]:
    """Videos of a smile model.

    Args:
        pipeline: of the model.
        neutral: the neutral frame.
        true: videos of the clips of the start.
        sequences: method to landmarks (K, T, 68, 2) in the face's own coordinates.

    Returns:
        ``model`` and ``single``, one for each sequence; ``translation``, one for each clip, from its landmarks.
    """
    frame = face_frame(neutral.landmarks[0])
    chosen = torch.from_numpy(measured_frames(next(iter(sequences.values())).shape[1]))
    led = {method: [from_face(each[chosen], frame) for each in sequences[method]] for method in ("model", SINGLE)}
    led[TRANSLATION] = [video.landmarks for video in true]
    return {method: [_translate(pipeline, neutral, points) for points in paths] for method, paths in led.items()}


def recurrent_videos(pipeline: Any, neutral: Video, label: str, length: int) -> dict[str, list[Video]]:
    """The one video of an expression_gan model, whose landmarks are unknown."""
    images = np.stack(list(pipeline.frames(neutral.images[0], label, length=length)))
    return {"model": [_at_rest(images[measured_frames(length)], neutral)]}


def baseline_videos(
    beside: PredictionPipeline | None, neutral: Video, num_frames: int, length: int
) -> dict[str, list[Video]]:
    """The neutral frame repeated, and the prediction of a monkey_net model, resized like the other frames.

    Args:
        beside: its pipeline, or None.
        neutral: the neutral frame.
        num_frames: of the clips; the prediction is thinned like them.
        length: of the sequences.

    Raises:
        InputError: the model beside has no predictor.
    """
    chosen = measured_frames(length)
    videos = {REPEAT: [_at_rest(neutral.images.repeat(len(chosen), axis=0), neutral)]}
    if beside is not None:
        still = neutral.images[0]
        animation = beside.prepare(still, crop="none")
        predicted = [to_images(frames) for frames in beside.predict(animation, num_frames - 1)]
        shown = np.concatenate([predicted[0][:1], *predicted])[evenly_spaced(num_frames, length)[chosen]]
        images = np.stack([resize(image, (still.shape[0], still.shape[1])) for image in shown])
        videos[PREDICTED] = [_at_rest(images, neutral)]
    return videos


def start_videos(
    pipeline: Any,
    decoded: DecodedClips,
    start: Start,
    sequences: Mapping[str, Tensor] | None,
    beside: PredictionPipeline | None,
) -> dict[str, list[Video]]:
    """All videos of a start.

    Args:
        pipeline: of a smile or an expression_gan model.
        decoded: the clips at the size of the model's frames.
        start: one of them.
        sequences: of a smile model, method to (K, T, 68, 2); None for expression_gan.
        beside: pipeline of a monkey_net model, or None.

    Returns:
        Method to videos: ``model`` has one for each mode, ``translation`` and ``real`` one for each clip.
    """
    length = pipeline.model.config.expressions.length
    neutral = neutral_video(decoded, start)
    true = [true_video(decoded, clip.code, length) for clip in start.clips]
    if sequences is None:
        generated = recurrent_videos(pipeline, neutral, start.label, length)
    else:
        generated = translated_videos(pipeline, neutral, true, sequences)
    num_frames = len(decoded.images(start.clips[0].code))
    return generated | baseline_videos(beside, neutral, num_frames, length) | {REAL: true}


def compared_video(method: str, clip_row: Row, place: int) -> int:
    """Index of the video that is compared with a clip: the clip's own, the closest one, or the only one."""
    if method in (TRANSLATION, REAL):
        return place
    return clip_row.get("mode", 0) if method == "model" else 0


@torch.no_grad()
def _translate(pipeline: Any, neutral: Video, landmarks: Tensor) -> Video:
    """A smile model's frames for landmarks (T, 68, 2) in pixels, like those of its ``step``, but in batches."""
    model = pipeline.model
    source, points = to_frames(neutral.images).to(pipeline.device), pipeline.scaled(neutral.landmarks)
    with pipeline.autocast():
        face = model.encode(source, points.to(pipeline.device))
        scaled = pipeline.scaled(landmarks).to(pipeline.device)
        parts = [model.translator(face, scaled[begin:end]).frame for begin, end in batches(len(scaled))]
    return Video(to_images(torch.cat(parts).float()), landmarks)


def _at_rest(images: np.ndarray, neutral: Video) -> Video:
    return Video(images, neutral.landmarks.expand(len(images), -1, -1))
