"""Colours of body parts, and who is nearest."""

from __future__ import annotations

import pytest
import torch

from kinema.core.checks import InputError
from kinema.core.types import Joints
from kinema.metrics.identity import Gallery, appearance, appearance_distance, srgb_to_lab
from kinema.people.limbs import person_mask, torso_mask

from ..people.poses import SIZE, standing


def shirt(colour: tuple[float, float, float]) -> torch.Tensor:
    frame = torch.full((1, 3, *SIZE), 0.5)
    inside = torso_mask(standing(), SIZE)[0]
    frame[0, :, inside] = torch.tensor(colour, dtype=torch.float32)[:, None]
    return frame


def test_known_colours_in_lab():
    red = torch.tensor([1.0, 0, 0]).view(1, 3, 1, 1)
    torch.testing.assert_close(srgb_to_lab(red).flatten(), torch.tensor([53.24, 80.09, 67.20]), atol=0.1, rtol=0)


def test_a_part_is_its_own_colour_and_the_background_does_not_count():
    frame = shirt((1, 0, 0))
    joints, mask = standing(), person_mask(standing(), SIZE)
    vectors = appearance(frame, joints, mask)
    torch.testing.assert_close(vectors[0, 0, :3], torch.tensor([0.2662, 0.8009, 0.6720]), atol=1e-3, rtol=0)
    torch.testing.assert_close(vectors[0, 0, 3:], torch.zeros(3), atol=2e-3, rtol=0)
    changed = torch.where(mask, frame, 0.9)
    torch.testing.assert_close(appearance(changed, joints, mask), vectors)


def test_a_part_that_is_not_there_does_not_count():
    frame, mask = shirt((0, 1, 0)), person_mask(standing(), SIZE)
    whole = appearance(frame, standing(), mask)[0]
    lacking = appearance(frame, standing("right_knee", "left_knee"), mask)[0]
    assert lacking[2].isnan().all() and not lacking[0].isnan().any()
    assert appearance_distance(lacking, whole[None]).item() == pytest.approx(0, abs=1e-6)
    nothing = Joints(standing().value, torch.zeros(1, 18, dtype=torch.bool))
    assert appearance_distance(appearance(frame, nothing, mask)[0], whole[None]).isinf().all()


def test_the_first_picture_that_is_not_left_out_stands_for_a_person():
    mask = person_mask(standing(), SIZE)
    colours = [(1, 0, 0), (0, 0, 1), (0, 1, 0), (1, 0.1, 0)]
    vectors = torch.cat([appearance(shirt(colour), standing(), mask) for colour in colours])
    gallery = Gallery(vectors, ["a", "a", "b", "b"])
    assert gallery.nearest(vectors[0]) == "a"
    assert gallery.nearest(vectors[2]) == "b"
    assert gallery.nearest(vectors[3]) == "a" and gallery.nearest(vectors[3], without={2}) == "b"
    assert gallery.nearest(vectors[0], without={0, 2}) == "b"
    with pytest.raises(InputError, match="no pictures left"):
        gallery.nearest(vectors[0], without={0, 1, 2, 3})
