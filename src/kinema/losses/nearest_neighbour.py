"""Distance to the best match nearby (Deformable GANs, Siarohin et al., CVPR 2018, Eq. 8).

A pose is never so exact that a texture falls on the very same pixel; L1 answers with blur.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from kinema.core.checks import InputError


def nearest_neighbour(made: Tensor, real: Tensor, *, area: int) -> Tensor:
    """How far each made pixel is from the most similar real one within reach.

    Args:
        made: (B, C, H, W), frames or features.
        real: the same shape; no gradient flows into it.
        area: side of the square of real pixels about each made one, odd; 1 compares pixels in place.

    Returns:
        (B, H, W): the sum over channels of absolute differences, of the real pixel for which it is least.

    Raises:
        InputError: ``area`` is even or below 1.
    """
    if area < 1 or area % 2 == 0:
        raise InputError(f"nearest-neighbour area {area} has no middle; give an odd number such as 3 or 5")
    return (made - _best_match(made.detach(), real.detach(), area)).abs().sum(dim=1)


@torch.no_grad()
def _best_match(made: Tensor, real: Tensor, area: int) -> Tensor:
    """(B, C, H, W): at each pixel the real one within reach that is most like the made one.

    Shift by shift, so that memory does not grow with the area; the gradient needs the winner alone.
    """
    reach = area // 2
    height, width = real.shape[2:]
    padded = F.pad(real, (reach,) * 4)
    # A shift that reads the padding is no match.
    is_real = F.pad(real.new_ones(1, height, width), (reach,) * 4) > 0
    here = torch.arange(height * width, device=real.device).view(1, height, width)
    least, winner = (made - real).abs().sum(dim=1), here.expand(len(real), -1, -1)  # (B, H, W)
    for y in range(area):
        for x in range(area):
            rows, columns = slice(y, y + height), slice(x, x + width)
            distance = (made - padded[:, :, rows, columns]).abs().sum(dim=1)
            closer = (distance < least) & is_real[:, rows, columns]
            least = torch.where(closer, distance, least)
            winner = torch.where(closer, here + (y - reach) * width + x - reach, winner)
    chosen = winner.flatten(1)[:, None].expand(-1, real.shape[1], -1)  # (B, C, H W)
    return real.flatten(2).gather(2, chosen).view_as(real)
