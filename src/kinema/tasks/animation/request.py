# pyright: strict
"""Defines what to animate, by what, and how; and what was written."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from kinema.core.request import Request
from kinema.framing.window import CropMode
from kinema.tasks.animation.template_file import SUFFIX
from kinema.video.excerpt import Excerpt

# A preview takes every so many frames.
PREVIEW_STRIDE = 10
Anchor = Literal["auto", "first"] | int
# The model is chosen by what the pictures show.
AUTO = "auto"


class AnimateRequest(Request):
    """What to animate, by what, and how.

    Attributes:
        source: picture file, or a video whose first frame is taken.
        driving: video file, animated picture, folder of frames, or a motion template (.json).
        output: file to write; its suffix decides the kind.
        relative: add the driving movement to the source's pose, instead of taking the driving pose.
        adapt_scale: fit movements to the size of the source's object.
        anchor: driving frame posed like the source: "auto", "first" or an index.
        crop: part of the source that is animated, as in the pipeline's ``prepare``.
        crop_driving: part of the driving clip that is used, decided on its first frame; None: "none" if ``crop`` is
            "none", else "auto".
        side_by_side: write source, driving and result beside each other.
        sound: keep the driving sound.
        lock_background: keep the source's own pixels outside the moving object, by the parts that a model finds; None:
            head models keep it, by the person's outline, others do not.
        parts_model: co_part model that finds them where ``model`` has no parts of its own.
        adapt_variance: monkey_net: carry the keypoints' change of shape over too.
        clip_mean: monkey_net: keep moved keypoints inside the frame.
        motion: how far the source moves: 1 as far as the driving clip, 0.5 half as far, 0 not at all.
        start: seconds; driving frames before it are left out, and so is their sound.
        end: seconds; driving frames from it on are left out. None: to the end.
        max_frames: at most so many driving frames.
        preview: every tenth driving frame at half the size, to see quickly what comes.
        save_motion: .json to write: the driving keypoints, which may drive other stills in place of the clip.
        alpha: write how much each pixel belongs to the object, by the parts that a model finds, as transparency.
        expression: head: strength of what the driving face shows; multiplied by ``motion``, as the next two.
        pose: head: strength of the head's turns.
        shift: head: strength of the head's movement across the picture, and to and from the camera.
        mouth: head: "borrow" shows the inside of the driver's mouth in the photo's light, "paint" painted teeth.
        face: head: which face of the source moves, from left to right, 1 the first; "all": each of them.
        driving_face: head: which face of the driving clip's first frame drives; None: the largest.
        smooth: head: remove the trembling of the tracker.
        onto_video: head: the source is a clip that keeps its frames, times and motion; its face takes the driver's
            expression, until the driving clip ends.
        model: shipped model, model folder, or folder of a run; "auto" chooses by what the pictures show.
    """

    source: Path
    driving: Path
    output: Path
    relative: bool = True
    adapt_scale: bool = False
    anchor: Anchor = "auto"
    crop: CropMode = "auto"
    crop_driving: CropMode | None = None
    side_by_side: bool = False
    sound: bool = True
    lock_background: bool | None = None
    parts_model: str = "co_part-emoji"
    adapt_variance: bool = False
    clip_mean: bool = False
    motion: float = Field(default=1.0, ge=0, le=4)
    start: Fraction = Field(default=Fraction(0), ge=0)
    end: Fraction | None = None
    max_frames: int | None = Field(default=None, ge=1)
    preview: bool = False
    save_motion: Path | None = None
    alpha: bool = False
    expression: float = Field(default=1.0, ge=0, le=3)
    pose: float = Field(default=1.0, ge=0, le=3)
    shift: float = Field(default=1.0, ge=0, le=3)
    mouth: Literal["borrow", "paint"] = "borrow"
    face: int | Literal["all"] | None = None
    driving_face: int | None = Field(default=None, ge=1)
    smooth: bool = True
    onto_video: bool = False
    model: str = AUTO

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.side_by_side and (self.alpha or self.driving.suffix.lower() == SUFFIX):
            raise ValueError("side_by_side shows driving pictures on opaque ground: leave alpha and templates to it")
        if self.end is not None and self.end <= self.start:
            raise ValueError(f"end {float(self.end):g} is not after start {float(self.start):g}")
        return self


@dataclass(frozen=True)
class AnimateResult:
    """What was written.

    Attributes:
        path: of the file.
        frames: written.
        anchor: index of the driving frame that was used as anchor; None in absolute mode.
        size: (height, width) of the result, without the pictures beside it.
        frame_rate: of the result.
    """

    path: Path
    frames: int
    anchor: int | None
    size: tuple[int, int]
    frame_rate: Fraction


def excerpt_of(request: AnimateRequest) -> Excerpt:
    """The driving frames that a request uses; a preview takes every tenth."""
    return Excerpt(request.start, request.end, request.max_frames, PREVIEW_STRIDE if request.preview else 1)
