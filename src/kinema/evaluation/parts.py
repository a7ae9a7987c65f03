"""Measures learned parts (Motion-supervised Co-Part Segmentation, Siarohin et al., ICPR 2020, Sec. 4).

foreground_iou: on clips with true masks (``masks/CODE.*`` beside ``clips``). The set of parts that stands for the
    object is chosen on the training clips; the figure is measured on the test clips, one for each clip.
landmark_mae: on pictures with marked landmarks (a table of DeepLabCut). Landmarks are regressed linearly from the
    centres of the parts, fitted on three of every four pictures and measured on the fourth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kinema.core.checks import InputError
from kinema.data.clips.cache import CacheConfig, CachedClip, FrameCache
from kinema.data.clips.folder import CLIPS_FOLDER, MASKS_FOLDER, scan_folder, stated_splits
from kinema.data.labelled.marked_pictures import find_label_table, read_labelled_pictures
from kinema.evaluation.clips import batches, measured_clips
from kinema.evaluation.request import EvaluateRequest, Instruments
from kinema.evaluation.summary import mean_of_known, summarise
from kinema.framing.fit import fit_image
from kinema.framing.pixels import to_frames
from kinema.metrics.parts import (
    LandmarkRegression,
    PartCounts,
    border_distance,
    choose_foreground,
    count_parts,
    merge_counts,
    part_centres,
)
from kinema.systems.abilities import PartsPipeline
from kinema.video import open_video, read_image

BORDER, WHOLE, MEAN = "border_colour", "whole_frame", "mean_position"
# Number of thresholds for the distance from the border's colour; the best one on the training clips is used.
NUM_LEVELS = 64
# Neighbouring frames are similar, so some of them are enough to choose the parts of the object.
TRAIN_STRIDE = 4
TEST_PICTURE = 4


def evaluate_parts(pipeline: PartsPipeline, request: EvaluateRequest, instruments: Instruments) -> dict[str, Any]:
    """Measures foreground IoU, or landmark error if the folder has a table of landmarks."""
    table = find_label_table(request.folder) if request.folder.is_dir() else None
    if table is not None:
        return _landmarks(pipeline, request, instruments, table)
    return _foreground(pipeline, request, instruments)


def _foreground(pipeline: PartsPipeline, request: EvaluateRequest, instruments: Instruments) -> dict[str, Any]:
    test, left_out, split = measured_clips(request.folder, pipeline.size)
    test = tuple(clip for clip in test if _mask_file(clip) is not None)[: request.limit]
    train = _training_clips(request, pipeline.size)
    if not test or not train:
        raise InputError(
            f"{request.folder}: the protocol parts needs clips of the splits train and test (index.csv) with true "
            f"masks in {MASKS_FOLDER}/ under the clips' names, or pictures with a table of landmarks (DeepLabCut's)"
        )
    familiarity = instruments.know(pipeline, request, [np.array(clip.frames()[0]) for clip in test])
    total = len(train) + len(test)
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        instruments.advance(done, total)

    chosen, level = _choose(pipeline, train, step)
    rows = []
    for clip in test:
        counts, border = _count(pipeline, clip, level=level)
        everything = PartCounts(counts.truth[:, None], _size(clip) - counts.truth[:, None], counts.truth)
        rows.append(
            {
                "code": clip.code,
                "frames": len(counts.truth),
                "model": {"foreground_iou": counts.mean_iou(chosen)},
                BORDER: {"foreground_iou": border.mean_iou([1])},
                WHOLE: {"foreground_iou": everything.mean_iou([0])},
            }
        )
        step()
    clusters = [clip.group or clip.code for clip in test]
    return {
        "protocol": request.protocol,
        "folder": str(request.folder),
        "split": split,
        "size": list(pipeline.size),
        "clips": len(test),
        "frames": sum(row["frames"] for row in rows),
        "clusters": len(set(clusters)),
        "left_out": [str(entry) for entry in left_out],
        "training_clips": len(train),
        "familiarity": familiarity,
        "foreground_parts": list(chosen),
        "border_colour_level": level,
        "metrics": summarise(rows, "model", clusters, request.seed),
        "baselines": {method: summarise(rows, method, clusters, request.seed) for method in (BORDER, WHOLE)},
        "per_clip": rows,
    }


def _training_clips(request: EvaluateRequest, size: tuple[int, int]) -> tuple[CachedClip, ...]:
    if "train" not in stated_splits(request.folder):
        return ()
    found = scan_folder(request.folder, split="train").clips
    masked = [clip for clip in found if _find_mask(clip.path) is not None]
    return FrameCache(CacheConfig(size=size, max_frames=None)).build(masked).clips


def _choose(
    pipeline: PartsPipeline, train: tuple[CachedClip, ...], step: Callable[[], None]
) -> tuple[tuple[int, ...], float]:
    """The parts of the object, and the threshold of the baseline of the border, that are best on the training clips."""
    levels = torch.linspace(0, 1, NUM_LEVELS + 1)[1:]
    counts, iou = [], torch.zeros(NUM_LEVELS)
    for clip in train:
        for images, truth in _frames(clip, TRAIN_STRIDE):
            counts.append(count_parts(_labels(pipeline, images), truth, num_parts=pipeline.num_parts + 1))
            distance = border_distance(to_frames(images))
            for index, level in enumerate(levels):
                iou[index] += count_parts(distance > level, truth, num_parts=2).iou([1]).sum()
        step()
    return choose_foreground(merge_counts(counts)), round(float(levels[int(iou.argmax())]), 6)


def _count(pipeline: PartsPipeline, clip: CachedClip, *, level: float) -> tuple[PartCounts, PartCounts]:
    """Counts over all frames of a clip: of the model's parts, and of the baseline of the border."""
    parts, border = [], []
    for images, truth in _frames(clip, 1):
        parts.append(count_parts(_labels(pipeline, images), truth, num_parts=pipeline.num_parts + 1))
        border.append(count_parts(border_distance(to_frames(images)) > level, truth, num_parts=2))
    return merge_counts(parts), merge_counts(border)


def _labels(pipeline: PartsPipeline, images: np.ndarray) -> Tensor:
    return torch.from_numpy(pipeline.labels(images))


def _size(clip: CachedClip) -> int:
    return clip.shape[1] * clip.shape[2]


def _frames(clip: CachedClip, stride: int) -> Iterator[tuple[np.ndarray, Tensor]]:
    """Groups of every n-th frame, uint8 (T, H, W, 3), with their true foreground, bool (T, H, W)."""
    images, truth = clip.frames(), _read_masks(clip)
    wanted = np.arange(0, min(len(images), len(truth)), stride)
    for begin, end in batches(len(wanted)):
        rows = wanted[begin:end]
        yield np.array(images[rows]), torch.from_numpy(truth[rows])


def _read_masks(clip: CachedClip) -> np.ndarray:
    """(T, H, W) bool: pixels brighter than mid grey."""
    path = _mask_file(clip)
    assert path is not None
    size = (clip.shape[1], clip.shape[2])
    with open_video(path) as reader:
        return np.stack([fit_image(frame.image, size, "crop", (0, 0, 0)).mean(axis=-1) > 127.5 for frame in reader])


def _mask_file(clip: CachedClip) -> Path | None:
    return _find_mask(clip.clip.path)


def _find_mask(clip: Path) -> Path | None:
    """The mask of a clip: the file or folder of the same name in the folder ``masks``."""
    folder = (clip.parent.parent if clip.parent.name == CLIPS_FOLDER else clip.parent) / MASKS_FOLDER
    return next(iter(sorted(folder.glob(f"{clip.stem}.*"))), None) or (
        folder / clip.stem if (folder / clip.stem).is_dir() else None
    )


def _landmarks(
    pipeline: PartsPipeline, request: EvaluateRequest, instruments: Instruments, table: Path
) -> dict[str, Any]:
    pictures = read_labelled_pictures(table)
    count = min(len(pictures.paths), request.limit or len(pictures.paths))
    if count < 2 * TEST_PICTURE:
        raise InputError(
            f"{table}: {count} pictures are too few to fit a regression and measure it; give {2 * TEST_PICTURE} or more"
        )
    centres = []
    for index, path in enumerate(pictures.paths[:count]):
        image = read_image(path)
        segmentation = pipeline.segment(to_frames(pipeline.frame(image, "none").apply(image)))
        centres.append(part_centres(segmentation[:, 1:].cpu()))
        instruments.advance(index + 1, count)
    found, marked = torch.cat(centres), pictures.landmarks[:count]
    is_test = torch.arange(count) % TEST_PICTURE == TEST_PICTURE - 1
    errors = {}
    for method, points in (("model", found), (MEAN, torch.zeros_like(found))):
        regression = LandmarkRegression.fit(points[~is_test], marked[~is_test])
        errors[method] = regression.error(points[is_test], marked[is_test]).numpy()
    tested = [path for path, wanted in zip(pictures.paths, is_test.tolist(), strict=False) if wanted]
    rows: list[dict[str, Any]] = [
        {"code": path.stem}
        | {method: {"landmark_mae": mean_of_known(values[[row]])} for method, values in errors.items()}
        for row, path in enumerate(tested)
    ]
    clusters = [row["code"] for row in rows]
    return {
        "protocol": request.protocol,
        "folder": str(request.folder),
        "split": f"every {TEST_PICTURE}th picture",
        "size": list(pipeline.size),
        "clips": len(rows),
        "frames": len(rows),
        "clusters": len(rows),
        "left_out": [],
        "landmarks": list(pictures.names),
        "training_pictures": int((~is_test).sum()),
        "metrics": summarise(rows, "model", clusters, request.seed),
        "baselines": {MEAN: summarise(rows, MEAN, clusters, request.seed)},
        "per_clip": rows,
    }
