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
    """What of a folder is learned from.

    Attributes:
        clips: decoded.
        left_out: what cannot be read, with reasons.
        held_out: number of clips of each other split.
    """

    clips: tuple[CachedClip, ...]
    left_out: tuple[Unreadable, ...]
    held_out: Mapping[str, int]


def read_training_clips(folder: Path, frames: CacheConfig, on_read: OnRead | None = None) -> TrainingClips:
    """The clips of the training split, of which all are that state no other.

    Args:
        folder: of clips.
        frames: how they are stored.
        on_read: told how many clips are decoded, and how many there are.

    Raises:
        InputError: none is of that split, or none can be read.
    """
    found = scan_folder(folder, split=DEFAULT_SPLIT)
    tell = None if on_read is None else lambda done, total, _: on_read(done, total)
    built = FrameCache(frames).build(found.clips, tell)
    left_out = (*found.unreadable, *built.failed)
    if not built.clips:
        raise InputError(no_readable_clip(folder, left_out))
    return TrainingClips(tuple(built.clips), left_out, found.others)


def read_frame_pairs(folder: Path, config: Any, on_read: OnRead | None = None) -> Examples:
    """Pairs of frames of each clip, source and driving.

    Args:
        folder: of clips.
        config: of a system that has ``frames``, ``pairs`` and ``train``.
        on_read: told how many clips are decoded, and how many there are.

    Raises:
        InputError: none can be read.
    """
    read = read_training_clips(folder, config.frames, on_read)
    source = PairSource(read.clips, config.pairs, config.train.seed)
    return Examples(source, len(read.clips), {"clips": len(read.clips)}, read.left_out, read.clips, read.held_out)
