"""Anchors, their boxes and points, and what is one thing, by known answers."""

from __future__ import annotations

import numpy as np
import pytest

from kinema.blocks.box_decoder import Found, anchor_centres, decode, join_overlapping, overlap


def test_anchors_cover_the_square_in_the_order_of_the_layers():
    bodies = anchor_centres(224, (8, 16, 32, 32, 32))
    assert bodies.shape == (2254, 2)
    np.testing.assert_allclose(
        bodies[[0, 1, 2, 1568, -1]], [[1 / 56] * 2] * 2 + [[3 / 56, 1 / 56], [1 / 28] * 2, [13 / 14] * 2]
    )
    faces = anchor_centres(128, (8, 16, 16, 16))
    assert faces.shape == (896, 2)
    np.testing.assert_allclose(faces[[2, 512, 517, 518]], [[3 / 32, 1 / 32]] + [[1 / 16] * 2] * 2 + [[3 / 16, 1 / 16]])


def test_boxes_and_points_are_counted_from_their_anchor():
    values = np.zeros((8, 6), np.float32)
    values[3] = [1, 0, 4, 2, -2, 0]
    logits = np.full(8, -9, np.float32)
    logits[3] = 1
    found = decode(values, logits, side=16, strides=(8,), least_score=0.5)  # the anchor is at (12, 4) of 16
    assert found.score == pytest.approx([1 / (1 + np.exp(-1))])
    np.testing.assert_allclose(found.box * 16, [[11, 3, 15, 5]])
    np.testing.assert_allclose(found.points * 16, [[[10, 4]]])
    assert decode(values, logits, side=16, strides=(8,), least_score=0.9).points.shape == (0, 1, 2)


def test_boxes_of_one_thing_are_joined_by_their_scores():
    boxes = np.array([[0, 0, 1, 1], [0, 0, 1, 0.9], [2, 2, 3, 3.0], [5, 5, 5, 5]])
    points = np.array([[[0.0, 0]], [[1, 1]], [[5, 5]], [[6, 6]]])
    joined = list(join_overlapping(Found(np.array([0.9, 0.6, 0.5, 0.4]), boxes, points)))
    assert [float(thing.score) for thing in joined] == [0.9, 0.5, 0.4]
    np.testing.assert_allclose([thing.points[0] for thing in joined], [[0.4, 0.4], [5, 5], [6, 6]])
    np.testing.assert_allclose([thing.box for thing in joined], [[0, 0, 1, 0.96], [2, 2, 3, 3], [5, 5, 5, 5]])
    assert list(join_overlapping(Found(np.zeros(0), np.zeros((0, 4)), np.zeros((0, 1, 2))))) == []


def test_overlap_is_the_intersection_over_the_union():
    boxes = np.array([[0.0, 0, 2, 2], [1, 0, 3, 2], [4, 4, 5, 5]])
    np.testing.assert_allclose(overlap(boxes[0], boxes), [1, 1 / 3, 0])
