"""Lists the presets of smile: the paper's two stages as far as they are known, and ours."""

from __future__ import annotations

from collections.abc import Callable

from kinema.faces.landmarks import GROUPS
from kinema.systems.preset_settings import small_training
from kinema.systems.smile.config import JUDGED_CHANNELS, SmileConfig


def paper_64() -> SmileConfig:
    """The paper's form, 64 x 64: drawings of landmarks, push-pull, U-Net; sizes and weights are a reconstruction."""
    values = {
        "frames": {"size": (64, 64)},
        "landmarks": {
            "embedding": {"representation": "images", "num_codes": 128, "num_features": 512},
            "num_features": 512,
            "mode_features": 512,
        },
        "translator": {"kind": "unet"},
        "objective": {
            "landmarks": {
                "diversity": "push_pull",
                "sequence_step": 10_000,
                "modes_step": 20_000,
                "tune_step": 30_000,
                "end_step": 35_000,
            },
            "gan": "nonsaturating",
        },
        "sequences_per_pair": 1,
        "train": {"steps": 60_000, "batch_size": 16, "schedule": "constant", "clip_norm": 1.0},
    }
    return SmileConfig.parse(values, origin="preset")


def small_64() -> SmileConfig:
    """Ours for 64 x 64: coordinates, warped source."""
    return _small(64, scale=0.5)


def small_96() -> SmileConfig:
    """Ours for 96 x 96: coordinates, warped source."""
    return _small(96, scale=1 / 3)


def _small(side: int, *, scale: float) -> SmileConfig:
    """Under three million weights, features that need no download; motion is worked out at 32 x 32."""
    values = {
        "frames": {"size": (side, side)},
        "landmarks": {"embedding": {"num_features": 128}},
        "translator": {
            "motion": {
                "num_kp": len(GROUPS),
                "block_expansion": 32,
                "max_features": 128,
                "num_blocks": 3,
                "scale_factor": scale,
                "kp_variance": 0.005,
            },
            "generator": {
                "block_expansion": 32,
                "max_features": 128,
                "num_down_blocks": 2,
                "num_bottleneck_blocks": 3,
                "blend_source": True,
            },
        },
        "discriminator": {"num_channels": JUDGED_CHANNELS, "max_features": 128, "num_blocks": 3},
        "objective": {
            # Spread over the run: a step of the landmarks costs a tenth of one of the frames.
            "landmarks": {
                "sequence_step": 1200,
                "modes_step": 2800,
                "tune_step": 6000,
                "end_step": None,
                "tune_rate": 1e-3,
            },
            "pixel": 20,
            "mouth": 4,
            "warped": 10,
            "perceptual": (0.1, 0.1, 0.1),
            "generator_gan": 0.1,
            "gan_start_step": 4000,
            "lr_translator": 4e-4,
            "lr_discriminator": 4e-4,
        },
        "train": small_training(8000) | {"clip_norm": 1.0},
    }
    return SmileConfig.parse(values, origin="preset")


PRESETS: dict[str, Callable[[], SmileConfig]] = {"paper_64": paper_64, "small_64": small_64, "small_96": small_96}
