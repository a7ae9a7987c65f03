"""Our first_order against the authors' code, whatever cases the fixture folder holds."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor

from kinema.blocks.vgg import Vgg19Features
from kinema.core.types import Keypoints
from kinema.data.samples.batches import Batch
from kinema.keypoints.transfer import transfer_motion
from kinema.metrics.image_quality import l1
from kinema.motion.sparse import heatmap_difference, sparse_motions
from kinema.ops.pyramid import downsample, pyramid
from kinema.ops.thin_plate import SmoothTransform
from kinema.synthesis.discriminator import MultiScaleDiscriminator
from kinema.systems.first_order.config import FirstOrderConfig
from kinema.systems.first_order.model import FirstOrderModel
from kinema.systems.first_order.objective import FirstOrderTraining
from kinema.train.phases import Turn
from kinema.weights.authors.first_order import (
    convert_config,
    rename_discriminator,
    rename_generator,
    rename_keypoints,
    rename_motion,
)

from .fixture import FOLDER, GRADIENT, INFERENCE, LOSS, Case, Measured, case_parameters, find, load, outputs_of

PATTERN = "fomm/*.json"
CASES = pytest.mark.parametrize("path", case_parameters(PATTERN))
RULES = pytest.mark.parametrize("rule", ["ac1", "ac0"])

Rename = Callable[[Mapping[str, Tensor]], dict[str, Tensor]]


def test_cases_are_found() -> None:
    """A wrong path is not a pass; but whoever cloned the repository alone has no fixtures, and named none."""
    if "KINEMA_PARITY" not in os.environ and not FOLDER.is_dir():
        pytest.skip(f"no folder {FOLDER}; set KINEMA_PARITY to the one that holds the parity fixtures")
    assert find(PATTERN), (
        f"no parity fixture matches {FOLDER / PATTERN}; set KINEMA_PARITY to the folder that holds them"
    )


def config_of(case: Case, rule: str) -> FirstOrderConfig:
    facts = case.facts["config"]
    model = {
        "common_params": facts["common"],
        "kp_detector_params": facts["kp"],
        "generator_params": facts["gen"],
        "discriminator_params": facts.get("disc", {}),
    }
    height, width = case["in.source"].shape[2:]
    config = convert_config(model, facts.get("train"), size=(height, width))
    align = str(rule == "ac1").lower()
    return config.override([f"motion.align_corners={align}", f"generator.align_corners={align}"])


def load_weights(model: FirstOrderModel, case: Case) -> FirstOrderModel:
    """The case's weights, in its precision."""
    model.to(case["in.source"].dtype)
    model.keypoints.load_state_dict(rename_keypoints(case.below("kp_detector.")))
    model.motion.load_state_dict(rename_motion(case.below("generator.")))
    model.generator.load_state_dict(rename_generator(case.below("generator.")))
    return model


def load_discriminator(discriminator: MultiScaleDiscriminator, case: Case) -> MultiScaleDiscriminator:
    discriminator.to(case["in.source"].dtype)
    scales = discriminator.config.scales
    discriminator.load_state_dict(rename_discriminator(case.below("discriminator."), scales))
    return discriminator


def build_model(case: Case, rule: str) -> FirstOrderModel:
    return load_weights(FirstOrderModel(config_of(case, rule)), case).eval()


def build_training(case: Case, rule: str) -> FirstOrderTraining:
    config = config_of(case, rule)
    features = None
    if config.objective.uses_features:
        features = Vgg19Features.from_state(case.below("vgg.")).to(case["in.source"].dtype)
    training = FirstOrderTraining(config, features)
    load_weights(training.model, case)
    if "discriminator" in training.nets:
        discriminator = training.nets["discriminator"]
        assert isinstance(discriminator, MultiScaleDiscriminator)
        load_discriminator(discriminator, case)
    return training


def named_keypoints(prefix: str, kp: Keypoints) -> dict[str, Tensor]:
    tensors = {f"{prefix}.value": kp.value, f"{prefix}.jacobian": kp.jacobian}
    return {name: value for name, value in tensors.items() if value is not None}


@torch.no_grad()
def keypoint_tensors(case: Case) -> dict[str, Tensor]:
    model = build_model(case, "ac1")
    assert model.config.keypoints.jacobian == case.facts["config"]["common"].get("estimate_jacobian", False)
    with outputs_of(model.keypoints.hourglass) as features:
        kp_source = model.keypoints(case["in.source"])
    assert kp_source.heatmap is not None
    tensors = named_keypoints("eval.kp_source", kp_source) | {
        "eval.kp_source.heatmap": kp_source.heatmap,
        "eval.kp_source.feature_map": features[0],
        "eval.kp_source.down": downsample(case["in.source"], model.config.keypoints.scale_factor),
    }
    if "in.driving" in case:
        tensors |= named_keypoints("eval.kp_driving", model.keypoints(case["in.driving"]))
    return tensors


@CASES
def test_keypoints(path: Path) -> None:
    case = load(path)
    case.need("in.source", "kp_detector.*", "generator.*", "eval.kp_*")
    Measured(case, keypoint_tensors).check(INFERENCE)


@CASES
def test_pyramid(path: Path) -> None:
    case = load(path)
    prefix = "eval.pyramid_driving.prediction_"
    case.need("in.driving", f"{prefix}*")

    def levels(case: Case) -> dict[str, Tensor]:
        return {f"{prefix}{name}": downsample(case["in.driving"], float(name)) for name in case.below(prefix)}

    Measured(case, levels).check(INFERENCE)


@torch.no_grad()
def generator_tensors(case: Case, rule: str) -> dict[str, Tensor]:
    model = build_model(case, rule)
    with outputs_of(model.motion.hourglass) as features:
        source = model.encode(case["in.source"])
        kp_driving = model.keypoints(case["in.driving"])
        made, motion = model.animate(source, kp_driving)
    size = (source.small.shape[2], source.small.shape[3])
    heatmaps = heatmap_difference(source.kp, kp_driving, size, variance=model.config.motion.kp_variance)
    warped = model.generator.warp_features(source.features, motion)
    assert motion.mask is not None and motion.sparse_deformed is not None
    assert (motion.occlusion is not None) == case.facts["config"]["gen"].get("estimate_occlusion_map", False)
    tensors = {
        "eval.dense.heatmap_representation": heatmaps.unsqueeze(2),
        "eval.dense.sparse_motion": sparse_motions(source.kp, kp_driving, size),
        f"{rule}.eval.dense.hourglass_out": features[0],
        f"{rule}.eval.generator.mask": motion.mask,
        f"{rule}.eval.generator.sparse_deformed": motion.sparse_deformed,
        f"{rule}.eval.generator.deformation": motion.deformation,
        f"{rule}.eval.generator.deformed": model.generator.warp_source(source.frame, motion),
        f"{rule}.eval.generator.bottleneck_in": warped,
        f"{rule}.eval.generator.bottleneck_out": model.generator.bottleneck(warped),
        f"{rule}.eval.generator.prediction": made,
    }
    if motion.occlusion is not None:
        tensors[f"{rule}.eval.generator.occlusion_map"] = motion.occlusion
    return tensors


@CASES
@RULES
def test_motion_and_generator(path: Path, rule: str) -> None:
    case = load(path)
    case.need("in.source", "in.driving", "kp_detector.*", "generator.*", f"{rule}.eval.generator.*")
    Measured(case, lambda case: generator_tensors(case, rule)).check(INFERENCE)


@torch.no_grad()
def discriminator_tensors(case: Case, shown: str, prefix: str) -> dict[str, Tensor]:
    config = config_of(case, "ac1").discriminator
    discriminator = load_discriminator(MultiScaleDiscriminator(config), case).eval()
    kp = Keypoints(case["eval.kp_driving.value"]) if config.use_kp else None
    verdicts = discriminator(pyramid(case[shown], config.scales), kp)
    tensors: dict[str, Tensor] = {}
    # The scale as their YAML spells it, 1 or 1.0, is part of the name.
    for scale, verdict in zip(case.facts["config"]["disc"]["scales"], verdicts, strict=True):
        tensors[f"{prefix}.prediction_map_{scale}"] = verdict.score
        tensors |= {f"{prefix}.feature_maps_{scale}.{index}": map_ for index, map_ in enumerate(verdict.features)}
    return tensors


@CASES
def test_discriminator(path: Path) -> None:
    case = load(path)
    case.need("in.source", "discriminator.*", "*eval.disc_*")
    config = config_of(case, "ac1").discriminator
    shown = {
        "eval.disc_real": "in.driving",
        "ac1.eval.disc_generated": "ac1.eval.generator.prediction",
        "ac0.eval.disc_generated": "ac0.eval.generator.prediction",
    }
    present = {prefix: frames for prefix, frames in shown.items() if case.below(f"{prefix}.")}
    case.need(*present.values(), *(["eval.kp_driving.value"] if config.use_kp else []))
    for prefix, frames in present.items():
        measured = Measured(
            case, lambda case, prefix=prefix, frames=frames: discriminator_tensors(case, frames, prefix)
        )
        measured.check(INFERENCE)


TRANSFERS = {
    "absolute": (False, False, False),
    "relative": (True, False, False),
    "relative_scale": (True, False, True),
    "absolute_scale": (False, False, True),
    "absolute_jac": (False, True, False),
    "absolute_jac_scale": (False, True, True),
    "relative_jac": (True, True, False),
    "relative_jac_scale": (True, True, True),
}


@torch.no_grad()
def clip_tensors(case: Case, rule: str, mode: str) -> dict[str, Tensor]:
    relative, relative_jacobian, adapt_scale = TRANSFERS[mode]
    model = build_model(case, rule)
    source = model.encode(case["in.source"][:1])
    kp_driving = model.keypoints(case["in.clip"])
    kp = transfer_motion(
        source.kp,
        kp_driving,
        kp_driving[0],
        relative=relative,
        relative_jacobian=relative_jacobian,
        adapt_scale=adapt_scale,
    )
    frames, _ = model.animate(source, kp)
    tensors = {f"{rule}.anim.{mode}.prediction": frames}
    return tensors | named_keypoints("anim.kp_driving", kp_driving) | named_keypoints(f"anim.{mode}.kp_norm", kp)


@CASES
@RULES
def test_clips(path: Path, rule: str) -> None:
    case = load(path)
    case.need("in.source", "in.clip", "kp_detector.*", "generator.*", f"{rule}.*")
    # Keypoints depend on no sampling rule, but a fixture may hold them without frames.
    modes = [mode for mode in TRANSFERS if case.below(f"anim.{mode}.") or case.below(f"{rule}.anim.{mode}.")]
    if not modes:
        pytest.skip(f"{case.name} has no animated clip")
    for mode in modes:
        Measured(case, lambda case, mode=mode: clip_tensors(case, rule, mode)).check(INFERENCE)


@CASES
@RULES
def test_reconstruction_metric(path: Path, rule: str) -> None:
    case = load(path)
    name = f"{rule}.reconstruction_l1"
    case.need("in.source", "in.clip", "kp_detector.*", "generator.*", name)

    @torch.no_grad()
    def distances(case: Case) -> dict[str, Tensor]:
        model = build_model(case, rule)
        frames, _ = model.animate(model.encode(case["in.clip"][:1]), model.keypoints(case["in.clip"]))
        return {name: l1(frames, case["in.clip"])}

    Measured(case, distances).check(INFERENCE)


def injected_transform(case: Case) -> SmoothTransform:
    points = case.tensors.get("train.transform.control_points")
    return SmoothTransform(
        case["train.transform.theta"],
        None if points is None else points.flatten(1, 2),
        case.tensors.get("train.transform.control_params"),
    )


THEIR_LOSSES = {"generator_gan": "gen_gan", "discriminator_gan": "disc_gan"}


def training_tensors(case: Case, rule: str) -> dict[str, Tensor]:
    """One iteration as the authors' train.py does it, before any optimizer moves.

    Returns:
        Losses and outputs under the authors' names, "gradient NET.NAME", its "norm NET.NAME" and "sums NET.NAME" of
        buffers under ours.
    """
    training = build_training(case, rule)
    training.nets.train()
    batch = Batch(case["in.source"], case["in.driving"])
    turn = Turn(0, torch.Generator())
    if "train.transform.theta" in case:
        turn.shared["transform"] = injected_transform(case)
    tensors: dict[str, Tensor] = {}
    for phase in training.phases():
        training.nets.zero_grad()
        with outputs_of(training.model.keypoints) as keypoints:
            losses = phase.losses(batch, turn)
        for name, kp in zip(("kp_source", "kp_driving", "transformed_kp"), keypoints, strict=False):
            prefix = f"{rule}.train" if name == "transformed_kp" else "train"
            tensors |= named_keypoints(f"{prefix}.generated.{name}", kp)
        torch.stack(list(losses.values())).sum().backward()
        tensors |= {f"{rule}.train.loss.{THEIR_LOSSES.get(name, name)}": value for name, value in losses.items()}
        for name, parameter in training.nets.named_parameters():
            if name.partition(".")[0] in phase.rates:
                gradient = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad.clone()
                tensors |= {f"gradient {name}": gradient, f"norm {name}": gradient.norm()}
    for name, buffer in training.nets.named_buffers():
        tensors[f"sums {name}"] = torch.stack([buffer.sum(), buffer.square().sum()]).double()
    tensors[f"{rule}.train.generated.prediction"] = turn.shared["prediction"]
    return {name: value.detach() for name, value in tensors.items()}


@CASES
@RULES
def test_training_step(path: Path, rule: str) -> None:
    case = load(path)
    case.need("in.source", "in.driving", "kp_detector.*", "generator.*", f"{rule}.train.*")
    objective = config_of(case, rule).objective
    if objective.uses_features:
        case.need("vgg.*")
    if objective.generator_gan:
        case.need("discriminator.*")
    if objective.equivariance_value or objective.equivariance_jacobian:
        case.need("train.transform.theta")
    step = Measured(case, lambda case: training_tensors(case, rule))

    losses = {name: value for name, value in case.tensors.items() if name.startswith(f"{rule}.train.loss.")}
    assert set(losses) <= set(step.ours)
    step.check(LOSS, relative=True, expected=losses)
    step.check(INFERENCE, expected={name: value for name, value in case.tensors.items() if name not in losses})
    scales = config_of(case, rule).discriminator.scales
    check_net(step, rule, "keypoints", "kp_detector", rename_keypoints)
    check_net(step, rule, "motion", "generator", rename_motion)
    check_net(step, rule, "generator", "generator", rename_generator)
    check_net(step, rule, "discriminator", "discriminator", lambda state: rename_discriminator(state, scales))


def check_net(step: Measured, rule: str, ours: str, theirs: str, rename: Rename) -> None:
    """Norms of all gradients, every element where the fixture has them, and sums of the buffers."""
    facts, dense = step.case.facts, rename(step.case.below(f"{rule}.train.grad.{theirs}."))
    norms = _as_tensors(facts.get("grad_norms", {}).get(f"{rule}.step", {}).get(theirs, {}), rename)
    expected = {f"norm {ours}.{name}": value for name, value in norms.items()}
    expected |= {f"gradient {ours}.{name}": value for name, value in dense.items()}
    assert set(expected) <= set(step.ours)
    step.check_gradients(GRADIENT, expected)
    # Running statistics and spectral vectors: no optimizer touches them. Weights after its step are not compared.
    sums = facts.get("after_one_step_checksums [sum,sumsq]", {}).get(f"{rule}.", {}).get(theirs, {})
    step.check(
        LOSS,
        relative=True,
        expected={f"sums {ours}.{name}": value for name, value in _as_tensors(sums, rename).items()},
    )


def _as_tensors(values: Mapping[str, float | list[float]], rename: Rename) -> dict[str, Tensor]:
    return rename({name: torch.tensor(value, dtype=torch.float64) for name, value in values.items()})


@CASES
@RULES
def test_transform(path: Path, rule: str) -> None:
    case = load(path)
    prefix = f"{rule}.train"
    case.need("in.driving", "train.transform.theta", f"{prefix}.*transform*")

    def transformed(case: Case) -> dict[str, Tensor]:
        transform = injected_transform(case)
        frame = transform.warp_frames(case["in.driving"], align_corners=rule == "ac1")
        tensors = {f"{prefix}.generated.transformed_frame": frame}
        if (points := case.tensors.get(f"{prefix}.generated.transformed_kp.value")) is not None:
            tensors[f"{prefix}.warp_of_transformed_kp"] = transform.warp_points(points)
            tensors[f"{prefix}.jac_of_transform_at_kp"] = transform.jacobian(points)
        return tensors

    Measured(case, transformed).check(INFERENCE)
