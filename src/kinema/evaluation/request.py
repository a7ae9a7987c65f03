"""What the protocols of evaluation share: the request, the clips, means with intervals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from kinema.blocks.features import PerceptualFeatures

Protocol = Literal["reconstruction", "cross_look", "prediction", "parts", "repose", "smile", "play"]
REPEAT = "repeat_source"


@dataclass(frozen=True)
class EvaluateRequest:
    """What to measure.

    Attributes:
        folder: of clips; with an ``index.csv`` that has a split column only its test rows are used.
        protocol: a key of ``kinema.evaluation.protocols.PROTOCOLS``.
        features: perceptual network, or None to leave the perceptual distance out.
        face: also measure what dlib's networks see (extra ``face``): AKD and AED, or who smiles and how.
        poses: also look for joints with the pose detector (extra ``pose``), in protocols of people.
        seed: of the bootstrap, of pairs of people where the folder lists none, and of random actions.
        limit: at most this many clips, or pairs of people, for a quick look; None takes all.
        beside: another model's pipeline that is measured on the same frames, in the protocol smile one that predicts.
        on_progress: clips done, clips in all.
    """

    folder: Path
    protocol: Protocol = "reconstruction"
    features: PerceptualFeatures | None = None
    face: bool = False
    poses: bool = False
    seed: int = 0
    limit: int | None = None
    beside: Any = None
    on_progress: Callable[[int, int | None], None] | None = None
