"""Defines the work of expression_gan that ``kinema bench`` times."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from kinema.framing.pixels import to_images
from kinema.systems.expression_gan.pipeline import ExpressionGanPipeline
from kinema.systems.inference_work import InferenceWork


def recurring_work(pipeline: ExpressionGanPipeline, source: Tensor, driving: Tensor) -> InferenceWork:
    """A face encoded once, and frames of one code after the other.

    Args:
        pipeline: of the system.
        source: (1, 3, H, W) in [0, 1].
        driving: (N, 3, H, W), unused.
    """
    model = pipeline.model
    label = torch.zeros(1, dtype=torch.int64)

    def encode() -> Any:
        with torch.no_grad():
            return model.encode(source)

    face = encode()

    def step(frames: int) -> np.ndarray:
        with torch.no_grad():
            return to_images(model.decode(model.sequence(face.mean, label, frames), face)[0])

    return InferenceWork(encode, step)
