"""The building blocks of first_order against the authors' code, one by one; sizes are read from the tensors."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from kinema.blocks.conv import DownBlock, PatchBlock, ResBlock, SameBlock, UpBlock
from kinema.blocks.hourglass import Hourglass
from kinema.core.types import Keypoints
from kinema.keypoints.first_order import FirstOrderKeypoints, FirstOrderKeypointsConfig
from kinema.keypoints.transfer import transfer_motion
from kinema.ops.grid import identity_grid
from kinema.ops.heatmap import gaussian_heatmap
from kinema.ops.pyramid import antialias_kernel, downsample
from kinema.ops.thin_plate import SmoothTransform
from kinema.synthesis.warping_generator import WarpingGenerator, WarpingGeneratorConfig
from kinema.weights.authors.first_order import (
    rename_discriminator,
    rename_generator,
    rename_keypoints,
    rename_motion,
)

from .fixture import INFERENCE, Case, Measured, case_parameters, load

State = dict[str, Tensor]

# What no tensor shows: parity/README.md.
TEMPERATURE = 0.1
BLUR_SIZES = {5: 0.5, 13: 0.25, 29: 0.125}


def matches(case: Case, pattern: str) -> Iterator[re.Match[str]]:
    """Tensor names that are ``pattern`` from end to end."""
    return filter(None, (re.fullmatch(pattern, name) for name in case.tensors))


def grids(case: Case) -> State:
    return {
        found[0]: identity_grid((int(found[1]), int(found[2])), dtype=case[found[0]].dtype)
        for found in matches(case, r"make_coordinate_grid\.(\d+)x(\d+)")
    }


def antialias(case: Case) -> State:
    tensors = {}
    for found in matches(case, r"antialias\.(.+)\.out"):
        scale = float(found[1])
        tensors[found[0]] = downsample(case["in.x"], scale)
        if scale != 1:  # Their kernel is NaN there, and unused.
            kernel = antialias_kernel(scale)
            tensors[f"antialias.{found[1]}.weight"] = torch.outer(kernel, kernel).expand(
                case["in.x"].shape[1], 1, -1, -1
            )
    return tensors


def gaussians(case: Case) -> State:
    return {
        found[0]: gaussian_heatmap(case["kp2gaussian.in"], (int(found[1]), int(found[2])), variance=float(found[3]))
        for found in matches(case, r"kp2gaussian\.out_(\d+)x(\d+)_var(.+)")
    }


def block_names(case: Case, pattern: str) -> list[str]:
    """Names of the blocks of a kind that have an output, such as "upblock" and "upblock_g2"."""
    return sorted({found[1] for found in matches(case, rf"({pattern})\.out[._].+")})


def weights_of(case: Case, name: str) -> State:
    """The state dict of a block under the authors' names."""
    return {key: value for key, value in case.below(f"{name}.").items() if not re.match(r"out[._]|after_train\.", key)}


def run_block(block: nn.Module, state: Mapping[str, Tensor], features: Tensor, name: str) -> State:
    """Outputs in both modes and the buffers after the one in training mode, under the authors' names."""
    block.to(features.dtype).load_state_dict(state)
    tensors = {f"{name}.out_eval": block.eval()(features), f"{name}.out_train": block.train()(features)}
    return tensors | {f"{name}.after_train.{key}": value for key, value in block.named_buffers()}


@torch.no_grad()
def conv_blocks(case: Case) -> State:
    features = case["in.f"]
    channels = features.shape[1]
    kinds = {"sameblock": SameBlock, "upblock": UpBlock, "downblock": DownBlock}
    tensors: State = {}
    for name in block_names(case, rf"(?:{'|'.join(kinds)})\w*"):
        state = weights_of(case, name)
        outputs, inputs_of_group, kernel_size = state["conv.weight"].shape[:3]
        kind = next(kind for prefix, kind in kinds.items() if name.startswith(prefix))
        block = kind(channels, outputs, kernel_size=kernel_size, groups=channels // inputs_of_group)
        tensors |= run_block(block, state, features, name)
    for name in block_names(case, r"resblock\w*"):
        tensors |= run_block(ResBlock(channels), weights_of(case, name), features, name)
    return tensors


def hourglass_of(state: State) -> tuple[State, dict[str, int]]:
    """An hourglass's weights under our names, and its sizes."""
    renamed = rename_motion({f"dense_motion_network.hourglass.{key}": value for key, value in state.items()})
    ours = {key.removeprefix("hourglass."): value for key, value in renamed.items()}
    down = [value for key, value in ours.items() if re.fullmatch(r"down_blocks\.\d+\.conv\.weight", key)]
    return ours, {
        "block_expansion": len(ours[f"up_blocks.{len(down) - 1}.conv.weight"]),
        "num_blocks": len(down),
        "max_features": max(len(weight) for weight in down),
    }


@torch.no_grad()
def hourglasses(case: Case) -> State:
    tensors: State = {}
    for name in block_names(case, r"hourglass\w*"):
        state, sizes = hourglass_of(weights_of(case, name))
        outputs = run_block(Hourglass(case["in.f"].shape[1], **sizes), state, case["in.f"], name)
        for key, value in outputs.items():
            key = key.replace("after_train.down", "after_train.encoder.down")
            tensors[key.replace("after_train.up", "after_train.decoder.up")] = value
    return tensors


@torch.no_grad()
def patch_blocks(case: Case) -> State:
    features = case["in.f"]
    tensors: State = {}
    for name in block_names(case, r"disc_down\w*"):
        theirs = weights_of(case, name)
        renamed = rename_discriminator({f"discs.1.down_blocks.0.{key}": value for key, value in theirs.items()}, (1,))
        state = {key.removeprefix("discriminators.0.blocks.0."): value for key, value in renamed.items()}
        kernel_size = state["conv.weight"].shape[3]
        block = PatchBlock(
            features.shape[1],
            len(state["conv.weight"]),
            norm="norm.weight" in state,
            pool=case[f"{name}.out_eval"].shape[3] < features.shape[3] - kernel_size + 1,
            use_spectral_norm="conv.weight_orig" in theirs,
        )
        tensors |= run_block(block, state, features, name)
    return tensors


@torch.no_grad()
def detectors(case: Case) -> State:
    tensors: State = {}
    for name in block_names(case, r"kpdet\w*"):
        theirs = weights_of(case, name)
        hourglass = {key.removeprefix("predictor."): value for key, value in theirs.items() if "predictor." in key}
        num_kp = len(theirs["kp.weight"])
        pad = re.search(r"pad(\d)", name)
        config = FirstOrderKeypointsConfig(
            num_kp=num_kp,
            num_channels=case["in.x"].shape[1],
            temperature=TEMPERATURE,
            scale_factor=BLUR_SIZES[theirs["down.weight"].shape[3]] if "down.weight" in theirs else 1,
            jacobian="jacobian.weight" in theirs,
            single_jacobian_map="jacobian.weight" in theirs and len(theirs["jacobian.weight"]) < 4 * num_kp,
            pad=int(pad[1]) if pad else 0,
            **hourglass_of(hourglass)[1],
        )
        detector = FirstOrderKeypoints(config).to(case["in.x"].dtype).eval()
        detector.load_state_dict(rename_keypoints(theirs))
        kp = detector(case["in.x"])
        tensors[f"{name}.out.value"] = kp.value
        if kp.jacobian is not None:
            tensors[f"{name}.out.jacobian"] = kp.jacobian
    return tensors


def transforms(case: Case) -> State:
    tensors: State = {}
    for found in matches(case, r"(transform\.\w+)\.theta"):
        points, name = case.tensors.get(f"{found[1]}.control_points"), found[1]
        transform = SmoothTransform(
            case[found[0]],
            None if points is None else points.flatten(1, 2),
            case.tensors.get(f"{name}.control_params"),
        )
        tensors[f"{name}.warp"] = transform.warp_points(case["transform.coords"])
        tensors[f"{name}.jacobian"] = transform.jacobian(case["transform.coords"])
        for rule in ("ac1", "ac0"):
            tensors[f"{rule}.{name}.frame"] = transform.warp_frames(case["in.x"], align_corners=rule == "ac1")
    return tensors


def transfers(case: Case) -> State:
    def keypoints(name: str) -> Keypoints:
        prefix = f"normalize_kp.{name}"
        return Keypoints(case[f"{prefix}.value"], case.tensors.get(f"{prefix}.jacobian"))

    tensors: State = {}
    for found in matches(case, r"(normalize_kp\.out_adapt([01])_rel([01])_reljac([01]))\.value"):
        name = found[1]
        adapt_scale, relative, relative_jacobian = (flag == "1" for flag in found.groups()[1:])
        kp = transfer_motion(
            keypoints("source"),
            keypoints("driving"),
            keypoints("driving_initial"),
            relative=relative,
            relative_jacobian=relative_jacobian,
            adapt_scale=adapt_scale,
        )
        tensors[f"{name}.value"] = kp.value
        if kp.jacobian is not None:
            tensors[f"{name}.jacobian"] = kp.jacobian
    return tensors


@torch.no_grad()
def generators(case: Case) -> State:
    tensors: State = {}
    for name in block_names(case, r"gen_nodense\w*"):
        state = rename_generator(weights_of(case, name))
        down = [len(value) for key, value in state.items() if re.fullmatch(r"down_blocks\.\d+\.conv\.weight", key)]
        bottleneck = [key for key in state if re.fullmatch(r"bottleneck\.\d+\.conv1\.weight", key)]
        width, channels = state["first.conv.weight"].shape[:2]
        config = WarpingGeneratorConfig(
            num_channels=channels,
            block_expansion=width,
            max_features=max(down),
            num_down_blocks=len(down),
            num_bottleneck_blocks=len(bottleneck),
        )
        generator = WarpingGenerator(config).to(case["in.x"].dtype).eval()
        generator.load_state_dict(state)
        tensors[f"{name}.out.prediction"] = generator(case["in.x"], motion=None)
    return tensors


# Of each group of tensors: what computes ours, and the inputs it needs.
GROUPS: dict[str, tuple[Callable[[Case], State], tuple[str, ...]]] = {
    "make_coordinate_grid": (grids, ()),
    "antialias": (antialias, ("in.x",)),
    "kp2gaussian": (gaussians, ("kp2gaussian.in",)),
    "conv_blocks": (conv_blocks, ("in.f",)),
    "hourglass": (hourglasses, ("in.f",)),
    "disc_down": (patch_blocks, ("in.f",)),
    "kpdet": (detectors, ("in.x",)),
    "transform": (transforms, ("in.x", "transform.coords")),
    "normalize_kp": (
        transfers,
        ("normalize_kp.source.value", "normalize_kp.driving.value", "normalize_kp.driving_initial.value"),
    ),
    "gen_nodense": (generators, ("in.x",)),
}


@pytest.mark.parametrize("path", case_parameters("blocks/fomm*.json"))
@pytest.mark.parametrize("group", GROUPS)
def test_blocks(path: Path, group: str) -> None:
    case = load(path)
    compute, inputs = GROUPS[group]
    case.need(*inputs)
    measured = Measured(case, compute)
    if not measured.ours.keys() & case.tensors.keys():
        pytest.skip(f"{case.name} has no {group}")
    measured.check(INFERENCE)
