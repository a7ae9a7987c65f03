"""Checkpoint files of monkey-net and motion-cosegmentation, made of the fixtures' weights, become models of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from kinema.weights.authors.checkpoint import import_checkpoint
from kinema.weights.model_folder import build_model, read_model

from ...parity.fixture import Case, case_parameters, load


def write(folder: Path, nets: dict[str, Any], settings: dict[str, Any]) -> tuple[Path, Path]:
    checkpoint, text = folder / "checkpoint.pth.tar", folder / "settings.yaml"
    torch.save({**nets, "epoch": 7}, checkpoint)
    text.write_text(yaml.safe_dump(settings))
    return checkpoint, text


def monkey_settings(case: Case) -> dict[str, Any]:
    facts = case.facts["config"]
    model = {"common_params": facts["common"], "kp_detector_params": facts["kp"], "generator_params": facts["gen"]}
    height, width = case["in.source"].shape[-2:]
    return {
        "model_params": model | {"discriminator_params": facts["disc"]},
        "dataset_params": {"image_shape": [height, width, 3]},
        "train_params": facts["train"],
    }


@pytest.mark.parametrize("path", case_parameters("monkey/*.json"))
def test_a_monkey_net_checkpoint_makes_the_authors_frames(path: Path, tmp_path: Path) -> None:
    case = load(path)
    expected = case["ac1.eval.generator.video_prediction"]
    nets = {name: case.below(f"{name}.") for name in ("kp_detector", "generator", "discriminator")}
    checkpoint, settings = write(tmp_path, nets, monkey_settings(case))
    made = import_checkpoint(checkpoint, settings, tmp_path / "model", system="monkey_net")
    assert made.epoch == 7
    stored = read_model(made.folder)
    with torch.no_grad():
        frames = build_model(stored)(case["in.source"][:, :, 0], case["in.video"][:, :, 0])
    assert (frames - expected[:, :, 0]).abs().max() <= 1e-5
    weights = [value for net in ("kp_detector", "generator") for value in nets[net].values()]
    counters = sum(not value.is_floating_point() for value in weights)
    assert made.num_weights == sum(value.numel() for value in weights) - counters


def test_kernels_that_mix_frames_are_refused(tmp_path: Path) -> None:
    from kinema.core.checks import InputError
    from kinema.weights.authors.monkey_net import rename_generator

    with pytest.raises(InputError, match="weight 'a.weight' spans 3 frames"):
        rename_generator({"a.weight": torch.zeros(2, 2, 3, 3, 3)})
