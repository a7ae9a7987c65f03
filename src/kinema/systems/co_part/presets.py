"""Lists the presets of co_part: the authors' four configs (all 256 x 256), and ours for small frames and CPUs."""

from __future__ import annotations

from collections.abc import Callable

from kinema.systems.co_part.config import CoPartConfig
from kinema.systems.preset_settings import AUTHORS_COLOUR, SMALL_AUGMENT, small_training


def _authors(num_parts: int, epochs: int) -> CoPartConfig:
    """What the authors' four files have in common; they begin from weights of first_order."""
    values = {
        "frames": {"size": (256, 256)},
        "pairs": {"augment": AUTHORS_COLOUR},
        "keypoints": {"num_parts": num_parts},
        "train": {"epochs": epochs, "repeats": 50, "batch_size": 20, "lr_milestones": ()},
    }
    return CoPartConfig.parse(values, origin="preset")


def vox_5() -> CoPartConfig:
    """Talking faces in 5 parts."""
    return _authors(5, 5)


def vox_10() -> CoPartConfig:
    """Talking faces in 10 parts."""
    return _authors(10, 5)


def vox_15() -> CoPartConfig:
    """Talking faces in 15 parts."""
    return _authors(15, 5)


def taichi_10() -> CoPartConfig:
    """Whole bodies in 10 parts."""
    return _authors(10, 10)


def small_128() -> CoPartConfig:
    """Ours for 128 x 128 on a CPU: the widths of first_order's small_128, whose weights may begin it."""
    values = {
        "frames": {"size": (128, 128)},
        "pairs": {"augment": SMALL_AUGMENT},
        "keypoints": {
            "num_parts": 16,
            "block_expansion": 32,
            "max_features": 192,
            "num_blocks": 3,
            "background_init": 4,
        },
        "generator": {"block_expansion": 16, "max_features": 96, "num_bottleneck_blocks": 4, "blend_source": True},
        "objective": {
            "scales": (1, 0.5, 0.25),
            "pixel": (30, 10, 5),
            "perceptual": (),
            "perceptual_network": "efficientnet_lite0",
            "area": 0.35,
            "sigma_affine": 0.1,
            "sigma_thin_plate": 0.01,
            "lr_generator": 4e-4,
            "lr_keypoints": 4e-4,
        },
        "train": small_training(4000),
    }
    return CoPartConfig.parse(values, origin="preset")


PRESETS: dict[str, Callable[[], CoPartConfig]] = {
    "vox_5": vox_5,
    "vox_10": vox_10,
    "vox_15": vox_15,
    "taichi_10": taichi_10,
    "small_128": small_128,
}
