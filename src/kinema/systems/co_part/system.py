"""Registers co_part as a system."""

from __future__ import annotations

from torch import Tensor

from kinema.systems.clip_examples import read_frame_pairs
from kinema.systems.co_part.config import CoPartConfig
from kinema.systems.co_part.model import CoPartModel
from kinema.systems.co_part.objective import CoPartTraining
from kinema.systems.co_part.pipeline import CoPartPipeline
from kinema.systems.co_part.presets import PRESETS
from kinema.systems.inference_work import Bench, animation_work
from kinema.systems.system import System


def adopt_first_order(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights of a first_order model as far as co_part has a place for them; any shape.

    Keypoints become parts, the generator stays, dense motion has no place. One Jacobian map shared by all keypoints
    is given to each part.
    """
    kept = {name: value for name, value in state.items() if not name.startswith("motion.")}
    heads = kept.get("keypoints.heatmap_head.weight")
    for name in ("keypoints.jacobian_head.weight", "keypoints.jacobian_head.bias"):
        if heads is not None and name in kept and len(kept[name]) == 4:
            kept[name] = kept[name].repeat(len(heads), *[1] * (kept[name].ndim - 1))
    return kept


SYSTEM = System(
    name="co_part",
    summary="a still moves part by part as a driving video does, and parts can be swapped",
    config=CoPartConfig,
    presets=PRESETS,
    make_training=CoPartTraining,
    make_model=CoPartModel,
    make_pipeline=CoPartPipeline,
    model_nets=("keypoints", "generator"),
    read_examples=read_frame_pairs,
    bench=Bench("vox_5", animation_work),
    adopt={"first_order": adopt_first_order},
)
