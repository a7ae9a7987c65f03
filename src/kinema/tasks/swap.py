"""A source still and a target picture or video -> the target with parts of the source; streamed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kinema.core.checks import InputError
from kinema.framing.blend import blend_over
from kinema.framing.pixels import to_frames
from kinema.framing.window import CropMode, Framing
from kinema.tasks.segmenter import Parser, open_parser
from kinema.video import Frame, VideoWriter, open_video, read_image, side_by_side, write_image
from kinema.video.frame_batches import frame_groups
from kinema.video.writing.picture_or_video import STILL_SUFFIXES


@dataclass(frozen=True)
class SwapRequest:
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
        on_progress: frames done, frames in all or None where unknown.
    """

    source: Path
    target: Path
    output: Path
    parts: Sequence[int]
    hard: bool = False
    of_source: bool = False
    parser: Path | None = None
    crop: CropMode = "none"
    side_by_side: bool = False
    sound: bool = True
    on_progress: Callable[[int, int | None], None] | None = None


def swap(pipeline: Any, request: SwapRequest) -> int:
    """Swaps parts.

    Args:
        pipeline: of a co_part model, from :func:`kinema.runtime.load.load`.
        request: what to do.

    Returns:
        Frames made. They have the target's size; away from the parts its pixels are kept. The file appears whole or not
        at all.

    Raises:
        InputError: a file cannot be read or written, or there is no such part.
    """
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
        write_image(request.output, swapper.apply([Frame(first, info.frame_rate * 0, 0)])[0])
        return 1
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
            if request.on_progress is not None:
                request.on_progress(done, info.num_frames)
    return done


class _Swapper:
    """One source, encoded once, and the framings of both sides."""

    def __init__(
        self, pipeline: Any, request: SwapRequest, parser: Parser | None, picture: np.ndarray, target: np.ndarray
    ) -> None:
        self.pipeline, self.request, self.parser = pipeline, request, parser
        self.framing: Framing = _named(request.target, lambda: pipeline.frame(target, "none"))
        # Of the target's frame size: the parts' coordinates must mean the same on both sides.
        source = _named(request.source, lambda: pipeline.frame(picture, request.crop, size=self.framing.size))
        self.still = source.apply(picture)
        self.animation = pipeline.prepare(to_frames(self.still), relative=False)
        self.source_shares = None
        if parser is not None and request.of_source:
            self.source_shares = parser.parse(picture, 0, source)

    def apply(self, frames: Sequence[Frame]) -> list[np.ndarray]:
        """Swapped pictures, uint8 of the target's size, or source, target and result in a row."""
        seen = np.stack([self.framing.apply(frame.image) for frame in frames])
        made, share = self.pipeline.swap(
            self.animation,
            to_frames(seen),
            self.request.parts,
            hard=self.request.hard,
            of_source=self.request.of_source,
            shares=self._shares(frames),
        )
        whole = [blend_over(frame.image, made[row], share[row]) for row, frame in enumerate(frames)]
        if not self.request.side_by_side:
            return whole
        return [side_by_side([self.still, frame.image, image]) for frame, image in zip(frames, whole, strict=True)]

    def _shares(self, frames: Sequence[Frame]) -> Tensor | None:
        if self.parser is None or self.source_shares is not None:
            return self.source_shares
        return torch.cat([self.parser.parse(frame.image, frame.index, self.framing) for frame in frames])


def _named(path: Path, frame: Callable[[], Framing]) -> Framing:
    try:
        return frame()
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
