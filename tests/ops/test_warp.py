"""Warps with known answers."""

import math

import pytest
import torch
from torch import Tensor

from kinema.ops.grid import identity_grid
from kinema.ops.warp import (
    resize_deformation,
    resize_map,
    scale_transforms,
    warp,
    warp_affine,
    warp_parts,
)


def frames(*size: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0), dtype=dtype)


def grid_of(size: tuple[int, int], linear: Tensor | None = None, shift: tuple[float, float] = (0, 0)) -> Tensor:
    grid = identity_grid(size)
    grid = grid if linear is None else grid @ linear.mT
    return (grid + torch.tensor(shift)).expand(2, *size, 2)


@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
def test_the_identity_changes_nothing(padding):
    picture = frames(6, 9)
    torch.testing.assert_close(warp(picture, grid_of((6, 9)), padding=padding), picture, atol=1e-5, rtol=0)


def test_the_identity_is_none_of_the_other_rule():
    picture = frames(6, 9)
    assert (warp(picture, grid_of((6, 9)), align_corners=False) - picture).abs().max() > 0.05
    edges = grid_of((6, 9)) * torch.tensor([8 / 9, 5 / 6])
    torch.testing.assert_close(warp(picture, edges, align_corners=False), picture, atol=1e-5, rtol=0)


def test_a_shift_of_one_pixel_looks_to_the_right():
    picture = frames(5, 8)
    moved = warp(picture, grid_of((5, 8), shift=(2 / 7, 0)))
    torch.testing.assert_close(moved[..., :-1], picture[..., 1:], atol=1e-5, rtol=0)
    assert moved[..., -1].abs().max() < 1e-5  # zeros lie outside
    border = warp(picture, grid_of((5, 8), shift=(2 / 7, 0)), padding="border")
    torch.testing.assert_close(border[..., -1], picture[..., -1], atol=1e-5, rtol=0)


def test_a_shift_of_one_pixel_looks_down():
    picture = frames(5, 8)
    moved = warp(picture, grid_of((5, 8), shift=(0, 2 / 4)))
    torch.testing.assert_close(moved[:, :, :-1], picture[:, :, 1:], atol=1e-5, rtol=0)


def test_a_quarter_turn_is_rot90_and_four_of_them_are_none():
    picture = frames(7, 7)
    # The result at (x, y) shows the picture at (-y, x): the picture turned counter-clockwise as seen, y down.
    turn = grid_of((7, 7), torch.tensor([[0.0, -1.0], [1.0, 0.0]]))
    torch.testing.assert_close(warp(picture, turn), torch.rot90(picture, 1, (2, 3)), atol=1e-5, rtol=0)
    turned = picture
    for _ in range(4):
        turned = warp(turned, turn)
    torch.testing.assert_close(turned, picture, atol=1e-4, rtol=0)


def test_there_and_back_gives_a_smooth_picture_again():
    x, y = identity_grid((65, 65)).unbind(dim=-1)
    picture = torch.stack([x * y, torch.sin(2 * x), torch.exp(-(x**2) - y**2)])[None].expand(2, -1, -1, -1)
    angle = math.radians(25)
    rotation = torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    there = warp(picture, grid_of((65, 65), rotation, (0.1, -0.05)))
    # z -> R z + t undone: z -> R^-1 (z - t).
    back_shift = tuple((-rotation.mT @ torch.tensor([0.1, -0.05])).tolist())
    back = warp(there, grid_of((65, 65), rotation.mT, back_shift))
    middle = (..., slice(20, 45), slice(20, 45))
    torch.testing.assert_close(back[middle], picture[middle], atol=2e-3, rtol=0)
    assert (there[middle] - picture[middle]).abs().max() > 0.1


@pytest.mark.parametrize("padding", ["zeros", "border"])
def test_gradients_of_both_inputs(padding):
    generator = torch.Generator().manual_seed(1)
    picture = torch.rand(1, 2, 4, 5, generator=generator, dtype=torch.float64, requires_grad=True)
    points = (torch.rand(1, 3, 3, 2, generator=generator, dtype=torch.float64) * 2.4 - 1.2).requires_grad_()
    assert torch.autograd.gradcheck(lambda p, d: warp(p, d, padding=padding), (picture, points))


def test_resizing_to_the_same_size_copies_nothing():
    deformation, occlusion = grid_of((4, 6)), torch.rand(2, 1, 4, 6)
    assert resize_deformation(deformation, (4, 6)) is deformation
    assert resize_map(occlusion, (4, 6)) is occlusion


def test_resizing_keeps_a_constant_and_averages_pairs():
    deformation = torch.tensor([0.25, -0.5]).expand(1, 4, 6, 2)
    torch.testing.assert_close(resize_deformation(deformation, (8, 3)), torch.tensor([0.25, -0.5]).expand(1, 8, 3, 2))
    values = torch.arange(8.0).reshape(1, 1, 2, 4)
    assert resize_map(values, (1, 2)).flatten().tolist() == [2.5, 4.5]


def shift_by(x: float, y: float) -> Tensor:
    return torch.tensor([[1.0, 0.0, x], [0.0, 1.0, y]])


@pytest.mark.parametrize("sampling", ["nearest", "bilinear"])
def test_affine_warps_shift_by_pixels(sampling):
    picture = frames(5, 8)
    moved = warp_affine(
        picture, torch.stack([shift_by(0, 0), shift_by(2, -1)]).expand(2, -1, -1, -1), sampling=sampling
    )
    assert torch.equal(moved[:, 0], picture)
    assert torch.equal(moved[:, 1, :, 1:, :-2], picture[..., :-1, 2:])
    assert not moved[:, 1, :, 0].any() and not moved[:, 1, ..., -2:].any()


def test_halves_are_rounded_away_from_zero():
    picture = torch.arange(6.0).view(1, 1, 1, 6)
    moved = warp_affine(picture, torch.stack([shift_by(0.5, 0), shift_by(-0.5, 0), shift_by(-0.49, 0)])[None])
    assert moved[0, :, 0, 0].tolist() == [[1, 2, 3, 4, 5, 0], [0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5]]


def test_bilinear_affine_warps_agree_with_grid_sample():
    picture = frames(6, 9)
    matrix = torch.tensor([[0.9, 0.2, 0.6], [-0.3, 1.1, 0.4]])
    pixels = torch.stack(torch.meshgrid(torch.arange(9.0), torch.arange(6.0), indexing="xy"), dim=-1)
    points = (pixels @ matrix[:, :2].mT + matrix[:, 2]) / torch.tensor([8 / 2, 5 / 2]) - 1
    expected = warp(picture, points.expand(2, -1, -1, -1))
    made = warp_affine(picture, matrix.expand(2, 1, 2, 3), sampling="bilinear")[:, 0]
    torch.testing.assert_close(made, expected, atol=1e-5, rtol=0)


def some_parts(dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Three parts of two rows, the first nowhere masked, the third far outside in places."""
    generator = torch.Generator().manual_seed(3)
    linear = torch.eye(2) + 0.4 * torch.randn(2, 3, 2, 2, generator=generator)
    shift = 3 * torch.randn(2, 3, 2, 1, generator=generator)
    masks = torch.rand(2, 3, 8, 12, generator=generator) > 0.5
    masks[:, 0] = True
    return torch.cat([linear, shift], dim=-1).to(dtype), masks


@pytest.mark.parametrize("sampling", ["nearest", "bilinear"])
@pytest.mark.parametrize("aggregation", ["max", "avg"])
@pytest.mark.parametrize("num_parts", [1, 3])
def test_parts_are_masked_and_joined(sampling, aggregation, num_parts):
    features = frames(4, 6, dtype=torch.float64) - 0.5
    transforms, masks = (tensor[:, :num_parts] for tensor in some_parts(torch.float64))
    small = masks[..., ::2, ::2]
    each = warp_affine(features, scale_transforms(transforms, (8, 12), (4, 6)), sampling=sampling) * small[:, :, None]
    count = small.sum(dim=1, keepdim=True)
    expected = each.amax(dim=1) if aggregation == "max" else each.sum(dim=1) / count.clamp_min(1)
    made = warp_parts(features, transforms, masks, aggregation=aggregation, sampling=sampling)
    torch.testing.assert_close(made, expected)


@pytest.mark.parametrize("sampling", ["nearest", "bilinear"])
@pytest.mark.parametrize("aggregation", ["max", "avg"])
def test_the_gradient_of_parts_is_the_true_one(sampling, aggregation):
    features = (frames(4, 6, dtype=torch.float64) - 0.5).requires_grad_()
    transforms, masks = some_parts(torch.float64)
    assert torch.autograd.gradcheck(
        lambda x: warp_parts(x, transforms, masks, aggregation=aggregation, sampling=sampling), (features,)
    )


def test_a_warp_and_its_gradient_are_adjoint():
    features = frames(4, 6, dtype=torch.float64).requires_grad_()
    transforms, _ = some_parts(torch.float64)
    made = warp_affine(features, transforms)
    probe = torch.randn(made.shape, dtype=torch.float64)
    (made * probe).sum().backward()
    assert features.grad is not None
    torch.testing.assert_close((features.grad * features).sum(), (made * probe).sum())


def test_bilinear_transforms_get_gradients():
    transforms = some_parts(torch.float64)[0].requires_grad_()
    features = frames(4, 6, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda t: warp_affine(features, t, sampling="bilinear"), (transforms,))
