"""Lists the presets of monkey_net: the authors' eight configs, and ours for small frames and CPUs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kinema.systems.monkey_net.config import MonkeyNetConfig
from kinema.systems.preset_settings import NO_COLOUR, SMALL_AUGMENT, small_training

_AUTHORS: dict[str, Any] = {
    "frames": {"size": (64, 64)},
    "pairs": {"augment": NO_COLOUR},
    "keypoints": {"max_features": 512, "clip_variance": 0.001},
    "motion": {"max_features": 512, "num_group_blocks": 2},
    "generator": {
        "max_features": 512,
        "num_blocks": 5,
        "kp_embedding": {"heatmap_type": "difference", "norm_const": 100},
    },
    "discriminator": {"block_expansion": 32, "max_features": 256, "kp_embedding": {"norm_const": 100}},
    "train": {"epochs": 750, "lr_milestones": (2 / 3,), "batch_size": 32},
}
_MOVERS = ("keypoints", "motion", "generator")
_EMBEDDINGS = ("motion.mask_embedding", "generator.kp_embedding", "discriminator.kp_embedding")


def _authors(*changes: str) -> MonkeyNetConfig:
    """What most of the authors' eight files share, with what one of them sets otherwise."""
    return MonkeyNetConfig.parse(_AUTHORS, origin="preset").override(list(changes))


def _each(parts: tuple[str, ...], change: str) -> list[str]:
    return [f"{part}.{change}" for part in parts]


def shapes() -> MonkeyNetConfig:
    """Moving shapes, 64 x 64."""
    return _authors(
        *_each((*_MOVERS, "discriminator"), "num_kp=4"),
        *_each(_MOVERS, "block_expansion=16"),
        *_each(_MOVERS, "max_features=128"),
        *_each(_EMBEDDINGS, "norm_const=10"),
        "keypoints.clip_variance=null",
        "motion.num_group_blocks=0",
        "train.epochs=8",
        "train.lr_milestones=[0.5]",
        "train.batch_size=16",
    )


def actions() -> MonkeyNetConfig:
    """People who walk, bend and wave, 64 x 64."""
    return _authors(
        "keypoints.clip_variance=null",
        "train.epochs=4500",
        "pairs.augment.hue=0.5",
        "pairs.augment.resize=[0.9, 1.1]",
        "pairs.augment.rotation_degrees=10",
        "pairs.augment.crop=true",
    )


def nemo() -> MonkeyNetConfig:
    """Smiling faces, 64 x 64."""
    return _authors()


def taichi() -> MonkeyNetConfig:
    """Whole bodies, 64 x 64."""
    return _authors(*_each(_MOVERS, "max_features=1024"))


def bair() -> MonkeyNetConfig:
    """Robot arm, 64 x 64."""
    return _authors(
        *_each(_EMBEDDINGS, "norm_const=sum"),
        "objective.reconstruction_deformed=10",
        "train.epochs=15",
        "pairs.augment.time_flip=0",
    )


def moving_gif() -> MonkeyNetConfig:
    """Cartoon animals, 128 x 128."""
    return _authors(
        *_each(_MOVERS, "max_features=1024"),
        *_each(("keypoints", "motion", "generator.kp_embedding"), "scale_factor=0.5"),
        "frames.size=[128, 128]",
        "generator.num_blocks=6",
        "motion.mask_embedding.use_difference=true",
        "train.batch_size=64",
        "pairs.augment.hue=0.5",
        "pairs.augment.resize=[0.9, 1.1]",
        "pairs.augment.crop=true",
    )


_VOX = (
    *_each(_MOVERS, "max_features=1024"),
    "frames.size=[256, 256]",
    "generator.num_blocks=7",
    "generator.interpolation=bilinear",
    "generator.kp_embedding.scale_factor=0.25",
    "train.epochs=20",
    "train.lr_milestones=[]",
    "train.batch_size=20",
)


def vox() -> MonkeyNetConfig:
    """Talking faces, 256 x 256, motion at a quarter of the resolution."""
    return _authors(*_VOX, *_each(("keypoints", "motion"), "scale_factor=0.25"))


def vox_full() -> MonkeyNetConfig:
    """Talking faces, 256 x 256, motion at the full resolution."""
    return _authors(*_VOX)


def small_128() -> MonkeyNetConfig:
    """Ours for 128 x 128: small enough to learn on a CPU, without a discriminator."""
    shared = {"num_kp": 16}
    values = {
        "frames": {"size": (128, 128)},
        "pairs": {"augment": SMALL_AUGMENT | {"horizontal_flip": 0.5}},
        "keypoints": shared
        | {"block_expansion": 32, "max_features": 192, "num_blocks": 3, "scale_factor": 0.25, "clip_variance": 0.001},
        "motion": shared
        | {
            "block_expansion": 16,
            "max_features": 192,
            "num_blocks": 4,
            "scale_factor": 0.5,
            "mask_embedding": {"use_deformed_source_image": True, "heatmap_type": "difference", "norm_const": 1},
        },
        "generator": shared
        | {
            "block_expansion": 16,
            "max_features": 128,
            "num_blocks": 4,
            "num_refinement_blocks": 1,
            "interpolation": "bilinear",
            "blend_source": True,
        },
        "discriminator": shared,
        "objective": {
            "reconstruction": (30,),
            "reconstruction_deformed": 10,
            "generator_gan": 0,
            "separation": 5,
            "concentration": 2,
            "lr_generator": 4e-4,
            "lr_keypoints": 4e-4,
        },
        "train": small_training(9000),
    }
    return MonkeyNetConfig.parse(values, origin="preset")


PRESETS: dict[str, Callable[[], MonkeyNetConfig]] = {
    "shapes": shapes,
    "actions": actions,
    "nemo": nemo,
    "taichi": taichi,
    "bair": bair,
    "moving_gif": moving_gif,
    "vox": vox,
    "vox_full": vox_full,
    "small_128": small_128,
}
