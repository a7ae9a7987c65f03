"""monkey_net as an entry of the list of systems."""

from __future__ import annotations

from kinema.systems.monkey_net.config import MonkeyNetConfig
from kinema.systems.monkey_net.model import MonkeyNetModel
from kinema.systems.monkey_net.objective import MonkeyNetTraining
from kinema.systems.monkey_net.pipeline import MonkeyNetPipeline
from kinema.systems.monkey_net.presets import PRESETS
from kinema.systems.system import System

SYSTEM = System(
    name="monkey_net",
    summary="a still moves as a driving video does, by keypoints that only shift",
    config=MonkeyNetConfig,
    presets=PRESETS,
    make_training=MonkeyNetTraining,
    make_model=MonkeyNetModel,
    make_pipeline=MonkeyNetPipeline,
    model_nets=("keypoints", "motion", "generator"),
)
