# pyright: strict
"""Photos of faces -> a folder of clips in which they move at random, with the exact truth beside each."""

from __future__ import annotations

import csv
import platform
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kinema.core.atomic_output import check_parent, one_line, put_in_place, temporary_beside
from kinema.core.checks import InputError
from kinema.core.progress import Advanced, LeftOut, Progress, ignore
from kinema.core.request import Request, Seed
from kinema.core.version import installed_version
from kinema.data.clips.folder import CLIPS_FOLDER
from kinema.data.clips.index import INDEX_NAME
from kinema.faces.face_pose import FacePose
from kinema.faces.head_pose import angles_of, head_rotation
from kinema.runtime.models import Models
from kinema.simulation.backdrop import Backdrop
from kinema.simulation.face_motion import FaceMotion, random_face_motion
from kinema.simulation.portrait_truth import PortraitTruth, write_portrait_truth
from kinema.simulation.truth import truth_beside
from kinema.systems.abilities import HeadPipeline
from kinema.tasks.data_folder import PHOTOS_NAME, SOURCE_NAME, check_data_folder
from kinema.tasks.heads.face import SYNTHETIC
from kinema.tasks.heads.framed_head import FramedHead, framed_heads
from kinema.video import VideoWriter
from kinema.video.reading.animated_image import STILL_SUFFIXES

PHOTO_SUFFIXES = frozenset({*STILL_SUFFIXES, ".webp"})
SPLITS = ("train", "val", "test")
DEFAULT_CLIPS, DEFAULT_LENGTH, DEFAULT_SIZE = 5, 40, 256
# Shares of the identities; of five or more there is one at least in each split, of eight or more two in test, since
# only there a motion can be carried from one person over to another.
_VALIDATION, _TEST, _FEW, _ENOUGH = 0.1, 0.15, 5, 8
# What a stream of random numbers is for, so that none is used twice.
_FOR_SPLITS, _FOR_MOTION, _FOR_BACKDROP = 0, 1, 2


class PortraitsRequest(Request):
    """Of which photos to make which clips.

    Attributes:
        photos: picture files, and folders whose pictures (those in folders below too) are taken.
        output: folder to make.
        clips: of each face; in test, the number of motions, each of which is drawn for every face.
        length: frames of a clip.
        frame_rate: frames a second.
        size: pixels a side.
        seed: any whole number; the same one gives the same clips.
        background: "new" puts another background behind a person whose outline was found; "own" keeps the photo's.
        overwrite: replace a folder that an earlier run made.
        model: a head model: shipped, or a model folder.
    """

    photos: tuple[Path, ...] = Field(min_length=1)
    output: Path
    clips: int = Field(default=DEFAULT_CLIPS, ge=1, le=1000)
    length: int = Field(default=DEFAULT_LENGTH, ge=2, le=1000)
    frame_rate: Fraction = Field(default=Fraction(25), ge=1, le=120)
    size: int = Field(default=DEFAULT_SIZE, ge=64, le=1024)
    seed: Seed = 0
    background: Literal["new", "own"] = "new"
    overwrite: bool = False
    model: str = "head"


@dataclass(frozen=True)
class PortraitsResult:
    """What was written.

    Attributes:
        clips: number in each split.
        identities: number in each split.
        left_out: a line for each photo or face that was not used, with the reason.
        num_bytes: of all files.
    """

    clips: dict[str, int]
    identities: dict[str, int]
    left_out: tuple[str, ...]
    num_bytes: int


@dataclass(frozen=True)
class _Face:
    """A face that was looked at: its photo's path and name, its place from the left, and why it is left out."""

    path: Path
    name: str
    number: int
    reason: str = ""


@dataclass(frozen=True)
class _Clip:
    """One clip to make; in test ``take`` is the number of the motion."""

    code: str
    split: str
    identity: int
    take: int


def make_portraits(request: PortraitsRequest, models: Models, progress: Progress = ignore) -> PortraitsResult:
    """Makes a folder that `kinema learn` reads; it appears whole or not at all.

    ``clips/SPLIT-NNNN.mp4`` (H.264 in RGB, lossless), ``clips/SPLIT-NNNN.npz`` with the truth of each
    (:mod:`kinema.simulation.portrait_truth`), ``index.csv``, ``photos.csv`` and ``SOURCE.txt``.

    Args:
        request: what to make.
        models: where the head model comes from.
        progress: told of the photos, of those left out, and of the clips.

    Raises:
        InputError: no photo can be used, the folder holds something that may not be replaced, or a path is wrong.
        MissingExtraError: the extra ``head`` is not installed.
    """
    check_parent(request.output)
    check_data_folder(request.output, overwrite=request.overwrite)
    photos = _photos(request.photos)
    pipeline = models.heads(request.model)
    faces = _look(photos, pipeline, request, progress)
    used = [face for face in faces if not face.reason]
    left_out = tuple(f"{face.path}: {face.reason}" for face in faces if face.reason)
    if not used:
        raise InputError(f"no photo can be used ({left_out[0]})")
    if left_out:
        progress(LeftOut(left_out))
    splits = split_identities(len(used), request.seed)
    clips = _clips(splits, request.clips)
    temporary = temporary_beside(request.output)
    try:
        with one_line(request.output):
            (temporary / CLIPS_FOLDER).mkdir(parents=True)
            _draw_all(used, clips, temporary, pipeline, request, progress)
            _write_lists(temporary, faces, splits, clips, request)
            num_bytes = sum(path.stat().st_size for path in temporary.rglob("*") if path.is_file())
            put_in_place(temporary, request.output)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    counts = (Counter(clip.split for clip in clips), Counter(splits))
    made, people = ({split: count[split] for split in SPLITS if count[split]} for count in counts)
    return PortraitsResult(made, people, left_out, num_bytes)


def split_identities(number: int, seed: int) -> list[str]:
    """The split of each identity: about 75 % train, 10 % val, 15 % test, drawn by a seed.

    Args:
        number: of identities; fewer than five are all for training.
        seed: any whole number.
    """
    if number < _FEW:
        return ["train"] * number
    test = max(round(_TEST * number), 1 if number < _ENOUGH else 2)
    validation = max(round(_VALIDATION * number), 1)
    order = _generator(seed, _FOR_SPLITS).permutation(number).tolist()
    splits = ["train"] * number
    for place in order[:test]:
        splits[place] = "test"
    for place in order[test : test + validation]:
        splits[place] = "val"
    return splits


def _photos(given: tuple[Path, ...]) -> list[tuple[Path, str]]:
    """The photos that paths stand for, each once, and the name that each has in the lists."""
    photos: dict[Path, tuple[Path, str]] = {}
    for path in given:
        if path.is_dir():
            found = sorted(
                file for file in path.rglob("*") if file.suffix.lower() in PHOTO_SUFFIXES and file.name[0] != "."
            )
            if not found:
                raise InputError(f"{path}: holds no pictures ({', '.join(sorted(PHOTO_SUFFIXES))})")
            for file in found:
                photos.setdefault(file.resolve(), (file, file.relative_to(path).as_posix()))
        elif path.exists():
            photos.setdefault(path.resolve(), (path, path.name))
        else:
            raise InputError(f"{path}: no such file or folder; check the path")
    return list(photos.values())


def _look(
    photos: list[tuple[Path, str]], pipeline: HeadPipeline[object], request: PortraitsRequest, progress: Progress
) -> list[_Face]:
    """The faces of all photos; nothing of the photos themselves is kept."""
    faces: list[_Face] = []
    for done, (path, name) in enumerate(photos, start=1):
        try:
            for number, head in enumerate(framed_heads(path, pipeline, request.size), start=1):
                faces.append(_Face(path, name, number, head if isinstance(head, str) else ""))
        except InputError as error:
            faces.append(_Face(path, name, 0, str(error).removeprefix(f"{path}: ")))
        progress(Advanced("looking for faces", done, len(photos)))
    return faces


def _clips(splits: list[str], number: int) -> list[_Clip]:
    """All clips, in the order of their codes."""
    clips: list[_Clip] = []
    for split in SPLITS:
        members = [identity for identity, its in enumerate(splits) if its == split]
        pairs = [(identity, take) for identity in members for take in range(number)]
        if split == "test":  # the looks of a motion beside each other
            pairs.sort(key=lambda pair: pair[::-1])
        clips += [_Clip(f"{split}-{place:04d}", split, *pair) for place, pair in enumerate(pairs)]
    return clips


def _draw_all(
    faces: list[_Face],
    clips: list[_Clip],
    folder: Path,
    pipeline: HeadPipeline[object],
    request: PortraitsRequest,
    progress: Progress,
) -> None:
    """Draws the clips of one photo after the other."""
    done = 0
    for identity, head in _heads(faces, pipeline, request.size):
        for clip in (clip for clip in clips if clip.identity == identity):
            _draw(folder / CLIPS_FOLDER / f"{clip.code}.mp4", head, clip, request)
            done += 1
            progress(Advanced("drawing clips", done, len(clips)))


def _heads(faces: list[_Face], pipeline: HeadPipeline[object], size: int) -> Iterator[tuple[int, FramedHead]]:
    """The number and head of each identity; a photo is read once more, as all of them together may fill the memory."""
    wanted = {(face.path, face.number): identity for identity, face in enumerate(faces)}
    for path in dict.fromkeys(face.path for face in faces):
        for number, head in enumerate(framed_heads(path, pipeline, size), start=1):
            if (path, number) not in wanted:
                continue
            if isinstance(head, str):
                raise InputError(f"{path}: was changed while clips were made of it")
            yield wanted[path, number], head


def _draw(path: Path, framed: FramedHead, clip: _Clip, request: PortraitsRequest) -> None:
    """Writes one clip and its truth."""
    size, rate = request.size, float(request.frame_rate)
    motion = _motion(clip, request)
    backdrop = None
    if request.background == "new" and framed.head.locked:
        generator = _generator(request.seed, _FOR_BACKDROP, clip.identity, clip.take)
        height, width = framed.head.photo.shape[:2]
        # In test it stands still: what moves there is what the driving clip says.
        backdrop = Backdrop(generator, (height, width), may_drift=clip.split != "test")
    mattes: list[NDArray[np.uint8]] = []
    points: list[NDArray[np.float64]] = []
    with VideoWriter(path, frame_rate=request.frame_rate, lossless=True, comment=SYNTHETIC) as writer:
        for frame, (pose, shift) in enumerate(zip(motion.poses, motion.shifts, strict=True)):
            moved = framed.motion_of(pose, shift)
            image, matte = framed.draw(moved, size, None if backdrop is None else backdrop.at(frame / rate))
            writer.write(image)
            points.append(framed.points(moved, size))
            if matte is not None:
                mattes.append(matte)
    names = tuple(FacePose.model_fields)
    truth = PortraitTruth(
        points=np.stack(points).astype(np.float32),
        sliders=np.array([[getattr(pose, name) for name in names] for pose in motion.poses], dtype=np.float32),
        slider_names=names,
        shifts=framed.shift_pixels(motion.shifts, size).astype(np.float32),
        head_angles=np.array([angles_of(head_rotation(seen)) for seen in points], dtype=np.float32),
        motion=motion.kind,
        background="own" if backdrop is None else backdrop.kind,
        matte=np.stack(mattes) if mattes else None,
    )
    write_portrait_truth(truth_beside(path), truth)


def _motion(clip: _Clip, request: PortraitsRequest) -> FaceMotion:
    """Its own for each clip of train and val; in test the same for all identities."""
    whose = () if clip.split == "test" else (clip.identity + 1,)
    generator = _generator(request.seed, _FOR_MOTION, clip.take, *whose)
    return random_face_motion(generator, request.length, float(request.frame_rate))


def _generator(seed: int, *purpose: int) -> np.random.Generator:
    return np.random.default_rng([seed % 2**64, *purpose])


def _write_lists(
    folder: Path, faces: list[_Face], splits: list[str], clips: list[_Clip], request: PortraitsRequest
) -> None:
    """Writes index.csv, photos.csv and SOURCE.txt."""
    with (folder / INDEX_NAME).open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream, lineterminator="\n")
        rows.writerow(("code", "frames", "identity", "motion_group", "split"))
        for clip in clips:
            group = f"t{clip.take:03d}" if clip.split == "test" else clip.code
            rows.writerow((clip.code, request.length, clip.identity + 1, group, clip.split))
    with (folder / PHOTOS_NAME).open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream, lineterminator="\n")
        rows.writerow(("photo", "face", "identity", "split", "left_out"))
        identity = 0
        for face in faces:
            if face.reason:
                rows.writerow((face.name, face.number or "", "", "", face.reason))
            else:
                rows.writerow((face.name, face.number, identity + 1, splits[identity], ""))
                identity += 1
    (folder / SOURCE_NAME).write_text(_source(splits, clips, request), encoding="utf-8")


def _source(splits: list[str], clips: list[_Clip], request: PortraitsRequest) -> str:
    """Text of SOURCE.txt: the command, the versions, what the files hold, what may be done with them."""
    options = (
        f"--clips {request.clips} --length {request.length} --frame-rate {request.frame_rate} --size {request.size} "
        f"--seed {request.seed} --background {request.background}"
    )
    versions = f"kinema {installed_version()}, numpy {np.__version__}, Python {platform.python_version()}"
    people, made = Counter(splits), Counter(clip.split for clip in clips)
    counts = ", ".join(f"{made[split]} of {people[split]} identities {split}" for split in SPLITS if people[split])
    return f"""\
Made by: kinema data portraits PHOTOS {options}
Versions: {versions}
Clips: {counts}

The clips are synthetic: photographs (photos.csv), moved by the model {request.model}; nobody made these movements.
Use only photos of people who have agreed to it, and never present a clip as something its subject said or did. Who may
have the clips is for the photos' licences and the people in them to say.

{CLIPS_FOLDER}/CODE.mp4 is H.264 in RGB, lossless. In {INDEX_NAME}, clips of the same motion_group in test share the
motion: frame t of one is the exact answer to the question how its frame 0 moves as another clip of the group does.
Frame 0 shows the photo's own pose. Each face of each photo is an identity, and no identity is in two splits.

{CLIPS_FOLDER}/CODE.npz is for evaluation only, no training reads it: points (T, 478, 3) of MediaPipe's face mesh in
pixels of the frames, 0 the centre of the first; sliders (T, S) named by slider_names, against the photo; shifts (T, 2)
of the head in pixels; head_angles (T, 3) yaw, pitch and roll in degrees; matte (T, H, W) uint8 of the person, where an
outline was found; motion and background, their kinds.
"""
