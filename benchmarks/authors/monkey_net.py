"""Runs the authors' monkey_net networks, with the loop of their ``transfer.py``.

git clone https://github.com/AliaksandrSiarohin/monkey-net FOLDER
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from authors import code as authors_code
from torch import Tensor


@dataclass(frozen=True)
class AuthorsNetworks:
    """What one of their YAML files describes, with random weights, in evaluation mode.

    Attributes:
        kp_detector: clips to keypoints.
        generator: source and keypoints to a clip; dense motion is inside.
    """

    kp_detector: torch.nn.Module
    generator: torch.nn.Module


def load_networks(folder: Path, preset: str) -> AuthorsNetworks:
    """Builds their networks.

    Args:
        folder: checkout of their repository.
        preset: our name of one of their files, such as "moving_gif" for ``config/moving-gif.yaml``.
    """
    if not hasattr(torch, "gesv"):
        # They invert the covariances with it; later versions of torch call it linalg.solve.
        torch.gesv = lambda right, left: (torch.linalg.solve(left, right), None)  # type: ignore[attr-defined]
    config = authors_code.open_checkout(folder, preset.replace("_", "-"))
    if config["transfer_params"]["normalization_params"] != MOVE_LOCATION_ONLY:
        raise SystemExit(f"transfer_params of {preset} are others than those of the loop here")
    model = config["model_params"]
    common = model["common_params"]
    return AuthorsNetworks(
        authors_code.find("modules.keypoint_detector", "KPDetector")(**model["kp_detector_params"], **common).eval(),
        authors_code.find("modules.generator", "MotionTransferGenerator")(**model["generator_params"], **common).eval(),
    )


MOVE_LOCATION_ONLY = {"movement_mult": False, "move_location": True, "adapt_variance": False}


def transfer(networks: AuthorsNetworks, source: Tensor, kp_source: Any, driving: Tensor) -> Tensor:
    """What their ``transfer_one`` does after the source's keypoints: a frame at a time, the anchor the first one.

    Args:
        networks: theirs.
        source: (1, 3, 1, H, W) in [0, 1].
        kp_source: their keypoints of the source.
        driving: (1, 3, T, H, W) in [0, 1].

    Returns:
        (1, 3, T, H, W) in [0, 1].
    """
    kp_driving = [networks.kp_detector(frame) for frame in driving.split(1, dim=2)]
    generated = []
    for kp in kp_driving:
        kp_moved = kp | {"mean": kp["mean"] - kp_driving[0]["mean"] + kp_source["mean"]}
        generated.append(networks.generator(source_image=source, kp_driving=kp_moved, kp_source=kp_source))
    return torch.cat([frame["video_prediction"] for frame in generated], dim=2)
