"""Writes the starts that ship with a playable model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from kinema.core.atomic_output import put_in_place, remove, temporary_beside
from kinema.core.checks import InputError
from kinema.data.clips.cache import CachedClip, FrameCache
from kinema.data.clips.folder import scan_folder
from kinema.play.session import Playable
from kinema.play.starts import max_frames, shipped_starts
from kinema.video import write_image
from kinema.weights.catalogue import STARTS

MAX_CLIPS = 64


def read_clips(playable: Playable, folder: Path) -> Sequence[CachedClip]:
    """Up to MAX_CLIPS clips of a folder at the model's size.

    Raises:
        InputError: no clip can be read.
    """
    found = scan_folder(folder).clips
    chosen = found[:: max(1, len(found) // MAX_CLIPS)][:MAX_CLIPS]
    clips = FrameCache(playable.config.frames).build(chosen).clips
    if not clips:
        raise InputError(f"{folder}: has no clip that can be read; give a folder of video files")
    return clips


def write_starts(playable: Playable, clips: Path, count: int) -> Playable:
    """Writes starts from clips into a model folder, in place of those that it has.

    Args:
        playable: the model.
        clips: folder of clips, which are used in turn; each further start of a clip is later in it.
        count: number of starts.

    Returns:
        The model with these starts.

    Raises:
        InputError: none of the clips can be read, or the model's folder cannot be written to.
    """
    sources = read_clips(playable, clips)
    config = playable.config
    stride = config.frames.time_stride
    observed, span = (config.representation.stack - 1) * stride, (max_frames(config) - 1) * stride
    inside = playable.folder / STARTS
    partial = temporary_beside(inside)
    try:
        partial.mkdir()
    except OSError as error:
        raise InputError(f"{inside}: cannot be written ({error.strerror}); use a copy of the model folder") from error
    try:
        for number in range(count):
            clip = sources[number % len(sources)].frames()
            rounds = -(-count // len(sources))
            # In a short clip, starts have fewer frames so that its second half is left to choose from.
            first = min(span, max(observed, (len(clip) - 1) // 2))
            room = max(0, len(clip) - 1 - first)
            end = min(first + room * (number // len(sources)) // rounds, len(clip) - 1)
            name = f"start-{number + 1:02d}"
            if span == 0:
                write_image(partial / f"{name}.png", np.array(clip[end]))
                continue
            (partial / name).mkdir()
            for place, frame in enumerate(clip[max(0, end - span) : end + 1]):
                write_image(partial / name / f"{place:05d}.png", np.array(frame))
        put_in_place(partial, inside)
    finally:
        remove(partial)
    return replace(playable, starts=shipped_starts(playable.folder, config))
