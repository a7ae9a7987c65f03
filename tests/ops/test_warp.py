"""Warps with known answers."""

import math

import pytest
import torch
from torch import Tensor

from kinema.ops.grid import identity_grid
from kinema.ops.warp import resize_deformation, resize_map, warp


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
