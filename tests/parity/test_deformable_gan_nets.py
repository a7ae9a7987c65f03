"""Generators, discriminators and losses of our deformable_gan against the authors', whatever cases the folder holds."""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from kinema.blocks.vgg_caffe import VggCaffeFeatures
from kinema.core.types import Joints, LimbMotion
from kinema.losses.adversarial import nonsaturating_discriminator, nonsaturating_generator
from kinema.losses.nearest_neighbour import nearest_neighbour
from kinema.synthesis.pose_discriminator import PoseDiscriminator
from kinema.systems.deformable_gan.config import DeformableGanConfig
from kinema.systems.deformable_gan.model import DeformableGanModel
from kinema.weights.authors.deformable_gan import convert_discriminator, convert_generator, describe_generator

from .fixture import GRADIENT, INFERENCE, LOSS, Case, Measured, case_parameters, load, outputs_of
from .test_deformable_gan_poses import joints_of, matrices

CASES = pytest.mark.parametrize("path", case_parameters("posegan/*.json"))


def named_weights(case: Case, net: str) -> dict[str, Tensor]:
    """The tensors of a network by the names that Keras gave them."""
    return {name: case[stored] for stored, name, _ in case.facts["weights"][net]}


def nets(case: Case, kind: str) -> list[tuple[str, str]]:
    """Names of the case's networks of a kind, "gen" or "disc", and the variant that each name states."""
    names = [name for name in case.facts.get("weights", {}) if name.startswith(f"{kind}_")]
    if not names:
        pytest.skip(f"{case.name} has no {kind}_*")
    return [(name, name.split("_")[1]) for name in names]


def poses(case: Case, which: str) -> Joints:
    """The joints of all rows in the case's precision."""
    rows = [joints_of(case[f"kp_{which}_{row}"], case["source"].dtype) for row in range(len(case["source"]))]
    return Joints(torch.cat([row.value for row in rows]), torch.cat([row.present for row in rows]))


def frames(case: Case, name: str) -> Tensor:
    """Their (B, H, W, 3) in [-1, 1] as ours."""
    return (case[name].movedim(-1, 1) + 1) / 2


def config_of(case: Case, net: str, kind: str) -> DeformableGanConfig:
    size = tuple(case["source"].shape[1:3])
    values: dict[str, Any] = describe_generator(named_weights(case, net), size=size)
    values["motion"] = {"kind": kind}
    values["discriminator"] = {"size": size, "pose_channels": values["generator"]["pose_channels"]}
    return DeformableGanConfig.parse(values, origin=net)


def generator_of(case: Case, net: str, kind: str) -> DeformableGanModel:
    config = config_of(case, net, kind)
    model = DeformableGanModel(config).to(case["source"].dtype).eval()
    model.load_state_dict(convert_generator(named_weights(case, net), config))
    return model


@torch.no_grad()
def made_tensors(case: Case) -> dict[str, Tensor]:
    """Outputs of every generator, and of each layer by the name that Keras gave it."""
    tensors: dict[str, Tensor] = {}
    for net, kind in nets(case, "gen"):
        model = generator_of(case, net, kind)
        generator = model.generator
        encoders = [generator.appearance, *([] if generator.pose is None else [generator.pose])]
        convolutions = [layer for encoder in encoders for layer in (encoder.first, *encoder.convolutions)]
        named = {"conv2d": [*convolutions, generator.final], "conv2d_transpose": list(generator.up_convolutions)}
        pair = frames(case, "source"), poses(case, "source")
        person = model.encode(*pair)
        with ExitStack() as stack:
            outputs = stack.enter_context(outputs_of(generator))
            seen = {
                kind + (f"_{index}" if index else ""): stack.enter_context(outputs_of(layer))
                for kind, layers in named.items()
                for index, layer in enumerate(layers)
            }
            model(*pair, poses(case, "target"))
            made, probes = outputs[0], {name: values[0] for name, values in seen.items()}
        tensors[f"{net}/out"] = 2 * made.movedim(1, -1) - 1
        motion = model.move(person, poses(case, "target"))
        for level, features in enumerate(person.features[: model.config.motion.num_warped]):
            name = "affine_transform_layer" + (f"_{level}" if level else "")
            probes[name] = model.motion.warp(features, motion, model.config.size)
        tensors |= {f"{net}/probe/{name}__b0": value.movedim(1, -1) for name, value in probes.items()}
    return tensors


@CASES
def test_generators(path: Path) -> None:
    case = load(path)
    variants = nets(case, "gen")
    measured = Measured(case, made_tensors)
    for net, _ in variants:
        assert f"{net}/out" in case
        theirs = {name: value for name, value in case.tensors.items() if name.startswith(f"{net}/")}
        # Keras crops a transposed convolution after it, ours does not make what would be cropped.
        theirs = {name: value[:, 1:-1, 1:-1] if "transpose" in name else value for name, value in theirs.items()}
        assert theirs.keys() <= measured.ours.keys()
        measured.check(INFERENCE, expected=theirs)


@torch.no_grad()
def judged_tensors(case: Case) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    size = tuple(case["source"].shape[1:3])
    for net, kind in nets(case, "disc"):
        widths = [shape[-1] for _, name, shape in case.facts["weights"][net] if re.match(r"conv2d.*kernel", name)]
        sizes = {"kind": kind, "size": size, "block_expansion": widths[0], "max_features": max(widths)}
        config = DeformableGanConfig.parse({"frames": {"size": size}, "discriminator": sizes}, origin=net)
        discriminator = PoseDiscriminator(config.discriminator).to(case["source"].dtype).eval()
        discriminator.load_state_dict(convert_discriminator(named_weights(case, net), config))
        pose_source, pose_target = (
            DeformableGanModel(config).pose_maps(poses(case, w), size) for w in ("source", "target")
        )
        motion = LimbMotion(matrices(case["transforms"]), case["masks_u8"].bool())
        # The frame that is judged as made is the one of the generator that moves the masked parts.
        for which, judged in (("real", "target"), ("fake", "gen_mask/out")):
            logits = discriminator(
                frames(case, "source"), pose_source, frames(case, judged), pose_target, motion=motion
            )
            tensors[f"{net}/{which}"] = logits.sigmoid()
            tensors[f"logits/{net}/{which}"] = logits
    return tensors


@CASES
def test_discriminators(path: Path) -> None:
    case = load(path)
    variants = nets(case, "disc")
    case.need("gen_mask/out")
    measured = Measured(case, judged_tensors)
    theirs = {name: value for net, _ in variants for name, value in case.below(f"{net}/").items()}
    assert theirs
    measured.check(INFERENCE)


@CASES
def test_losses(path: Path) -> None:
    case = load(path)
    if "losses" not in case.facts:
        pytest.skip(f"{case.name} has no losses")
    losses = case.facts["losses"]
    case.need("target", "gen_mask/out")
    logits = judged_tensors(case)
    real, made = (logits[f"logits/disc_call/{which}"] for which in ("real", "fake"))
    ours = {"gen_adv": nonsaturating_generator(made)}
    both = nonsaturating_discriminator(real, made)
    torch.testing.assert_close(both.item(), losses["disc_true"] + losses["disc_fake"], rtol=LOSS, atol=0)
    target, fake = (case[name].movedim(-1, 1) for name in ("target", "gen_mask/out"))
    for area in (int(name.split("_")[3]) for name in losses if name.startswith("nn_or_l1_")):
        distance = (fake - target).abs().mean() if area == 1 else nearest_neighbour(fake, target, area=area).mean()
        ours[f"nn_or_l1_{area}_mean"] = distance
    assert {name for name in losses if name not in ("tv", "disc_true", "disc_fake")} <= ours.keys()
    for name, value in ours.items():
        torch.testing.assert_close(value.item(), losses[name], rtol=LOSS, atol=0)


@CASES
def test_nearest_neighbours(path: Path) -> None:
    case = load(path)
    maps = sorted(name for name in case.tensors if re.fullmatch(r"loss/(feat_)?nn\d+_map", name))
    if not maps:
        pytest.skip(f"{case.name} has no nearest neighbours")
    for name in maps:
        area = int(re.search(r"nn(\d+)", name)[1])
        pair = ("loss/feat_ref", "loss/feat_gen") if "feat" in name else ("target", "gen_mask/out")
        real, made = (case[key].movedim(-1, 1) for key in pair)
        made = made.clone().requires_grad_()
        distance = nearest_neighbour(made, real, area=area)
        assert (distance - case[name]).abs().max() <= INFERENCE
        gradient = case.tensors.get(f"loss/nn{area}_grad_wrt_target_arg")
        if gradient is not None and "feat" not in name:
            distance.mean().backward()
            assert made.grad is not None
            theirs = gradient.movedim(-1, 1)
            assert (made.grad - theirs).abs().max() <= GRADIENT * theirs.abs().max()


@CASES
def test_the_perceptual_network_sees_what_theirs_saw(path: Path) -> None:
    case = load(path)
    case.need("loss/vgg_preprocess(fake)__b0", "gen_mask/out")
    seen = VggCaffeFeatures(widths=(1, 1, 1)).normalise(frames(case, "gen_mask/out"))
    expected = case["loss/vgg_preprocess(fake)__b0"].movedim(-1, 1)
    torch.testing.assert_close(seen[: len(expected)], expected, atol=1e-4, rtol=0)
