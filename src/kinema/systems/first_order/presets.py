"""Lists the presets of first_order: the authors' eight configs (all 256 x 256), and ours for small frames and CPUs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kinema.systems.first_order.config import FirstOrderConfig
from kinema.systems.preset_settings import AUTHORS_COLOUR, NO_COLOUR, SMALL_AUGMENT, small_training

_HUE = NO_COLOUR | {"hue": 0.1}


def _authors(
    *,
    epochs: int,
    repeats: int,
    batch_size: int,
    augment: dict[str, Any],
    milestones: tuple[float, ...] = (0.6, 0.9),
    generator_gan: float = 1,
    spectral_norm: bool = False,
    use_kp: bool = False,
    single_jacobian_map: bool = False,
    lr_keypoints: float = 2e-4,
) -> FirstOrderConfig:
    """What the authors' eight files have in common, with what differs as arguments."""
    values = {
        "frames": {"size": (256, 256)},
        "pairs": {"augment": augment},
        "keypoints": {"single_jacobian_map": single_jacobian_map},
        "discriminator": {"spectral_norm": spectral_norm, "use_kp": use_kp},
        "objective": {"generator_gan": generator_gan, "lr_keypoints": lr_keypoints},
        "train": {"epochs": epochs, "repeats": repeats, "batch_size": batch_size, "lr_milestones": milestones},
    }
    return FirstOrderConfig.parse(values, origin="preset")


def vox_256() -> FirstOrderConfig:
    """Talking faces."""
    return _authors(epochs=100, repeats=75, batch_size=40, augment=AUTHORS_COLOUR, generator_gan=0, spectral_norm=True)


def vox_adv_256() -> FirstOrderConfig:
    """Talking faces with a discriminator that sees keypoints; the authors go on from vox_256."""
    return _authors(epochs=150, repeats=75, batch_size=36, augment=AUTHORS_COLOUR, milestones=(), use_kp=True)


def taichi_256() -> FirstOrderConfig:
    """Whole bodies."""
    return _authors(epochs=100, repeats=150, batch_size=30, augment=AUTHORS_COLOUR, generator_gan=0)


def taichi_adv_256() -> FirstOrderConfig:
    """Whole bodies with a discriminator that sees keypoints; keypoints stay as in taichi_256."""
    return _authors(
        epochs=150, repeats=150, batch_size=27, augment=AUTHORS_COLOUR, milestones=(), use_kp=True, lr_keypoints=0
    )


def fashion_256() -> FirstOrderConfig:
    """Clothes on turning people."""
    return _authors(epochs=100, repeats=50, batch_size=27, augment=_HUE)


def mgif_256() -> FirstOrderConfig:
    """Cartoon animals; one Jacobian map for all keypoints."""
    augment = _HUE | {"hue": 0.5, "resize": (0.9, 1.1), "crop": True}
    return _authors(
        epochs=100, repeats=25, batch_size=36, augment=augment, spectral_norm=True, single_jacobian_map=True
    )


def bair_256() -> FirstOrderConfig:
    """Robot arm."""
    return _authors(epochs=20, repeats=1, batch_size=36, augment=AUTHORS_COLOUR, spectral_norm=True)


def nemo_256() -> FirstOrderConfig:
    """Smiling faces."""
    return _authors(epochs=100, repeats=8, batch_size=36, augment=NO_COLOUR, spectral_norm=True)


def _small(size: int, scale_factor: float, steps: int) -> FirstOrderConfig:
    """Networks of two million weights that see 32 x 32 maps whatever the frame, so weights move between sizes."""
    sizes = {"num_kp": 10, "scale_factor": scale_factor, "num_blocks": 3}
    values = {
        "frames": {"size": (size, size)},
        "pairs": {"augment": SMALL_AUGMENT},
        "keypoints": sizes | {"block_expansion": 32, "max_features": 192, "pad": 3, "single_jacobian_map": True},
        "motion": sizes | {"block_expansion": 32, "max_features": 256},
        "generator": {"block_expansion": 16, "max_features": 96, "num_bottleneck_blocks": 4, "blend_source": True},
        "objective": {
            "scales": (1, 0.5, 0.25),
            "pixel": (20, 10, 5),
            "perceptual": (0.1, 0.1, 0.1),
            "perceptual_network": "efficientnet_lite0",
            "sigma_affine": 0.1,
            "sigma_thin_plate": 0.01,
            "separation": 5,
            "concentration": 2,
            "transform_color": 0.3,
            "lr_generator": 4e-4,
            "lr_keypoints": 4e-4,
        },
        "train": small_training(steps),
    }
    return FirstOrderConfig.parse(values, origin="preset")


def small_64() -> FirstOrderConfig:
    """Ours for 64 x 64: small enough to learn on a laptop's CPU."""
    return _small(64, 0.5, 20000)


def small_128() -> FirstOrderConfig:
    """Ours for 128 x 128: the networks of small_64, best begun from its weights by ``--start-from``."""
    return _small(128, 0.25, 20000)


PRESETS: dict[str, Callable[[], FirstOrderConfig]] = {
    "vox_256": vox_256,
    "vox_adv_256": vox_adv_256,
    "taichi_256": taichi_256,
    "taichi_adv_256": taichi_adv_256,
    "fashion_256": fashion_256,
    "mgif_256": mgif_256,
    "bair_256": bair_256,
    "nemo_256": nemo_256,
    "small_64": small_64,
    "small_128": small_128,
}
