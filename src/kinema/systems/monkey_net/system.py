"""Registers monkey_net as a system."""

from __future__ import annotations

import torch
from torch import Tensor

from kinema.systems.clip_examples import read_frame_pairs
from kinema.systems.inference_work import Bench, animation_work
from kinema.systems.monkey_net.config import MonkeyNetConfig
from kinema.systems.monkey_net.model import MonkeyNetModel
from kinema.systems.monkey_net.objective import MonkeyNetTraining
from kinema.systems.monkey_net.pipeline import MonkeyNetPipeline
from kinema.systems.monkey_net.prediction import PredictorTraining, prediction_config, sequence_source
from kinema.systems.monkey_net.presets import PRESETS
from kinema.systems.system import Stage, System


def adopt_first_order(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights of a first_order model as far as monkey_net has a place for them; any shape.

    Both hourglasses stay. The 7x7 heads are folded to 3x3, the masks' also gets rows of zeros for the correction;
    Jacobians, occlusion and generator have no place.
    """
    kept = {name: value for name, value in state.items() if ".hourglass." in name}
    if "keypoints.heatmap_head.weight" in state:
        kept["keypoints.heatmap_head.weight"] = _fold_kernel(state["keypoints.heatmap_head.weight"])
        kept["keypoints.heatmap_head.bias"] = state["keypoints.heatmap_head.bias"]
    if "motion.mask_head.weight" in state:
        weight, bias = _fold_kernel(state["motion.mask_head.weight"]), state["motion.mask_head.bias"]
        kept["motion.head.weight"] = torch.cat([weight, torch.zeros_like(weight[:2])])
        kept["motion.head.bias"] = torch.cat([bias, torch.zeros_like(bias[:2])])
    return kept


def _fold_kernel(weight: Tensor) -> Tensor:
    """(C', C, 7, 7) to (C', C, 3, 3) that answers the same where features are even: what lies outside joins the rim."""
    rows = torch.stack([weight[:, :, :3].sum(dim=2), weight[:, :, 3], weight[:, :, 4:].sum(dim=2)], dim=2)
    return torch.stack([rows[..., :3].sum(dim=3), rows[..., 3], rows[..., 4:].sum(dim=3)], dim=3)


SYSTEM = System(
    name="monkey_net",
    summary="a still moves as a driving video does, by keypoints that only shift, or as the model guesses",
    config=MonkeyNetConfig,
    presets=PRESETS,
    make_training=MonkeyNetTraining,
    make_model=MonkeyNetModel,
    make_pipeline=MonkeyNetPipeline,
    model_nets=("keypoints", "motion", "generator", "predictor"),
    read_examples=read_frame_pairs,
    bench=Bench("vox", animation_work),
    stages={"predictor": Stage(prediction_config, PredictorTraining, sequence_source)},
    adopt={"first_order": adopt_first_order},
)
