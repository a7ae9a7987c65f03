# pyright: strict
"""Defines the request of an evaluation and the networks that its protocols measure with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from kinema.blocks.features import PerceptualFeatures
from kinema.core.progress import Advanced, Progress, Told, ignore
from kinema.core.request import Request, Seed
from kinema.evaluation.doubts import measure_familiarity, unfamiliar_line
from kinema.systems.abilities import AnimationPipeline
from kinema.video.info import Image

Protocol = Literal["reconstruction", "cross_look", "prediction", "parts", "repose", "smile", "play", "head"]
Perceptual = Literal["efficientnet_lite0", "vgg19", "none"]
REPEAT = "repeat_source"


class EvaluateRequest(Request):
    """A request to measure a model.

    Attributes:
        model: shipped model, model folder, or folder of a run.
        folder: folder of clips; if its ``index.csv`` has a split column, only the test rows are used.
        protocol: a key of ``kinema.evaluation.protocols.PROTOCOLS``.
        perceptual: network of the perceptual distance, or "none" to leave the distance out.
        face: also measure with dlib's networks (extra ``dlib``): AKD and AED, identity and label of smiles, or
            landmarks, identity and jitter of heads.
        poses: also find joints with the pose detector (extra ``pose``), in the protocol repose.
        seed: of the bootstrap, of random actions, and of the pairs of people if the folder lists none.
        limit: at most this many clips, or pairs of people, for a quick look; None: all.
        beside: another model, measured on the same frames: in the protocol smile one that predicts, in the protocol
            head one that animates by keypoints.
    """

    model: str
    folder: Path
    protocol: Protocol = "reconstruction"
    perceptual: Perceptual = "efficientnet_lite0"
    face: bool = False
    poses: bool = False
    seed: Seed = 0
    limit: int | None = Field(default=None, ge=1)
    beside: str | None = None


@dataclass(frozen=True)
class Instruments:
    """The networks that a protocol measures with, loaded once.

    Attributes:
        features: perceptual network, or None if the distance is left out.
        beside: the other model that is measured on the same frames, or None.
        progress: called after every clip.
    """

    features: PerceptualFeatures | None = None
    beside: AnimationPipeline | None = None
    progress: Progress = ignore

    def know(
        self, pipeline: AnimationPipeline, request: EvaluateRequest, images: Sequence[Image]
    ) -> dict[str, Any] | None:
        """Measures how familiar pictures uint8 (H, W, 3), one a clip, are to the model; tells where they are not."""
        measured = measure_familiarity(pipeline, images)
        line = unfamiliar_line(request.folder, request.model, measured)
        if line is not None:
            self.progress(Told(line))
        return measured

    def advance(self, done: int, total: int | None) -> None:
        """Reports how many clips are measured."""
        self.progress(Advanced("measuring", done, total))
