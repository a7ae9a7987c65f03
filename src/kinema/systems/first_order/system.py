"""Registers first_order as a system."""

from __future__ import annotations

from kinema.systems.clip_examples import read_frame_pairs
from kinema.systems.first_order.config import FirstOrderConfig
from kinema.systems.first_order.model import FirstOrderModel
from kinema.systems.first_order.objective import FirstOrderTraining
from kinema.systems.first_order.pipeline import FirstOrderPipeline
from kinema.systems.first_order.presets import PRESETS
from kinema.systems.inference_work import Bench, animation_work
from kinema.systems.system import System

SYSTEM = System(
    name="first_order",
    summary="a still moves as a driving video does",
    config=FirstOrderConfig,
    presets=PRESETS,
    make_training=FirstOrderTraining,
    make_model=FirstOrderModel,
    make_pipeline=FirstOrderPipeline,
    model_nets=("keypoints", "motion", "generator"),
    read_examples=read_frame_pairs,
    bench=Bench("vox_256", animation_work),
)
