"""A checkpoint as the authors' Logger writes it, from the state dicts of the parity fixtures."""

from __future__ import annotations

import copy
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors import safe_open
from torch import Tensor

PARITY = Path(os.environ.get("KINEMA_PARITY") or Path(__file__).parents[3] / "shared" / "parity")
NETWORKS = ("generator", "discriminator", "kp_detector")


@dataclass(frozen=True)
class AuthorsRun:
    """What a training of theirs leaves.

    Attributes:
        held: what the checkpoint holds.
        settings: of the YAML file.
        tensors: inputs, and what their code makes of them.
    """

    held: dict[str, Any]
    settings: dict[str, Any]
    tensors: dict[str, Tensor]

    def copy(self) -> AuthorsRun:
        """One that a test may spoil."""
        return copy.deepcopy(self)

    def write(self, folder: Path, **options: Any) -> tuple[Path, Path]:
        """Writes both files; returns the paths of the checkpoint and of the YAML file."""
        checkpoint, settings = folder / "00000099-checkpoint.pth.tar", folder / "small.yaml"
        torch.save(self.held, checkpoint, **options)
        settings.write_text(yaml.safe_dump(self.settings))
        return checkpoint, settings


def adam_state(state: dict[str, Tensor]) -> dict[str, Any]:
    """An optimizer's state after a step."""
    parameters = [torch.nn.Parameter(value) for value in state.values() if value.is_floating_point()]
    optimizer = torch.optim.Adam(parameters, lr=0.0, betas=(0.5, 0.999))
    for parameter in parameters:
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    return optimizer.state_dict()


@pytest.fixture(params=["A", "B"])
def authors_run(request: pytest.FixtureRequest) -> AuthorsRun:
    path = PARITY / "fomm" / f"{request.param}.safetensors"
    if not path.is_file():
        pytest.skip(f"needs the authors' tensors in {path}; set KINEMA_PARITY to the folder that holds fomm/")
    facts = json.loads(path.with_suffix(".json").read_text())["config"]
    with safe_open(path, framework="pt") as file:
        names = list(file.keys())
        states = {
            network: {n.removeprefix(f"{network}."): file.get_tensor(n) for n in names if n.startswith(f"{network}.")}
            for network in NETWORKS
        }
        tensors = {
            n: file.get_tensor(n) for n in names if n.startswith("in.") or n.endswith("eval.generator.prediction")
        }
    held = states | {f"optimizer_{name}": adam_state(state) for name, state in states.items()} | {"epoch": 99}
    settings = {
        "dataset_params": {"root_dir": "data/x", "frame_shape": [*facts["hw"], 3]},
        "model_params": {
            "common_params": facts["common"],
            "kp_detector_params": facts["kp"],
            "generator_params": facts["gen"],
            "discriminator_params": facts["disc"],
        },
        "train_params": facts["train"] | {"num_epochs": 100, "lr_generator": 2.0e-4},
        "visualizer_params": {"kp_size": 5},
    }
    return AuthorsRun(held, settings, tensors)
