# pyright: strict
"""Puts parts of a source still onto a target picture or video; streamed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from kinema.core.checks import InputError
from kinema.core.progress import Advanced, Progress, ignore
from kinema.core.request import Request
from kinema.framing.blend import blend_over
from kinema.framing.pixels import to_frames
from kinema.framing.window import CropMode, Framing
from kinema.runtime.models import Models
from kinema.systems.abilities import PartsPipeline
from kinema.tasks.segmenter import Parser, open_parser
from kinema.video import Frame, VideoWriter, open_video, read_image, side_by_side, write_image
from kinema.video.frame_batches import frame_groups
from kinema.video.writing.picture_or_video import STILL_SUFFIXES

# Below this alpha a pixel counts as the target's own.
FAINT = 0.05


class SwapRequest(Request):
    """Which parts go from where to where.

    Attributes:
        source: picture file, or a video whose first frame is taken.
        target: picture, video, animated picture or folder of frames.
        output: file to write.
        parts: 0 is the background, 1 to K the parts, or the classes of ``parser``.
        hard: take each pixel wholly from one side instead of blending.
        of_source: take the parts' outline from the source, moved; otherwise from the target.
        parser: .onnx network or index masks whose classes take the place of the model's parts; of the source where
            ``of_source``, else of the target.
        crop: part of the source that is used, as in the pipeline's ``prepare``.
        side_by_side: write source, target and result beside each other.
        sound: keep the target's sound.
        model: a co_part model: shipped, a model folder, or the folder of a run.
    """

    source: Path
    target: Path
    output: Path
    parts: tuple[int, ...]
    hard: bool = False
    of_source: bool = False
    parser: Path | None = None
    crop: CropMode = "none"
    side_by_side: bool = False
    sound: bool = True
    model: str = "co_part-emoji"


@dataclass(frozen=True)
class SwapResult:
    """What was written.

    Attributes:
        path: of the file.
        frames: written, of the target's size.
    """

    path: Path
    frames: int


def swap(request: SwapRequest, models: Models, progress: Progress = ignore) -> SwapResult:
    """Swaps parts.

    Args:
        request: what to do.
        models: where the model comes from.
        progress: told of the frames.

    Returns:
        What was written. Away from the parts the target's pixels are kept; the file appears whole or not at all.

    Raises:
        InputError: a file cannot be read or written, or there is no such part.
    """
    pipeline = models.parts(request.model)
    if request.parser is None:
        pipeline.check_parts(request.parts)
    parser = None if request.parser is None else open_parser(request.parser)
    picture = read_image(request.source)
    with open_video(request.target) as reader:
        info, first = reader.info, next(reader).image
    swapper = _Swapper(pipeline, request, parser, picture, first)
    is_still = request.output.suffix.lower() in STILL_SUFFIXES and "%" not in request.output.name
    if is_still and info.num_frames != 1:
        raise InputError(f"{request.output}: is one picture, {request.target} a clip; give .mp4, .gif or a folder")
    if is_still:
        picture_of_both = swapper.apply([Frame(first, info.frame_rate * 0, 0)])[0]
        swapper.check_found()
        write_image(request.output, picture_of_both)
        return SwapResult(request.output, 1)
    sound = request.target if request.sound and info.has_audio else None
    done = 0
    with (
        VideoWriter(request.output, frame_rate=info.frame_rate, audio_from=sound) as writer,
        open_video(request.target) as reader,
    ):
        for frames in frame_groups(reader):
            for frame, image in zip(frames, swapper.apply(frames), strict=True):
                writer.write(image, frame.time_seconds)
            done += len(frames)
            progress(Advanced("swapping", done, info.num_frames))
        swapper.check_found()
    return SwapResult(request.output, done)


class _Swapper:
    """One source, encoded once, and the framings of both sides."""

    def __init__(
        self,
        pipeline: PartsPipeline,
        request: SwapRequest,
        parser: Parser | None,
        picture: np.ndarray,
        target: np.ndarray,
    ) -> None:
        self.pipeline, self.request, self.parser = pipeline, request, parser
        self.framing: Framing = _named(request.target, lambda: pipeline.frame(target, "none"))
        # Of the target's frame size: the parts' coordinates must mean the same on both sides.
        source = _named(request.source, lambda: pipeline.frame(picture, request.crop, size=self.framing.size))
        self.still = source.apply(picture)
        self.animation = pipeline.prepare(to_frames(self.still), relative=False)
        self.found = False
        self.labels: set[int] = set()
        self.source_weights = None
        if parser is not None and request.of_source:
            self.source_weights = parser.parse(picture, 0, source)

    def apply(self, frames: Sequence[Frame]) -> list[np.ndarray]:
        """Swapped pictures, uint8 of the target's size, or source, target and result in a row."""
        seen = np.stack([self.framing.apply(frame.image) for frame in frames])
        generated, alpha = self.pipeline.swap(
            self.animation,
            to_frames(seen),
            self.request.parts,
            hard=self.request.hard,
            of_source=self.request.of_source,
            segmentation=self._weights(frames),
        )
        self.found = self.found or bool((alpha > FAINT).any())
        if not self.found and self.parser is None:
            self.labels |= set(np.unique(self.pipeline.labels(frames[0].image[None])).tolist())
        whole = [blend_over(frame.image, generated[row], alpha[row]) for row, frame in enumerate(frames)]
        if not self.request.side_by_side:
            return whole
        return [side_by_side([self.still, frame.image, image]) for frame, image in zip(frames, whole, strict=True)]

    def check_found(self) -> None:
        """Refuses a result in which nothing was swapped.

        Raises:
            InputError: none of the parts was in any frame; the message says which are.
        """
        if self.found:
            return
        wanted = ", ".join(map(str, self.request.parts))
        labels = self.labels if self.parser is None else self.parser.labels
        where = self.request.target if self.parser is None else self.request.parser
        raise InputError(
            f"parts {wanted} are nowhere in {where}, which shows {', '.join(map(str, sorted(labels)))}; "
            "`kinema parts` shows which number is where"
        )

    def _weights(self, frames: Sequence[Frame]) -> Tensor | None:
        if self.parser is None or self.source_weights is not None:
            return self.source_weights
        return torch.cat([self.parser.parse(frame.image, frame.index, self.framing) for frame in frames])


def _named(path: Path, frame: Callable[[], Framing]) -> Framing:
    try:
        return frame()
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
