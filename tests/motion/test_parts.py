"""Motion by parts: still where nothing moved, and the source's own parts where they arrive."""

import pytest
import torch
from torch import Tensor

from kinema.core.types import Keypoints
from kinema.motion.parts import carry_segmentation, part_motion
from kinema.ops.grid import identity_grid

SIZE = (6, 9)
PIXEL = torch.tensor([2 / 8, 0.0])


def shares(batch: int = 1, parts: int = 2, seed: int = 0) -> Tensor:
    logits = 2 * torch.randn(batch, parts + 1, *SIZE, generator=torch.Generator().manual_seed(seed))
    return logits.softmax(dim=1)


def labels(rows: Tensor) -> Tensor:
    """(H, W) indices as certain shares of a background and two parts."""
    return torch.nn.functional.one_hot(rows, 3).movedim(-1, 0)[None].float()


# Background left, part 1 in the middle, part 2 right.
STRIPES = labels(torch.tensor([0, 0, 0, 1, 1, 1, 2, 2, 2]).expand(SIZE))


def keypoints(segmentation: Tensor | None, seed: int = 0) -> Keypoints:
    draw = torch.Generator().manual_seed(seed)
    jacobian = torch.eye(2) + 0.2 * torch.randn(1, 2, 2, 2, generator=draw)
    return Keypoints(torch.rand(1, 2, 2, generator=draw) - 0.5, jacobian, segmentation=segmentation)


def shifted(kp: Keypoints, *steps: Tensor) -> Keypoints:
    return Keypoints(kp.value + torch.stack(steps), kp.jacobian, segmentation=kp.segmentation)


def test_parts_that_stay_deform_nothing():
    kp = keypoints(shares())
    motion = part_motion(kp, kp, visibility=False)
    torch.testing.assert_close(motion.deformation[0], identity_grid(SIZE), atol=1e-5, rtol=0)
    assert motion.occlusion is None and torch.equal(motion.mask, kp.segmentation)


def test_each_pixel_moves_with_its_part():
    source = keypoints(shares(seed=1))
    driving = shifted(Keypoints(source.value, source.jacobian, segmentation=STRIPES), PIXEL, -2 * PIXEL)
    moved = part_motion(source, driving, visibility=False).deformation[0] - identity_grid(SIZE)
    expected = torch.stack([0 * PIXEL] * 3 + [-PIXEL] * 3 + [2 * PIXEL] * 3).expand(*SIZE, 2)
    torch.testing.assert_close(moved, expected, atol=1e-5, rtol=0)


def test_an_affine_part_turns_about_its_point():
    turn = torch.tensor([[0.0, -1.0], [1.0, 0.0]])
    whole = labels(torch.ones(SIZE, dtype=torch.long))
    eye = torch.eye(2).expand(1, 2, 2, 2)
    source = Keypoints(torch.full((1, 2, 2), 0.5), turn.expand(1, 2, 2, 2), segmentation=whole)
    driving = Keypoints(torch.zeros(1, 2, 2), eye, segmentation=whole)
    deformation = part_motion(source, driving, visibility=False).deformation[0]
    torch.testing.assert_close(deformation, identity_grid(SIZE) @ turn.T + 0.5, atol=1e-5, rtol=0)


def test_what_a_part_of_the_source_hides_is_told():
    source, driving = keypoints(STRIPES), keypoints(labels(torch.tensor([0] * 6 + [1] * 3).expand(SIZE)))
    occlusion = part_motion(source, driving, visibility=True).occlusion
    # Hidden where the source has its object and the made picture has background.
    assert occlusion[0, 0, 0].tolist() == [1, 1, 1, 0, 0, 0, 1, 1, 1]


def test_the_source_may_have_another_size():
    large = STRIPES.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    driving = keypoints(labels(torch.tensor([0] * 6 + [1] * 3).expand(SIZE)))
    motion = part_motion(keypoints(large), driving, visibility=True)
    assert motion.deformation.shape == (1, *SIZE, 2)
    torch.testing.assert_close(motion.occlusion, part_motion(keypoints(STRIPES), driving, visibility=True).occlusion)


def test_only_the_sources_parts_learn_from_what_they_hide():
    hidden, mask = shares(seed=1).requires_grad_(), shares(seed=2).requires_grad_()
    part_motion(keypoints(hidden), keypoints(mask), visibility=True).occlusion.sum().backward()
    assert hidden.grad.abs().sum() > 0 and mask.grad is None


@pytest.mark.parametrize("segmentation", [shares(), STRIPES], ids=["soft", "certain"])
def test_a_pose_that_stays_keeps_the_parts(segmentation: Tensor):
    kp = keypoints(segmentation)
    torch.testing.assert_close(carry_segmentation(kp, kp), segmentation, atol=1e-5, rtol=0)


def test_parts_arrive_where_they_are_carried():
    source = keypoints(STRIPES)
    right, left = carry_segmentation(source, shifted(source, PIXEL, PIXEL)), shifted(source, -PIXEL, -PIXEL)
    expected = labels(torch.tensor([0, 0, 0, 0, 1, 1, 1, 2, 2]).expand(SIZE))
    torch.testing.assert_close(right, expected, atol=1e-5, rtol=0)
    # What no part reaches is background.
    expected = labels(torch.tensor([0, 0, 1, 1, 1, 2, 2, 2, 0]).expand(SIZE))
    torch.testing.assert_close(carry_segmentation(source, left), expected, atol=1e-5, rtol=0)


def test_parts_that_meet_share_the_pixel():
    source = keypoints(STRIPES)
    both = carry_segmentation(source, shifted(source, 3 * PIXEL, 0 * PIXEL))
    torch.testing.assert_close(both.sum(dim=1), torch.ones(1, *SIZE))
    torch.testing.assert_close(both[0, :, 0, 7], torch.tensor([0.0, 0.5, 0.5]), atol=1e-5, rtol=0)
    assert both[0, 0, 0, 4] == pytest.approx(1, abs=1e-5), "part 1 has left"


def test_one_source_serves_many():
    source, driving = keypoints(shares()), Keypoints(torch.rand(3, 2, 2) - 0.5, torch.eye(2).expand(3, 2, 2, 2))
    many = carry_segmentation(source, driving)
    assert many.shape == (3, 3, *SIZE)
    torch.testing.assert_close(many[2:], carry_segmentation(source, driving[2]))
