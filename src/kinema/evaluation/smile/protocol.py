"""The protocol that makes neutral faces smile (Wang et al., CVPR 2018 and TMM 2020), for smile and expression_gan.

Test clips of one identity and label that begin with the same landmarks are one start. A model is asked once a start: of
smile come K sequences and videos, of expression_gan one. Every second frame is looked at, the given neutral one never.

Landmark figures (smile), in the face's own coordinates, exact, in % of the eye distance:

best_of_error, mean_error: mean distance from a clip of the closest of the K sequences, and of all.
pair_distance: mean distance between the K sequences.
coverage: 1 for an identity if under all its labels each true style is the one closest to some sequence;
    coverage_LABEL: the same of one label. Data without hidden styles, or a clip of each from one start, have none.
label_accuracy: share of sequences whose label is recognised by a classifier of the train split's landmark velocities.
jitter: mean change of velocity; true faces blink and move on, so theirs is not the lowest.

Frame figures (both):

l1, ssim, perceptual: against the clip, by the video whose landmarks are closest to it; expression_gan has one video.
    Heads move in clips and not in what is made.
frechet: squared Frechet distance of pooled vectors of efficientnet_lite0. The clips are halved, each identity and
    label in both halves; a half's clips are replaced by videos (the first clip of a start by mode 0, the second by mode
    1, ...: nothing is chosen by the truth), compared with the other half's clips, and the same the other way round. The
    floor, under ``real``, is the distance of the two halves themselves: as many frames, the same people.

With ``--face`` (dlib):

identity_to_neutral, identity_to_true: distance of face embeddings of every second frame looked at, from the neutral
    frame, and from the clip's frame at the same moment. Chips are cut where the landmarks are known to be; where nobody
    knows (expression_gan, monkey_net), by those of the neutral frame.
face_found: share of the frames looked at in which the detector finds a face.
seen_label_accuracy: share of videos whose label is recognised by landmarks that the detector finds in them; the
    classifier is fitted to what it finds in true train clips. Of smile all K videos count.

Baselines have what they can have: repeat_source (the neutral frame and its landmarks), label_mean (mean movement of the
label in the train split), single (K = 1: the model's own sequence of the label, before the modes), translation (frames
made from the true landmarks: what is left is the translator's own error), monkey_net (``--beside``, resized), stranger
(true frames of the next identity) and real (the clips; identity_to_neutral there is of one person).
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
    landmark_rows,
    make_sequences,
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
    """Measures a model; ``per_clip``, ``per_start`` and ``per_identity`` hold what the means are of."""
    config = pipeline.model.config
    has_landmarks = pipeline.has_landmarks
    if has_landmarks:
        check_points(pipeline.model)
    clips = read_labelled_clips(request.folder, SPLIT)[: request.limit]
    check_labels(clips, config.labels)
    clips, faceless = with_landmarks(clips)
    decoded = DecodedClips(clips, config.frames, framing=config.expressions.framing)
    starts = find_starts(decoded.clips)
    notes = [f"{len(decoded.clips)} clips of {len(starts)} starts: a neutral face and a label, asked once"]
    sequences, rows = None, Rows.of(starts)
    if has_landmarks:
        dynamics = true_dynamics(request.folder, config.labels, config.expressions.length)
        styles, told = _hidden_styles(request.folder)
        sequences = make_sequences(pipeline.model, starts, dynamics)
        rows = landmark_rows(sequences, dynamics, styles)
        notes += told
    frames = FrameFigures(rows, instruments.features)
    faces = _face_figures(pipeline, rows, request, notes) if request.face else None
    for index, (start, (row, clip_rows)) in enumerate(zip(starts, rows.by_start(), strict=True)):
        own = None if sequences is None else {who: made[index] for who, made in sequences.made.items()}
        videos = start_videos(pipeline, decoded, start, own, cast(PredictionPipeline | None, instruments.beside))
        frames.measure(clip_rows, videos)
        if faces is not None:
            faces.measure(row, clip_rows, neutral_video(decoded, start), videos)
        instruments.advance(index + 1, len(starts))
    if faces is not None:
        faces.compare_strangers()
    figures = {who: _summary(rows, frames, who, request.seed) for who in ("model", *BASELINES)}
    shares = _identity_shares(figures)
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
        "notes": [*notes, *_notes(frames, shares)],
        "perceptual_network": None if instruments.features is None else perceptual_metric_name(instruments.features),
        "frechet_network": None if frames.network is None else frames.network.name,
        "identity_shares": shares,
        "metrics": figures["model"],
        "baselines": {who: figures[who] for who in BASELINES if figures[who]},
        "per_clip": rows.clips,
        "per_start": rows.starts,
        "per_identity": rows.identities,
    }


def _hidden_styles(folder: Path) -> tuple[dict[str, int], list[str]]:
    """The styles that the folder knows, and what to tell where it knows none."""
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


def _summary(rows: Rows, frames: FrameFigures, who: str, seed: int) -> dict[str, Any]:
    summary = rows.summary(who, seed)
    distance = frames.frechet(who)
    if distance is not None:
        # A distance of distributions has no value a clip to resample.
        summary[FRECHET] = {"mean": distance, "low": None, "high": None, "clips": len(rows.clips), "missing": 0}
    return {name: summary[name] for name in sorted(summary, key=_place)}


def _place(name: str) -> tuple[int, str]:
    return next(place for place, known in enumerate(METRICS) if name.startswith(known)), name


def _identity_shares(figures: dict[str, dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Who made or showed faces to their distances, as shares of those between true frames of two people."""
    shares: dict[str, dict[str, float]] = {}
    for who, summary in figures.items():
        for name, between in figures[STRANGER].items():
            if name in summary and who != STRANGER:
                shares.setdefault(who, {})[name] = summary[name]["mean"] / between["mean"]
    return shares


def _notes(frames: FrameFigures, shares: dict[str, dict[str, float]]) -> list[str]:
    notes = [
        "frames are at the model's size, the neutral one not among them; heads move in true clips, not in made ones"
    ]
    if frames.network is not None:
        notes.append(
            f"frechet: {frames.network.name} at {frames.frames_a_side} frames a side, no FID of the Inception network; "
            "under real the floor, half of the clips against the other half"
        )
    if shares:
        told = ", ".join(f"{name} {share:.2f}" for name, share in shares["model"].items())
        own = shares[REAL][TO_NEUTRAL]
        notes.append(
            f"shares of the distance between true frames of two people: {told}; "
            f"of true frames {TO_NEUTRAL} {own:.2f}, expressions alone"
        )
    return notes
