"""Pictures of which the answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from kinema.simulation.ray_cast import Camera, Kind, Light, Solid, render

ABOVE = Camera(eye=(0, -1e-3, 2), target=(0, 0, 0), field_degrees=50)
ASKEW = Camera(eye=(0.9, -1.1, 1.2), target=(0, 0, 0), field_degrees=50)
NOON = Light(direction=(0, 0.001, 1), spread=0.0, strength=0.6, ambient=0.3)
LOW_LEFT = Light(direction=(-1, 0.001, 1), spread=0.05, strength=0.6, ambient=0.3)
GROUND = Solid("plane", np.zeros(3), np.zeros(3), np.eye(3), np.array((0.8, 0.8, 0.8)), gloss=0)


def solid(kind: Kind, *size: float, at: tuple[float, float, float] = (0, 0, 0), turn: float = 0.0) -> Solid:
    cos, sin = math.cos(turn), math.sin(turn)
    rotation = np.array([(cos, -sin, 0), (sin, cos, 0), (0, 0, 1.0)])
    return Solid(kind, np.array(size), np.array(at, dtype=float), rotation, np.array((0.9, 0.2, 0.1)), gloss=0)


def test_nothing_is_black() -> None:
    picture = render([], ABOVE, NOON, size=8, oversample=1)
    assert picture.shape == (8, 8, 3) and picture.dtype == np.uint8 and picture.max() == 0


def test_a_ball_covers_what_it_should() -> None:
    picture = render([solid("sphere", 0.3, 0, 0)], ABOVE, NOON, size=96, oversample=1)
    radius = math.tan(math.asin(0.3 / 2)) / math.tan(math.radians(25)) * 48
    assert (picture[..., 0] > 0).sum() == pytest.approx(math.pi * radius**2, rel=0.03)
    assert np.abs(picture.astype(int) - picture[:, ::-1]).max() <= 1


def test_the_right_is_right_and_what_is_away_is_up() -> None:
    right = render([solid("sphere", 0.1, 0, 0, at=(0.5, 0, 0))], ASKEW, NOON, size=32, oversample=1)
    away = render([solid("sphere", 0.1, 0, 0, at=(0, 0.5, 0))], ABOVE, NOON, size=32, oversample=1)
    assert right[..., 0].any() and not right[:, :16].any()
    assert away[:16].any() and not away[16:].any()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (solid("capsule", 0.3, 0.0, 0), solid("sphere", 0.3, 0, 0)),
        (solid("box", 0.3, 0.2, 0.1), solid("box", 0.2, 0.3, 0.1, turn=math.pi / 2)),
        (solid("cylinder", 0.3, 0.2, 0), solid("cylinder", 0.3, 0.2, 0, turn=1.0)),
    ],
)
def test_two_ways_to_say_the_same_solid(one: Solid, other: Solid) -> None:
    pictures = [render([GROUND, item], ASKEW, LOW_LEFT, size=48, oversample=2).astype(int) for item in (one, other)]
    differs = np.abs(pictures[0] - pictures[1]).max(axis=-1)
    assert (differs > 2).mean() < 0.002  # rounding decides rays that graze an edge


def test_the_nearer_one_hides_the_other() -> None:
    low, high = solid("box", 0.5, 0.5, 0.1), GROUND
    for order in ([low, high], [high, low]):
        assert tuple(render(order, ABOVE, NOON, size=9, oversample=1)[4, 4] > 150) == (True, False, False)


def test_a_shadow_falls_away_from_the_lamp() -> None:
    empty = render([GROUND], ABOVE, LOW_LEFT, size=48, oversample=3)[..., 1].astype(int)
    full = render([GROUND, solid("box", 0.1, 0.1, 0.2, at=(0, 0, 0.2))], ABOVE, LOW_LEFT, size=48, oversample=3)
    darker = empty - full[..., 1] > 20
    assert darker[24, 30:40].mean() > 0.5 and not darker[24, :16].any()
    assert len(np.unique(full[24, 30:, 1])) > 3, "its edge is soft"


def test_more_rays_make_grey_edges() -> None:
    shades = [
        len(np.unique(render([solid("box", 0.3, 0.3, 0.1, turn=0.3)], ABOVE, NOON, size=32, oversample=n)[..., 0]))
        for n in (1, 4)
    ]
    assert shades[0] == 2 < shades[1]
