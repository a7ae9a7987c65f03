# pyright: strict
"""Writes the parts of a picture or video as an overlay, index masks, or areas and centres over time; streamed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import numpy as np

from kinema.core.atomic_output import one_line, put_in_place, remove, temporary_beside
from kinema.core.checks import InputError
from kinema.core.json_report import check_report
from kinema.core.progress import Advanced, Progress, ignore
from kinema.core.request import Request
from kinema.runtime.models import Models
from kinema.systems.abilities import PartsPipeline
from kinema.video import (
    Frame,
    Labels,
    MaskWriter,
    VideoInfo,
    VideoReader,
    VideoWriter,
    open_video,
    overlay,
    part_colours,
    write_image,
)
from kinema.video.frame_batches import frame_groups
from kinema.video.masks import number_parts
from kinema.video.writing.picture_or_video import STILL_SUFFIXES

Form = Literal["overlay", "masks", "json"]


class PartsRequest(Request):
    """What to look at, and what to write of it.

    Attributes:
        source: picture, video, animated picture or folder of frames.
        output: file or folder to write.
        form: "overlay" (picture or video), "masks" (PNG with a palette, one or a folder) or "json".
        opacity: of the overlay's colours, 0 to 1.
        sound: keep the sound in an overlay video.
        numbers: write each part's number over it in an overlay.
        model: a co_part model: shipped, a model folder, or the folder of a run.
    """

    source: Path
    output: Path
    form: Form = "overlay"
    opacity: float = 0.6
    sound: bool = True
    numbers: bool = True
    model: str = "co_part-emoji"


@dataclass(frozen=True)
class PartsResult:
    """What was found.

    Attributes:
        path: of the file or folder.
        frames: looked at.
        num_parts: that the model can tell apart, the background not counted.
        used: numbers of those that were seen.
    """

    path: Path
    frames: int
    num_parts: int
    used: tuple[int, ...]


def find_parts(request: PartsRequest, models: Models, progress: Progress = ignore) -> PartsResult:
    """Finds the parts of every frame.

    Args:
        request: what to do.
        models: where the model comes from.
        progress: told of the frames.

    Returns:
        What was found; the output appears whole or not at all.

    Raises:
        InputError: a file cannot be read or written, or the form and the output's suffix disagree.
    """
    if not 0 <= request.opacity <= 1:
        raise InputError(f"--opacity {request.opacity}: give 0 (picture only) to 1 (colours only)")
    write = {"overlay": _write_overlay, "masks": _write_masks, "json": _write_json}[request.form]
    pipeline = models.parts(request.model)
    with open_video(request.source) as reader:
        used: set[int] = set()
        frames = write(pipeline, request, reader.info, _labelled(pipeline, request, reader, progress, used))
    return PartsResult(request.output, frames, pipeline.num_parts, tuple(sorted(used - {0})))


def _labelled(
    pipeline: PartsPipeline, request: PartsRequest, reader: VideoReader, progress: Progress, used: set[int]
) -> Iterator[tuple[Frame, Labels]]:
    """Frames with the labels of their pixels; ``used`` gathers those that were seen."""
    done = 0
    for group in frame_groups(reader):
        try:
            labels = pipeline.labels(np.stack([frame.image for frame in group]))
        except InputError as error:
            raise InputError(f"{request.source}: {error}") from error
        used |= set(np.unique(labels).tolist())
        yield from zip(group, labels, strict=True)
        done += len(group)
        progress(Advanced("finding parts", done, reader.info.num_frames))


def _write_overlay(
    pipeline: PartsPipeline, request: PartsRequest, info: VideoInfo, labelled: Iterator[tuple[Frame, Labels]]
) -> int:
    colours = part_colours(pipeline.num_parts + 1)
    if request.output.suffix.lower() in STILL_SUFFIXES and "%" not in request.output.name:
        frame, labels = next(labelled)
        if next(labelled, None) is not None:
            raise InputError(
                f"{request.output}: is one picture and {request.source} has more frames; give .mp4, .gif or a folder"
            )
        write_image(request.output, _shown(frame.image, labels, colours, request))
        return 1
    count = 0
    sound = request.source if request.sound and info.has_audio else None
    with VideoWriter(request.output, frame_rate=info.frame_rate, audio_from=sound) as writer:
        for frame, labels in labelled:
            writer.write(_shown(frame.image, labels, colours, request), frame.time_seconds)
            count += 1
    return count


def _shown(image: np.ndarray, labels: Labels, colours: np.ndarray, request: PartsRequest) -> np.ndarray:
    coloured = overlay(image, labels, colours, opacity=request.opacity)
    return number_parts(coloured, labels) if request.numbers else coloured


def _write_masks(
    pipeline: PartsPipeline, request: PartsRequest, info: VideoInfo, labelled: Iterator[tuple[Frame, Labels]]
) -> int:
    count = 0
    with MaskWriter(request.output, part_colours(pipeline.num_parts + 1)) as writer:
        for _, labels in labelled:
            writer.write(labels)
            count += 1
    return count


def _write_json(
    pipeline: PartsPipeline, request: PartsRequest, info: VideoInfo, labelled: Iterator[tuple[Frame, Labels]]
) -> int:
    """A line of JSON for each frame inside one JSON object, so that the file need not be held."""
    if request.output.suffix.lower() != ".json":
        raise InputError(f"{request.output}: areas and centres are written as .json; change the suffix")
    check_report(request.output)
    head = {
        "source": str(request.source),
        "width": info.width,
        "height": info.height,
        "num_parts": pipeline.num_parts,
        "colours": part_colours(pipeline.num_parts + 1).tolist(),
    }
    temporary = temporary_beside(request.output)
    count = 0
    try:
        with one_line(request.output):
            with temporary.open("w", encoding="utf-8") as stream:
                stream.write(json.dumps(head)[:-1] + ', "frames": [')
                for frame, labels in labelled:
                    line = {"time_seconds": _seconds(frame.time_seconds), "parts": describe(labels, pipeline.num_parts)}
                    stream.write(("," if count else "") + "\n" + json.dumps(line))
                    count += 1
                stream.write("\n]}\n")
            put_in_place(temporary, request.output)
    finally:
        remove(temporary)
    return count


def describe(labels: Labels, num_parts: int) -> list[dict[str, Any]]:
    """Area and centre of each part.

    Args:
        labels: (H, W) uint8.
        num_parts: K.

    Returns:
        K rows: ``part`` (1 to K), ``area`` (fraction of the picture), ``centre`` ([x, y] in pixels, the centre of the
        first pixel at 0, or None where the part is absent).

    >>> describe(np.array([[0, 1], [0, 1]], dtype=np.uint8), 2)
    [{'part': 1, 'area': 0.5, 'centre': [1.0, 0.5]}, {'part': 2, 'area': 0.0, 'centre': None}]
    """
    flat = labels.ravel()
    pixels = np.bincount(flat, minlength=num_parts + 1)
    ys, xs = np.divmod(np.arange(flat.size), labels.shape[1])
    sums = [np.bincount(flat, weights=axis, minlength=num_parts + 1) for axis in (xs, ys)]
    return [
        {
            "part": part,
            "area": round(float(pixels[part]) / flat.size, 6),
            "centre": [round(float(total[part] / pixels[part]), 3) for total in sums] if pixels[part] else None,
        }
        for part in range(1, num_parts + 1)
    ]


def _seconds(time: Fraction) -> float:
    return round(float(time), 6)
