"""What the protocols of evaluation share: the request, and the instruments that they measure with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from kinema.blocks.features import PerceptualFeatures
from kinema.core.progress import Advanced, Progress, ignore
from kinema.core.request import Request, Seed
from kinema.systems.abilities import AnimationPipeline

Protocol = Literal["reconstruction", "cross_look", "prediction", "parts", "repose", "smile", "play", "head"]
Perceptual = Literal["efficientnet_lite0", "vgg19", "none"]
REPEAT = "repeat_source"


class EvaluateRequest(Request):
    """What to measure.

    Attributes:
        model: shipped model, model folder, or folder of a run.
        folder: of clips; with an ``index.csv`` that has a split column only its test rows are used.
        protocol: a key of ``kinema.evaluation.protocols.PROTOCOLS``.
        perceptual: network of the perceptual distance, or "none" to leave the distance out.
        face: also measure what dlib's networks see (extra ``face``): AKD and AED, who smiles and how, or how
            a head follows.
        poses: also look for joints with the pose detector (extra ``pose``), in protocols of people.
        seed: of the bootstrap, of pairs of people where the folder lists none, and of random actions.
        limit: at most this many clips, or pairs of people, for a quick look; None takes all.
        beside: in the protocol smile another model, one that predicts, in the protocol head one that animates by
            keypoints, measured on the same frames.
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
    """What a protocol measures with, loaded once.

    Attributes:
        features: perceptual network, or None where the distance is left out.
        beside: the other model that is measured on the same frames, or None.
        progress: who is told of every clip.
    """

    features: PerceptualFeatures | None = None
    beside: AnimationPipeline | None = None
    progress: Progress = ignore

    def advance(self, done: int, total: int | None) -> None:
        """Tells how many clips are measured."""
        self.progress(Advanced("measuring", done, total))
