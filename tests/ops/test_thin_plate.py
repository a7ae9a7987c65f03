"""Random smooth transforms: the closed derivative, frames and points moved alike."""

import pytest
import torch
from torch import Tensor

from kinema.ops.grid import identity_grid
from kinema.ops.heatmap import gaussian_heatmap, soft_argmax
from kinema.ops.thin_plate import SmoothTransform, random_transform


def draw(batch: int = 2, *, seed: int = 0, affine: float = 0.1, thin_plate: float = 0.02) -> SmoothTransform:
    generator = torch.Generator().manual_seed(seed)
    return random_transform(batch, sigma_affine=affine, sigma_thin_plate=thin_plate, grid_points=4, generator=generator)


def points(batch: int = 2) -> Tensor:
    return torch.rand(batch, 5, 2, generator=torch.Generator().manual_seed(9)) * 1.4 - 0.7


@pytest.mark.parametrize("thin_plate", [0, 0.05])
def test_the_jacobian_is_that_of_autograd(thin_plate):
    transform = draw(thin_plate=thin_plate).map(torch.Tensor.double)
    at = points().double()
    whole = torch.autograd.functional.jacobian(lambda p: transform.warp_points(p).sum(dim=(0, 1)), at)
    torch.testing.assert_close(transform.jacobian(at), whole.movedim(0, 2))  # (2, B, N, 2) to (B, N, 2, 2)


def test_points_and_jacobians_can_be_differentiated():
    transform, at = draw(1).map(torch.Tensor.double), points(1).double().requires_grad_()
    assert torch.autograd.gradcheck(transform.warp_points, at)
    assert torch.autograd.gradcheck(transform.jacobian, at)


def test_no_strength_is_the_identity():
    transform = draw(affine=0, thin_plate=0)
    at, picture = points(), torch.rand(2, 3, 8, 8)
    torch.testing.assert_close(transform.warp_points(at), at)
    torch.testing.assert_close(transform.jacobian(at), torch.eye(2).expand(2, 5, 2, 2))
    torch.testing.assert_close(transform.warp_frames(picture), picture, atol=1e-5, rtol=0)


def test_a_known_affine_map():
    transform = SmoothTransform(torch.tensor([[[2.0, 0.0, 0.5], [0.0, 1.0, -0.25]]]))
    assert transform.warp_points(torch.tensor([[[0.25, 0.5]]])).tolist() == [[[1.0, 0.25]]]


def test_a_bump_is_zero_at_its_control_point_and_grows_away_from_it():
    transform = SmoothTransform(torch.eye(2, 3)[None], torch.zeros(1, 1, 2), torch.ones(1, 1, 1))
    moved = transform.warp_points(torch.tensor([[[0.0, 0.0], [0.25, 0.25], [2.0, 0.0]]]))
    assert moved[0, 0].tolist() == [0, 0]
    # |p|_1 = 0.5: 0.25 log 0.5 added to both coordinates; |p|_1 = 2: 4 log 2.
    torch.testing.assert_close(moved[0, 1], torch.full((2,), 0.25 - 0.25 * 0.6931472), atol=1e-5, rtol=0)
    torch.testing.assert_close(moved[0, 2], torch.tensor([2 + 2.7725887, 2.7725887]), atol=1e-4, rtol=0)


def test_a_frame_shows_at_p_what_lies_where_p_is_sent():
    # A blob at q in the frame must be seen at p in the transformed frame, for the p that is sent to q.
    transform = draw(1, affine=0.05, thin_plate=0.01)
    p = torch.tensor([[[0.2, -0.3]]])
    seen = transform.warp_frames(gaussian_heatmap(transform.warp_points(p), (96, 96), variance=0.003))
    torch.testing.assert_close(soft_argmax(seen / seen.sum()), p, atol=0.01, rtol=0)


def test_frames_are_moved_by_the_same_grid_as_points():
    transform = draw()
    x, y = identity_grid((33, 33)).unbind(dim=-1)
    coordinates = torch.stack([x, y]).expand(2, -1, -1, -1)  # a picture whose colours are its own coordinates
    moved = transform.warp_points(identity_grid((33, 33)).flatten(0, 1)[None]).unflatten(1, (33, 33))
    within = (moved.abs() < 0.95).all(dim=-1)
    torch.testing.assert_close(transform.warp_frames(coordinates).movedim(1, -1)[within], moved[within])


def test_autocast_rounds_no_coordinate():
    transform, at = draw(), points()
    exact = transform.warp_points(at)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(transform.warp_points(at), exact)


def test_a_seed_gives_one_transform_and_rows_can_be_taken():
    whole, again, other = draw(4), draw(4), draw(4, seed=1)
    assert torch.equal(whole.theta, again.theta) and torch.equal(whole.control_params, again.control_params)
    assert not torch.equal(whole.theta, other.theta)
    rows = whole[2:]
    torch.testing.assert_close(rows.warp_points(points()), whole.warp_points(points(4)[[0, 1, 0, 1]])[2:])
