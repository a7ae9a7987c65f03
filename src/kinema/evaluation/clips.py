"""Reads the clips that a protocol measures on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from kinema.core.checks import InputError
from kinema.data.clips.cache import CacheConfig, CachedClip, FrameCache
from kinema.data.clips.folder import ClipFolder, Unreadable, no_readable_clip, scan_folder, stated_splits

BATCH_FRAMES = 12


def found_clips(folder: Path) -> tuple[ClipFolder, str | None]:
    """The clips to measure on, not decoded, and the split ("test", or None where the folder states none).

    Raises:
        InputError: the folder states splits, but no test.
    """
    splits = stated_splits(folder)
    split = "test" if "test" in splits else None
    if splits and split is None:
        raise InputError(
            f"{folder}: states the splits {', '.join(splits)} but no test; mark the clips to measure on as test in "
            "index.csv or put them into a sub-folder of that name"
        )
    return scan_folder(folder, split=split), split


def measured_clips(
    folder: Path, frames: tuple[int, int] | CacheConfig
) -> tuple[tuple[CachedClip, ...], tuple[Unreadable, ...], str | None]:
    """Decodes the clips to measure on.

    Args:
        folder: folder of clips.
        frames: (height, width) of the frames, which are then all kept; or their size and storage.

    Returns:
        The clips by code, the files that cannot be read, and the split ("test", or None if none is stated).

    Raises:
        InputError: the folder states splits, but no test; or none of its clips can be read.
    """
    found, split = found_clips(folder)
    # All frames are measured: long clips are not thinned.
    config = frames if isinstance(frames, CacheConfig) else CacheConfig(size=frames, max_frames=None)
    built = FrameCache(config).build(found.clips)
    if not built.clips:
        raise InputError(no_readable_clip(folder, (*found.unreadable, *built.failed)))
    return tuple(built.clips), (*found.unreadable, *built.failed), split


def batches(count: int) -> Iterator[tuple[int, int]]:
    """Begin and end of each batch of at most ``BATCH_FRAMES`` among ``count`` frames."""
    for begin in range(0, count, BATCH_FRAMES):
        yield begin, min(count, begin + BATCH_FRAMES)
