"""One candidate motion for each keypoint, with known answers."""

import math

import torch

from kinema.core.types import Keypoints
from kinema.motion.sparse import deform_by_each, heatmap_difference, sparse_motions
from kinema.ops.grid import identity_grid
from kinema.ops.warp import warp

SIZE = (7, 9)
DRIVING = torch.tensor([[[0.2, -0.1], [-0.5, 0.4]]])


def turn(degrees: float) -> torch.Tensor:
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return torch.tensor([[cos, -sin], [sin, cos]])


def test_no_movement_is_the_identity_for_all():
    kp = Keypoints(DRIVING, torch.randn(1, 2, 2, 2) + 3 * torch.eye(2))
    motions = sparse_motions(kp, kp, SIZE)
    assert motions.shape == (1, 3, *SIZE, 2)
    torch.testing.assert_close(motions, identity_grid(SIZE).expand(1, 3, -1, -1, -1), atol=1e-5, rtol=0)


def test_autocast_rounds_no_coordinate():
    source, driving = (Keypoints(DRIVING + at, turn(60 * at).expand(1, 2, 2, 2)) for at in (0.0, 0.3))
    exact = sparse_motions(source, driving, SIZE)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(sparse_motions(source, driving, SIZE), exact)


def test_without_jacobians_each_motion_is_a_shift_from_driving_to_source():
    moved = torch.tensor([[0.3, 0.1], [-0.2, 0.0]])
    motions = sparse_motions(Keypoints(DRIVING + moved), Keypoints(DRIVING), SIZE)
    grid = identity_grid(SIZE)
    assert torch.equal(motions[0, 0], grid)
    torch.testing.assert_close(motions[0, 1], grid + moved[0])
    torch.testing.assert_close(motions[0, 2], grid + moved[1])


def test_jacobians_turn_the_plane_around_the_keypoint():
    # Source J = turn, driving J = 1: z -> kp_source + turn (z - kp_driving).
    source = Keypoints(DRIVING + 0.1, turn(90).expand(1, 2, 2, 2))
    motions = sparse_motions(source, Keypoints(DRIVING, torch.eye(2).expand(1, 2, 2, 2)), SIZE)
    offsets = identity_grid(SIZE) - DRIVING[0, 0]
    expected = torch.stack([-offsets[..., 1], offsets[..., 0]], dim=-1) + DRIVING[0, 0] + 0.1
    torch.testing.assert_close(motions[0, 1], expected, atol=1e-6, rtol=0)
    # The same change of both frames is no motion.
    both = Keypoints(DRIVING, turn(30).expand(1, 2, 2, 2))
    torch.testing.assert_close(sparse_motions(both, both, SIZE)[0, 1], identity_grid(SIZE), atol=1e-6, rtol=0)


def test_there_and_back_is_no_motion():
    source = Keypoints(DRIVING + 0.2, torch.randn(1, 2, 2, 2) * 0.2 + torch.eye(2))
    driving = Keypoints(DRIVING, torch.randn(1, 2, 2, 2) * 0.2 + torch.eye(2))
    there = sparse_motions(source, driving, SIZE)[0, 1].double()  # a grid over driving, of points of the source
    back = sparse_motions(driving, source, (65, 65))[:, 1]
    pictured = warp(back.movedim(-1, 1).double(), there[None])[0].movedim(0, -1)
    within = (there.abs() < 0.95).all(dim=-1)
    assert within.sum() > 10
    torch.testing.assert_close(pictured[within], identity_grid(SIZE).double()[within], atol=1e-4, rtol=0)


def test_one_source_serves_many_driving_rows():
    source = Keypoints(DRIVING, torch.eye(2).expand(1, 2, 2, 2))
    driving = Keypoints(torch.rand(3, 2, 2), torch.randn(3, 2, 2, 2) + 3 * torch.eye(2))
    together = sparse_motions(source, driving, SIZE)
    for n in range(3):
        torch.testing.assert_close(together[n : n + 1], sparse_motions(source, driving[n], SIZE))


def test_heatmaps_are_positive_where_points_arrive_and_negative_where_they_leave():
    source, driving = Keypoints(torch.tensor([[[-1.0, -1.0]]])), Keypoints(torch.tensor([[[1.0, 1.0]]]))
    difference = heatmap_difference(source, driving, SIZE, variance=0.01)
    assert difference.shape == (1, 2, *SIZE)
    assert difference[0, 0].abs().max() == 0
    assert difference[0, 1, -1, -1] == 1 and difference[0, 1, 0, 0] == -1
    assert heatmap_difference(driving, driving, SIZE, variance=0.01).abs().max() == 0


def test_each_candidate_is_a_warp_of_its_own():
    source, motions = torch.rand(2, 3, *SIZE), torch.rand(2, 4, *SIZE, 2) * 2.4 - 1.2
    for align_corners in (True, False):
        deformed = deform_by_each(source, motions, align_corners=align_corners)
        assert deformed.shape == (2, 4, 3, *SIZE)
        for k in range(4):
            torch.testing.assert_close(deformed[:, k], warp(source, motions[:, k], align_corners=align_corners))
    one = deform_by_each(source[:1], motions, align_corners=True)
    torch.testing.assert_close(one[1], deform_by_each(source[:1], motions[1:], align_corners=True)[0])
