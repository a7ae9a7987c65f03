"""Backward warping. The only place that calls ``grid_sample``, so that one coordinate rule holds everywhere."""

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
        align_corners: True puts -1 and 1 at the centres of the corner pixels (kinema's rule and that of the
            papers' weights); False at their outer edges, for weights that were trained so.

    Returns:
        (B, C, H', W'). With ``align_corners`` the identity grid gives ``features`` back.
    """
    return F.grid_sample(features, deformation, mode="bilinear", padding_mode=padding, align_corners=align_corners)


def sample_points(pixels: Tensor, points: Tensor, *, sharp: bool = False) -> Tensor:
    """A picture at points, its edge repeated outside.

    Args:
        pixels: (1, C, H, W).
        points: (h, w, 2) points (x, y) in its pixels, 0 the centre of the first.
        sharp: cubic, not linear.

    Returns:
        (1, C, h, w).
    """
    sides = points.new_tensor([pixels.shape[3], pixels.shape[2]])
    grid = (2 * points + 1) / sides - 1
    mode = "bicubic" if sharp else "bilinear"
    return F.grid_sample(pixels, grid[None], mode=mode, padding_mode="border", align_corners=False)


def resize_deformation(deformation: Tensor, size: tuple[int, int]) -> Tensor:
    """A deformation at another resolution, bilinear with pixel edges aligned, as the authors' code does.

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
    """A deformation at another resolution, by the rule under which the identity stays the identity.

    :func:`resize_deformation` moves points by up to a pixel of the smaller grid at the border, as its weights learned.

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
    """A map such as an occlusion at another resolution, by the same rule as :func:`resize_deformation`.

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
    """Moves ``features`` by each of several affine maps (backward warp in pixels); zero outside.

    "nearest" takes the nearest pixel, halves away from zero, as the weights of Deformable GANs were trained. Its
    gradient goes back to the pixels that were taken, each as often as it was.

    Args:
        features: (B, C, H, W), any range.
        transforms: (B, P, 2, 3), result pixel (x, y, 1) to pixel (x, y) of ``features``, 0 the centre of the first.
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
    """Moves each part by its own affine map, keeps it where its mask says, joins the parts (Deformable GANs, Eq. 5).

    The same as masking and joining what :func:`warp_affine` gives, in all but the work: parts are small, so only the
    pixels inside the masks are computed.

    Args:
        features: (B, C, h, w), any range.
        transforms: (B, P, 2, 3), pixels (x, y, 1) of the result to those of ``features``, both at the masks' size.
        masks: (B, P, H, W) bool.
        aggregation: "max" over the parts, a part being 0 outside its mask, so that the result is negative only where
            every part is; "avg" over those whose mask is set, 0 where none is.
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
        # Where every part has a value, there is no zero among those to choose from.
        start = torch.where(used.all(dim=1).flatten()[:, None], -torch.inf, torch.zeros_like(table))
        joined = start.scatter_reduce(0, results[:, None].expand_as(values), values, "amax", include_self=True)
    return joined.unflatten(0, (features.shape[0], *size)).movedim(-1, 1)


def scale_transforms(transforms: Tensor, size: tuple[int, int], wanted: tuple[int, int]) -> Tensor:
    """Affine maps between pixels of frames, as maps between pixels of smaller feature maps.

    Args:
        transforms: (B, P, 2, 3) in pixels of frames of ``size``.
        size: (height, width) of the frames.
        wanted: (height, width) of the maps.

    Returns:
        (B, P, 2, 3) in pixels of the maps.
    """
    # The height's ratio shrinks x and the width's y, as the weights were trained: the two differ, and by little, only
    # where a convolution without padding has made the maps a pixel smaller than half.
    shrink = transforms.new_tensor([size[0] / wanted[0], size[1] / wanted[1]])
    linear, shift = transforms.split([2, 1], dim=-1)
    return torch.cat([linear, shift / shrink[:, None]], dim=-1)


def _sampled_points(transforms: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, P, 2, H W) points (x, y) in pixels where each pixel of the result comes from."""
    columns, rows = (
        torch.arange(side, dtype=transforms.dtype, device=transforms.device) for side in (size[1], size[0])
    )
    by_x, by_y, shift = transforms[..., None, None, :].unbind(dim=-1)  # each (B, P, 2, 1, 1)
    # In this order: TensorFlow's rounding decides some of the nearest pixels.
    return (by_x * columns + by_y * rows[:, None] + shift).flatten(3)


def _taps(points: Tensor, size: tuple[int, int], sampling: Sampling) -> list[tuple[Tensor, Tensor]]:
    """The pixels that make up each sample: (B, P, H W) flat index and weight, whose weight is 0 outside."""
    if sampling == "nearest":
        corners = [_round_half_away(points)]
        shares = [torch.ones_like(points)]
    else:
        low = points.detach().floor()
        above = points - low
        corners = [low + low.new_tensor([[x], [y]]) for y in (0, 1) for x in (0, 1)]
        both = (1 - above, above)
        shares = [torch.stack([both[x][:, :, 0], both[y][:, :, 1]], dim=2) for y in (0, 1) for x in (0, 1)]
    limits = points.new_tensor([[size[1] - 1], [size[0] - 1]])
    taps = []
    for corner, share in zip(corners, shares, strict=True):
        is_inside = ((corner >= 0) & (corner <= limits)).all(dim=2)
        x, y = corner.clamp(torch.zeros_like(limits), limits).long().unbind(dim=2)
        taps.append((y * size[1] + x, torch.where(is_inside, share.prod(dim=2), 0)))
    return taps


def _round_half_away(values: Tensor) -> Tensor:
    """The nearest whole numbers, halves away from zero; torch's own rounds them to even ones."""
    whole = values.trunc()
    return whole + values.sign() * ((values - whole).abs() >= 0.5)


def _rows(pixels: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, P, N) flat indices of pixels as indices into the rows of all B maps."""
    first = torch.arange(len(pixels), device=pixels.device) * (size[0] * size[1])
    return pixels + first[:, None, None]
