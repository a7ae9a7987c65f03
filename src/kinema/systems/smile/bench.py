"""Defines the work of smile that ``kinema bench`` times."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from kinema.faces.landmarks import MEAN_FACE
from kinema.framing.pixels import to_images
from kinema.systems.inference_work import InferenceWork
from kinema.systems.smile.pipeline import SmilePipeline


def smiling_work(pipeline: SmilePipeline, source: Tensor, driving: Tensor) -> InferenceWork:
    """What a face needs once, its landmark sequences included, and frames of other landmarks.

    Args:
        pipeline: of the system.
        source: (1, 3, H, W) in [0, 1].
        driving: (N, 3, H, W), unused.
    """
    model = pipeline.model
    neutral = torch.tensor(MEAN_FACE)[None]
    label = torch.zeros(1, dtype=torch.int64)
    points = neutral - torch.tensor([0.0, 0.5])  # the face fills most of the frame

    def encode() -> Any:
        with torch.no_grad():
            model(neutral, label, model.config.expressions.length)
            return model.encode(source, points)

    face = encode()

    def step(frames: int) -> np.ndarray:
        with torch.no_grad():
            return to_images(model.translator(face, (1.02 * points).expand(frames, -1, -1)).frame)

    return InferenceWork(encode, step)
