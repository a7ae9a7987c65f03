"""Rewrites a trained network so that inference takes fewer operations, on any device.

Batch norms are folded into convolutions; convolutions whose input or output repeats values are rewritten so that
nothing is computed twice; wide convolutions need fewer multiplications on CPUs. Outputs differ from those of the
original network only by rounding.
"""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kinema.blocks.conv import DownBlock, ResBlock, SameBlock, UpBlock
from kinema.blocks.leaky_conv import ConditionedConv2d, LeakyResBlock, LeakyUpBlock
from kinema.runtime.fuse_batch_norm import fold_norm, scale_and_shift
from kinema.runtime.fused_leaky_conv import FoldedLeakyResBlock, FoldedLeakyUpBlock, FrozenConditionedConv2d
from kinema.runtime.winograd_conv import FrozenConv2d

# There are 16 / 9 times as many sub-pixel weights. Above this many pairs of channels (the innermost levels of an
# hourglass), reading them takes longer than the fewer products save: 1024 -> 1024 at 2x2 took 7.8 ms instead of 3.3,
# but 256 -> 128 at 64x64 took 29 instead of 59, and 1034 -> 256 at 16x16 17 instead of 32.
SUB_PIXEL_PAIRS = 300_000

# A CPU convolution takes as long for one output channel as for 16: 64 -> 3 at 256x256 took 40 ms, and 15 ms
# in blocks of pixels.
FEW_CHANNELS = 4
LARGE_KERNEL = 5

# glibc returns freed blocks of 32 MiB and more to the system, so the pages of each such temporary must be mapped again:
# a convolution of 45 channels at 256x256 took 23 ms per frame in a batch of four, and 17 ms for a single frame.
REUSED_BYTES = 2**25


def prepare_for_inference(model: nn.Module) -> nn.Module:
    """A faster copy of a network, for inference only.

    Args:
        model: any network with blocks of ``kinema.blocks.conv`` and ``leaky_conv``; it is not changed.

    Returns:
        A network in evaluation mode with the same interface and outputs equal up to rounding. Its weights have other
        names and no gradients, so the original must be used for training and saving.
    """
    fast = copy.deepcopy(model).eval().requires_grad_(False)
    _rewrite(fast)
    return fast.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def _rewrite(module: nn.Module) -> None:
    for name, child in module.named_children():
        replacement = _faster(child)
        if replacement is None:
            _rewrite(child)
        else:
            setattr(module, name, replacement.eval().requires_grad_(False))


def _faster(module: nn.Module) -> nn.Module | None:
    """The replacement of a module, or None if only its children may be replaced."""
    if isinstance(module, ResBlock):
        return FoldedResBlock(module)
    if isinstance(module, LeakyResBlock):
        return FoldedLeakyResBlock(module)
    if isinstance(module, LeakyUpBlock):
        return FoldedLeakyUpBlock(module)
    if isinstance(module, ConditionedConv2d):
        return FrozenConditionedConv2d(module)
    if isinstance(module, UpBlock):
        pairs = module.conv.in_channels * module.conv.out_channels
        suits = module.conv.kernel_size == (3, 3) and module.conv.groups == 1 and pairs <= SUB_PIXEL_PAIRS
        return SubPixelBlock(module) if suits else FoldedBlock(module, scale=2)
    if isinstance(module, DownBlock):
        return FoldedBlock(module, scale=0.5)
    if isinstance(module, SameBlock):
        return FoldedBlock(module)
    if isinstance(module, nn.Conv2d) and _has_few_outputs(module):
        return FewChannelConv(module)
    if isinstance(module, nn.Sequential):
        blocks = [block for block in module if isinstance(block, ResBlock)]
        if blocks and len(blocks) == len(module):
            return RowByRow(*(FoldedResBlock(block) for block in blocks))
    return None


def _has_few_outputs(conv: nn.Conv2d) -> bool:
    kernel = conv.kernel_size[0]
    return (
        type(conv) is nn.Conv2d
        and conv.out_channels <= FEW_CHANNELS
        and kernel >= LARGE_KERNEL
        and kernel % 2 == 1
        and conv.kernel_size == (kernel, kernel)
        and conv.padding == (kernel // 2, kernel // 2)
        and conv.stride == conv.dilation == (1, 1)
        and conv.groups == 1
        and conv.padding_mode == "zeros"
    )


def sub_pixel_weight(weight: Tensor) -> Tensor:
    """The 3x3 kernel on a picture enlarged by repetition, as 2x2 kernels on the small picture.

    Of three neighbours in the large picture two are the same small pixel, so their weights add up.

    Args:
        weight: (C', C, 3, 3).

    Returns:
        (4 C', C, 2, 2), the four output pixels of a small pixel one after the other, row by row.
    """
    first, middle, last = weight.unbind(dim=2)
    rows = (torch.stack([first, middle + last], dim=2), torch.stack([first + middle, last], dim=2))
    kernels = []
    for row in rows:
        left, centre, right = row.unbind(dim=3)
        kernels += [torch.stack([left, centre + right], dim=3), torch.stack([left + centre, right], dim=3)]
    return torch.cat(kernels)


class FoldedBlock(nn.Module):
    """Convolution and ReLU, the batch norm folded in; by ``scale`` it enlarges by 2 before or halves after."""

    def __init__(self, block: SameBlock, *, scale: float = 1) -> None:
        super().__init__()
        self.scale = scale
        padding, groups = block.conv.kernel_size[0] // 2, block.conv.groups
        self.conv = FrozenConv2d(*fold_norm(block.conv, block.norm), padding=padding, groups=groups)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C', scale H, scale W)."""
        if self.scale > 1:
            features = F.interpolate(features, scale_factor=self.scale, mode="nearest")
        out = self.conv(features).relu_()
        return F.avg_pool2d(out, 2) if self.scale < 1 else out


class SubPixelBlock(nn.Module):
    """An :class:`UpBlock` that convolves before it enlarges: 16 products per pixel and channel pair, not 36."""

    def __init__(self, block: UpBlock) -> None:
        super().__init__()
        weight, bias = fold_norm(block.conv, block.norm)
        self.weight, self.bias = nn.Parameter(sub_pixel_weight(weight)), nn.Parameter(bias.repeat(4))

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C', 2 H, 2 W)."""
        batch, _, height, width = features.shape
        # With a border of zeros every pixel of (H + 1, W + 1) is a corner where four small pixels meet.
        corners = F.conv2d(features, self.weight, self.bias, padding=1).relu_().unflatten(1, (4, -1))
        out = features.new_empty(
            (batch, corners.shape[2], 2 * height, 2 * width), dtype=corners.dtype, device=corners.device
        ).contiguous(memory_format=torch.channels_last)
        for index in range(4):
            row, column = divmod(index, 2)
            out[:, :, row::2, column::2] = corners[:, index, :, row : row + height, column : column + width]
        return out


class FoldedResBlock(nn.Module):
    """A :class:`ResBlock` whose second norm is folded into the first convolution, and whose first is one operation."""

    def __init__(self, block: ResBlock) -> None:
        super().__init__()
        scale, shift = scale_and_shift(block.norm1)
        self.scale, self.shift = nn.Parameter(scale.view(1, -1, 1, 1)), nn.Parameter(shift.view(1, -1, 1, 1))
        self.conv1 = FrozenConv2d(*fold_norm(block.conv1, block.norm2))
        self.conv2 = FrozenConv2d(block.conv2.weight, block.conv2.bias)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        out = torch.addcmul(self.shift, features, self.scale).relu_()
        return self.conv2(self.conv1(out).relu_()).add_(features)


class RowByRow(nn.Sequential):
    """A chain of blocks that processes a batch row by row if its temporaries would be too large to be reused."""

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C', H', W')."""
        if features.device.type != "cpu" or features.nbytes < REUSED_BYTES:
            return super().forward(features)
        return torch.cat([super(RowByRow, self).forward(row) for row in features.split(1)])


class FewChannelConv(nn.Module):
    """A large kernel with few outputs, computed for blocks of 2x2 pixels at once."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        outputs, inputs, kernel, _ = conv.weight.shape
        self.padding = kernel // 2
        weight = conv.weight.new_zeros((outputs, 2, 2, inputs, kernel + 1, kernel + 1))
        for row in range(2):
            for column in range(2):
                weight[:, row, column, :, row : row + kernel, column : column + kernel] = conv.weight.detach()
        self.weight = nn.Parameter(weight.flatten(0, 2))
        self.bias = None if conv.bias is None else nn.Parameter(conv.bias.detach().repeat_interleave(4))

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C', H, W)."""
        height, width = features.shape[2:]
        # A column of zeros completes the last block of an odd picture.
        if height % 2 or width % 2:
            features = F.pad(features, (0, width % 2, 0, height % 2))
        out = F.pixel_shuffle(F.conv2d(features, self.weight, self.bias, stride=2, padding=self.padding), 2)
        return out[:, :, :height, :width]
