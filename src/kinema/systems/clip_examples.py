"""A folder of clips, decoded: what four systems learn from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from kinema.core.checks import InputError
from kinema.data.clips.cache import CacheConfig, CachedClip, FrameCache
from kinema.data.clips.folder import Unreadable, scan_folder
from kinema.data.clips.index import stated_splits
from kinema.data.samples.frame_pairs import PairSource
from kinema.systems.system import Examples

OnRead = Callable[[int, int], None]


def read_training_clips(
    folder: Path, frames: CacheConfig, on_read: OnRead | None = None
) -> tuple[tuple[CachedClip, ...], tuple[Unreadable, ...]]:
    """The clips of the training split, or of the whole folder where it states none.

    Args:
        folder: of clips.
        frames: how they are stored.
        on_read: told how many clips are decoded, and how many there are.

    Returns:
        The clips, and what cannot be read.

    Raises:
        InputError: none can be read.
    """
    found = scan_folder(folder, split="train" if "train" in stated_splits(folder) else None)
    tell = None if on_read is None else lambda done, total, _: on_read(done, total)
    built = FrameCache(frames).build(found.clips, tell)
    left_out = (*found.unreadable, *built.failed)
    if not built.clips:
        raise InputError(f"{folder}: none of the clips can be read; the first: {next(iter(left_out), 'there is none')}")
    return tuple(built.clips), left_out


def read_frame_pairs(folder: Path, config: Any, on_read: OnRead | None = None) -> Examples:
    """Pairs of frames of each clip, source and driving.

    Args:
        folder: of clips.
        config: of a system that has ``frames``, ``pairs`` and ``train``.
        on_read: told how many clips are decoded, and how many there are.

    Raises:
        InputError: none can be read.
    """
    clips, left_out = read_training_clips(folder, config.frames, on_read)
    source = PairSource(clips, config.pairs, config.train.seed)
    return Examples(source, len(clips), {"clips": len(clips)}, left_out, clips)
