"""Warps features backward. Only this file calls ``grid_sample``, so that one coordinate rule holds everywhere."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from kinema.ops.grid import identity_grid

Sampling = Literal["nearest", "bilinear"]
Aggregation = Literal["max", "avg"]


def warp(features: Tensor, deformation: Tensor, *, padding: str = "zeros", align_corners: bool = True) -> Tensor:
    """Samples ``features`` bilinearly at the points of ``deformation`` (backward warp).

    Args:
        features: (B, C, H, W), any range.
        deformation: (B, H', W', 2), absolute points (x, y) in [-1, 1].
        padding: what lies outside: "zeros", "border" or "reflection".
        align_corners: True puts -1 and 1 at the centres of the corner pixels (the rule of kinema and of the papers'
            weights); False at their outer edges, for weights that were trained so.

    Returns:
        (B, C, H', W'). With ``align_corners`` the identity grid gives ``features`` back.
    """
    return F.grid_sample(features, deformation, mode="bilinear", padding_mode=padding, align_corners=align_corners)


def sample_points(pixels: Tensor, points: Tensor, *, sharp: bool = False) -> Tensor:
    """Samples a picture at points; outside, its edge is repeated.

    Args:
        pixels: (1, C, H, W).
        points: (h, w, 2) points (x, y) in its pixels, 0 the centre of the first.
        sharp: interpolate cubically instead of linearly.

    Returns:
        (1, C, h, w).
    """
    sides = points.new_tensor([pixels.shape[3], pixels.shape[2]])
    grid = (2 * points + 1) / sides - 1
    mode = "bicubic" if sharp else "bilinear"
    return F.grid_sample(pixels, grid[None], mode=mode, padding_mode="border", align_corners=False)


def resize_deformation(deformation: Tensor, size: tuple[int, int]) -> Tensor:
    """Resizes a deformation bilinearly with pixel edges aligned, as the authors' code does.

    Args:
        deformation: (B, H, W, 2) absolute grid.
        size: (height, width) wanted.

    Returns:
        (B, height, width, 2); the input itself when it already has that size.
    """
    if deformation.shape[1:3] == size:
        return deformation
    channels_first = deformation.movedim(-1, 1)  # (B, 2, H, W)
    return F.interpolate(channels_first, size=size, mode="bilinear", align_corners=False).movedim(1, -1)


def resize_displacement(deformation: Tensor, size: tuple[int, int]) -> Tensor:
    """Resizes a deformation by the rule under which the identity stays the identity.

    :func:`resize_deformation` instead shifts points at the border by up to a pixel of the smaller grid; the published
    weights were trained with that.

    Args:
        deformation: (B, H, W, 2) absolute grid.
        size: (height, width) wanted.

    Returns:
        (B, height, width, 2).
    """
    around = {"device": deformation.device, "dtype": deformation.dtype}
    moved = deformation - identity_grid((deformation.shape[1], deformation.shape[2]), **around)
    moved = F.interpolate(moved.movedim(-1, 1), size=size, mode="bilinear", align_corners=True).movedim(1, -1)
    return moved + identity_grid(size, **around)


def resize_map(values: Tensor, size: tuple[int, int]) -> Tensor:
    """Resizes a map such as an occlusion by the same rule as :func:`resize_deformation`.

    Args:
        values: (B, C, H, W).
        size: (height, width) wanted.

    Returns:
        (B, C, height, width); the input itself when it already has that size.
    """
    if values.shape[2:] == size:
        return values
    return F.interpolate(values, size=size, mode="bilinear", align_corners=False)


def warp_affine(features: Tensor, transforms: Tensor, *, sampling: Sampling = "nearest") -> Tensor:
    """Warps ``features`` by each of several affine maps (backward warp in pixels); zero outside.

    "nearest" takes the nearest pixel, with halves rounded away from zero, as the weights of Deformable GANs were
    trained. Each pixel gets the gradients of all the places that sampled it.

    Args:
        features: (B, C, H, W), any range.
        transforms: (B, P, 2, 3), from pixels (x, y, 1) of the result to pixels (x, y) of ``features``, 0 the centre of
            the first pixel.
        sampling: "nearest" or "bilinear".

    Returns:
        (B, P, C, H, W). The identity gives ``features`` back.
    """
    size = (features.shape[2], features.shape[3])
    table = features.movedim(1, -1).flatten(0, 2)  # (B H W, C)
    moved = features.new_zeros(())
    for pixels, weights in _taps(_sampled_points(transforms, size), size, sampling):
        taken = _rows(pixels, size)  # (B, P, H W)
        values = table.index_select(0, taken.flatten()).view(*taken.shape, -1)
        moved = moved + values * weights[..., None].to(values.dtype)
    return moved.movedim(-1, 2).unflatten(-1, size)


def warp_parts(
    features: Tensor,
    transforms: Tensor,
    masks: Tensor,
    *,
    aggregation: Aggregation = "max",
    sampling: Sampling = "nearest",
) -> Tensor:
    """Warps each part by its own affine map, masks it and joins the parts (Deformable GANs, Eq. 5).

    Gives the same as masking and joining the results of :func:`warp_affine`, but computes only the pixels inside the
    masks, since parts are small.

    Args:
        features: (B, C, h, w), any range.
        transforms: (B, P, 2, 3), from pixels (x, y, 1) of the result to those of ``features``, both at the masks' size.
        masks: (B, P, H, W) bool.
        aggregation: "max" takes the maximum over all parts, where a part is 0 outside its mask; "avg" takes the mean
            over the parts whose mask is set, and 0 if there is none.
        sampling: "nearest" or "bilinear", see :func:`warp_affine`.

    Returns:
        (B, C, h, w).
    """
    size = (features.shape[2], features.shape[3])
    transforms = scale_transforms(transforms, (masks.shape[2], masks.shape[3]), size)
    wanted = F.interpolate(masks.to(torch.uint8), size=size, mode="nearest").flatten(2).bool()  # (B, P, h w)
    taps = _taps(_sampled_points(transforms, size), size, sampling)
    inside = torch.stack([weights.detach() != 0 for _, weights in taps]).any(dim=0)
    used = wanted & inside
    rows, _, pixels = used.nonzero(as_tuple=True)
    table = features.movedim(1, -1).flatten(0, 2)  # (B h w, C)
    values = table.new_zeros(())
    for source, weights in taps:
        taken = table.index_select(0, _rows(source, size)[used])
        values = values + (taken if sampling == "nearest" else taken * weights[used, None].to(taken.dtype))
    results = rows * (size[0] * size[1]) + pixels
    if aggregation == "avg":
        joined = torch.zeros_like(table).index_add(0, results, values)
        joined = joined / wanted.sum(dim=1).flatten().clamp_min(1)[:, None].to(joined.dtype)
    else:
        # At pixels that lie inside every mask, no part contributes a zero to the maximum.
        start = torch.where(used.all(dim=1).flatten()[:, None], -torch.inf, torch.zeros_like(table))
        joined = start.scatter_reduce(0, results[:, None].expand_as(values), values, "amax", include_self=True)
    return joined.unflatten(0, (features.shape[0], *size)).movedim(-1, 1)


def scale_transforms(transforms: Tensor, size: tuple[int, int], wanted: tuple[int, int]) -> Tensor:
    """Converts affine maps between pixels of frames to maps between pixels of smaller feature maps.

    Args:
        transforms: (B, P, 2, 3) in pixels of frames of ``size``.
        size: (height, width) of the frames.
        wanted: (height, width) of the maps.

    Returns:
        (B, P, 2, 3) in pixels of the maps.
    """
    # x is scaled by the ratio of heights and y by that of widths, because the weights were trained so. The two differ,
    # slightly, only where a convolution without padding has made the maps a pixel smaller than half.
    shrink = transforms.new_tensor([size[0] / wanted[0], size[1] / wanted[1]])
    linear, shift = transforms.split([2, 1], dim=-1)
    return torch.cat([linear, shift / shrink[:, None]], dim=-1)


def _sampled_points(transforms: Tensor, size: tuple[int, int]) -> Tensor:
    """The points (x, y) in pixels at which each pixel of the result is sampled: (B, P, 2, H W)."""
    columns, rows = (
        torch.arange(side, dtype=transforms.dtype, device=transforms.device) for side in (size[1], size[0])
    )
    by_x, by_y, shift = transforms[..., None, None, :].unbind(dim=-1)  # each (B, P, 2, 1, 1)
    # Summed in the order of TensorFlow, whose rounding decides which pixel is nearest in some cases.
    return (by_x * columns + by_y * rows[:, None] + shift).flatten(3)


def _taps(points: Tensor, size: tuple[int, int], sampling: Sampling) -> list[tuple[Tensor, Tensor]]:
    """The pixels that are averaged for each sample: flat index and weight (0 outside), each (B, P, H W)."""
    if sampling == "nearest":
        corners = [_round_half_away(points)]
        weights = [torch.ones_like(points)]
    else:
        low = points.detach().floor()
        above = points - low
        corners = [low + low.new_tensor([[x], [y]]) for y in (0, 1) for x in (0, 1)]
        both = (1 - above, above)
        weights = [torch.stack([both[x][:, :, 0], both[y][:, :, 1]], dim=2) for y in (0, 1) for x in (0, 1)]
    limits = points.new_tensor([[size[1] - 1], [size[0] - 1]])
    taps = []
    for corner, weight in zip(corners, weights, strict=True):
        is_inside = ((corner >= 0) & (corner <= limits)).all(dim=2)
        x, y = corner.clamp(torch.zeros_like(limits), limits).long().unbind(dim=2)
        taps.append((y * size[1] + x, torch.where(is_inside, weight.prod(dim=2), 0)))
    return taps


def _round_half_away(values: Tensor) -> Tensor:
    """Rounds to whole numbers with halves away from zero; ``torch.round`` rounds halves to even numbers."""
    whole = values.trunc()
    return whole + values.sign() * ((values - whole).abs() >= 0.5)


def _rows(pixels: Tensor, size: tuple[int, int]) -> Tensor:
    """Converts (B, P, N) flat indices of pixels to indices into the joined rows of all B maps."""
    first = torch.arange(len(pixels), device=pixels.device) * (size[0] * size[1])
    return pixels + first[:, None, None]
