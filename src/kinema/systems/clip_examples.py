"""Decodes a folder of clips, from which four of the systems learn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kinema.core.checks import InputError
from kinema.data.clips.cache import CacheConfig, CachedClip, FrameCache
from kinema.data.clips.folder import DEFAULT_SPLIT, Unreadable, no_readable_clip, scan_folder
from kinema.data.samples.frame_pairs import PairSource
from kinema.systems.system import Examples

OnRead = Callable[[int, int], None]


@dataclass(frozen=True)
class TrainingClips:
    """The training clips of a folder.

    Attributes:
        clips: decoded clips.
        left_out: files that cannot be read, with the reasons.
        held_out: number of clips in each other split.
    """

    clips: tuple[CachedClip, ...]
    left_out: tuple[Unreadable, ...]
    held_out: Mapping[str, int]


def read_training_clips(folder: Path, frames: CacheConfig, on_read: OnRead | None = None) -> TrainingClips:
    """Decodes the clips of the training split, which has all clips that state no other split.

    Args:
        folder: folder of clips.
        frames: size and storage of the frames.
        on_read: called with the number of decoded clips and the number of all clips.

    Raises:
        InputError: no clip is of that split, or none can be read.
    """
    found = scan_folder(folder, split=DEFAULT_SPLIT)
    report = None if on_read is None else lambda done, total, _: on_read(done, total)
    built = FrameCache(frames).build(found.clips, report)
    left_out = (*found.unreadable, *built.failed)
    if not built.clips:
        raise InputError(no_readable_clip(folder, left_out))
    return TrainingClips(tuple(built.clips), left_out, found.others)


def read_frame_pairs(folder: Path, config: Any, on_read: OnRead | None = None) -> Examples:
    """Reads pairs of frames of each clip, source and driving.

    Args:
        folder: folder of clips.
        config: config of a system that has ``frames``, ``pairs`` and ``train``.
        on_read: called with the number of decoded clips and the number of all clips.

    Raises:
        InputError: no clip can be read.
    """
    read = read_training_clips(folder, config.frames, on_read)
    source = PairSource(read.clips, config.pairs, config.train.seed)
    return Examples(source, len(read.clips), {"clips": len(read.clips)}, read.left_out, read.clips, read.held_out)
