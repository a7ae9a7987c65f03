"""Runs the authors' first_order networks, with the loops of their ``demo.py`` and ``train.py``.

git clone https://github.com/AliaksandrSiarohin/first-order-model FOLDER
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
    """What one of their YAML files describes, with random weights.

    Attributes:
        config: the YAML file.
        kp_detector: frames to keypoints.
        generator: source and keypoints to a frame; dense motion is inside.
        discriminator: judge of frames.
    """

    config: dict[str, Any]
    kp_detector: torch.nn.Module
    generator: torch.nn.Module
    discriminator: torch.nn.Module


def load_networks(folder: Path, preset: str) -> AuthorsNetworks:
    """Builds their networks.

    Args:
        folder: checkout of their repository.
        preset: our name of one of their files, such as "vox_256" for ``config/vox-256.yaml``.
    """
    config = authors_code.open_checkout(folder, preset.replace("_", "-"))
    generator = authors_code.find("modules.generator", "OcclusionAwareGenerator")
    kp_detector = authors_code.find("modules.keypoint_detector", "KPDetector")
    discriminator = authors_code.find("modules.discriminator", "MultiScaleDiscriminator")
    model = config["model_params"]
    common = model["common_params"]
    return AuthorsNetworks(
        config,
        kp_detector(**model["kp_detector_params"], **common),
        generator(**model["generator_params"], **common),
        discriminator(**model["discriminator_params"], **common),
    )


def animate(networks: AuthorsNetworks, source: Tensor, kp_source: Any, kp_first: Any, frame: Tensor) -> Any:
    """One turn of the loop in their ``demo.py``, relative mode: a uint8-ready NumPy array (1, H, W, 3) in [0, 1].

    Args:
        networks: in evaluation mode.
        source: (1, 3, H, W) in [0, 1].
        kp_source: their keypoints of the source.
        kp_first: their keypoints of the first driving frame.
        frame: (1, 3, H, W) in [0, 1].
    """
    kp = dict(networks.kp_detector(frame))
    jacobian = torch.matmul(kp["jacobian"], torch.inverse(kp_first["jacobian"]))
    kp_new = kp | {
        "value": kp["value"] - kp_first["value"] + kp_source["value"],
        "jacobian": torch.matmul(jacobian, kp_source["jacobian"]),
    }
    out = networks.generator(source, kp_source=kp_source, kp_driving=kp_new)
    return out["prediction"].permute(0, 2, 3, 1).numpy()


def make_step(networks: AuthorsNetworks, **overrides: Any) -> Any:
    """A function of a batch that does one iteration of the loop in their ``train.py``.

    Args:
        networks: to train.
        overrides: loss weights that replace those of the YAML file.
    """
    # Their file imports it at the top, for the VGG19 that a perceptual weight of 0 never builds.
    authors_code.stand_in_for("torchvision", "torchvision.models")
    settings = networks.config["train_params"]
    settings = settings | {"loss_weights": settings["loss_weights"] | overrides}
    parts = (networks.kp_detector, networks.generator, networks.discriminator)
    for part in parts:
        part.train()
    generator_full = authors_code.find("modules.model", "GeneratorFullModel")(*parts, settings)
    discriminator_full = authors_code.find("modules.model", "DiscriminatorFullModel")(*parts, settings)
    kp, generator, discriminator = (torch.optim.Adam(p.parameters(), lr=2e-4, betas=(0.5, 0.999)) for p in parts)

    def step(batch: dict[str, Tensor]) -> None:
        losses, generated = generator_full(batch)
        torch.stack([value.mean() for value in losses.values()]).sum().backward()
        generator.step()
        generator.zero_grad()
        kp.step()
        kp.zero_grad()
        discriminator.zero_grad()
        losses = discriminator_full(batch, generated)
        torch.stack([value.mean() for value in losses.values()]).sum().backward()
        discriminator.step()
        discriminator.zero_grad()

    return step
