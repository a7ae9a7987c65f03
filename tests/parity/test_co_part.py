"""Our co_part against the authors' code, whatever cases the fixture folder holds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from kinema.blocks.vgg import Vgg19Features
from kinema.core.types import Keypoints
from kinema.data.samples.batches import Batch
from kinema.motion.dense import DenseMotion, DenseMotionConfig
from kinema.motion.parts import part_motion
from kinema.motion.sparse import sparse_motions
from kinema.ops.pyramid import antialias_kernel, downsample
from kinema.ops.thin_plate import SmoothTransform
from kinema.synthesis.part_swap import swap_parts
from kinema.systems.co_part.config import CoPartConfig
from kinema.systems.co_part.model import CoPartModel
from kinema.systems.co_part.objective import CoPartTraining
from kinema.systems.co_part.system import adopt_first_order
from kinema.train.phases import Turn
from kinema.weights.authors.co_part import convert_co_part_config, rename_reconstruction, rename_segmentation
from kinema.weights.authors.first_order import rename_generator, rename_keypoints, rename_motion

from .fixture import FOLDER, GRADIENT, INFERENCE, LOSS, Case, Measured, case_parameters, load, outputs_of

CASES = pytest.mark.parametrize("path", case_parameters("coseg/*.json"))
BLOCKS = pytest.mark.parametrize("path", case_parameters("blocks/coseg*.json"))
RULES = pytest.mark.parametrize("rule", ["ac1", "ac0"])
NETS = (
    ("keypoints", "segmentation_module", rename_segmentation),
    ("generator", "reconstruction_module", rename_reconstruction),
)


def config_of(case: Case, rule: str) -> CoPartConfig:
    facts = case.facts["config"]
    model = {
        "common_params": facts["common"],
        "segmentation_module_params": facts["seg"],
        "reconstruction_module_params": facts["rec"],
    }
    config = convert_co_part_config(model, facts.get("train"), size=tuple(case["in.source"].shape[2:]))
    return config.override([f"generator.align_corners={str(rule == 'ac1').lower()}"])


def load_weights(model: CoPartModel, case: Case) -> CoPartModel:
    """The case's weights, in its precision."""
    model.to(case["in.source"].dtype)
    model.keypoints.load_state_dict(rename_segmentation(case.below("segmentation_module.")))
    model.generator.load_state_dict(rename_reconstruction(case.below("reconstruction_module.")))
    return model


def named_parts(prefix: str, kp: Keypoints) -> dict[str, Tensor]:
    tensors = {"shift": kp.value, "affine": kp.jacobian, "segmentation": kp.segmentation}
    return {f"{prefix}.{name}": value for name, value in tensors.items() if value is not None}


def made_tensors(model: CoPartModel, case: Case, rule: str) -> dict[str, Tensor]:
    source, kp_target = model.encode(case["in.source"]), model.keypoints(case["in.target"])
    frames, motion = model.animate(source, kp_target)
    size = (motion.deformation.shape[1], motion.deformation.shape[2])
    tensors = named_parts("eval.seg_source", source.kp) | named_parts("eval.seg_target", kp_target)
    tensors |= {
        "eval.deformation": motion.deformation,
        "eval.segment_motion": sparse_motions(source.kp, kp_target, size),
        f"{rule}.eval.reconstruction.deformed": model.generator.warp_source(source.frame, motion),
        f"{rule}.eval.reconstruction.prediction": frames,
    }
    if motion.occlusion is not None:
        features = (source.features.shape[2], source.features.shape[3])
        visible = F.interpolate(motion.occlusion, size=features, mode="bilinear", align_corners=False)
        tensors[f"{rule}.eval.reconstruction.visibility_maps"] = visible
    return tensors


@CASES
@RULES
def test_parts_and_reconstruction(path: Path, rule: str) -> None:
    case = load(path)
    case.need("in.source", "in.target", "segmentation_module.*", f"{rule}.eval.*")

    @torch.no_grad()
    def tensors(case: Case) -> dict[str, Tensor]:
        return made_tensors(load_weights(CoPartModel(config_of(case, rule)), case).eval(), case, rule)

    measured = Measured(case, tensors)
    assert {name for name in case.tensors if name.startswith(("eval.", f"{rule}.eval."))} <= set(measured.ours)
    measured.check(INFERENCE)


def parsed(frames: Tensor, case: Case) -> Tensor:
    """What the fixture's stand-in for a face parser says of (B, 3, H, W) frames: (B, 19, 512, 512)."""
    large = F.interpolate(frames, size=(512, 512), mode="nearest")
    mean, std = (torch.tensor(v).view(1, 3, 1, 1).to(frames) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    return F.conv2d((large - mean) / std, case["parser.weight"], case["parser.bias"]).softmax(dim=1)


@torch.no_grad()
def swap_tensors(case: Case, rule: str) -> dict[str, Tensor]:
    model, facts = load_weights(CoPartModel(config_of(case, rule)), case).eval(), case.facts["config"]
    source, clip = model.encode(case["in.source"][:1]), case["in.clip"]
    tensors = {
        f"{rule}.swap.unsup_hard{hard}_usesrc{of}": model.swap(
            source, clip, facts["swap"], hard=bool(hard), of_source=bool(of)
        )[0]
        for hard in (0, 1)
        for of in (0, 1)
    }
    if "parser.weight" not in case:
        return tensors
    kp_target = model.keypoints(clip)
    motions = {"sup": part_motion(source.kp, kp_target, visibility=model.config.visibility)}
    if case.below("fomm_dense_motion_network."):
        network = dense_motion(case, rule)
        motion = network(network.shrink(source.frame), source.kp, kp_target)
        # A generator trained without visibility leaves that of dense motion out.
        motions["sup_fomm"] = motion if model.config.visibility else replace(motion, occlusion=None)
    for name, motion in motions.items():
        for of in (0, 1):
            masks = parsed(source.frame if of else clip, case)[:, facts["sup_swap"]].sum(dim=1, keepdim=True)
            made, _ = swap_parts(
                model.generator, (source.frame, source.features), clip, motion, masks, of_source=bool(of)
            )
            tensors[f"{rule}.swap.{name}_usesrc{of}"] = made
    return tensors


def dense_motion(case: Case, rule: str) -> DenseMotion:
    """The first_order motion that their part swap may use instead, its widths read off its weights."""
    state = rename_motion({f"dense_motion_network.{k}": v for k, v in case.below("fomm_dense_motion_network.").items()})
    blocks = sum(name.startswith("hourglass.down_blocks.") and name.endswith("conv.weight") for name in state)
    blur = case.tensors.get("fomm_dense_motion_network.down.weight")
    sides = {len(antialias_kernel(scale)): scale for scale in (0.5, 0.25, 0.125)}
    scale = 1.0 if blur is None else sides[blur.shape[-1]]
    config = DenseMotionConfig(
        num_kp=len(state["mask_head.bias"]) - 1,
        block_expansion=len(state[f"hourglass.up_blocks.{blocks - 1}.conv.bias"]),
        max_features=len(state[f"hourglass.down_blocks.{blocks - 1}.conv.bias"]),
        num_blocks=blocks,
        scale_factor=scale,
        align_corners=rule == "ac1",
    )
    network = DenseMotion(config).to(case["in.source"].dtype).eval()
    network.load_state_dict(state)
    return network


@CASES
@RULES
def test_swaps(path: Path, rule: str) -> None:
    case = load(path)
    case.need("in.source", "in.clip", f"{rule}.swap.*")
    measured = Measured(case, lambda case: swap_tensors(case, rule))
    assert {name for name in case.tensors if name.startswith(f"{rule}.swap.")} <= set(measured.ours)
    measured.check(INFERENCE)


def transform_of(case: Case, prefix: str) -> SmoothTransform:
    points = case.tensors.get(f"{prefix}.control_points")
    params = case.tensors.get(f"{prefix}.control_params")
    return SmoothTransform(case[f"{prefix}.theta"], None if points is None else points.flatten(1, 2), params)


def training_tensors(case: Case, rule: str) -> dict[str, Tensor]:
    """One iteration before the optimizer moves: losses and outputs, and gradients under our names."""
    config = config_of(case, rule)
    features = None
    if config.objective.uses_features:
        features = Vgg19Features.from_state(case.below("vgg.")).to(case["in.source"].dtype)
    training = CoPartTraining(config, features)
    load_weights(training.model, case)
    training.nets.train()
    turn = Turn(0, torch.Generator())
    transform = turn.shared["transform"] = transform_of(case, "train.transform")
    with outputs_of(training.model.keypoints) as seen:
        losses = training.animate_losses(Batch(case["in.source"], case["in.target"]), turn)
    torch.stack(list(losses.values())).sum().backward()
    tensors = {f"{rule}.train.loss.{name}": value for name, value in losses.items()}
    for name, kp in zip(("seg_source", "seg_target", "transformed_seg"), seen, strict=True):
        tensors |= named_parts(f"{rule}.train.generated.{name}" if "trans" in name else f"train.generated.{name}", kp)
    tensors[f"{rule}.train.generated.prediction"] = turn.shared["prediction"]
    tensors[f"{rule}.train.generated.transformed_frame"] = transform.warp_frames(
        case["in.target"], padding="border", align_corners=rule == "ac1"
    )
    for name, parameter in training.nets.named_parameters():
        gradient = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad.clone()
        tensors |= {f"gradient {name}": gradient, f"norm {name}": gradient.norm()}
    return {name: value.detach() for name, value in tensors.items()}


@CASES
@RULES
def test_training_step(path: Path, rule: str) -> None:
    case = load(path)
    case.need("in.source", "in.target", "train.transform.theta", f"{rule}.train.*")
    step = Measured(case, lambda case: training_tensors(case, rule))
    losses = {name: value for name, value in case.tensors.items() if name.startswith(f"{rule}.train.loss.")}
    assert losses and set(losses) <= set(step.ours)
    step.check(LOSS, relative=True, expected=losses)
    step.check(INFERENCE, expected={name: value for name, value in case.tensors.items() if name not in losses})
    for ours, theirs, rename in NETS:
        norms = case.facts["grad_norms"].get(f"{rule}.step", {}).get(theirs, {})
        norms = rename(
            {name: torch.tensor(value, dtype=torch.float64) for name, value in norms.items() if value is not None}
        )
        dense = rename(case.below(f"{rule}.train.grad.{theirs}."))
        expected = {f"norm {ours}.{name}": value for name, value in norms.items()}
        expected |= {f"gradient {ours}.{name}": value for name, value in dense.items()}
        step.check_gradients(GRADIENT, expected)


@pytest.mark.parametrize("path", case_parameters("coseg/from_fomm_*.json"))
def test_weights_of_first_order_begin_it(path: Path) -> None:
    """Theirs through our adoption give the network that they loaded, but for the segmentation head, drawn anew."""
    case, origin = load(path), load(FOLDER / "fomm" / f"{path.stem.removeprefix('from_fomm_')}.json")
    given = {f"keypoints.{k}": v for k, v in rename_keypoints(origin.below("kp_detector.")).items()}
    given |= {f"motion.{k}": v for k, v in rename_motion(origin.below("generator.")).items()}
    given |= {f"generator.{k}": v for k, v in rename_generator(origin.below("generator.")).items()}
    adopted = adopt_first_order(given)
    facts = origin.facts["config"]
    keypoints = {k: v for k, v in facts["kp"].items() if k not in ("pad", "single_jacobian_map")}
    rec = {k: v for k, v in facts["gen"].items() if k not in ("dense_motion_params", "estimate_occlusion_map")}
    common = {"num_segments": facts["common"]["num_kp"], "num_channels": 3, "estimate_affine_part": True}
    built = {"config": {"common": common, "seg": keypoints, "rec": rec | {"estimate_visibility": True}}}
    tensors = {"in.source": origin["in.source"], "in.target": origin["in.driving"]} | case.tensors
    whole = Case(case.name, built, tensors)

    @torch.no_grad()
    def made(case: Case) -> dict[str, Tensor]:
        model = CoPartModel(config_of(case, "ac1")).to(case["in.source"].dtype).eval()
        head = rename_segmentation(case.below("segmentation_module."))
        head = {f"keypoints.{k}": v for k, v in head.items() if k.startswith("segmentation_head.")}
        model.load_state_dict(adopted | head)
        return made_tensors(model, case, "ac1")

    measured = Measured(whole, made)
    assert {name for name in case.tensors if "eval." in name} <= set(measured.ours)
    measured.check(INFERENCE)


@BLOCKS
def test_blocks(path: Path) -> None:
    case = load(path)

    def tensors(case: Case) -> dict[str, Tensor]:
        transform = transform_of(case, "transform")
        made = {
            "transform.warp": transform.warp_points(case["transform.coords"]),
            "transform.affine": transform.jacobian(case["transform.coords"]),
        }
        for rule in ("ac1", "ac0"):
            made[f"{rule}.transform.frame"] = transform.warp_frames(
                case["in.x"], padding="border", align_corners=rule == "ac1"
            )
        for name in case.below("antialias."):
            made[f"antialias.{name}"] = downsample(case["in.x"][:, :1], float(name.removesuffix(".out")))
        return made

    Measured(case, tensors).check(INFERENCE)
