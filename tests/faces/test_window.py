"""A face anywhere in a picture is seen upright and of one size, and points find their way back."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from kinema.faces.landmarks import MEAN_FACE, FaceFrame, from_face
from kinema.faces.window import EYES, ORIGIN, FaceWindow


def face_at(x: float, y: float, width: float, height: float = 0.0) -> torch.Tensor:
    """The mean face with outer eye corners (width, height) apart, as (68, 2) pixels."""
    frame = FaceFrame(torch.tensor([x, y]), torch.tensor([width, height]))
    return from_face(torch.tensor(MEAN_FACE), frame)


@pytest.mark.parametrize("axis", [(40.0, 0.0), (90.0, 30.0), (-10.0, 60.0)])
def test_any_face_is_framed_like_the_mean_one(axis: tuple[float, float]):
    landmarks = face_at(150, 100, *axis)
    window = FaceWindow.about(landmarks, (96, 96))
    seen = window.to_frame(landmarks)
    assert (seen[45] - seen[36]).tolist() == pytest.approx([EYES * 96, 0], abs=1e-3)
    middle = (seen[36] + seen[45] + 2 * seen[27]) / 4
    assert ((middle + 0.5) / 96).tolist() == pytest.approx(ORIGIN, abs=1e-4)
    torch.testing.assert_close(window.to_picture(seen), landmarks, atol=1e-3, rtol=0)


def test_a_cut_shows_the_pixels_that_the_points_say():
    landmarks = face_at(150, 100, 80.0)
    window = FaceWindow.about(landmarks, (96, 96))
    x = np.arange(300)
    ramp = np.broadcast_to(np.minimum(x, 255)[None, :, None], (200, 300, 3)).astype(np.uint8)
    frame = window.cut(ramp)
    assert frame.shape == (1, 3, 96, 96)
    columns = window.to_picture(torch.stack([torch.arange(96.0), torch.full((96,), 40.0)], dim=1))[:, 0]
    inside = (columns > 3) & (columns < 250)
    assert inside.sum() > 50
    torch.testing.assert_close(255 * frame[0, 0, 40][inside], columns[inside], atol=0.05, rtol=0)


def test_a_cut_is_a_mean_and_not_a_choice_of_pixels():
    # Stripes a pixel wide, eight pixels to one of the frame: only their mean is seen.
    landmarks = face_at(400, 300, EYES * 96 * 8)
    stripes = np.zeros((800, 800, 3), dtype=np.uint8)
    stripes[:, ::2] = 255
    frame = FaceWindow.about(landmarks, (96, 96)).cut(stripes)
    assert (frame[..., 10:-10, 10:-10] - 0.5).abs().max() < 0.01


def test_the_region_stays_inside_the_picture():
    window = FaceWindow.about(face_at(10, 10, 60.0), (96, 96))
    rows, columns = window.region((50, 40))
    assert (rows.start, columns.start) == (0, 0) and (rows.stop, columns.stop) == (50, 40)
    outside = FaceWindow.about(face_at(-500, 10, 60.0), (96, 96)).region((50, 40))[1]
    assert outside.start == outside.stop
    assert FaceWindow.about(face_at(-500, 10, 60.0), (96, 96)).cut(np.full((50, 40, 3), 7, np.uint8)).mul(
        255
    ).mean() == pytest.approx(7)
