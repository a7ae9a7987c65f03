"""The table of joints and what follows from it."""

from __future__ import annotations

import math

import torch

from kinema.people.skeleton import INDEX, JOINTS, LIMBS, OTHER_LIMB, PARTS, mirror_joints, torso_length

from .poses import standing


def test_the_table():
    assert len(JOINTS) == len(set(JOINTS)) == 18 and len(PARTS) == 10
    for limb, other in enumerate(OTHER_LIMB):
        names, others = ([JOINTS[joint] for joint in LIMBS[index]] for index in (limb, other))
        assert [name.split("_")[1] for name in names] == [name.split("_")[1] for name in others]
        assert names[0].startswith("right") != others[0].startswith("right")


def test_a_mirror_exchanges_the_sides():
    seen = mirror_joints(standing("left_ear"), 33)
    assert seen.value[0, INDEX["right_hip"]].tolist() == [13, 32]  # the left one stood at x = 19
    assert not seen.present[0, INDEX["right_ear"]] and seen.present[0, INDEX["left_ear"]]
    back = mirror_joints(seen, 33)
    assert torch.equal(back.value, standing().value)


def test_the_length_of_the_torso():
    side = math.hypot(2, 18)
    torch.testing.assert_close(torso_length(standing()), torch.tensor([side]))
    torch.testing.assert_close(torso_length(standing("left_hip")), torch.tensor([side]))
    guessed = torso_length(standing("left_hip", "right_hip"))
    assert 0.5 * side < guessed.item() < 1.5 * side
    assert torso_length(standing(*JOINTS)).item() == 0
