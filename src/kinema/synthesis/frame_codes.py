"""Frame <-> code: the image model of "Learning How to Smile" (Wang et al., TMM 2020), a VAE whose decoder is a GAN's.

The paper says GAN and VAE; layer sizes are a reconstruction after DCGAN.
"""

from __future__ import annotations

import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from kinema.blocks.norm import BatchNorm2d
from kinema.core.checks import check_divisible
from kinema.core.config import Config

NUM_LEVELS = 4


class FrameCodesConfig(Config):
    """Size of encoder and decoder."""

    num_codes: int = Field(default=256, ge=1, description="numbers of a code")
    block_expansion: int = Field(default=64, ge=1, description="base width")
    max_features: int = Field(default=512, ge=1, description="largest width")
    inner_side: int = Field(default=4, ge=1, description="sides of the innermost map; those of a frame / 16")

    @property
    def widths(self) -> tuple[int, ...]:
        """Of the levels, finest first."""
        return tuple(min(self.max_features, self.block_expansion * 2**level) for level in range(NUM_LEVELS))

    @property
    def divisor(self) -> int:
        """Both sides of a frame must be multiples of this."""
        return 2**NUM_LEVELS


class FrameEncoder(nn.Module):
    """Frames to the normal distributions of their codes."""

    def __init__(self, config: FrameCodesConfig) -> None:
        super().__init__()
        self.config = config
        self.convs = nn.Sequential()
        for level, (before, after) in enumerate(zip([3, *config.widths], config.widths, strict=False)):
            norm = nn.Identity() if level == 0 else BatchNorm2d(after)
            self.convs.extend([nn.Conv2d(before, after, 4, 2, 1), norm, nn.LeakyReLU(0.2)])
        self.head = nn.Linear(config.widths[-1] * config.inner_side**2, 2 * config.num_codes)
        _keep_scale(self)

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Codes of frames.

        Args:
            frames: (B, 3, H, W) RGB in [0, 1]; of another size than 16 ``inner_side`` the innermost map is resampled.

        Returns:
            Mean and logarithm of the variance, each (B, d).

        Raises:
            InputError: H or W is not a multiple of 16.
        """
        check_divisible((frames.shape[2], frames.shape[3]), self.config.divisor, what="frame encoder")
        features = F.adaptive_avg_pool2d(self.convs(2 * frames - 1), self.config.inner_side)
        mean, log_variance = self.head(features.flatten(1)).chunk(2, dim=1)
        return mean, log_variance


class FrameDecoder(nn.Module):
    """Codes to frames."""

    def __init__(self, config: FrameCodesConfig) -> None:
        super().__init__()
        self.config = config
        widths = config.widths[::-1]
        self.start = nn.Linear(config.num_codes, widths[0] * config.inner_side**2)
        self.norm = BatchNorm2d(widths[0])
        self.convs = nn.Sequential()
        for before, after in zip(widths, widths[1:], strict=False):
            self.convs.extend([nn.ConvTranspose2d(before, after, 4, 2, 1), BatchNorm2d(after), nn.ReLU()])
        self.final = nn.ConvTranspose2d(widths[-1], 3, 4, 2, 1)
        _keep_scale(self)

    def forward(self, codes: Tensor, size: tuple[int, int]) -> Tensor:
        """Frames of codes.

        Args:
            codes: (B, d).
            size: (height, width) wanted, multiples of 16.

        Returns:
            (B, 3, height, width) in [0, 1].
        """
        inner = self.config.inner_side
        features = F.relu(self.norm(self.start(codes).unflatten(1, (-1, inner, inner))))
        wanted = (size[0] // self.config.divisor, size[1] // self.config.divisor)
        if wanted != (inner, inner):
            features = F.interpolate(features, size=wanted, mode="bilinear", align_corners=False)
        return (self.final(self.convs(features)).tanh() + 1) / 2


def _keep_scale(net: nn.Module) -> None:
    """First weights under which features neither vanish nor grow from level to level, before any norm has learned."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.kaiming_normal_(module.weight, a=0.2)
