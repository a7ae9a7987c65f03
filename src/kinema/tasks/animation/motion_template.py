# pyright: strict, reportUnknownMemberType=false
"""Reads and writes the motion of a driving clip as JSON: its keypoints over time, without its pixels."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import torch
from pydantic import Field, FiniteFloat, ValidationError
from torch import Tensor

from kinema.core.checks import InputError
from kinema.core.config import Config, first_complaint
from kinema.core.types import Keypoints
from kinema.systems.abilities import AnimationPipeline
from kinema.tasks.animation.template_file import TemplateFile

# Ten keypoints with Jacobians take 1 kB a frame: an hour and a half at 25 frames a second.
MAX_BYTES = 128 * 2**20

Point = tuple[FiniteFloat, FiniteFloat]
# Row by row; a single number is one variance for both axes.
Matrix = tuple[FiniteFloat, FiniteFloat, FiniteFloat, FiniteFloat] | tuple[FiniteFloat]
_SIDES = {1: (1, 1), 4: (2, 2)}
Time = Annotated[str, Field(pattern=r"^\d{1,12}(/\d{1,12})?$", description="seconds, such as 1001/30000")]


class TemplateFrame(Config):
    """The keypoints of one frame, in the coordinates of the model's frames."""

    time: Time
    value: tuple[Point, ...] = Field(min_length=1, max_length=1000)
    jacobian: tuple[Matrix, ...] | None = None
    covariance: tuple[Matrix, ...] | None = None


class TemplateHead(Config):
    """What the motion is of."""

    kinema: Literal["motion"]
    version: Literal[1]
    model: str = Field(description="SHA-256 of the weights whose detector found the keypoints")
    frame_rate: Time
    source: str = Field(description="name of the driving clip")


@dataclass(frozen=True)
class MotionTemplate:
    """Keypoints over time.

    Attributes:
        head: what they are of.
        times: of the frames, in seconds.
        keypoints: (T, K, 2) points with what else the detector gives.
    """

    head: TemplateHead
    times: tuple[Fraction, ...]
    keypoints: Keypoints

    @property
    def frame_rate(self) -> Fraction:
        """Frames a second."""
        return Fraction(self.head.frame_rate)


class TemplateWriter(TemplateFile):
    """Writes a template frame by frame; the file appears when the ``with`` block ends without error."""

    def __init__(self, path: Path, pipeline: AnimationPipeline, driving: Path, frame_rate: Fraction) -> None:
        """Takes where to write, whose keypoints they are, and the clip that they are of."""
        head = {"kinema": "motion", "version": 1, "model": pipeline.digest}
        super().__init__(path, head | {"frame_rate": str(frame_rate), "source": driving.name})

    def write(self, kp: Keypoints, times: list[Fraction]) -> None:
        """Adds the (B, K, 2) keypoints of frames at B times."""
        for row, time in enumerate(times):
            frame: dict[str, Any] = {"time": str(time)}
            for name in ("value", "jacobian", "covariance"):
                tensor: Tensor | None = getattr(kp, name)
                if tensor is not None:
                    # Nine digits hold a float32 exactly.
                    lines = cast(list[list[float]], tensor[row].flatten(1).tolist())
                    frame[name] = [[_short(number) for number in line] for line in lines]
            self.write_frame(frame)


def read_template(path: Path, pipeline: AnimationPipeline) -> MotionTemplate:
    """A template of the motion that a model's detector found.

    Args:
        path: of the file.
        pipeline: of the model that shall follow it.

    Raises:
        InputError: the file is no template, or another model found its keypoints.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise InputError(f"{path}: has {size / 2**20:.0f} MiB, a motion template has at most {MAX_BYTES >> 20}")
        values = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); give a motion template") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is not JSON; give a motion template that --save-motion wrote") from error
    named = cast(dict[str, Any], values) if isinstance(values, dict) else {}
    if named.get("kinema") != "motion":
        raise InputError(f"{path}: is no motion template; --save-motion writes one")
    frames = named.pop("frames", None)
    head = TemplateHead.parse(named, origin=str(path))
    if head.model != pipeline.digest:
        raise InputError(f"{path}: its keypoints are another model's; give --model as when it was saved, or the clip")
    if not isinstance(frames, list) or not frames:
        raise InputError(f"{path}: holds no frames; save it again")
    rows = list(_rows(cast(list[Any], frames), path))
    return MotionTemplate(head, tuple(Fraction(row.time) for row in rows), _stacked(rows, path))


def _rows(frames: list[Any], path: Path) -> Iterator[TemplateFrame]:
    last = Fraction(-1)
    for number, frame in enumerate(frames):
        try:
            row = TemplateFrame.model_validate(frame)
            time = Fraction(row.time)
        except ValidationError as error:
            raise InputError(f"{path}: frame {number}: {first_complaint(error, TemplateFrame)}") from error
        except ZeroDivisionError as error:
            raise InputError(f"{path}: frame {number}: time {frame['time']} is no number") from error
        if time <= last:
            raise InputError(f"{path}: frame {number}: its time {row.time} is not after the one before")
        last = time
        yield row


def _stacked(rows: list[TemplateFrame], path: Path) -> Keypoints:
    tensors: dict[str, Tensor] = {}
    for name in ("value", "jacobian", "covariance"):
        given = [getattr(row, name) for row in rows]
        if all(value is None for value in given):
            continue
        try:
            rows_of = torch.tensor(given, dtype=torch.float32)  # (T, K, 1, 2 or 4 numbers)
            tensors[name] = rows_of if name == "value" else rows_of.unflatten(-1, _SIDES[rows_of.shape[-1]])
        except (TypeError, ValueError) as error:
            raise InputError(f"{path}: its frames have different numbers of keypoints; save it again") from error
    counts = {tensor.shape[:2] for tensor in tensors.values()}
    if len(counts) != 1:
        raise InputError(f"{path}: its frames have different numbers of keypoints; save it again")
    return Keypoints(**tensors)


def _short(number: float) -> float:
    return float(f"{number:.9g}")
