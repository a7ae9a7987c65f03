"""The two-encoder U-Net: shapes, sizes that fit, the paper's widths."""

from __future__ import annotations

import pytest
import torch

from kinema.core.checks import InputError
from kinema.synthesis.pose_generator import PoseGenerator, PoseGeneratorConfig

TINY = PoseGeneratorConfig(pose_channels=2, block_expansion=4, max_features=8, num_levels=4)


def inputs(rows: int = 2, size: tuple[int, int] = (16, 8)) -> tuple[torch.Tensor, ...]:
    return (
        torch.rand(rows, 3, *size),
        torch.rand(rows, 2, *size),
        torch.rand(rows, 2, *size),
        torch.rand(rows, 3, *size),
    )


@pytest.mark.parametrize("two_encoders", [True, False])
@pytest.mark.parametrize("background", [True, False])
def test_every_form_makes_frames(two_encoders: bool, background: bool):
    net = PoseGenerator(TINY.model_copy(update={"two_encoders": two_encoders, "background": background}))
    source, pose_source, pose_driving, behind = inputs()
    others = (pose_driving, behind) if background else (pose_driving,)
    if two_encoders:
        made = net(net.encode_appearance(source, pose_source), net.encode_pose(*others))
    else:
        assert net.encode_pose(*others) == ()
        made = net(net.encode_appearance(source, pose_source, *others), ())
    assert made.shape == source.shape and 0 <= made.min() < made.max() <= 1


def test_features_are_finest_first():
    levels = PoseGenerator(TINY).encode_appearance(*inputs()[:2])
    assert [tuple(level.shape[1:]) for level in levels] == [(4, 16, 8), (8, 8, 4), (8, 4, 2), (8, 2, 1)]


def test_frames_must_fit():
    net = PoseGenerator(TINY)
    assert net.divisor == 8
    with pytest.raises(InputError, match="12x8"):
        net.encode_appearance(*inputs(size=(12, 8))[:2])


def test_only_training_disturbs_and_only_the_coarsest_blocks():
    net, (source, pose_source, pose_driving, _) = PoseGenerator(TINY), inputs()
    seen: list[tuple[int, ...]] = []

    def disturb(features: torch.Tensor) -> torch.Tensor:
        seen.append(tuple(features.shape))
        return features

    pair = net.encode_appearance(source, pose_source), net.encode_pose(pose_driving)
    assert torch.equal(net(*pair, disturb=disturb), net.train()(*pair))
    assert seen == [(2, 8, 4, 2), (2, 8, 8, 4), (2, 8, 16, 8)]


@pytest.mark.parametrize(("num_levels", "expected"), [(6, 61_109_085), (7, 82_080_611)])
def test_it_is_as_large_as_the_authors(num_levels: int, expected: int):
    with torch.device("meta"):
        net = PoseGenerator(PoseGeneratorConfig(num_levels=num_levels))
    assert sum(parameter.numel() for parameter in net.parameters()) == expected
