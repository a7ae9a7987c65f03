"""Measures the distance between two sets of keypoints in pixels, with one value for each frame."""

from __future__ import annotations

from torch import Tensor

from kinema.core.checks import InputError


def keypoint_distance(points_a: Tensor, points_b: Tensor, *, size: tuple[int, int]) -> Tensor:
    """Average keypoint distance.

    Args:
        points_a: (N, K, 2) points (x, y) in [-1, 1], corner pixel centres at -1 and 1.
        points_b: (N, K, 2), the same points elsewhere.
        size: (height, width) in pixels of the frame they lie in.

    Returns:
        (N,) pixels: the Euclidean distance, mean over the K points.

    Raises:
        InputError: the shapes differ.

    >>> import torch
    >>> keypoint_distance(torch.tensor([[[-1.0, -1.0]]]), torch.tensor([[[1.0, 1.0]]]), size=(5, 4))
    tensor([5.])
    """
    if points_a.shape != points_b.shape or points_a.shape[-1:] != (2,):
        raise InputError(
            f"keypoints of shapes {tuple(points_a.shape)} and {tuple(points_b.shape)} cannot be compared; "
            "give two sets (N, K, 2) of the same shape"
        )
    height, width = size
    pixels_per_unit = points_a.new_tensor([(width - 1) / 2, (height - 1) / 2])
    return ((points_a - points_b) * pixels_per_unit).norm(dim=-1).mean(dim=-1)
