"""Pastes generated frames of a face into the photo that it was cut out of, at the photo's own resolution.

If the model says how the source's pixels moved, the photo's pixels are warped in the same way and stay sharp; from the
small frame, only what the model painted is added. What the model changes in a face that does not move is its error and
is subtracted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from kinema.faces.landmarks import face_frame, from_face, to_face
from kinema.faces.window import FaceWindow
from kinema.framing.pixels import to_frames, to_images
from kinema.ops.grid import identity_grid
from kinema.ops.polygon import inside_polygon
from kinema.ops.warp import sample_points, warp

# The region that may change: how far it is raised above the brows (in eye distances), the factor by which its outline
# is enlarged, and the width of the fade to the photo (in eye distances).
RAISED_BROWS, GROWN, FADE = 0.22, 1.12, 0.14
# Width of the fade at the border of the frame, as a fraction of its sides.
BORDER = 0.06
# Added to both alphas before one is divided by the other, so that a still face with alpha 0 keeps the photo's detail.
FLOOR = 0.05


@dataclass(frozen=True)
class GeneratedFrame:
    """A generated frame, and how it was composed from the source's pixels.

    Attributes:
        frame: (1, 3, h, w) in [0, 1].
        source_alpha: (1, 1, h, w) in [0, 1], weight of the warped source pixels in it; None if the model does not warp.
        deformation: (1, h, w, 2) in [-1, 1], where each pixel was sampled, or None.
    """

    frame: Tensor
    source_alpha: Tensor | None = None
    deformation: Tensor | None = None


class FacePaste:
    """Pastes generated frames of a face into a photo."""

    def __init__(self, photo: np.ndarray, window: FaceWindow, landmarks: Tensor) -> None:
        """Takes a uint8 (H, W, 3) photo and (68, 2) landmarks in its pixels."""
        self.photo = photo
        self.window = window
        rows, columns = window.region((photo.shape[0], photo.shape[1]))
        y, x = torch.arange(rows.start, rows.stop), torch.arange(columns.start, columns.stop)
        points = torch.stack([x.expand(len(y), -1), y[:, None].expand(-1, len(x))], dim=-1).float()  # (h, w, 2)
        places = window.to_frame(points)  # of the window's pixels, in pixels of the frame
        mask = face_mask(window.to_frame(landmarks), window.size)
        mask = sample_points(mask[None, None], places).clamp_(0, 1)
        # Pixels move from anywhere in the window, but only those under the mask are computed: the others stay.
        self._corner = points.new_tensor([columns.start, rows.start])
        self._pixels = to_frames(photo[rows, columns])
        down, across = _extent(mask[0, 0] > 0)
        self._places, self._mask = places[down, across], mask[:, :, down, across]
        self._under = self._pixels[:, :, down, across]
        self._region = _shifted(down, rows.start), _shifted(across, columns.start)
        self._source = window.cut(photo)
        self._still: GeneratedFrame | None = None

    def hold(self, still: GeneratedFrame) -> None:
        """Sets what the model generates for a face that does not move, from which changes are measured."""
        self._still = still

    def paste(self, generated: GeneratedFrame) -> np.ndarray:
        """The photo with a generated frame pasted in: uint8 (H, W, 3), unchanged outside the face."""
        rows, columns = self._region
        result = self.photo.copy()
        if self._places.numel() == 0:
            return result
        full = self._full(generated) if generated.deformation is not None else self._up(generated.frame)
        result[rows, columns] = to_images(torch.lerp(self._under, full, self._mask))[0]
        return result

    def _full(self, generated: GeneratedFrame) -> Tensor:
        """The region (1, 3, h, w) at full resolution: the photo's pixels warped, plus what the model painted."""
        assert generated.deformation is not None and generated.source_alpha is not None and self._still is not None
        assert self._still.source_alpha is not None
        size = self.window.size
        moved = generated.deformation - identity_grid(size)
        error = self._still.frame - self._source
        small = torch.cat([self._source, self._still.source_alpha, error], dim=1)
        own, still_alpha, error = warp(small, generated.deformation, padding="border").split([3, 1, 3], dim=1)
        # Pixels that are painted even in a still face have not changed by it: they keep all of the photo's detail.
        detail = ((generated.source_alpha + FLOOR) / (still_alpha + FLOOR)).clamp(0, 1)
        painted = generated.frame - own - detail * error
        displacement = (moved * moved.new_tensor([size[1] - 1, size[0] - 1]) / 2).movedim(-1, 1)  # pixels of the frame
        maps = self._up(torch.cat([displacement, painted, own, detail], dim=1))
        displacement, painted, own, detail = maps.split([2, 3, 3, 1], dim=1)
        # The movement fades out with the mask, so that there is no tear at its edge.
        places = self._places + (displacement * self._mask)[0].movedim(0, -1)
        points = self.window.to_picture(places)
        sharp = sample_points(self._pixels, points - self._corner, sharp=True)
        return torch.lerp(own, sharp, detail.clamp(0, 1)) + painted

    def _up(self, maps: Tensor) -> Tensor:
        """Samples maps (1, C, h, w) of the frame at the region's pixels."""
        return sample_points(maps, self._places, sharp=True)


def _extent(mask: Tensor) -> tuple[slice, slice]:
    """Rows and columns of a bool (H, W) that hold all that is true; empty where nothing is."""
    if not mask.any():
        return slice(0, 0), slice(0, 0)
    rows, columns = mask.any(dim=1).nonzero(), mask.any(dim=0).nonzero()
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _shifted(part: slice, by: int) -> slice:
    return slice(part.start + by, part.stop + by)


def face_mask(landmarks: Tensor, size: tuple[int, int]) -> Tensor:
    """The region of a frame in which a face may change.

    Args:
        landmarks: (68, 2) in pixels of the frame.
        size: (height, width) of the frame.

    Returns:
        (height, width) in [0, 1]: 1 from a little above the brows to a little below the chin, then fading.
    """
    frame = face_frame(landmarks)
    outline = to_face(landmarks, frame)[[*range(17), *range(26, 16, -1)]]
    outline[17:, 1] -= RAISED_BROWS
    centre = outline.mean(dim=0)
    corners = from_face(centre + GROWN * (outline - centre), frame)
    mask = inside_polygon(corners.double(), size).float()[None, None]
    width = max(1, round(FADE * float(frame.axis.norm()))) // 2 * 2 + 1
    for _ in range(3):
        mask = F.avg_pool2d(F.pad(mask, (width // 2,) * 4, mode="replicate"), width, stride=1)
    edges = []
    for side in size:
        near = (torch.arange(side) + 0.5).minimum(side - torch.arange(side) - 0.5)
        edges.append((near / (BORDER * side)).clamp(max=1))
    return mask[0, 0] * edges[0][:, None] * edges[1]
