"""Enters a folder of raw clips; leaves the clips that can be trained on, and why the others cannot."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from kinema.core.checks import InputError
from kinema.data.clips.index import INDEX_NAME, IndexRow, read_index
from kinema.video import VideoInfo, open_video
from kinema.video.reading.frame_folder import FRAME_SUFFIXES

DEFAULT_SPLIT = "train"
ANIMATED_SUFFIXES = frozenset({".gif", ".webp", ".apng"})
VIDEO_SUFFIXES = ANIMATED_SUFFIXES | frozenset(
    ".mp4 .m4v .mov .qt .mkv .webm .avi .divx .wmv .asf .flv .f4v .mpg .mpeg .mpe .m1v .m2v .mpv .ts .m2ts .mts .vob "
    ".ogv .ogm .ogg .3gp .3g2 .mxf .rm .rmvb .dv .y4m .h264 .h265 .264 .265 .hevc .ivf .nut .mjpeg .mjpg .amv".split()
)
CLIPS_FOLDER, MASKS_FOLDER = "clips", "masks"
MIN_FRAMES = 2


@dataclass(frozen=True)
class Clip:
    """A readable clip.

    Attributes:
        code: name, unique in its folder.
        path: absolute path of a file or of a folder of frames.
        split: "train" where nothing else is stated.
        group: what clips of the same motion share, or None.
        info: what the file says of itself (size, frame rate, number of frames).
    """

    code: str
    path: Path
    split: str | None
    group: str | None
    info: VideoInfo


@dataclass(frozen=True)
class Unreadable:
    """A clip that cannot be used, and the reason in one line without the path."""

    path: Path
    reason: str

    def __str__(self) -> str:
        """``PATH: REASON``, for a list shown to a person."""
        return f"{self.path}: {self.reason}"


@dataclass(frozen=True)
class ClipFolder:
    """What ``scan_folder`` found: ``clips`` sorted by code, ``unreadable`` sorted by path."""

    clips: tuple[Clip, ...]
    unreadable: tuple[Unreadable, ...]


def scan_folder(folder: Path, *, split: str | None = None) -> ClipFolder:
    """Finds and probes the clips of ``folder``: videos, animated images and sub-folders of frames, at any depth.

    With an ``index.csv`` its rows are the clips, and files that it does not list are reported as such; a ``masks``
    folder beside a ``clips`` folder holds no clips; hidden files, stills and files of other kinds are passed over.

    Args:
        folder: where the clips lie.
        split: only clips of this split; None for all. Clips for which nothing is stated are of "train".

    Returns:
        The readable clips of at least two frames, and the others with their reasons.

    Raises:
        InputError: the folder is missing or holds no clip at all, the index is broken, or no clip is of ``split``.
    """
    folder = Path(os.path.abspath(folder))
    if not folder.is_dir():
        given = "is a file" if folder.exists() else "does not exist"
        raise InputError(f"{folder}: {given}; give a folder that holds videos, animated images or folders of frames")
    unreadable: list[Unreadable] = []
    files = tuple(_walk(folder, unreadable, frozenset()))
    rows = read_index(folder)
    if rows is None:
        found = tuple((IndexRow(0, code, None, None, None), path) for code, path in _codes(folder, files))
    else:
        found = tuple(_look_up(folder, rows, files, unreadable))
    if not found and not unreadable:
        raise InputError(
            f"{folder}: no videos, animated images or folders of numbered frames in it; give a folder with some"
        )
    wanted = tuple((row, path) for row, path in found if split is None or (row.split or DEFAULT_SPLIT) == split)
    if found and not wanted:
        known = ", ".join(sorted({row.split or DEFAULT_SPLIT for row, _ in found}))
        raise InputError(f"{folder}: has no clip of split '{split}'; its splits are: {known}")
    clips = tuple(clip for row, path in wanted if (clip := _probe_clip(row, path, unreadable)))
    return ClipFolder(tuple(sorted(clips, key=lambda clip: clip.code)), tuple(sorted(unreadable, key=str)))


def _probe_clip(row: IndexRow, path: Path, unreadable: list[Unreadable]) -> Clip | None:
    try:
        with open_video(path) as reader:
            info = reader.info
            # Matroska and others do not state a number: two frames are decoded to see.
            num_frames = info.num_frames or sum(1 for _ in islice(reader, MIN_FRAMES))
    except (InputError, OSError) as error:
        unreadable.append(Unreadable(path, reason_without_path(error, path)))
        return None
    if num_frames < MIN_FRAMES:
        unreadable.append(Unreadable(path, too_few_frames(num_frames)))
        return None
    return Clip(row.code, path, row.split or DEFAULT_SPLIT, row.group, info)


def reason_without_path(error: InputError | OSError, path: Path) -> str:
    """What ``error`` says, in one line and without the path, for a list that shows the path anyway."""
    if isinstance(error, OSError):
        return f"cannot be read ({error.strerror})"
    return str(error).removeprefix(f"{path}: ")


def too_few_frames(num_frames: int) -> str:
    """The reason why a clip of ``num_frames`` frames cannot be trained on, in one line."""
    return f"has {num_frames} frame{'' if num_frames == 1 else 's'}, training needs at least {MIN_FRAMES} of a clip"


def _walk(folder: Path, unreadable: list[Unreadable], above: frozenset[Path]) -> Iterator[Path]:
    """Clips below ``folder``, sorted; a folder of frames is one clip. ``above`` breaks loops of symbolic links."""
    real = folder.resolve()
    if real in above:
        return
    try:
        entries = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        unreadable.append(Unreadable(folder, f"cannot be listed ({error.strerror})"))
        return
    if _is_frame_folder(entries):
        yield folder
        return
    has_clips = any(path.name == CLIPS_FOLDER and path.is_dir() for path in entries)
    for path in entries:
        if path.is_dir():
            if not (has_clips and path.name == MASKS_FOLDER):
                yield from _walk(path, unreadable, above | {real})
        elif path.suffix.lower() in VIDEO_SUFFIXES or _is_animated_png(path):
            yield path


def _is_frame_folder(entries: Iterable[Path]) -> bool:
    """Whether a folder is one clip: numbered images, and neither videos nor further folders among them."""
    numbered = 0
    for path in entries:
        suffix = path.suffix.lower()
        if suffix in FRAME_SUFFIXES and any(letter.isdigit() for letter in path.stem):
            # Animated images may be numbered too: a folder of them is many clips.
            if _is_animated_png(path) or (suffix == ".webp" and _is_animated_webp(path)):
                return False
            numbered += 1
        elif suffix in VIDEO_SUFFIXES or path.is_dir():
            return False
    return numbered > 0


def _is_animated_png(path: Path) -> bool:
    # The animation chunk stands before the image data, so the beginning of the file tells.
    return path.suffix.lower() == ".png" and b"acTL" in _first_bytes(path)


def _is_animated_webp(path: Path) -> bool:
    return b"ANIM" in _first_bytes(path)


def _first_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(4096)
    except OSError:
        return b""


def _codes(folder: Path, files: Iterable[Path]) -> Iterator[tuple[str, Path]]:
    """Names files by their path below ``folder``: without the suffix, or with it where that would not be unique."""
    stems = {path: _stem(folder, path) for path in files}
    counts = Counter(stems.values())
    for path, stem in stems.items():
        yield (stem if counts[stem] == 1 else path.relative_to(folder).as_posix()), path


def _stem(folder: Path, path: Path) -> str:
    if path == folder:
        return folder.name
    relative = path.relative_to(folder)
    return (relative if path.is_dir() else relative.with_suffix("")).as_posix()


def _look_up(
    folder: Path, rows: Iterable[IndexRow], files: Iterable[Path], unreadable: list[Unreadable]
) -> Iterator[tuple[IndexRow, Path]]:
    """Finds the file of each row; rows without one, and files without a row, are added to ``unreadable``."""
    by_stem: dict[str, list[Path]] = defaultdict(list)
    for path in files:
        by_stem[_stem(folder, path)].append(path)
    places = (folder, folder / CLIPS_FOLDER)
    listed = set()
    for row in rows:
        if row.file is not None:
            wanted = row.file
            paths = [path for path in (place / row.file for place in places) if path.exists()][:1]
        else:
            wanted = f"{row.code}.*"
            paths = by_stem[row.code] or by_stem[f"{CLIPS_FOLDER}/{row.code}"]
        listed.update(paths)
        if len(paths) == 1:
            yield row, paths[0]
        elif paths:
            names = ", ".join(path.name for path in paths)
            reason = f"line {row.line} of {INDEX_NAME} fits {names}; name one of them in a 'file' column"
            unreadable.append(Unreadable(folder / row.code, reason))
        else:
            reason = f"line {row.line} of {INDEX_NAME} has no file: no {wanted} here or in {CLIPS_FOLDER}"
            unreadable.append(Unreadable(folder / row.code, reason))
    for path in files:
        if path not in listed:
            unreadable.append(Unreadable(path, f"not used, because {INDEX_NAME} does not list it"))
