"""Measures how well people are brought into other poses (Deformable GANs, Siarohin et al., CVPR 2018, Sec. 4.2).

For each pair of the test split the model gets the source and the driving joints; its picture is compared with the
driving picture. Figures:

l1, ssim: of whole frames. If the background is independent of the person, they say little about the person.
mask_l1, mask_ssim: of the pixels of the person in the driving picture (``kinema.metrics.masked_quality``).
masked_image_ssim: SSIM of both pictures with black outside the person, the mask-SSIM of Ma et al. (NeurIPS 2017).
joints_found, joints_found_0.2: fraction of the driving joints (the visible ones, if ``keypoints-test.npz`` says which,
    otherwise all that are annotated) that our own small network finds within 0.1 and 0.2 torso lengths
    (``kinema.people.joint_locator``). It stands for a pose detector.
joints_found_by_detector: the same fraction within 0.1 torso lengths by the pose detector, on request; 0 for a picture
    in which it finds no person.
rank_1: 1 if the most similar of one real picture per person (the first by name that is neither source nor driving)
    shows the same person, by the colours of body parts (``kinema.metrics.identity``).

Baselines: repeat_source is the source itself, whose colours are read at its own pose. real is the driving picture
itself, the highest value that the measurements of joints and identity can reach.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kinema.core.checks import InputError
from kinema.core.random import numpy_generator
from kinema.core.types import Joints
from kinema.data.labelled.people import PersonImage, read_pairs, read_people, stated_people_splits
from kinema.data.labelled.person_folder import read_person_folder
from kinema.data.samples.person_pairs import PeopleConfig, load_mask, load_person
from kinema.evaluation.clips import batches
from kinema.evaluation.request import REPEAT, EvaluateRequest, Instruments
from kinema.evaluation.summary import summarise
from kinema.framing.pixels import to_images
from kinema.metrics.identity import Gallery, appearance
from kinema.metrics.image_quality import l1, ssim
from kinema.metrics.joints import joints_found
from kinema.metrics.masked_quality import masked_image_ssim, masked_l1, masked_ssim
from kinema.metrics.perceptual import perceptual_distance, perceptual_metric_name
from kinema.people.detector import BodyPoseDetector
from kinema.people.joint_locator import load_joint_locator
from kinema.people.limbs import person_mask
from kinema.people.skeleton import JOINTS, TORSO, no_joints
from kinema.systems.abilities import PosePipeline

SPLIT, REAL = "test", "real"
METHODS = ("model", REPEAT, REAL)
RADII = {"joints_found": 0.1, "joints_found_0.2": 0.2}
BY_DETECTOR = "joints_found_by_detector"


def evaluate_repose(pipeline: PosePipeline, request: EvaluateRequest, instruments: Instruments) -> dict[str, Any]:
    """Measures generated pictures; a row of ``per_clip`` is a pair, and the intervals are over people."""
    config = pipeline.model.config.frames
    people = _people(request.folder, config)
    pairs = choose_pairs(request.folder, people, seed=request.seed, limit=request.limit)
    real = _read_pictures(people, request.folder, config, poses=request.poses)
    rows: list[dict[str, Any]] = []
    for begin, end in batches(len(pairs)):
        rows += _measure(pipeline, people, real, pairs[begin:end], instruments)
        instruments.advance(len(rows), len(pairs))
    clusters = [row["identity"] for row in rows]
    num_people = len(set(real.gallery.identities))
    masks = "exact, of masks-test.npz" if real.exact_masks else "derived from the driving joints (person_mask)"
    return {
        "protocol": request.protocol,
        "folder": str(request.folder),
        "split": SPLIT,
        "size": list(pipeline.size),
        "clips": len(pairs),
        "frames": len(pairs),
        "clusters": len(set(clusters)),
        "counted": f"{len(pairs)} pairs of {len(set(clusters))} people",
        "left_out": [],
        "joints": "visible" if people[0].visible is not None else "annotated",
        "masks": "exact" if real.exact_masks else "joints",
        "gallery": num_people,
        "notes": [
            f"masks of people: {masks}",
            f"rank_1: among one real picture of each of {num_people} people, by colours of body parts",
            "real: the driving picture itself, the highest value that joints and identity can reach",
        ],
        "perceptual_network": None if instruments.features is None else perceptual_metric_name(instruments.features),
        "metrics": summarise(rows, "model", clusters, request.seed),
        "baselines": {method: summarise(rows, method, clusters, request.seed) for method in METHODS[1:]},
        "per_clip": rows,
    }


def _people(folder: Path, config: PeopleConfig) -> tuple[PersonImage, ...]:
    """Annotated pictures of the test split; otherwise the pictures and videos in ``test``, or all."""
    if stated_people_splits(folder) or not folder.is_dir():
        return read_people(folder, SPLIT)
    return read_person_folder(folder, config.size, split=SPLIT if (folder / SPLIT).is_dir() else "train").people


def choose_pairs(
    folder: Path, people: Sequence[PersonImage], *, seed: int, limit: int | None
) -> tuple[tuple[int, int], ...]:
    """The pairs of ``pairs-test.csv``; without it, all ordered pairs of pictures of one person, in random order.

    Args:
        folder: of people.
        people: of the test split.
        seed: of the random order.
        limit: at most this many, spread evenly, as files list one person after the other.

    Returns:
        Indices into ``people``: source and driving.

    Raises:
        InputError: the file is broken, or there are no pairs.
    """
    if (folder / f"pairs-{SPLIT}.csv").is_file():
        pairs = list(read_pairs(folder, SPLIT, people))
    else:
        usable = [row for row, image in enumerate(people) if image.present[list(TORSO)].all()]
        ordered = [(a, b) for a in usable for b in usable if a != b and people[a].identity == people[b].identity]
        order = numpy_generator("repose pairs", seed).permutation(len(ordered))
        pairs = [ordered[index] for index in order]
    if not pairs:
        raise InputError(
            f"{folder}: the protocol repose needs two pictures of one person in which hips and shoulders are marked"
        )
    count = len(pairs) if limit is None else min(limit, len(pairs))
    return tuple(pairs[index * len(pairs) // count] for index in range(count))


@dataclass(frozen=True, eq=False)
class _RealPictures:
    """All real pictures of the split, and what was measured in them.

    Attributes:
        frames: (N, 3, H, W) in [0, 1].
        joints: annotated joints, N rows.
        sought: the visible ones of these, if the folder says which; otherwise all.
        masks: (N, 1, H, W) bool, of the person.
        exact_masks: whether the masks come from a file.
        located: joints that the locator finds, N rows.
        detected: joints that the pose detector finds, or None.
        gallery: colours of the N pictures.
    """

    frames: Tensor
    joints: Joints
    sought: Joints
    masks: Tensor
    exact_masks: bool
    located: Joints
    detected: Joints | None
    gallery: Gallery


def _read_pictures(people: Sequence[PersonImage], folder: Path, config: PeopleConfig, *, poses: bool) -> _RealPictures:
    loaded = [load_person(image, config) for image in people]
    frames = torch.stack([frame for frame, _ in loaded])
    joints = Joints(torch.cat([pose.value for _, pose in loaded]), torch.cat([pose.present for _, pose in loaded]))
    groups = list(batches(len(people)))
    exact = [mask for image in people if (mask := load_mask(image, config)) is not None]
    if exact and len(exact) < len(people):
        lacking = next(image.name for image in people if image.mask is None)
        raise InputError(f"{folder}: masks-{SPLIT}.npz has no mask of '{lacking}'; add it, or remove the file")
    if exact:
        masks = torch.stack(exact) > 0
    else:
        masks = torch.cat([person_mask(joints[begin:end], config.size) for begin, end in groups])
    vectors = [appearance(frames[begin:end], joints[begin:end], masks[begin:end]) for begin, end in groups]
    located = [_locate(frames[begin:end]).value for begin, end in groups]
    points = torch.cat(located)
    return _RealPictures(
        frames,
        joints,
        Joints(joints.value, joints.present & _visible(people)),
        masks,
        bool(exact),
        Joints(points, torch.ones_like(joints.present)),
        _detect(frames) if poses else None,
        Gallery(torch.cat(vectors), [image.identity for image in people]),
    )


def _visible(people: Sequence[PersonImage]) -> Tensor:
    """(N, 18) bool."""
    return torch.from_numpy(
        np.stack([np.ones(len(JOINTS), dtype=bool) if image.visible is None else image.visible for image in people])
    )


def _locate(frames: Tensor) -> Joints:
    points = load_joint_locator().locate(frames)
    return Joints(points, torch.ones(points.shape[:2], dtype=torch.bool))


def _detect(frames: Tensor) -> Joints:
    """Joints of the first person that the pose detector finds in each frame, or no joints."""
    detector = BodyPoseDetector()
    rows = []
    for image in to_images(frames):
        people = detector.detect(image, max_people=1)
        rows.append(people[0].joints if people else no_joints())
    return Joints(torch.cat([row.value for row in rows]), torch.cat([row.present for row in rows]))


def _measure(
    pipeline: PosePipeline,
    people: Sequence[PersonImage],
    real: _RealPictures,
    pairs: Sequence[tuple[int, int]],
    instruments: Instruments,
) -> list[dict[str, Any]]:
    """One row for each of a batch of pairs."""
    source, driving = (torch.tensor(rows) for rows in zip(*pairs, strict=True))
    wanted, sought = real.joints[driving], real.sought[driving]
    generated = pipeline.repose(real.frames[source], real.joints[source], wanted)
    frames = {"model": generated, REPEAT: real.frames[source]}
    values: dict[str, dict[str, Tensor]] = {method: {} for method in METHODS}
    for method, shown in frames.items():
        values[method] |= _compare(shown, real.frames[driving], real.masks[driving], instruments)
    located = {"model": _locate(generated), REPEAT: real.located[source], REAL: real.located[driving]}
    for method, found in located.items():
        values[method] |= {name: joints_found(found, sought, within=within) for name, within in RADII.items()}
    if real.detected is not None:
        detected = {"model": _detect(generated), REPEAT: real.detected[source], REAL: real.detected[driving]}
        for method, found in detected.items():
            values[method][BY_DETECTOR] = joints_found(found, sought)
    vectors = {
        "model": appearance(generated, wanted, real.masks[driving]),
        REPEAT: real.gallery.vectors[source],
        REAL: real.gallery.vectors[driving],
    }
    for method, queries in vectors.items():
        hits = [
            real.gallery.nearest(query, without=set(pair)) == people[pair[1]].identity
            for query, pair in zip(queries, pairs, strict=True)
        ]
        values[method]["rank_1"] = torch.tensor(hits, dtype=torch.float32)
    return [
        {"code": f"{people[a].name} -> {people[b].name}", "identity": people[a].identity}
        | {method: {name: _known(column[row]) for name, column in values[method].items()} for method in METHODS}
        for row, (a, b) in enumerate(pairs)
    ]


def _compare(frames: Tensor, wanted: Tensor, mask: Tensor, instruments: Instruments) -> dict[str, Tensor]:
    values = {
        "l1": l1(frames, wanted),
        "ssim": ssim(frames, wanted),
        "mask_l1": masked_l1(frames, wanted, mask),
        "mask_ssim": masked_ssim(frames, wanted, mask),
        "masked_image_ssim": masked_image_ssim(frames, wanted, mask),
    }
    if instruments.features is not None:
        values["perceptual"] = perceptual_distance(instruments.features, frames, wanted)
    return values


def _known(value: Tensor) -> float | None:
    return None if value.isnan() else float(value)
