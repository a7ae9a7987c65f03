"""Computes 3x3 convolutions of frozen kernels on CPUs with a quarter of the multiplications (Lavin and Gray, CVPR 2016,
F(4x4, 3x3)).

A tile of 6x6 inputs and the kernel are transformed to 36 numbers each, and their products are transformed to 4x4
outputs. All of this is matrix products, which CPUs compute at peak speed. Results differ from those of a direct
convolution by about 1e-5 of the largest.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

# With fewer channels, transforming the tiles takes longer than it saves. With one thread, 64 -> 64 channels at 208x160
# took 1.0 times as long as a direct convolution, 128 -> 128 at 104x80 0.6 times, 512 -> 512 at 26x20 0.4 times.
LEAST_CHANNELS = 128
# This many bytes of tiles are transformed at once, so that they are still in the CPU's cache when they are read.
_CHUNK_BYTES = 2**23

_TILE = (
    (4, 0, -5, 0, 1, 0),
    (0, -4, -4, 1, 1, 0),
    (0, 4, -4, -1, 1, 0),
    (0, -2, -1, 2, 1, 0),
    (0, 2, -1, -2, 1, 0),
    (0, 4, 0, -5, 0, 1),
)
_KERNEL = (
    (1 / 4, 0, 0),
    (-1 / 6, -1 / 6, -1 / 6),
    (-1 / 6, 1 / 6, -1 / 6),
    (1 / 24, 1 / 12, 1 / 6),
    (1 / 24, -1 / 12, 1 / 6),
    (0, 0, 1),
)
_OUTPUT = ((1, 1, 1, 1, 1, 0), (0, 1, -1, 2, -2, 0), (0, 1, 1, 4, 4, 0), (0, 1, -1, 8, -8, 1))


def _both_axes(rows: tuple[tuple[float, ...], ...]) -> Tensor:
    matrix = torch.tensor(rows, dtype=torch.float64)
    return torch.kron(matrix, matrix)


_TRANSFORM_TILE = _both_axes(_TILE).float()
_TRANSFORM_KERNEL = _both_axes(_KERNEL)
_TRANSFORM_OUTPUT = _both_axes(_OUTPUT).float()


def can_convolve(features: Tensor) -> bool:
    """Whether (B, C, H, W) features can be convolved here: float32 on a CPU, without autocast."""
    return features.device.type == "cpu" and features.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")


def transform_kernel(weight: Tensor) -> Tensor:
    """Transforms a (C', C, 3, 3) kernel to (36, C, C') numbers, float32."""
    outputs, inputs = weight.shape[:2]
    transformed = _TRANSFORM_KERNEL @ weight.detach().double().reshape(-1, 9).T  # (36, C' C)
    return transformed.view(36, outputs, inputs).transpose(1, 2).float().contiguous()


def convolve_transformed(features: Tensor, kernel: Tensor) -> Tensor:
    """Convolves with a 3x3 kernel and a padding of zeros, without gradient.

    Args:
        features: (B, C, H, W) float32 on a CPU.
        kernel: (36, C, C') from :func:`transform_kernel`.

    Returns:
        (B, C', H, W), channels last in memory.
    """
    rows, inputs, height, width = features.shape
    down, across, outputs = -(-height // 4), -(-width // 4), kernel.shape[2]
    border = (1, 1 + 4 * across - width, 1, 1 + 4 * down - height)
    padded = F.pad(features.contiguous(memory_format=torch.channels_last), border).permute(0, 2, 3, 1)
    row, line, pixel, channel = padded.stride()
    tiles = padded.as_strided((6, 6, rows, down, across, inputs), (line, pixel, row, 4 * line, 4 * pixel, channel))
    out = features.new_empty(rows, 4 * down, 4 * across, outputs)
    places = out.view(rows, down, 4, across, 4, outputs).permute(2, 4, 0, 1, 3, 5)
    at_once = max(1, _CHUNK_BYTES // (36 * 4 * max(inputs, outputs) * across))
    frames = max(1, at_once // down)
    for first in range(0, rows, frames):
        for top in range(0, down, at_once):
            window = (slice(None), slice(None), slice(first, first + frames), slice(top, top + at_once))
            transformed = _TRANSFORM_TILE @ tiles[window].reshape(36, -1)
            products = torch.bmm(transformed.view(36, -1, inputs), kernel)  # (36, tiles, C')
            places[window].copy_((_TRANSFORM_OUTPUT @ products.view(36, -1)).view(places[window].shape))
    return out[:, :height, :width].permute(0, 3, 1, 2)


class FrozenKernel:
    """A kernel that is not trained, transformed once for the forward and once for the backward pass.

    Args:
        weight: (C', C, 3, 3).
    """

    def __init__(self, weight: Tensor) -> None:
        self.forward = transform_kernel(weight)
        # The gradient of the input is a convolution with the kernel rotated by 180 degrees.
        self.backward = transform_kernel(weight.flip(2, 3).transpose(0, 1))

    def convolve(self, features: Tensor) -> Tensor:
        """Convolves (B, C, H, W) float32 on a CPU, padded with zeros, to (B, C', H, W); differentiable."""
        out: Tensor = _Convolve.apply(features, self)  # type: ignore[assignment]
        return out


class _Convolve(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor, kernel: FrozenKernel) -> Tensor:
        """(B, C, H, W) to (B, C', H, W)."""
        ctx.kernel = kernel
        return convolve_transformed(features, kernel.forward)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        """Gradients (B, C', H, W) of the outputs to gradients (B, C, H, W) of the inputs."""
        return convolve_transformed(gradients[0], ctx.kernel.backward), None
