"""Holds the settings that presets of several systems have in common."""

from __future__ import annotations

from typing import Any

NO_COLOUR: dict[str, Any] = {"brightness": 0.0, "contrast": 0.0, "saturation": 0.0, "hue": 0.0}
AUTHORS_COLOUR: dict[str, Any] = {"brightness": 0.1, "contrast": 0.1, "saturation": 0.1, "hue": 0.1}

# Changes of hue and saturation leave a white or grey background as it is; brightness would tint it.
SMALL_AUGMENT: dict[str, Any] = NO_COLOUR | {
    "saturation": 0.3,
    "hue": 0.15,
    "rotation_degrees": 15.0,
    "resize": (0.85, 1.2),
}


def small_training(steps: int) -> dict[str, Any]:
    """The training of our small models on CPUs: cosine schedule, short warm-up, averaged weights."""
    return {
        "steps": steps,
        "batch_size": 8,
        "schedule": "cosine",
        "average_decay": 0.999,
        "lr_warmup_steps": 100,
    }
