"""Measures the distance of each generated pixel to its best match nearby (Deformable GANs, Siarohin et al., CVPR 2018,
Eq. 8).

Poses are not exact enough for a texture to land on exactly the right pixel, and a plain L1 loss answers that with blur.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from kinema.core.checks import InputError


def nearest_neighbour(generated: Tensor, real: Tensor, *, area: int) -> Tensor:
    """How far each generated pixel is from the most similar real pixel nearby.

    Args:
        generated: (B, C, H, W), frames or features.
        real: the same shape; no gradient flows into it.
        area: side of the square of real pixels that is searched around each generated one, odd; 1 compares only pixels
            at the same place.

    Returns:
        (B, H, W), the sum over channels of the absolute differences from the most similar real pixel.

    Raises:
        InputError: ``area`` is even or below 1.
    """
    if area < 1 or area % 2 == 0:
        raise InputError(f"nearest-neighbour area {area} has no centre pixel; give an odd number such as 3 or 5")
    return (generated - _best_match(generated.detach(), real.detach(), area)).abs().sum(dim=1)


@torch.no_grad()
def _best_match(generated: Tensor, real: Tensor, area: int) -> Tensor:
    """For each generated pixel the most similar real pixel nearby: (B, C, H, W).

    Shifts are tried one by one, so that memory does not grow with the area; the gradient needs only the best match.
    """
    reach = area // 2
    height, width = real.shape[2:]
    padded = F.pad(real, (reach,) * 4)
    # Pixels of the padding are not matches.
    is_real = F.pad(real.new_ones(1, height, width), (reach,) * 4) > 0
    here = torch.arange(height * width, device=real.device).view(1, height, width)
    least, winner = (generated - real).abs().sum(dim=1), here.expand(len(real), -1, -1)  # (B, H, W)
    for y in range(area):
        for x in range(area):
            rows, columns = slice(y, y + height), slice(x, x + width)
            distance = (generated - padded[:, :, rows, columns]).abs().sum(dim=1)
            closer = (distance < least) & is_real[:, rows, columns]
            least = torch.where(closer, distance, least)
            winner = torch.where(closer, here + (y - reach) * width + x - reach, winner)
    chosen = winner.flatten(1)[:, None].expand(-1, real.shape[1], -1)  # (B, C, H W)
    return real.flatten(2).gather(2, chosen).view_as(real)
