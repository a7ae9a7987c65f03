"""Measures generated smiles (Wang et al., CVPR 2018 and TMM 2020), for smile and expression_gan.

Test clips of one identity and label that begin with the same landmarks form one start, and a model is run once for each
start: smile gives K sequences and videos, expression_gan one. Every second frame is measured, without the given neutral
frame.

Landmark figures (smile), in the coordinates of the face, in % of the distance between the eyes:

best_of_error, mean_error: mean distance from a clip, of the closest of the K sequences and of all of them.
pair_distance: mean distance between the K sequences.
coverage: 1 for an identity if, under all its labels, each true style is the one closest to some sequence;
    coverage_LABEL: the same for one label. It needs data with hidden styles and a clip of each style from one start.
label_accuracy: fraction of sequences whose label is recognised by a classifier of landmark velocities, fitted to the
    train split.
jitter: mean change of velocity. True faces blink and move, so theirs is not the lowest.

Frame figures (both systems):

l1, ssim, perceptual: compared with the clip, for the video whose landmarks are closest to it; expression_gan has one
    video. Heads move in the clips but not in generated videos.
frechet: squared Frechet distance of pooled features of efficientnet_lite0. The clips are divided into two halves, each
    identity and label in both. The clips of one half are replaced by videos (the first clip of a start by mode 0, the
    second by mode 1, ...; nothing is chosen by the truth) and compared with the clips of the other half, and the other
    way round. The floor, under ``real``, is the distance between the two halves themselves: as many frames, the same
    people.

With ``--face`` (dlib):

identity_to_neutral, identity_to_true: distance of the face embeddings of the measured frames from that of the neutral
    frame, and from that of the clip's frame at the same time. Faces are cut out by the landmarks if they are known, and
    otherwise (expression_gan, monkey_net) by those of the neutral frame.
face_found: fraction of the measured frames in which the detector finds a face.
seen_label_accuracy: fraction of videos whose label is recognised by landmarks that the detector finds in them; the
    classifier is fitted to what the detector finds in true clips of the train split. All K videos of smile count.

Each baseline has only some of the figures: repeat_source (the neutral frame and its landmarks), label_mean (mean
movement of the label in the train split), single (K = 1: the model's own sequence of the label, before the modes),
translation (frames generated from the true landmarks, which shows the error of the translator alone), monkey_net
(``--beside``, resized), stranger (true frames of the next identity) and real (the clips; identity_to_neutral of a clip
compares frames of one person).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from kinema.core.checks import InputError
from kinema.data.labelled.clip_landmarks import with_landmarks
from kinema.data.labelled.expression_clips import check_labels, read_hidden_styles, read_labelled_clips
from kinema.data.samples.expressions import DecodedClips
from kinema.evaluation.request import REPEAT, EvaluateRequest, Instruments
from kinema.evaluation.smile.conditions import Rows, find_starts
from kinema.evaluation.smile.faces import STRANGER, TO_NEUTRAL, TO_TRUE, FaceFigures, learn_seen_labels
from kinema.evaluation.smile.frames import FRECHET, FrameFigures
from kinema.evaluation.smile.landmarks import (
    LABEL_MEAN,
    REAL,
    SINGLE,
    check_points,
    generate_sequences,
    landmark_rows,
    true_dynamics,
)
from kinema.evaluation.smile.videos import PREDICTED, TRANSLATION, neutral_video, start_videos
from kinema.metrics.perceptual import perceptual_metric_name
from kinema.systems.abilities import FacePipeline, PredictionPipeline

SPLIT = "test"
BASELINES = (REPEAT, LABEL_MEAN, SINGLE, TRANSLATION, PREDICTED, STRANGER, REAL)
# In the order in which reports show them; coverage_LABEL follows coverage.
LANDMARK_METRICS = ("best_of_error", "mean_error", "pair_distance", "coverage", "label_accuracy", "jitter")
FRAME_METRICS = ("l1", "ssim", "perceptual", FRECHET)
FACE_METRICS = (TO_NEUTRAL, TO_TRUE, "face_found", "seen_label_accuracy")
METRICS = (*LANDMARK_METRICS, *FRAME_METRICS, *FACE_METRICS)


def evaluate_smile(pipeline: FacePipeline, request: EvaluateRequest, instruments: Instruments) -> dict[str, Any]:
    """Measures a model; ``per_clip``, ``per_start`` and ``per_identity`` hold the single values."""
    config = pipeline.model.config
    has_landmarks = pipeline.has_landmarks
    if has_landmarks:
        check_points(pipeline.model)
    clips = read_labelled_clips(request.folder, SPLIT)[: request.limit]
    check_labels(clips, config.labels)
    clips, faceless = with_landmarks(clips)
    decoded = DecodedClips(clips, config.frames, framing=config.expressions.framing)
    starts = find_starts(decoded.clips)
    notes = [f"{len(decoded.clips)} clips of {len(starts)} starts: each a neutral face and a label"]
    sequences, rows = None, Rows.of(starts)
    if has_landmarks:
        dynamics = true_dynamics(request.folder, config.labels, config.expressions.length)
        styles, style_notes = _hidden_styles(request.folder)
        sequences = generate_sequences(pipeline.model, starts, dynamics)
        rows = landmark_rows(sequences, dynamics, styles)
        notes += style_notes
    frames = FrameFigures(rows, instruments.features)
    faces = _face_figures(pipeline, rows, request, notes) if request.face else None
    for index, (start, (row, clip_rows)) in enumerate(zip(starts, rows.by_start(), strict=True)):
        own = (
            None
            if sequences is None
            else {method: generated[index] for method, generated in sequences.generated.items()}
        )
        videos = start_videos(pipeline, decoded, start, own, cast(PredictionPipeline | None, instruments.beside))
        frames.measure(clip_rows, videos)
        if faces is not None:
            faces.measure(row, clip_rows, neutral_video(decoded, start), videos)
        instruments.advance(index + 1, len(starts))
    if faces is not None:
        faces.compare_strangers()
    figures = {method: _summary(rows, frames, method, request.seed) for method in ("model", *BASELINES)}
    relative = _relative_distances(figures)
    return {
        "protocol": request.protocol,
        "folder": str(request.folder),
        "split": SPLIT,
        "size": list(pipeline.size),
        "clips": len(rows.clips),
        "frames": frames.num_frames,
        "clusters": len(rows.identities),
        "counted": f"{len(rows.clips)} clips of {len(rows.identities)} identities",
        "left_out": [str(entry) for entry in (*faceless, *decoded.failed)],
        "notes": [*notes, *_notes(frames, relative)],
        "perceptual_network": None if instruments.features is None else perceptual_metric_name(instruments.features),
        "frechet_network": None if frames.network is None else frames.network.name,
        "identity_shares": relative,
        "metrics": figures["model"],
        "baselines": {method: figures[method] for method in BASELINES if figures[method]},
        "per_clip": rows.clips,
        "per_start": rows.starts,
        "per_identity": rows.identities,
    }


def _hidden_styles(folder: Path) -> tuple[dict[str, int], list[str]]:
    """The styles that the folder states, and a note if it states none."""
    try:
        return read_hidden_styles(folder, SPLIT), []
    except InputError as error:
        return {}, [f"no coverage, which needs hidden styles: {error}"]


def _face_figures(pipeline: FacePipeline, rows: Rows, request: EvaluateRequest, notes: list[str]) -> FaceFigures:
    config = pipeline.model.config
    labels = learn_seen_labels(request.folder, config.labels, config.frames, config.expressions)
    if labels is None:
        notes.append("no seen_label_accuracy: the detector finds too few faces in the clips of the train split")
    else:
        notes.append(
            f"seen_label_accuracy: fitted to landmarks detected in {labels.clips} true clips of the train split"
        )
    return FaceFigures(rows, labels)


def _summary(rows: Rows, frames: FrameFigures, method: str, seed: int) -> dict[str, Any]:
    summary = rows.summary(method, seed)
    distance = frames.frechet(method)
    if distance is not None:
        # A distance of distributions has no value per clip that could be resampled.
        summary[FRECHET] = {"mean": distance, "low": None, "high": None, "clips": len(rows.clips), "missing": 0}
    return {name: summary[name] for name in sorted(summary, key=_place)}


def _place(name: str) -> tuple[int, str]:
    return next(place for place, known in enumerate(METRICS) if name.startswith(known)), name


def _relative_distances(figures: dict[str, dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Method to the distances of its faces, relative to those between true frames of two people."""
    relative: dict[str, dict[str, float]] = {}
    for method, summary in figures.items():
        for name, between in figures[STRANGER].items():
            if name in summary and method != STRANGER:
                relative.setdefault(method, {})[name] = summary[name]["mean"] / between["mean"]
    return relative


def _notes(frames: FrameFigures, relative: dict[str, dict[str, float]]) -> list[str]:
    notes = [
        "frames have the model's size, without the neutral one; heads move in true clips, but not in generated ones"
    ]
    if frames.network is not None:
        notes.append(
            f"frechet: {frames.network.name} at {frames.frames_per_half} frames per half, not FID (no Inception "
            "network); under real the floor, one half of the clips against the other"
        )
    if relative:
        text = ", ".join(f"{name} {ratio:.2f}" for name, ratio in relative["model"].items())
        own = relative[REAL][TO_NEUTRAL]
        notes.append(
            f"relative to the distance between true frames of two people: {text}; "
            f"of true frames {TO_NEUTRAL} {own:.2f}, by expressions alone"
        )
    return notes
