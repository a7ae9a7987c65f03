"""Enter what MediaPipe's detectors give for their anchors; leave boxes with points and scores, one a thing.

The single-shot detectors of BlazeFace (Bazarevsky et al., CVPR workshop 2019) and BlazePose: every anchor is a centre,
and a box and its points are offsets from it. Everything is in shares of the square that the detector looks at.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinema.blocks.litert import sigmoid


@dataclass(frozen=True, eq=False)
class Found:
    """One thing, or N candidates for things.

    Attributes:
        score: in [0, 1]; of candidates (N,), best first.
        box: (..., 4) as left, top, right, bottom.
        points: (..., P, 2), each (x, y).
    """

    score: NDArray[np.float64]
    box: NDArray[np.float64]
    points: NDArray[np.float64]


@functools.cache
def anchor_centres(side: int, strides: tuple[int, ...]) -> NDArray[np.float64]:
    """Centres in [0, 1] of the anchors, two a cell and layer; layers of one stride share their cells.

    Args:
        side: of the square that the detector looks at, in pixels.
        strides: of the layers, in pixels.

    Returns:
        (N, 2), each (x, y).
    """
    layers = []
    for stride in dict.fromkeys(strides):
        cells = side // stride
        rows, columns = np.divmod(np.arange(cells * cells), cells)
        centres = (np.stack([columns, rows], axis=1) + 0.5) / cells
        layers.append(centres.repeat(2 * strides.count(stride), axis=0))
    return np.concatenate(layers)


def decode(
    values: NDArray[np.float32], logits: NDArray[np.float32], *, side: int, strides: tuple[int, ...], least_score: float
) -> Found:
    """The anchors that score high enough.

    Args:
        values: (N, 4 + 2 P): centre and size of the box, then P points, in pixels of the square.
        logits: (N,).
        side, strides: of :func:`anchor_centres`.
        least_score: in [0, 1].

    Returns:
        Candidates, the best first.
    """
    scores = sigmoid(logits.astype(np.float64))
    order = np.argsort(-scores, kind="stable")
    order = order[scores[order] >= least_score]
    pairs = values[order].astype(np.float64).reshape(len(order), values.shape[1] // 2, 2) / side
    centres = anchor_centres(side, strides)[order]
    middle, half = pairs[:, 0] + centres, pairs[:, 1] / 2
    return Found(scores[order], np.concatenate([middle - half, middle + half], axis=1), pairs[:, 2:] + centres[:, None])


def join_overlapping(candidates: Found, *, least_iou: float = 0.3) -> Iterator[Found]:
    """Weighted non-maximum suppression: candidates that overlap the best one are one thing with it.

    Args:
        candidates: the best first.
        least_iou: intersection over union from which on two boxes are the same thing's.

    Yields:
        The best score, and box and points as means that are weighted by the scores; the best first.
    """
    scores, boxes, points = candidates.score, candidates.box, candidates.points
    while len(boxes):
        near = overlap(boxes[0], boxes) > least_iou
        near[0] = True  # also where it has no area
        weights = scores[near]
        yield Found(
            scores[0],
            np.average(boxes[near], axis=0, weights=weights),
            np.average(points[near], axis=0, weights=weights),
        )
        scores, boxes, points = scores[~near], boxes[~near], points[~near]


def overlap(box: NDArray[np.float64], boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union of one box (4,) with (N, 4) others, each as left, top, right, bottom; (N,) in [0, 1]."""
    sides = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    shared = sides.clip(min=0).prod(axis=1)
    area, areas = (box[2:] - box[:2]).prod(), (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    return shared / np.maximum(area + areas - shared, 1e-12)
