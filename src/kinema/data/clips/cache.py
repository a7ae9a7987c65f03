"""Caches the frames of clips, decoded to one size, as memory-mapped uint8 files that can be read in any order."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, BinaryIO, Literal

import numpy as np
from pydantic import Field

from kinema.core.checks import InputError
from kinema.core.config import Config
from kinema.core.process_mark import process_has_ended, process_mark
from kinema.data.clips.folder import MIN_FRAMES, Clip, Unreadable, reason_without_path, too_few_frames
from kinema.faces.window import FaceWindow
from kinema.framing.fit import fit_image
from kinema.video import open_video

CACHE_VARIABLE = "KINEMA_CACHE"
LAYOUT_VERSION = 1  # to be raised when the same clip and config give different bytes
_MARK = re.compile(r"[0-9a-f]{8}-\d+-\d+")
ABANDONED_SECONDS = (
    3600  # for other machines: files being written change all the time; an older one was left by a killed process
)

Side = Annotated[int, Field(ge=8, le=4096)]
Level = Annotated[int, Field(ge=0, le=255)]


class CacheConfig(Config):
    """How frames are stored; any change creates new entries beside the old ones."""

    size: tuple[Side, Side] = Field(default=(64, 64), description="height and width of stored frames, in pixels")
    fit: Literal["crop", "stretch", "pad"] = Field(
        default="crop", description="other aspect ratios: cut the centre out, stretch, or pad with the background"
    )
    background: tuple[Level, Level, Level] = Field(default=(255, 255, 255), description="RGB behind transparent pixels")
    frame_stride: int = Field(default=1, ge=1, description="keep every n-th frame of the clip")
    max_frames: int | None = Field(
        default=512, ge=2, description="longer clips are thinned evenly to at most this many frames; none: keep all"
    )


@dataclass(frozen=True)
class CachedClip:
    """A clip whose decoded frames are on disk.

    Attributes:
        clip: the original clip.
        path: the ``.npy`` file.
        shape: (T, H, W, 3).
        offset: bytes before the first frame.
    """

    clip: Clip
    path: Path
    shape: tuple[int, int, int, int]
    offset: int

    @property
    def code(self) -> str:
        """Name of the clip, unique in its folder."""
        return self.clip.code

    @property
    def group(self) -> str | None:
        """The same for all clips of the same motion, or None."""
        return self.clip.group

    def frames(self) -> np.ndarray:
        """(T, H, W, 3) uint8, read-only; nothing is read before it is indexed.

        Each call maps the file again, because a mapping keeps it open: a thousand clips would exceed the usual limit.

        Raises:
            InputError: the file has been removed or truncated since.
        """
        try:
            return np.memmap(self.path, dtype=np.uint8, mode="r", offset=self.offset, shape=self.shape)
        except (OSError, ValueError) as error:
            raise InputError(
                f"{self.path}: the decoded frames of clip '{self.code}' are gone ({error}); start again, and they are "
                "decoded anew"
            ) from error


@dataclass(frozen=True)
class CacheBuild:
    """The result of ``FrameCache.build``: ``clips`` in the order given, and ``failed`` ones with reasons."""

    clips: tuple[CachedClip, ...]
    failed: tuple[Unreadable, ...]


def default_cache_folder() -> Path:
    """``$KINEMA_CACHE`` if set, else ``~/.cache/kinema``.

    Raises:
        InputError: neither is known, as in a container whose user id has no home folder.
    """
    if stated := os.environ.get(CACHE_VARIABLE):
        return Path(stated)
    try:
        return Path.home() / ".cache" / "kinema"
    except RuntimeError as error:
        raise InputError(
            f"no place for the cache: this user has no home folder; set {CACHE_VARIABLE} to a folder"
        ) from error


class FrameCache:
    """Decoded frames on disk, one file for each clip, which appears complete or not at all.

    Entries are found by the clip's absolute path, modification time, size in bytes and the config, so that an outdated
    entry is never used; it is removed when the new one is written.
    """

    def __init__(
        self, config: CacheConfig, folder: Path | None = None, *, windows: Mapping[str, FaceWindow] | None = None
    ) -> None:
        """Does not create the folder yet; that happens when a clip is stored.

        Args:
            config: how frames are stored.
            folder: of the cache; None takes ``default_cache_folder()``.
            windows: code to the window of a clip that is stored instead of its whole, fitted frames.
        """
        self.config = config
        self._windows = windows or {}
        self.folder = Path(folder or default_cache_folder()) / "frames"
        self._config_key = _digest(LAYOUT_VERSION, config.to_json())

    def build(self, clips: Iterable[Clip], on_progress: Callable[[int, int, Clip], None] | None = None) -> CacheBuild:
        """Decodes every clip that has no valid entry yet.

        Args:
            clips: to decode; one frame is in memory at a time.
            on_progress: called after each clip with how many are done, how many there are, and the clip.

        Returns:
            The stored clips, and those that could not be decoded with their reasons.

        Raises:
            InputError: the cache cannot be written, or the disk has too little space.
        """
        clips = tuple(clips)
        self._make_room(clips)
        stored, failed = [], []
        for done, clip in enumerate(clips, start=1):
            try:
                stored.append(self.find(clip) or self._store(clip))
            except _ClipError as error:
                failed.append(Unreadable(clip.path, str(error)))
            if on_progress is not None:
                on_progress(done, len(clips), clip)
        return CacheBuild(tuple(stored), tuple(failed))

    def find(self, clip: Clip) -> CachedClip | None:
        """The entry of ``clip``, or None if it was never stored, the clip has changed, or the entry is damaged."""
        try:
            path = self._entry_path(clip)
            with path.open("rb") as stream:
                shape, offset = _read_header(stream)
            intact = path.stat().st_size == offset + math.prod(shape)
        except (OSError, ValueError):
            return None
        return CachedClip(clip, path, shape, offset) if intact else None

    def _entry_path(self, clip: Clip) -> Path:
        path_key = _digest(os.path.abspath(clip.path))
        window = self._windows.get(clip.code)
        how = self._config_key if window is None else _digest(self._config_key, *window.numbers)
        return self.folder / f"{path_key}-{how}-{_digest(*_file_states(clip.path))}.npy"

    def _store(self, clip: Clip) -> CachedClip:
        target = _state_checked(self._entry_path, clip)
        temporary = target.with_name(f"{target.name}.{process_mark()}.tmp")
        try:
            try:
                with temporary.open("wb") as stream:
                    shape, offset = self._decode(clip, stream)
                if _state_checked(self._entry_path, clip) != target:
                    raise _ClipError("changed while it was read; run again when it is complete")
                temporary.replace(target)
            except OSError as error:
                raise InputError(
                    f"{self.folder}: cannot be written ({error.strerror}); free space or set {CACHE_VARIABLE}"
                ) from error
        finally:
            temporary.unlink(missing_ok=True)
        self._remove_outdated(target)
        return CachedClip(clip, target, shape, offset)

    def _decode(self, clip: Clip, stream: BinaryIO) -> tuple[tuple[int, int, int, int], int]:
        """Writes frames while they are decoded, then their number; returns (T, H, W, 3) and the size of the header."""
        height, width = self.config.size
        offset = _write_header(stream, (0, height, width, 3))
        num_frames = 0
        for image in self._kept_images(clip):
            stream.write(image.tobytes())
            num_frames += 1
        if num_frames < MIN_FRAMES:
            raise _ClipError(too_few_frames(num_frames))
        stream.seek(0)
        shape = (num_frames, height, width, 3)
        if _write_header(stream, shape) != offset:
            raise RuntimeError(f"NumPy wrote .npy headers of two lengths for {shape}")
        return shape, offset

    def _kept_images(self, clip: Clip) -> Iterator[np.ndarray]:
        config, limit = self.config, self.config.max_frames
        stride = config.frame_stride
        if limit is not None:
            stride = max(stride, math.ceil(_expected_frames(clip) / limit))
        kept = 0
        window = self._windows.get(clip.code)
        try:
            with open_video(clip.path, background=config.background) as frames:
                for index, frame in enumerate(frames):
                    if limit is not None and kept == limit:
                        return
                    if index % stride == 0:
                        kept += 1
                        if window is not None:
                            yield window.cut_image(frame.image)
                        else:
                            yield fit_image(frame.image, config.size, config.fit, config.background)
        except (InputError, OSError) as error:
            raise _ClipError(reason_without_path(error, clip.path)) from error

    def _make_room(self, clips: Sequence[Clip]) -> None:
        """Creates the folder, removes files of killed processes, and refuses a build that would fill the disk."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for path in self.folder.glob("*.tmp"):
                if _is_abandoned(path):
                    path.unlink(missing_ok=True)
            free = shutil.disk_usage(self.folder).free
        except OSError as error:
            raise InputError(
                f"{self.folder}: cannot be used as a cache ({error.strerror}); set {CACHE_VARIABLE} to another folder"
            ) from error
        needed = sum(self._estimated_bytes(clip) for clip in clips if self.find(clip) is None)
        if needed > free:
            raise InputError(
                f"{self.folder}: the decoded clips need about {needed / 1e9:.1f} GB and {free / 1e9:.1f} GB are free; "
                f"lower max_frames or size, raise frame_stride, or set {CACHE_VARIABLE} to a larger disk"
            )

    def _estimated_bytes(self, clip: Clip) -> int:
        num_frames = math.ceil(_expected_frames(clip) / self.config.frame_stride)
        if self.config.max_frames is not None:
            num_frames = min(num_frames, self.config.max_frames)
        return num_frames * math.prod(self.config.size) * 3

    def _remove_outdated(self, target: Path) -> None:
        path_key, config_key, _ = target.name.split("-")
        for path in self.folder.glob(f"{path_key}-{config_key}-*.npy"):
            if path != target:
                path.unlink(missing_ok=True)


def _is_abandoned(path: Path) -> bool:
    """Whether a temporary file is no longer written: its process has ended, or it has not changed for long."""
    mark = path.name.split(".")[-2]
    if _MARK.fullmatch(mark) and process_has_ended(mark):
        return True
    with suppress(FileNotFoundError):
        return time.time() - path.stat().st_mtime > ABANDONED_SECONDS
    return False  # another process has removed it


class _ClipError(Exception):
    """One clip cannot be decoded; others may still be."""


def _expected_frames(clip: Clip) -> int:
    """The number of frames that the file states, else its duration times its rate, else 0."""
    return clip.info.num_frames or round((clip.info.duration_seconds or 0) * clip.info.frame_rate)


def _state_checked(entry_path: Callable[[Clip], Path], clip: Clip) -> Path:
    try:
        return entry_path(clip)
    except OSError as error:
        raise _ClipError(reason_without_path(error, clip.path)) from error


def content_key(path: Path, *parts: object) -> str:
    """A key for results computed from a file or a folder of frames, which changes with it and with the parts.

    Args:
        path: identified by its absolute path, size and modification time.
        parts: what else the result depends on, as values for JSON.

    Raises:
        OSError: the file is missing.
    """
    return _digest(os.path.abspath(path), _file_states(path), *parts)


def _file_states(path: Path) -> list[tuple[str, int, int]]:
    """Name, modification time (ns) and bytes of a file, or of every file of a folder of frames."""
    paths = sorted(path.iterdir()) if path.is_dir() else [path]
    return [(entry.name, (state := entry.stat()).st_mtime_ns, state.st_size) for entry in paths]


def _digest(*parts: object) -> str:
    return hashlib.blake2b(json.dumps(parts).encode(), digest_size=8).hexdigest()


def _write_header(stream: BinaryIO, shape: tuple[int, int, int, int]) -> int:
    """Writes an .npy header and returns its size; NumPy leaves space in it for a larger first axis."""
    description = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, description)
    return stream.tell()


def _read_header(stream: BinaryIO) -> tuple[tuple[int, int, int, int], int]:
    np.lib.format.read_magic(stream)
    shape, fortran_order, dtype = np.lib.format.read_array_header_1_0(stream)
    if len(shape) != 4 or fortran_order or dtype != np.uint8:
        raise ValueError(f"holds {dtype} of shape {shape}")
    return shape, stream.tell()
