"""Measures whether a picture still shows the same person, by comparing the colours of body parts among several people.

Faces of six pixels cannot be recognised, but clothes, skin and hair can. Networks trained on objects are worse at it:
on 40 people of the training split of data/people (market128x64), real pictures find their person at rank 1 in 56 % of
cases by the best map of efficientnet_lite0, pooled over the true mask, and in 91 % by these colours (74 % with a mask
drawn from joints).
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass

import torch
from torch import Tensor

from kinema.core.checks import InputError
from kinema.core.types import Joints
from kinema.people.limbs import part_masks, torso_mask
from kinema.people.skeleton import PARTS

# Torso, head, thighs, shins, upper arms, forearms: both sides together, since a body seen from behind swaps them.
_REGIONS = tuple(
    tuple(index for index, part in enumerate(PARTS) if part.endswith(name))
    for name in ("head", "thigh", "shin", "upper_arm", "forearm")
)
# The colour of fewer pixels is not used.
_MIN_PIXELS = 8
# Exposure differs between pictures of one person, so lightness has half the weight.
_WEIGHTS = (0.5, 1.0, 1.0)

_RGB_TO_XYZ = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
_WHITE = (0.9505, 1.0, 1.089)


def appearance(frames: Tensor, joints: Joints, mask: Tensor) -> Tensor:
    """Mean and spread of the colours of each body part, in CIE L*a*b* over 100, lightness at half weight.

    A part is the pixels of the mask inside the pose's torso, head square or limb rectangles.

    Args:
        frames: (N, 3, H, W) sRGB in [0, 1].
        joints: of the frames, value (N, 18, 2).
        mask: (N, 1, H, W) bool, the person.

    Returns:
        (N, 6, 6): torso, head, thighs, shins, upper arms, forearms; NaN for a part of fewer than 8 pixels.
    """
    size = (frames.shape[2], frames.shape[3])
    parts = part_masks(joints, size)
    regions = [torso_mask(joints, size)] + [parts[:, list(indices)].any(dim=1) for indices in _REGIONS]
    inside = torch.stack(regions, dim=1) & mask  # (N, 6, H, W)
    count = inside.sum(dim=(2, 3)).unsqueeze(-1)  # (N, 6, 1)
    lab = srgb_to_lab(frames) / 100
    pixels = inside.flatten(2).to(lab.dtype)  # (N, 6, H * W)
    mean = pixels @ lab.flatten(2).mT / count.clamp_min(1)  # (N, 6, 3)
    square = pixels @ lab.square().flatten(2).mT / count.clamp_min(1)
    spread = (square - mean.square()).clamp_min(0).sqrt()
    vectors = torch.cat([mean * mean.new_tensor(_WEIGHTS), spread], dim=-1)
    return torch.where(count >= _MIN_PIXELS, vectors, torch.nan)


def appearance_distance(one: Tensor, others: Tensor) -> Tensor:
    """Mean Euclidean distance of the vectors of parts, over the parts that both pictures have.

    Args:
        one: (P, D), NaN for parts that are missing.
        others: (N, P, D).

    Returns:
        (N,); infinity if they have no part in common.
    """
    distance = (others - one).norm(dim=-1)  # (N, P)
    return distance.nanmean(dim=1).nan_to_num(nan=torch.inf)


@dataclass(frozen=True, eq=False)
class Gallery:
    """Real pictures of people, among which the nearest one is searched.

    Attributes:
        vectors: (N, P, D) from :func:`appearance`, in any fixed order.
        identities: of the people in the pictures.
    """

    vectors: Tensor
    identities: Sequence[str]

    def nearest(self, query: Tensor, *, without: Set[int] = frozenset()) -> str:
        """The identity of the nearest person; of each person, the first picture that is not left out is compared.

        Args:
            query: (P, D).
            without: rows to leave out: the source and the target of the query.

        Raises:
            InputError: all pictures are left out.
        """
        chosen: dict[str, int] = {}
        for row, identity in enumerate(self.identities):
            if row not in without:
                chosen.setdefault(identity, row)
        if not chosen:
            raise InputError("identity: there are no pictures left to compare with; give more pictures of each person")
        rows = list(chosen.values())
        return self.identities[rows[int(appearance_distance(query, self.vectors[rows]).argmin())]]


def srgb_to_lab(frames: Tensor) -> Tensor:
    """Converts sRGB to CIE L*a*b* under D65.

    Args:
        frames: (N, 3, H, W) sRGB in [0, 1].

    Returns:
        (N, 3, H, W): lightness in [0, 100], green to red and blue to yellow in about [-100, 100].

    >>> srgb_to_lab(torch.ones(1, 3, 1, 1)).flatten().round().abs().tolist()
    [100.0, 0.0, 0.0]
    """
    linear = torch.where(frames > 0.04045, ((frames + 0.055) / 1.055) ** 2.4, frames / 12.92)
    xyz = torch.einsum("ij,njhw->nihw", linear.new_tensor(_RGB_TO_XYZ), linear)
    xyz = xyz / xyz.new_tensor(_WHITE).view(1, 3, 1, 1)
    root = torch.where(xyz > 0.008856, xyz.clamp_min(1e-9) ** (1 / 3), 7.787 * xyz + 16 / 116)
    x, y, z = root.unbind(dim=1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], dim=1)
