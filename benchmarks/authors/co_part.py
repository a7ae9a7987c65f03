"""Runs the authors' co_part networks, with the loop of their ``part_swap.py``.

git clone https://github.com/AliaksandrSiarohin/motion-cosegmentation FOLDER
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from authors import code as authors_code
from torch import Tensor

CONFIGS = {
    "vox_5": "vox-256-sem-5segments",
    "vox_10": "vox-256-sem-10segments",
    "vox_15": "vox-256-sem-15segments",
    "taichi_10": "taichi-256-sem",
}


@dataclass(frozen=True)
class AuthorsNetworks:
    """What one of their YAML files describes, with random weights, in evaluation mode.

    Attributes:
        segmentation: frames to parts.
        generator: source, target and their parts to a frame.
    """

    segmentation: torch.nn.Module
    generator: torch.nn.Module


def load_networks(folder: Path, preset: str) -> AuthorsNetworks:
    """Builds their networks for swaps by the parts that were learned (their "unsupervised").

    Args:
        folder: checkout of their repository.
        preset: our name of one of their files.
    """
    authors_code.stand_in_for(
        "matplotlib", "matplotlib.pyplot", "imageio", "skimage", "skimage.draw", "skimage.transform", "tqdm"
    )
    model = authors_code.open_checkout(folder, CONFIGS[preset])["model_params"]
    common = model["common_params"]
    segmentation = authors_code.find("modules.segmentation_module", "SegmentationModule")
    generator = authors_code.find("part_swap", "PartSwapGenerator")
    return AuthorsNetworks(
        segmentation(**model["segmentation_module_params"], **common).eval(),
        # The segmentation is as small as the features already (a quarter, two halvings): their blend_scale is 1.
        generator(blend_scale=1, **model["reconstruction_module_params"], **common).eval(),
    )


def swap(networks: AuthorsNetworks, source: Tensor, seg_source: Any, frame: Tensor, parts: Sequence[int]) -> np.ndarray:
    """One turn of the loop in their ``make_video``, soft and by the target's parts.

    Args:
        networks: theirs.
        source: (1, 3, H, W) in [0, 1].
        seg_source: their parts of the source.
        frame: of the target, (1, 3, H, W) in [0, 1].
        parts: indices into their segmentation.

    Returns:
        (H, W, 3) in [0, 1].
    """
    seg_target = networks.segmentation(frame)
    blend = seg_target["segmentation"][:, list(parts)].sum(dim=1, keepdim=True)
    out = networks.generator(source, frame, seg_source=seg_source, seg_target=seg_target, blend_mask=blend)
    return out["prediction"].permute(0, 2, 3, 1).numpy()[0]
