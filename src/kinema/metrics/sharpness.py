"""Measures the sharpness of frames without a reference, with one value for each frame."""

from __future__ import annotations

from torch import Tensor

from kinema.core.checks import InputError


def sharpness(frames: Tensor) -> Tensor:
    """Mean length of the gradient (differences to the pixel on the right and the pixel below), mean over colours.

    It is lower for blurred and higher for noisy frames, so it is meaningful only in comparison with true frames of the
    same size and subject.

    Args:
        frames: (N, 3, H, W) in [0, 1], both sides at least 2.

    Returns:
        (N,) in [0, sqrt(2)], levels per pixel; 0 for frames of one colour.

    Raises:
        InputError: these are not frames, or a side is shorter.
    """
    if frames.ndim != 4 or min(frames.shape[2:]) < 2:
        raise InputError(f"sharpness: frames of shape {tuple(frames.shape)}; give (N, 3, H, W), both sides at least 2")
    frames = frames.float()
    across = frames.diff(dim=3)[:, :, :-1]
    down = frames.diff(dim=2)[..., :-1]
    return (across.square() + down.square()).sqrt().mean(dim=(1, 2, 3))
