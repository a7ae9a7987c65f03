"""Our monkey_net against the authors' code, whatever cases the fixture folder holds."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from kinema.core.types import Keypoints
from kinema.data.samples.batches import Batch
from kinema.keypoints.zeroth_transfer import transfer_keypoints
from kinema.metrics.image_quality import l1
from kinema.ops.movement_maps import movement_maps
from kinema.synthesis.keypoint_discriminator import KeypointDiscriminator
from kinema.systems.monkey_net.config import MonkeyNetConfig
from kinema.systems.monkey_net.model import MonkeyNetModel
from kinema.systems.monkey_net.objective import MonkeyNetTraining
from kinema.train.phases import Turn
from kinema.weights.authors.monkey_net import (
    convert_config,
    rename_discriminator,
    rename_generator,
    rename_keypoints,
    rename_motion,
)

from .fixture import GRADIENT, INFERENCE, LOSS, Case, Measured, case_parameters, load, outputs_of

CASES = pytest.mark.parametrize("path", case_parameters("monkey/*.json"))
RULES = pytest.mark.parametrize("rule", ["ac1", "ac0"])


def config_of(case: Case, rule: str) -> MonkeyNetConfig:
    facts = case.facts["config"]
    model = {
        "common_params": facts["common"],
        "kp_detector_params": facts["kp"],
        "generator_params": facts["gen"],
        "discriminator_params": facts.get("disc", {}),
    }
    height, width = case["in.source"].shape[-2:]
    config = convert_config(model, facts.get("train"), size=(height, width))
    align = str(rule == "ac1").lower()
    parts = ["generator", "discriminator", *([] if config.motion is None else ["motion"])]
    return config.override([f"{part}.align_corners={align}" for part in parts])


def build_model(case: Case, rule: str) -> MonkeyNetModel:
    model = MonkeyNetModel(config_of(case, rule)).to(case["in.source"].dtype)
    model.keypoints.load_state_dict(rename_keypoints(case.below("kp_detector.")))
    model.generator.load_state_dict(rename_generator(case.below("generator.")))
    if model.motion is not None:
        model.motion.load_state_dict(rename_motion(case.below("generator.")))
    return model.eval()


def build_discriminator(case: Case, rule: str) -> KeypointDiscriminator:
    discriminator = KeypointDiscriminator(config_of(case, rule).discriminator).to(case["in.source"].dtype)
    discriminator.load_state_dict(rename_discriminator(case.below("discriminator.")))
    return discriminator.eval()


def frames_of(video: Tensor) -> Tensor:
    """Their (B, C, T, H, W) as (B * T, C, H, W)."""
    return video.transpose(1, 2).flatten(0, 1)


def as_video(frames: Tensor, batch: int) -> Tensor:
    """(B * T, C, H, W) as their (B, C, T, H, W)."""
    return frames.unflatten(0, (batch, -1)).transpose(1, 2)


def named(prefix: str, kp: Keypoints, batch: int) -> dict[str, Tensor]:
    """Keypoints under the authors' names, with their time axis."""
    tensors = {f"{prefix}.mean": kp.value, f"{prefix}.var": kp.covariance}
    return {name: value.unflatten(0, (batch, -1)) for name, value in tensors.items() if value is not None}


@torch.no_grad()
def inference_tensors(case: Case, rule: str) -> dict[str, Tensor]:
    model, batch = build_model(case, rule), len(case["in.source"])
    with outputs_of(model.keypoints.heatmap_head) as logits:
        source = model.encode(frames_of(case["in.source"]))
    kp_driving = model.keypoints(frames_of(case["in.video"]))
    tensors = named("eval.kp_source", source.kp, batch) | named("eval.kp_driving", kp_driving, batch)
    tensors["eval.kp_source.logits"] = as_video(logits[0], batch)
    made, motion = model.animate(source, kp_driving)
    deformation = torch.cat([motion.deformation, torch.zeros_like(motion.deformation[..., :1])], dim=-1)
    tensors |= {
        f"{rule}.eval.generator.video_prediction": as_video(made, batch),
        f"{rule}.eval.generator.video_deformed": as_video(model.generator.warp_features(source.frame, motion), batch),
        f"{rule}.eval.dense.deformation": deformation.unflatten(0, (batch, -1)),
    }
    if model.motion is not None:
        with outputs_of(model.motion.head) as answers:
            model.move(source, kp_driving)
        tensors[f"{rule}.eval.dense.hourglass_out"] = as_video(answers[0], batch)
        maps = movement_maps(
            source.small,
            source.kp,
            kp_driving,
            model.motion.embedding,
            kp_variance=model.config.keypoints.kp_variance,
            align_corners=rule == "ac1",
        )
        tensors[f"{rule}.eval.dense.mask_embedding"] = as_video(maps, batch)[:1]
    return tensors


@CASES
@RULES
def test_keypoints_motion_and_generator(path: Path, rule: str) -> None:
    case = load(path)
    case.need("in.source", "in.video", "kp_detector.*", "generator.*", f"{rule}.eval.generator.*")
    Measured(case, lambda case: inference_tensors(case, rule)).check(INFERENCE)


@torch.no_grad()
def discriminator_tensors(case: Case, shown: str, prefix: str) -> dict[str, Tensor]:
    rule = "ac0" if prefix.startswith("ac0") else "ac1"
    model, discriminator = build_model(case, rule), build_discriminator(case, rule)
    batch = len(case["in.source"])
    kp_source, kp_driving = (model.keypoints(frames_of(case[name])) for name in ("in.source", "in.video"))
    maps = discriminator(frames_of(case[shown]), kp_source, kp_driving)
    return {f"{prefix}.{index}": as_video(map_, batch) for index, map_ in enumerate(maps)}


@CASES
def test_discriminator(path: Path) -> None:
    case = load(path)
    case.need("in.source", "in.video", "kp_detector.*", "discriminator.*", "*eval.disc_*")
    shown = {
        "eval.disc_real": "in.video",
        "ac1.eval.disc_generated": "ac1.eval.generator.video_prediction",
        "ac0.eval.disc_generated": "ac0.eval.generator.video_prediction",
    }
    for prefix, frames in shown.items():
        if case.below(f"{prefix}."):
            Measured(
                case, lambda case, prefix=prefix, frames=frames: discriminator_tensors(case, frames, prefix)
            ).check(INFERENCE)


TRANSFERS: dict[str, tuple[str, ...]] = {
    "absolute": (),
    "relative": ("move_location",),
    "relative_mult": ("move_location", "movement_mult"),
    "relative_mult_clip": ("move_location", "movement_mult", "clip_mean"),
    "relative_mult_var": ("move_location", "movement_mult", "adapt_variance"),
}


def transfer_modes(case: Case) -> list[str]:
    names = (re.match(r"(?:ac\d\.)?transfer\.([^.]+)\.(?:kp_norm|video_prediction)", name) for name in case.tensors)
    return sorted({found[1] for found in names if found})


@torch.no_grad()
def transfer_tensors(case: Case, rule: str, mode: str) -> dict[str, Tensor]:
    model = build_model(case, rule)
    source = model.encode(frames_of(case["in.source"][:1]))
    kp_driving = model.keypoints(frames_of(case["in.clip"]))
    options = dict.fromkeys(TRANSFERS[mode], True)
    kp = transfer_keypoints(source.kp, kp_driving, kp_driving[0], **options)
    frames, _ = model.animate(source, kp)
    tensors = named("transfer.kp_driving", kp_driving, 1) | named(f"transfer.{mode}.kp_norm", kp, 1)
    return tensors | {f"{rule}.transfer.{mode}.video_prediction": as_video(frames, 1)}


@CASES
@RULES
def test_transfer(path: Path, rule: str) -> None:
    case = load(path)
    case.need("in.source", "in.clip", "kp_detector.*", "generator.*")
    modes = transfer_modes(case)
    assert set(modes) <= set(TRANSFERS), f"{case.name} has transfers that this test does not know: {modes}"
    if not modes:
        pytest.skip(f"{case.name} has no transferred clip")
    for mode in modes:
        Measured(case, lambda case, mode=mode: transfer_tensors(case, rule, mode)).check(INFERENCE)


@CASES
@RULES
def test_reconstruction_metric(path: Path, rule: str) -> None:
    case = load(path)
    name = f"{rule}.reconstruction_l1"
    case.need("in.clip", "kp_detector.*", "generator.*", name)

    @torch.no_grad()
    def distances(case: Case) -> dict[str, Tensor]:
        model, clip = build_model(case, rule), frames_of(case["in.clip"])
        frames, _ = model.animate(model.encode(clip[:1]), model.keypoints(clip))
        return {name: l1(frames, clip).mean().reshape(1)}

    Measured(case, distances).check(INFERENCE)


def their_loss(name: str) -> str:
    """Our name of a loss under the authors' name."""
    if found := re.fullmatch(r"reconstruction_(\d+)", name):
        return f"layer-{found[1]}_rec"
    return {"reconstruction_deformed": "rec_def", "generator_gan": "gen_gan", "discriminator_gan": "disc_gan"}[name]


def gradients(nets: nn.ModuleDict, names: Iterable[str], prefix: str) -> dict[str, Tensor]:
    """Gradients of some networks, and their norms."""
    tensors: dict[str, Tensor] = {}
    for net in names:
        for name, parameter in nets[net].named_parameters():
            gradient = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad.clone()
            tensors |= {f"{prefix}gradient {net}.{name}": gradient, f"{prefix}norm {net}.{name}": gradient.norm()}
    return tensors


def training_tensors(case: Case, rule: str) -> dict[str, Tensor]:
    """One iteration as the authors' train.py does it, before any optimizer moves.

    Returns:
        Losses (means over the batch) and outputs under the authors' names, "gradient NET.NAME" and "norm NET.NAME"
        under ours.
    """
    training = MonkeyNetTraining(config_of(case, rule))
    training.nets.to(case["in.source"].dtype)
    training.model.load_state_dict(build_model(case, rule).state_dict())
    training.nets["discriminator"].load_state_dict(rename_discriminator(case.below("discriminator.")))
    training.nets.train()
    batch = Batch(frames_of(case["in.source"]), frames_of(case["in.video"]))
    turn, tensors = Turn(0, torch.Generator()), dict[str, Tensor]()
    for phase in training.phases():
        training.nets.zero_grad()
        losses = phase.losses(batch, turn)
        keypoints_gan = losses.pop("keypoints_gan", None)
        torch.stack(list(losses.values())).sum().backward(retain_graph=keypoints_gan is not None)
        tensors |= {f"{rule}.train.loss.{their_loss(name)}": value for name, value in losses.items()}
        tensors |= gradients(training.nets, phase.rates, "")
        if keypoints_gan is not None:
            # The authors add it in the discriminator's turn, to what the generator's left.
            keypoints_gan.backward()
            tensors |= gradients(training.nets, ["keypoints"], "both ")
    tensors[f"{rule}.train.video_prediction"] = as_video(turn.shared["prediction"], len(batch.source))
    return {name: value.detach() for name, value in tensors.items()}


@CASES
@RULES
def test_training_step(path: Path, rule: str) -> None:
    case = load(path)
    case.need("in.source", "in.video", "kp_detector.*", "generator.*", "discriminator.*", f"{rule}.train.*")
    step = Measured(case, lambda case: training_tensors(case, rule))
    losses = {name: value.mean() for name, value in case.tensors.items() if name.startswith(f"{rule}.train.loss.")}
    assert set(losses) <= set(step.ours)
    step.check(LOSS, relative=True, expected=losses)
    step.check(INFERENCE, expected={name: value for name, value in case.tensors.items() if name not in losses})
    nets = {
        "keypoints": ("kp_detector", rename_keypoints),
        "motion": ("generator", rename_motion),
        "generator": ("generator", rename_generator),
        "discriminator": ("discriminator", rename_discriminator),
    }
    steps = case.facts.get("grad_norms", {})
    for ours, (theirs, rename) in nets.items():
        dense = rename(case.below(f"{rule}.train.grad.{theirs}."))
        step.check_gradients(GRADIENT, {f"gradient {ours}.{name}": value for name, value in dense.items()})
        turns = {"gen_step": "", "disc_step": "both " if ours == "keypoints" else ""}
        for turn, prefix in turns.items():
            norms = steps.get(f"{rule}.{turn}", {}).get(theirs, {})
            known = rename({name: torch.tensor(value) for name, value in norms.items() if value is not None})
            step.check_gradients(GRADIENT, {f"{prefix}norm {ours}.{name}": value for name, value in known.items()})
