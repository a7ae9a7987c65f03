"""dlib finds landmarks where the face is, in the pixels of its picture."""

import numpy as np
import pytest
from PIL import Image

from kinema.metrics.dlib_faces import detect_landmarks

pytestmark = pytest.mark.extra("dlib", "dlib", "face_recognition_models")

# Centres of the six exact points of each eye that the portrait was drawn with, in a frame of 128 pixels.
EYES = (np.array([[94.8, 104.3], [155.8, 104.0]]) + 0.5) / 2 - 0.5
LEFT_EYE, RIGHT_EYE = slice(36, 42), slice(42, 48)


def test_eyes_lie_where_the_portrait_was_drawn_with_them(portrait: Image.Image):
    landmarks = detect_landmarks(np.array(portrait))
    assert landmarks is not None and landmarks.shape == (68, 2)
    eyes = np.stack([landmarks[LEFT_EYE].mean(axis=0), landmarks[RIGHT_EYE].mean(axis=0)])
    np.testing.assert_allclose(eyes, EYES, atol=1.5)


def test_small_frames_give_the_same_landmarks_in_their_own_pixels(portrait: Image.Image):
    small = detect_landmarks(np.array(portrait.resize((64, 64), Image.Resampling.LANCZOS)))
    large = detect_landmarks(np.array(portrait))
    assert small is not None and large is not None
    assert np.abs((small + 0.5) * 2 - 0.5 - large).mean() < 1.0
