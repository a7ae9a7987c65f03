"""Finds the clips of a folder that can be trained on, and the reasons why others cannot."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path, PurePosixPath

from kinema.core.checks import InputError
from kinema.data.clips.index import INDEX_NAME, IndexRow, read_index
from kinema.data.clips.names import TRAIN, composed, find_below, split_of_folder
from kinema.video import VideoInfo, open_video
from kinema.video.reading.frame_folder import FRAME_SUFFIXES

DEFAULT_SPLIT = TRAIN
ANIMATED_SUFFIXES = frozenset({".gif", ".webp", ".apng"})
VIDEO_SUFFIXES = ANIMATED_SUFFIXES | frozenset(
    ".mp4 .m4v .mov .qt .mkv .webm .avi .divx .wmv .asf .flv .f4v .mpg .mpeg .mpe .m1v .m2v .mpv .ts .m2ts .mts .vob "
    ".ogv .ogm .ogg .3gp .3g2 .mxf .rm .rmvb .dv .y4m .h264 .h265 .264 .265 .hevc .ivf .nut .mjpeg .mjpg .amv".split()
)
CLIPS_FOLDER, MASKS_FOLDER = "clips", "masks"
MIN_FRAMES = 2
# Files by which the folders of runs and models are recognised: the pictures in them are not clips.
RUN_LOCK = ".lock"
_RUN_FILES = ({"config.json", "starts.jsonl"}, {"config.json", "checkpoints"}, {RUN_LOCK, "checkpoints"})
_MODEL_FILES = {"model.json", "model.safetensors"}


@dataclass(frozen=True)
class Clip:
    """A readable clip.

    Attributes:
        code: name, unique in its folder.
        path: absolute path of a file or of a folder of frames.
        split: "train", "val", "test" or any other word in lower case; "train" if nothing is stated.
        group: the same for all clips of the same motion, or None.
        info: what the file states (size, frame rate, number of frames).
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
        """``PATH: REASON``, for a list shown to the user."""
        return f"{self.path}: {self.reason}"


@dataclass(frozen=True)
class ClipFolder:
    """The result of ``scan_folder``.

    Attributes:
        clips: sorted by code.
        unreadable: sorted by path.
        others: number of clips, which were not opened, in each of the other splits.
    """

    clips: tuple[Clip, ...]
    unreadable: tuple[Unreadable, ...]
    others: Mapping[str, int] = field(default_factory=dict)


def scan_folder(folder: Path, *, split: str | None = None) -> ClipFolder:
    """Finds and probes the clips of ``folder``: videos, animated images and sub-folders of frames, at any depth.

    If there is an ``index.csv``, its rows are the clips, and other files are reported as not listed. Its column
    ``split`` states the split of a clip; otherwise a clip in a sub-folder called ``train``, ``val`` or ``test`` is in
    that split, and any other in "train". A ``masks`` folder beside a ``clips`` folder, folders of runs and models,
    hidden files, stills and files of other kinds are ignored.

    Args:
        folder: where the clips lie.
        split: only clips of this split; None for all.

    Returns:
        The readable clips of at least two frames, and the others with their reasons.

    Raises:
        InputError: the folder is missing or has no clips, the index is broken, or ``split`` has no clips.
    """
    folder = Path(os.path.abspath(folder))
    unreadable: list[Unreadable] = []
    found = _listed_clips(folder, unreadable)
    if not found and not unreadable:
        raise InputError(f"{folder}: {_no_clips(folder)}")
    splits = Counter(split_of or DEFAULT_SPLIT for _, _, split_of in found)
    wanted = [entry for entry in found if split is None or (entry[2] or DEFAULT_SPLIT) == split]
    if found and not wanted:
        raise InputError(
            f"{folder}: has no clip of split '{split}'; its splits are: {', '.join(sorted(splits))}; "
            f"mark clips as '{split}' in {INDEX_NAME} or lay them into a sub-folder of that name"
        )
    clips = tuple(clip for row, path, of in wanted if (clip := _probe_clip(row, path, of or DEFAULT_SPLIT, unreadable)))
    others = {} if split is None else {name: splits[name] for name in sorted(splits) if name != split}
    return ClipFolder(tuple(sorted(clips, key=lambda clip: clip.code)), tuple(sorted(unreadable, key=str)), others)


def _no_clips(folder: Path) -> str:
    """What a folder without any clip holds, and what to give."""
    pictures = sum(path.suffix.lower() in FRAME_SUFFIXES for path in folder.iterdir() if path.is_file())
    if not pictures:
        return "no videos, animated images or folders of numbered frames in it; give a folder with some"
    held = "a picture" if pictures == 1 else f"{pictures} pictures that are not numbered as the frames of a clip are"
    return (
        f"holds {held}, and no clip; single pictures show no motion, and nothing is learned or measured from them: "
        "give videos, animated images or folders of numbered frames"
    )


def stated_splits(folder: Path) -> tuple[str, ...]:
    """The splits that ``folder`` states by its index or its sub-folders, sorted; empty if it is not divided.

    Raises:
        InputError: the folder is missing, or the index is broken.
    """
    found = {split for _, _, split in _listed_clips(Path(os.path.abspath(folder)), [])}
    # A row whose file is missing states a split all the same.
    rows = {row.split for row in read_index(folder) or ()}
    return tuple(sorted(split for split in found | rows if split is not None))


def _listed_clips(folder: Path, unreadable: list[Unreadable]) -> tuple[tuple[IndexRow, Path, str | None], ...]:
    """The clips of a folder, without opening them: their rows, paths, and the splits that are stated for them."""
    if not folder.is_dir():
        given = "is a file" if folder.exists() else "does not exist"
        raise InputError(f"{folder}: {given}; give a folder that holds videos, animated images or folders of frames")
    if is_run_or_model(folder):
        raise InputError(f"{folder}: is the folder of a run or a model, not of clips; give the clips")
    files = tuple(_walk(folder, unreadable, frozenset()))
    rows = read_index(folder)
    if rows is None:
        found = [(IndexRow(0, code, None, None, None), path) for code, path in _codes(folder, files)]
    else:
        found = list(_look_up(folder, rows, files, unreadable))
    return tuple((row, path, row.split or _split_by_folder(folder, path)) for row, path in found)


def _split_by_folder(folder: Path, path: Path) -> str | None:
    """The split of the sub-folder of ``folder``, or of its ``clips``, in which a clip lies."""
    places = path.relative_to(folder).parts[:-1]
    if places[:1] == (CLIPS_FOLDER,):
        places = places[1:]
    return split_of_folder(places[0]) if places else None


def _probe_clip(row: IndexRow, path: Path, split: str, unreadable: list[Unreadable]) -> Clip | None:
    try:
        with open_video(path) as reader:
            info = reader.info
            # Matroska and others do not state the number of frames, so two frames are decoded as a check.
            num_frames = info.num_frames or sum(1 for _ in islice(reader, MIN_FRAMES))
    except (InputError, OSError) as error:
        unreadable.append(Unreadable(path, reason_without_path(error, path)))
        return None
    if num_frames < MIN_FRAMES:
        unreadable.append(Unreadable(path, too_few_frames(num_frames)))
        return None
    return Clip(row.code, path, split, row.group, info)


def reason_without_path(error: InputError | OSError, path: Path) -> str:
    """The message of ``error`` in one line without the path, for a list that shows the path itself."""
    if isinstance(error, OSError):
        return f"cannot be read ({error.strerror})"
    return str(error).removeprefix(f"{path}: ")


def no_readable_clip(folder: Path, left_out: Sequence[Unreadable]) -> str:
    """What is said of a folder none of whose clips can be used: the first of them with its reason."""
    if not left_out:
        return f"{folder}: none of the clips can be read; there is none"
    first = left_out[0]
    more = (
        "; single pictures show no motion, and nothing is learned or measured from them" if first.path.is_dir() else ""
    )
    return f"{folder}: none of the clips can be read; the first: {first}{more}"


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
            if not (has_clips and path.name == MASKS_FOLDER) and not is_run_or_model(path):
                yield from _walk(path, unreadable, above | {real})
        elif path.suffix.lower() in VIDEO_SUFFIXES or _is_animated_png(path):
            yield path


def is_run_or_model(folder: Path) -> bool:
    """Whether ``kinema learn`` or ``kinema import`` wrote the folder."""
    try:
        names = set(os.listdir(folder))
    except OSError:
        return False  # listing the folder reports the error
    return names >= _MODEL_FILES or any(names >= files for files in _RUN_FILES)


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
    # The animation chunk comes before the image data, so the beginning of the file is enough.
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
    """Names files by their path below ``folder``, with the suffix where the name would not be unique without."""
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
        by_stem[composed(_stem(folder, path))].append(path)
    places = (folder, folder / CLIPS_FOLDER)
    listed = set()
    for row in rows:
        if row.file is not None:
            wanted = row.file
            inner = PurePosixPath(row.file)
            if inner.is_absolute() or ".." in inner.parts:
                reason = f"line {row.line} of {INDEX_NAME} names a file outside the folder; copy or link it into it"
                unreadable.append(Unreadable(folder / inner, reason))
                continue
            paths = [path for place in places if (path := find_below(place, row.file))][:1]
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
