"""Defines the work of deformable_gan that ``kinema bench`` times."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from kinema.core.types import Joints
from kinema.framing.pixels import to_images
from kinema.systems.inference_work import InferenceWork

# A person who stands upright and fills the frame, (x, y) as fractions of its sides, in the order of the skeleton.
UPRIGHT = (
    *((0.50, 0.13), (0.50, 0.22)),
    *((0.34, 0.22), (0.28, 0.34), (0.25, 0.47), (0.66, 0.22), (0.72, 0.34), (0.75, 0.47)),
    *((0.41, 0.50), (0.41, 0.69), (0.38, 0.88), (0.59, 0.50), (0.59, 0.69), (0.62, 0.88)),
    *((0.47, 0.11), (0.53, 0.11), (0.41, 0.13), (0.59, 0.13)),
)


def reposing_work(pipeline: Any, source: Tensor, driving: Tensor) -> InferenceWork:
    """A person encoded once, and frames of other poses.

    Args:
        pipeline: of the system.
        source: (1, 3, H, W) in [0, 1].
        driving: (N, 3, H, W), unused.
    """
    size = (source.shape[2], source.shape[3])
    value = torch.tensor([UPRIGHT]) * torch.tensor([size[1], size[0]])
    joints = Joints(value, torch.ones(1, len(UPRIGHT), dtype=torch.bool))
    moved = Joints(value + value.new_tensor([0.02 * size[1], 0]), joints.present)
    model = pipeline.model

    def encode() -> Any:
        with torch.no_grad():
            return model.encode(source, joints)

    person = encode()

    def step(frames: int) -> np.ndarray:
        poses = Joints(moved.value.expand(frames, -1, -1), moved.present.expand(frames, -1))
        with torch.no_grad():
            return to_images(model.repose(person, poses))

    return InferenceWork(encode, step)
