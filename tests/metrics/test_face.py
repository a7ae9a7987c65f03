"""Face metrics on a real portrait: landmarks where the face is, identity that blur and other faces change."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter

from kinema.core.checks import InputError
from kinema.metrics.dlib_faces import detect_landmarks
from kinema.metrics.face import face_embedding, identity_distance, landmark_distance

pytestmark = pytest.mark.extra("dlib", "dlib", "face_recognition_models")


def test_no_face_is_none_and_a_missing_value(portrait: Image.Image, as_frames):
    empty = np.full((128, 128, 3), 128, dtype=np.uint8)
    assert detect_landmarks(empty) is None
    face, blank = as_frames(portrait), torch.full((1, 3, 128, 128), 0.5)
    assert landmark_distance(face, blank).isnan().all()
    assert identity_distance(blank, face).isnan().all()


def test_a_shifted_face_is_that_many_pixels_away_and_the_same_person(portrait: Image.Image, as_frames):
    frames = as_frames(portrait)
    shifted = torch.roll(frames, shifts=4, dims=3)
    assert landmark_distance(frames, frames).item() == 0
    assert landmark_distance(frames, shifted).item() == pytest.approx(4, abs=0.5)
    assert identity_distance(frames, frames).item() == 0


def test_blur_and_a_squeezed_face_move_identity_further_than_nothing(portrait: Image.Image, as_frames):
    frames = as_frames(portrait)
    blurred = as_frames(*(portrait.filter(ImageFilter.GaussianBlur(radius)) for radius in (0.5, 2, 5)))
    distances = identity_distance(frames.expand_as(blurred), blurred)
    assert (distances.diff() > 0).all()
    assert 0 < distances[0] < 0.3
    upside_down = identity_distance(frames, frames.flip(2)).item()
    assert upside_down > 0.6


def test_embedding_has_the_length_of_its_network(portrait: Image.Image):
    image = np.array(portrait)
    landmarks = detect_landmarks(image)
    assert landmarks is not None
    embedding = face_embedding(image, landmarks)
    assert embedding.shape == (128,)
    assert 1.2 < np.linalg.norm(embedding) < 1.8


def test_what_is_no_image_is_refused():
    with pytest.raises(InputError, match="float64"):
        detect_landmarks(np.zeros((64, 64, 3)))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="68"):
        face_embedding(np.zeros((64, 64, 3), dtype=np.uint8), np.zeros((5, 2)))
    with pytest.raises(InputError, match="same shape"):
        landmark_distance(torch.zeros(1, 3, 8, 8), torch.zeros(2, 3, 8, 8))
