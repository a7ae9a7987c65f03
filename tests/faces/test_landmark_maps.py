"""Lines pass through the points, have a pixel's width, and the face fills the drawing."""

from __future__ import annotations

import torch

from kinema.faces.landmark_maps import draw_landmarks, face_to_drawing
from kinema.faces.landmarks import face_frame, to_face

from .faces import template


def test_lines_pass_through_the_points_and_are_thin():
    faces = template()[None].repeat(2, 1, 1)
    faces[1, :, 0] += 0.1
    drawn = draw_landmarks(faces, (48, 64))
    assert drawn.shape == (2, 1, 48, 64) and drawn.min() == 0 and drawn.max() == 1
    for face, image in zip(faces, drawn[:, 0], strict=True):
        x, y = ((face + 1) * torch.tensor([63 / 2, 47 / 2])).round().long().unbind(dim=1)
        assert image[y, x].min() > 0.5
    binary = draw_landmarks(faces, (48, 64), binary=True)
    assert set(binary.unique().tolist()) == {0.0, 1.0} and 0.02 < binary.mean() < 0.2
    # A jaw's row is crossed twice, one or two pixels at a time.
    assert 2 <= binary[0, 0, 29].sum() <= 8


def test_a_soft_line_follows_its_points_by_fractions_of_a_pixel():
    face = template()[None].requires_grad_()
    draw_landmarks(face, (32, 32)).square().sum().backward()
    assert face.grad is not None and face.grad.isfinite().all() and face.grad.abs().max() > 0


def test_a_face_fills_the_drawing():
    face = template()
    own = face_to_drawing(to_face(face, face_frame(face)))
    assert own.abs().max() < 1 and own.abs().amax(dim=0).min() > 0.5
