"""Checkpoint files as the authors' code of monkey_net and co_part writes them, of weights of our own, animate here."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from torch import Tensor, nn

from kinema.core.checks import InputError
from kinema.data.clips.synthetic import moving_shapes
from kinema.framing.pixels import to_frames
from kinema.ops.pyramid import antialias_kernel
from kinema.runtime.load import load
from kinema.systems.system import find_system
from kinema.weights.authors.checkpoint import import_checkpoint
from kinema.weights.model_folder import read_model

HOURGLASS = {"block_expansion": 4, "max_features": 8, "num_blocks": 2}
MONKEY_SETTINGS: dict[str, Any] = {
    "dataset_params": {"image_shape": [32, 48, 3]},
    "model_params": {
        "common_params": {"num_kp": 4, "kp_variance": "matrix", "num_channels": 3},
        "kp_detector_params": HOURGLASS | {"temperature": 0.01, "scale_factor": 0.5, "clip_variance": 0.001},
        "generator_params": HOURGLASS
        | {
            "interpolation_mode": "trilinear",
            "num_refinement_blocks": 2,
            "dense_motion_params": HOURGLASS
            | {
                **{"use_mask": True, "use_correction": True, "num_group_blocks": 1, "scale_factor": 0.5},
                "mask_embedding_params": {"use_heatmap": True, "use_deformed_source_image": True, "norm_const": 10},
            },
            "kp_embedding_params": {"scale_factor": 0.5, "heatmap_type": "difference", "norm_const": 10},
        },
        "discriminator_params": HOURGLASS | {"kp_embedding_params": {"norm_const": 10}},
    },
    "train_params": {"lr": 1.0e-3, "loss_weights": {"reconstruction": [10, 5, 1]}},
}
PARTS_SETTINGS: dict[str, Any] = {
    "dataset_params": {"frame_shape": [32, 48, 3]},
    "model_params": {
        "common_params": {"num_segments": 3, "num_channels": 3, "estimate_affine_part": True},
        "segmentation_module_params": HOURGLASS | {"temperature": 0.01, "scale_factor": 0.5},
        "reconstruction_module_params": {
            **{"block_expansion": 4, "max_features": 8, "num_down_blocks": 2, "num_bottleneck_blocks": 2},
            "estimate_visibility": True,
        },
    },
    "train_params": {"scales": [1, 0.5], "loss_weights": {"equivariance": 10, "perceptual": [1, 1]}},
}
# Our name -> the name in the authors' checkpoint, network first; the first pattern that matches.
MONKEY_NAMES = (
    (r"^keypoints\.hourglass\.down_blocks", "kp_detector.predictor.encoder.down_blocks"),
    (r"^keypoints\.hourglass\.up_blocks", "kp_detector.predictor.decoder.up_blocks"),
    (r"^keypoints\.heatmap_head", "kp_detector.predictor.decoder.conv"),
    (r"^motion\.hourglass\.down_blocks", "generator.dense_motion_module.hourglass.encoder.down_blocks"),
    (r"^motion\.hourglass\.up_blocks", "generator.dense_motion_module.hourglass.decoder.up_blocks"),
    (r"^motion\.head", "generator.dense_motion_module.hourglass.decoder.conv"),
    (r"^motion\.group_blocks", "generator.dense_motion_module.group_blocks"),
    (r"^generator\.down_blocks", "generator.appearance_encoder.down_blocks"),
    (r"^generator\.up_blocks", "generator.video_decoder.up_blocks"),
    (r"^generator\.refinement\.", "generator.refinement_module.r"),
    (r"^generator\.final", "generator.refinement_module.conv-last"),
)
PARTS_NAMES = (
    (r"^keypoints\.hourglass\.down_blocks", "segmentation_module.predictor.encoder.down_blocks"),
    (r"^keypoints\.hourglass\.up_blocks", "segmentation_module.predictor.decoder.up_blocks"),
    (r"^keypoints\.heatmap_head", "segmentation_module.shift"),
    (r"^keypoints\.jacobian_head", "segmentation_module.affine"),
    (r"^keypoints\.segmentation_head", "segmentation_module.segmentation"),
    (r"^generator\.bottleneck\.", "reconstruction_module.bottleneck.r"),
    (r"^generator", "reconstruction_module"),
)


@dataclass(frozen=True)
class Family:
    """A system whose authors' checkpoints we write from weights of our own.

    Attributes:
        name: of the system.
        settings: the authors' YAML.
        names: our names to theirs.
        depth: whether their convolutions are 3-D.
        config: ours of the networks that ``settings`` describe.
    """

    name: str
    settings: dict[str, Any]
    names: tuple[tuple[str, str], ...]
    depth: bool
    config: dict[str, Any]

    def model(self) -> nn.Module:
        """Our network with random weights, away from where norms and Jacobians begin."""
        torch.manual_seed(1)
        system = find_system(self.name)
        model = system.make_model(system.config.parse({"frames": {"size": (32, 48)}} | self.config, origin="test"))
        for value in (*model.parameters(), *model.buffers()):
            if value.is_floating_point():
                value.data += 0.2 * (torch.rand_like(value) - 0.5)
        return model.eval()

    def held(self, model: nn.Module) -> dict[str, Any]:
        """What their ``torch.save`` would get: state dicts by network, and the epoch."""
        held: dict[str, Any] = {"epoch": 7}
        for ours, value in model.state_dict().items():
            pattern, theirs = next(rule for rule in self.names if re.match(rule[0], ours))
            network, _, name = re.sub(pattern, theirs, ours).partition(".")
            held.setdefault(network, {})[name] = value.unsqueeze(2) if self.depth and value.ndim == 4 else value
        if not self.depth:
            row = antialias_kernel(0.5)
            held["segmentation_module"]["down.weight"] = torch.outer(row, row).expand(3, 1, -1, -1).clone()
        return held


SIZES = HOURGLASS | {"scale_factor": 0.5}
FAMILIES = [
    Family(
        "monkey_net",
        MONKEY_SETTINGS,
        MONKEY_NAMES,
        depth=True,
        config={
            "keypoints": SIZES | {"num_kp": 4, "temperature": 0.01, "clip_variance": 0.001},
            "motion": SIZES
            | {"num_kp": 4, "num_group_blocks": 1}
            | {"mask_embedding": {"use_deformed_source_image": True, "norm_const": 10}},
            "generator": HOURGLASS
            | {"num_kp": 4, "num_refinement_blocks": 2, "interpolation": "bilinear"}
            | {"kp_embedding": {"scale_factor": 0.5, "heatmap_type": "difference", "norm_const": 10}},
            "discriminator": {"num_kp": 4},
        },
    ),
    Family(
        "co_part",
        PARTS_SETTINGS,
        PARTS_NAMES,
        depth=False,
        config={
            "keypoints": SIZES | {"num_parts": 3, "temperature": 0.01},
            "generator": {"block_expansion": 4, "max_features": 8, "num_bottleneck_blocks": 2},
        },
    ),
]
EVERY_FAMILY = pytest.mark.parametrize("family", FAMILIES, ids=[family.name for family in FAMILIES])


def write(folder: Path, held: dict[str, Any], settings: dict[str, Any]) -> tuple[Path, Path]:
    checkpoint, text = folder / "checkpoint.pth.tar", folder / "settings.yaml"
    torch.save(held, checkpoint)
    text.write_text(yaml.safe_dump(settings))
    return checkpoint, text


def frames() -> Tensor:
    return to_frames(moving_shapes(1, 3, (32, 48), seed=3)[0])


@EVERY_FAMILY
def test_a_file_of_the_authors_becomes_a_model_that_animates(family: Family, tmp_path: Path) -> None:
    model = family.model()
    checkpoint, settings = write(tmp_path, family.held(model), family.settings)
    made = import_checkpoint(checkpoint, settings, tmp_path / "model", system=family.name)
    assert made.config.size == (32, 48)
    assert made.num_weights == sum(v.numel() for v in model.state_dict().values() if v.is_floating_point())
    stored = read_model(tmp_path / "model")
    expected = {name: value for name, value in model.state_dict().items() if value.is_floating_point()}
    assert stored.state.keys() == expected.keys()
    assert all(torch.equal(stored.state[name], value) for name, value in expected.items())
    pipeline, clip = load(tmp_path / "model", device="cpu"), frames()
    with torch.no_grad():
        wanted = model(clip[:1].expand(3, -1, -1, -1), clip)
    shown = pipeline.prepare(clip[:1], relative=False).step(clip)
    torch.testing.assert_close(shown, wanted, atol=1e-4, rtol=0)
    assert (shown[0] - shown[2]).abs().max() > 1e-4


@EVERY_FAMILY
def test_the_command_imports_it(family: Family, tmp_path: Path, kinema: Callable[..., Any]) -> None:
    held = family.held(family.model())
    networks = [name for name in held if name != "epoch"]
    # As a run on several GPUs leaves it.
    held |= {name: {f"module.{key}": value for key, value in held[name].items()} for name in networks}
    checkpoint, settings = write(tmp_path, held, family.settings)
    words = ("import", checkpoint, "--system", family.name, "--config", settings, "-o", tmp_path / "model")
    code, out, err = kinema(*words, "--no-align-corners")
    assert (code, out) == (0, "")
    told, following = err.splitlines()
    assert told == f"{tmp_path / 'model'}: {family.name}, frames of 48x32, 0.0 million numbers, epoch 7"
    assert following.startswith("next: kinema ") and following.endswith(f" --model {tmp_path / 'model'}")
    config: Any = read_model(tmp_path / "model").config
    assert not config.generator.align_corners
    assert family.name == "co_part" or not config.motion.align_corners


@pytest.mark.parametrize("index", [0, 1])
@EVERY_FAMILY
def test_a_network_that_is_missing_is_named(family: Family, tmp_path: Path, kinema: Callable[..., Any], index: int):
    held = family.held(family.model())
    missing = [name for name in held if name != "epoch"][index]
    del held[missing]
    checkpoint, settings = write(tmp_path, held, family.settings)
    words = ("import", checkpoint, "--system", family.name, "--config", settings, "-o", tmp_path / "model")
    code, out, err = kinema(*words)
    assert (code, out) == (2, "") and err.count("\n") == 1 and f"has no '{missing}', it holds: " in err
    assert not (tmp_path / "model").exists()


@EVERY_FAMILY
def test_settings_of_another_width_are_refused(family: Family, tmp_path: Path) -> None:
    settings = copy.deepcopy(family.settings)
    part = "kp_detector_params" if family.name == "monkey_net" else "segmentation_module_params"
    settings["model_params"][part]["block_expansion"] = 6
    checkpoint, written = write(tmp_path, family.held(family.model()), settings)
    with pytest.raises(InputError, match="the config needs .* belong to different models") as refused:
        import_checkpoint(checkpoint, written, tmp_path / "model", system=family.name)
    assert "\n" not in str(refused.value) and not (tmp_path / "model").exists()


def test_objectives_come_with_the_settings(tmp_path: Path) -> None:
    monkey, parts = (
        import_checkpoint(*write(tmp_path, f.held(f.model()), f.settings), tmp_path / f.name, system=f.name).config
        for f in FAMILIES
    )
    rates = [getattr(monkey.objective, f"lr_{net}") for net in ("generator", "keypoints", "discriminator")]
    assert rates == [1e-3] * 3 and monkey.objective.reconstruction == (10, 5, 1)
    assert parts.objective.scales == (1, 0.5) and parts.objective.perceptual == (1, 1) and parts.visibility
    assert monkey.motion.align_corners and monkey.generator.align_corners and parts.generator.align_corners
