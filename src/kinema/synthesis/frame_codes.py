"""Encodes frames as codes and decodes them: the image model of "Learning How to Smile" (Wang et al., TMM 2020), a
variational autoencoder whose decoder is also a GAN's generator.

The paper names GAN and VAE but no layer sizes; these are a reconstruction after DCGAN. That the decoder may also see
the neutral frame is ours: a code learned from a hundred people cannot represent an unknown face.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
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
    inner_side: int = Field(default=4, ge=1, description="side of the innermost map: the side of a frame / 16")
    sees_neutral: bool = Field(
        default=False, description="the decoder sees maps of the neutral frame and blends in its pixels; ours"
    )

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of the levels, finest first."""
        return tuple(min(self.max_features, self.block_expansion * 2**level) for level in range(NUM_LEVELS))

    @property
    def divisor(self) -> int:
        """Both sides of a frame must be multiples of this."""
        return 2**NUM_LEVELS


@dataclass(frozen=True)
class NeutralMaps:
    """The neutral frame as the decoder sees it.

    Attributes:
        frame: (B, 3, H, W) RGB in [0, 1].
        maps: features of the encoder's three outer levels, finest first: (B, C, H / 2, W / 2), ...
    """

    frame: Tensor
    maps: tuple[Tensor, ...]

    def repeat(self, times: int) -> NeutralMaps:
        """Repeats every row ``times`` times in a row."""
        return NeutralMaps(
            self.frame.repeat_interleave(times, dim=0),
            tuple(features.repeat_interleave(times, dim=0) for features in self.maps),
        )


class FrameEncoder(nn.Module):
    """Predicts the normal distributions of the codes of frames."""

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
            frames: (B, 3, H, W) RGB in [0, 1]; if a side is not 16 ``inner_side``, the innermost map is resampled.

        Returns:
            Mean and logarithm of the variance, each (B, d).

        Raises:
            InputError: H or W is not a multiple of 16.
        """
        check_divisible((frames.shape[2], frames.shape[3]), self.config.divisor, what="frame encoder")
        return self._distribution(self.convs(2 * frames - 1))

    def encode_neutral(self, frames: Tensor) -> tuple[Tensor, Tensor, NeutralMaps | None]:
        """Mean and logarithm of the variance, each (B, d), of neutral frames (B, 3, H, W), and their maps."""
        if not self.config.sees_neutral:
            return *self(frames), None
        check_divisible((frames.shape[2], frames.shape[3]), self.config.divisor, what="frame encoder")
        features, maps = 2 * frames - 1, []
        for place, layer in enumerate(self.convs):
            features = layer(features)
            if isinstance(layer, nn.LeakyReLU) and place + 1 < len(self.convs):
                maps.append(features)
        return *self._distribution(features), NeutralMaps(frames, tuple(maps))

    def _distribution(self, features: Tensor) -> tuple[Tensor, Tensor]:
        pooled = F.adaptive_avg_pool2d(features, self.config.inner_side)
        mean, log_variance = self.head(pooled.flatten(1)).chunk(2, dim=1)
        return mean, log_variance


class FrameDecoder(nn.Module):
    """Decodes codes to frames."""

    def __init__(self, config: FrameCodesConfig) -> None:
        super().__init__()
        self.config = config
        widths = config.widths[::-1]
        self.start = nn.Linear(config.num_codes, widths[0] * config.inner_side**2)
        self.norm = BatchNorm2d(widths[0])
        self.ups, self.norms = nn.ModuleList(), nn.ModuleList()
        before = widths[0]
        for after in widths[1:]:
            self.ups.append(nn.ConvTranspose2d(before, after, 4, 2, 1))
            self.norms.append(BatchNorm2d(after))
            before = 2 * after if config.sees_neutral else after
        self.final = nn.ConvTranspose2d(before, 4 if config.sees_neutral else 3, 4, 2, 1)
        _keep_scale(self)

    def forward(self, codes: Tensor, size: tuple[int, int], neutral: NeutralMaps | None = None) -> Tensor:
        """Decodes codes.

        Args:
            codes: (B, d).
            size: (height, width) of the frames, multiples of 16.
            neutral: from :meth:`FrameEncoder.encode_neutral`, B rows; None if the config has no ``sees_neutral``.

        Returns:
            (B, 3, height, width) in [0, 1].
        """
        return self.blend(codes, size, neutral)[0]

    def blend(
        self, codes: Tensor, size: tuple[int, int], neutral: NeutralMaps | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """Frames as from :meth:`forward`, and the weight of the neutral frame in each pixel, (B, 1, H, W) or None."""
        inner = self.config.inner_side
        features = F.relu(self.norm(self.start(codes).unflatten(1, (-1, inner, inner))))
        wanted = (size[0] // self.config.divisor, size[1] // self.config.divisor)
        if wanted != (inner, inner):
            features = F.interpolate(features, size=wanted, mode="bilinear", align_corners=False)
        maps = (None,) * len(self.ups) if neutral is None else neutral.maps[::-1]
        for conv, norm, seen in zip(self.ups, self.norms, maps, strict=True):
            features = F.relu(norm(conv(features)))
            if seen is not None:
                features = torch.cat([features, seen], dim=1)
        painted = self.final(features)
        colours = (painted[:, :3].tanh() + 1) / 2
        if neutral is None:
            return colours, None
        alpha = painted[:, 3:].sigmoid()
        return torch.lerp(colours, neutral.frame.to(colours.dtype), alpha), alpha


def _keep_scale(net: nn.Module) -> None:
    """Sets initial weights under which features neither vanish nor grow from level to level."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.kaiming_normal_(module.weight, a=0.2)
