"""Predicts dense motion as a blend of the keypoints' shifts (Monkey-Net, Siarohin et al., CVPR 2019, Sec. 3.3)."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator
from torch import Tensor, nn

from kinema.blocks.conv import SameBlock
from kinema.blocks.hourglass import Hourglass
from kinema.core.checks import check_divisible
from kinema.core.config import Config
from kinema.core.types import Keypoints, Motion
from kinema.ops.grid import identity_grid
from kinema.ops.movement_maps import MovementConfig, movement_maps, shrink_nearest


class DisplacementMotionConfig(Config):
    """Size of the network that blends the keypoints' shifts."""

    num_kp: int = Field(default=10, ge=1, description="keypoints")
    num_channels: int = Field(default=3, ge=1, description="colour channels of a frame")
    kp_variance: Literal["matrix", "single"] | float = Field(default="matrix", description="as the detector's")
    block_expansion: int = Field(default=32, ge=1, description="base width of the hourglass")
    max_features: int = Field(default=1024, ge=1, description="largest width of the hourglass")
    num_blocks: int = Field(default=5, ge=1, description="halvings inside the hourglass")
    scale_factor: float = Field(default=1, gt=0, le=1, description="the frame is shrunk by this first")
    mask_embedding: MovementConfig = Field(
        default=MovementConfig(use_deformed_source_image=True, heatmap_type="difference", norm_const=100),
        description="what the network sees",
    )
    use_mask: bool = Field(default=True, description="blend the shifts of the keypoints by a soft mask")
    use_correction: bool = Field(default=True, description="add a free flow, in coordinate units")
    bg_init: float = Field(default=2, description="initial logit of the background")
    num_group_blocks: int = Field(default=0, ge=0, description="1x1 blocks that see one keypoint each, before all else")
    align_corners: bool = Field(default=True, description="sampling rule the weights were trained with")

    @model_validator(mode="after")
    def _moves(self) -> Self:
        if not (self.use_mask or self.use_correction):
            raise ValueError("use_mask and use_correction are both off: nothing would move")
        return self


class DisplacementMotion(nn.Module):
    """Moves every pixel by a weighted mean of the keypoints' shifts, by a predicted flow, or by both."""

    def __init__(self, config: DisplacementMotionConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = config.mask_embedding.override(["add_bg_feature_map=true"])
        channels = self.embedding.out_channels(config.num_kp, config.num_channels)
        self.group_blocks = nn.Sequential(
            *(
                SameBlock(channels, channels, kernel_size=1, groups=config.num_kp + 1)
                for _ in range(config.num_group_blocks)
            )
        )
        self.hourglass = Hourglass(
            channels,
            block_expansion=config.block_expansion,
            num_blocks=config.num_blocks,
            max_features=config.max_features,
        )
        num_masks = config.num_kp + 1 if config.use_mask else 0
        self.head = nn.Conv2d(self.hourglass.out_channels, num_masks + 2 * config.use_correction, 3, padding=1)
        # Training starts from a frame that hardly moves, mostly assigned to the background. The weights of zero in the
        # authors' code would keep the hourglass from learning in the first step.
        nn.init.normal_(self.head.weight, std=1e-3)
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]
        if config.use_mask:
            self.head.bias.data[0] = config.bg_init  # type: ignore[index]

    @property
    def divisor(self) -> int:
        """Both sides of a frame must be multiples of this."""
        return int(1 / (self.config.scale_factor * self.embedding.scale_factor)) * 2**self.config.num_blocks

    def shrink(self, source: Tensor) -> Tensor:
        """The source at the working resolution; compute it once for a source that many frames share.

        Args:
            source: (B, 3, H, W) RGB in [0, 1].

        Returns:
            (B, 3, h, w).

        Raises:
            InputError: H or W is not a multiple of :attr:`divisor`.
        """
        check_divisible((source.shape[2], source.shape[3]), self.divisor, what="dense motion")
        return shrink_nearest(source, self.config.scale_factor)

    def forward(self, small_source: Tensor, kp_source: Keypoints, kp_driving: Keypoints) -> Motion:
        """The motion that carries the source to the pose of ``kp_driving``.

        Args:
            small_source: (B, 3, h, w) from :meth:`shrink`, or one row for all.
            kp_source: keypoints of the source, B rows or one.
            kp_driving: keypoints to reach, B rows.

        Returns:
            ``deformation`` (B, h, w, 2) and ``mask`` (B, K + 1, h, w) or None.
        """
        maps = movement_maps(
            small_source,
            kp_source,
            kp_driving,
            self.embedding,
            kp_variance=self.config.kp_variance,
            align_corners=self.config.align_corners,
        )
        predicted = self.head(self.hourglass(self.group_blocks(maps)))
        size = (predicted.shape[2], predicted.shape[3])
        grid = identity_grid(size, device=predicted.device, dtype=kp_driving.value.dtype)
        deformation, mask = grid, None
        if self.config.use_mask:
            mask = predicted[:, : self.config.num_kp + 1].softmax(dim=1)
            # The background's shift is zero, so its weight can be left out.
            shifts = kp_source.value - kp_driving.value  # (B, K, 2)
            weights = mask[:, 1:, :, :, None].to(shifts.dtype)  # (B, K, h, w, 1)
            # Multiplied by elements: autocast would do a matrix product in bfloat16, and the motion would jump.
            deformation = deformation + (weights * shifts[:, :, None, None]).sum(dim=1)
        if self.config.use_correction:
            deformation = deformation + predicted[:, -2:].movedim(1, -1)
        return Motion(deformation, mask=mask)
