"""Blends a picture over another one by its alpha."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from kinema.framing.pixels import to_frames, to_images
from kinema.ops.warp import resize_map
from kinema.video import resize


def blend_over(target: np.ndarray, generated: Tensor, alpha: Tensor) -> np.ndarray:
    """Shows the generated frame where alpha is high and the target's own pixels elsewhere.

    Args:
        target: uint8 (H, W, 3).
        generated: (3, h, w) in [0, 1].
        alpha: (1, h', w') in [0, 1], of the source in the generated frame.

    Returns:
        uint8 (H, W, 3).
    """
    height, width = target.shape[:2]
    enlarged = resize(to_images(generated[None])[0], (height, width))
    # From alpha 0.5 on, only the generated frame: it is a blend already, and blending it again would show ghosts.
    mask = (2 * resize_map(alpha[None], (height, width))).clamp(0, 1).cpu()
    return to_images(torch.lerp(to_frames(target), to_frames(enlarged), mask))[0]
