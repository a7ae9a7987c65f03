"""The protocol of heads that follow a face: what is drawn is compared with what the driven person did.

In a folder whose clips share motions (``index.csv``), frame 0 of one look is the photo, the next look of the same
motion drives, and the first look's own clip is the exact answer. In any other folder frame 0 of each clip is the photo,
and the clip itself drives and is the truth. Frame 0 counts with the others.

l1, psnr, ssim, perceptual: over the whole picture, at the photo's own size.
own_mesh_distance: mean distance of 478 points in % of the distance of the outer corners of the eyes, measured by the
    network that drives; it says how far the head follows what that network sees, and nothing of what it misses.

With ``face``, by detectors that the head does not know (dlib's):

landmark_distance: mean distance of 68 landmarks in pixels, where both frames show a face; landmark_percent: the same in
    % of the distance of the outer corners of the true frame's eyes.
faces_found: share of the frames whose truth shows a face in which the drawn one is found too.
mouth_error, lid_error: mean absolute difference of the opening of mouth (gap of the inner lips over the height from
    the bridge of the nose to the chin) and lids (eye aspect ratio); mouth_correlation, lid_correlation: correlation of
    their courses over a clip.
identity: distance of the face embeddings of every fifth frame, both chips cut by the true frame's landmarks.
jitter: mean length of the second difference over time of the 68 points, in % of the eye distance.

Beside them stand the repeated photo, the model that ``beside`` names (one of keypoints; its size is stretched to the
photo's), the true clip's jitter, and the mean identity distance between strangers: first
frames of the looks of one motion, or, where none are stated, of any two clips of the folder, which are taken for two
people.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from kinema.core.checks import InputError
from kinema.data.clips.folder import Clip
from kinema.evaluation.clips import BATCH_FRAMES, found_clips
from kinema.evaluation.heads.faces import TRUTH, ClipFaces
from kinema.evaluation.heads.followers import Follower, HeadFollower, KeypointFollower
from kinema.evaluation.pairs import Pair, look_pairs, own_pairs
from kinema.evaluation.request import REPEAT, EvaluateRequest, Instruments
from kinema.evaluation.summary import mean_of_known, summarise
from kinema.faces.mesh import OUTER_EYE_CORNERS, FaceMesh
from kinema.framing.pixels import to_frames
from kinema.metrics.face_motion import PERCENT
from kinema.metrics.image_quality import l1, psnr, ssim
from kinema.metrics.perceptual import perceptual_distance, perceptual_metric_name
from kinema.systems.abilities import HeadPipeline, PreparedHead
from kinema.video import Frame, open_video

MODEL, BESIDE, STRANGERS = "model", "beside", "strangers"

_Image = NDArray[np.uint8]


def evaluate_head(pipeline: HeadPipeline[object], request: EvaluateRequest, instruments: Instruments) -> dict[str, Any]:
    """Measures the protocol; see the head of this file and :func:`kinema.evaluation.protocols.evaluate`.

    Raises:
        InputError: the folder has no clip whose first frame shows one face.
    """
    found, split = found_clips(request.folder)
    pairs = look_pairs(found.clips)
    driven_by = "another look of the same motion" if pairs else "the clip itself"
    pairs = (pairs or own_pairs(found.clips))[: request.limit]
    left_out = [str(entry) for entry in found.unreadable]
    rows: list[dict[str, Any]] = []
    people: list[_Person] = []
    for index, pair in enumerate(pairs):
        try:
            head = pipeline.prepare(_first_image(pair.truth))
        except InputError as error:
            left_out.append(f"{pair.truth.path}: {error}")
        else:
            row, embedding = _measure_pair(pipeline, head, pair, request, instruments)
            rows.append(row)
            people.append(_Person(pair.cluster, pair.truth.group, embedding))
        instruments.advance(index + 1, len(pairs))
    if not rows:
        why = f" ({left_out[0]})" if left_out else ""
        raise InputError(f"{request.folder}: no clip whose first frame shows one face{why}")
    for row, distance in zip(rows, _between_strangers(people), strict=True):
        row[STRANGERS] = {} if distance is None else {"identity": distance}
    clusters = [person.cluster for person in people]
    metrics = summarise(rows, MODEL, clusters, request.seed)
    baselines = {who: summarise(rows, who, clusters, request.seed) for who in (REPEAT, BESIDE, STRANGERS, TRUTH)}
    ratios = _ratios(metrics, baselines)
    return {
        "protocol": request.protocol,
        "folder": str(request.folder),
        "split": split,
        "driven_by": driven_by,
        "clips": len(rows),
        "frames": sum(row["frames"] for row in rows),
        "clusters": len(set(clusters)),
        "left_out": left_out,
        "perceptual_network": None if instruments.features is None else perceptual_metric_name(instruments.features),
        "metrics": metrics,
        "baselines": {who: values for who, values in baselines.items() if values},
        "ratios": ratios,
        "notes": _notes(driven_by, ratios),
        "per_clip": rows,
    }


@dataclass(frozen=True)
class _Person:
    """Whose clip a row is of."""

    cluster: str
    group: str | None
    embedding: NDArray[np.float64] | None


def _measure_pair(
    pipeline: HeadPipeline[object],
    head: PreparedHead[object],
    pair: Pair[Clip],
    request: EvaluateRequest,
    instruments: Instruments,
) -> tuple[dict[str, Any], NDArray[np.float64] | None]:
    """Means over the frames of one pair, and the embedding of the person in the photo."""
    ours = HeadFollower(pipeline, head)
    followers: dict[str, Follower] = {MODEL: ours}
    if instruments.beside is not None:
        relative = pair.truth.path != pair.driving.path
        followers[BESIDE] = KeypointFollower(instruments.beside, head.photo, relative=relative)
    faces = ClipFaces(head.photo) if request.face else None
    sums: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    own: dict[str, list[float]] = defaultdict(list)
    meshes: dict[str, FaceMesh | None] = dict.fromkeys((*followers, TRUTH))
    frames, count = _frame_pairs(pair), 0
    while batch := list(islice(frames, BATCH_FRAMES)):
        drawn: dict[str, list[_Image]] = {who: [] for who in (*followers, REPEAT)}
        for true, frame in batch:
            made = {who: follower.follow(frame) for who, follower in followers.items()}
            for who, image in {**made, TRUTH: true}.items():
                meshes[who] = pipeline.tracker.track(image, meshes[who])
            for who, image in {**made, REPEAT: head.photo}.items():
                drawn[who].append(image)
                mesh = head.mesh if who == REPEAT else meshes[who]
                own[who].append(_mesh_distance(mesh, meshes[TRUTH]))
            if faces is not None:
                faces.look(true, made)
        count += len(batch)
        for who, images in drawn.items():
            for name, values in _picture_quality(images, [true for true, _ in batch], instruments).items():
                sums[who][name] += values
    row: dict[str, Any] = {
        "code": pair.truth.code,
        "driving": pair.driving.code,
        "frames": count,
        "lost": ours.driver.lost,
        "cuts": ours.driver.cuts,
    }
    for who, metrics in sums.items():
        measured = {**metrics, "own_mesh_distance": own[who]}
        row[who] = {name: mean_of_known(np.array(values)) for name, values in measured.items()}
    if faces is None:
        return row, None
    for who, metrics in faces.figures().items():
        row.setdefault(who, {}).update(metrics)
    return row, faces.embedding


def _picture_quality(made: list[_Image], true: list[_Image], instruments: Instruments) -> dict[str, list[float]]:
    """One value a frame for each metric of pictures uint8 (H, W, 3)."""
    frames, wanted = to_frames(np.stack(made)), to_frames(np.stack(true))
    with torch.no_grad():
        values = {"l1": l1(frames, wanted), "psnr": psnr(frames, wanted), "ssim": ssim(frames, wanted)}
        if instruments.features is not None:
            values["perceptual"] = perceptual_distance(instruments.features, frames, wanted)
    return {name: value.tolist() for name, value in values.items()}


def _mesh_distance(made: FaceMesh | None, true: FaceMesh | None) -> float:
    """Mean distance of the 478 points in the picture, in % of the true eye distance; NaN where a face is not seen."""
    if made is None or true is None:
        return float("nan")
    left, right = (true.points[corner, :2] for corner in OUTER_EYE_CORNERS)
    apart = np.linalg.norm(made.points[:, :2] - true.points[:, :2], axis=-1).mean()
    return float(PERCENT * apart / np.linalg.norm(left - right))


def _frame_pairs(pair: Pair[Clip]) -> Iterator[tuple[_Image, Frame]]:
    """The true pictures and the driving frames, as many as both clips have."""
    if pair.truth.path == pair.driving.path:
        with open_video(pair.truth.path) as reader:
            yield from ((frame.image, frame) for frame in reader)
        return
    with open_video(pair.truth.path) as truth, open_video(pair.driving.path) as driving:
        # The shorter of two takes of one motion ends both.
        yield from ((true.image, frame) for true, frame in zip(truth, driving, strict=False))


def _first_image(clip: Clip) -> _Image:
    with open_video(clip.path) as reader:
        return next(iter(reader)).image


def _between_strangers(people: list[_Person]) -> list[float | None]:
    """Of each person, the mean distance to the others of their motion, or to all others where none are stated."""
    distances: list[float | None] = []
    for index, person in enumerate(people):
        others = [
            other.embedding
            for place, other in enumerate(people)
            if place != index and other.group == person.group and other.embedding is not None
        ]
        if person.embedding is None or not others:
            distances.append(None)
        else:
            distances.append(float(np.linalg.norm(np.stack(others) - person.embedding, axis=1).mean()))
    return distances


def _ratios(metrics: dict[str, Any], baselines: dict[str, dict[str, Any]]) -> dict[str, float]:
    """What the model's errors are of those of the baselines, ``NAME_of_BASELINE`` to the ratio of their means."""
    compared = (
        *((name, REPEAT) for name in ("l1", "landmark_distance", "identity")),
        ("identity", STRANGERS),
        ("jitter", TRUTH),
    )
    ratios = {}
    for name, who in compared:
        ours, theirs = (values.get(name, {}).get("mean") for values in (metrics, baselines[who]))
        if ours is not None and theirs:
            ratios[f"{name}_of_{who}"] = ours / theirs
    return ratios


def _notes(driven_by: str, ratios: dict[str, float]) -> list[str]:
    shown = ", ".join(f"{name.replace('_', ' ')} {value:.3f}" for name, value in ratios.items())
    return [
        f"driven by {driven_by}; own_mesh_distance is measured by the network that drives",
        f"ratios: {shown}",
    ]
