"""A real face for the metrics that look at one."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor


@pytest.fixture(scope="session")
def portrait(assets: Path) -> Image.Image:
    """A front view of one face, 128x128 (tests/assets/SOURCE.txt)."""
    return Image.open(assets / "portrait.jpg").convert("RGB").resize((128, 128), Image.Resampling.LANCZOS)


@pytest.fixture(scope="session")
def as_frames() -> Callable[..., Tensor]:
    """Images of one size to frames (N, 3, H, W) in [0, 1]."""

    def convert(*images: Image.Image) -> Tensor:
        stacked = torch.from_numpy(np.stack([np.array(image) for image in images]))
        return stacked.movedim(-1, 1).float() / 255

    return convert
