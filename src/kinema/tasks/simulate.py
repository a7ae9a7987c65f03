# pyright: strict
"""Writes a folder of clips of a simulated world, and beside each clip the truth, which only evaluation may read."""

from __future__ import annotations

import platform
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal, get_args

import av
import numpy as np

from kinema.core.atomic_output import check_parent, one_line, put_in_place, temporary_beside
from kinema.core.checks import InputError, require_extra
from kinema.core.progress import Advanced, Progress, ignore
from kinema.core.request import Request, Seed
from kinema.core.version import installed_version
from kinema.data.clips.folder import CLIPS_FOLDER
from kinema.data.clips.index import INDEX_NAME
from kinema.simulation import breakout, robot
from kinema.simulation.clip import SimulatedClip
from kinema.simulation.truth import truth_beside, write_truth
from kinema.tasks.data_folder import SOURCE_NAME, check_data_folder
from kinema.video import VideoWriter

World = Literal["breakout", "robot"]
WORLDS = get_args(World)
DEFAULT_LENGTHS = {"breakout": 32, "robot": 30}
DEFAULT_CLIPS = 400
DEFAULT_SIZE, SMALLEST, LARGEST = 64, 32, 256
SPLITS = ("train", "val", "test")
# Of ten clips; those that are left are for training.
_VALIDATION, _TEST = 1.0, 1.5


class SimulateRequest(Request):
    """Which clips to make.

    Attributes:
        world: one of ``WORLDS``.
        output: folder to make.
        clips: number of all splits together, 3 or more: 75 % train, 10 % val, 15 % test, and at least one of each.
        length: frames of a clip; None for the world's own.
        size: pixels a side of the robot's picture; None for 64. Breakout has its console's.
        seed: any whole number; the same one gives the same clips.
        lift: the robot's arm goes up and down too.
        overwrite: replace a folder that an earlier run made.
    """

    world: World
    output: Path
    clips: int = DEFAULT_CLIPS
    length: int | None = None
    size: int | None = None
    seed: Seed = 0
    lift: bool = False
    overwrite: bool = False


@dataclass(frozen=True)
class SimulateResult:
    """What was written.

    Attributes:
        clips: number in each split.
        actions: fraction of each action among all frames, by name.
        num_bytes: of all files.
    """

    clips: dict[str, int]
    actions: dict[str, float]
    num_bytes: int


def simulate(request: SimulateRequest, progress: Progress = ignore) -> SimulateResult:
    """Makes a folder that `kinema learn` reads; it appears whole or not at all.

    ``clips/SPLIT-NNNN.mp4`` (H.264 in RGB, lossless), ``clips/SPLIT-NNNN.npz`` with the truth of each
    (:mod:`kinema.simulation.truth`), ``index.csv`` and ``SOURCE.txt``.

    Raises:
        InputError: the folder holds something that may not be replaced, or a number is out of range.
        MissingExtraError: the simulator is not installed.
    """
    _check(request)
    splits = _splits(request.clips)
    temporary = temporary_beside(request.output)
    actions: Counter[str] = Counter()
    try:
        with one_line(request.output):
            (temporary / CLIPS_FOLDER).mkdir(parents=True)
            rows = ["code,split"]
            for split, number in splits.items():
                worlds = _clips(request, split)
                for place in range(number):
                    code = f"{split}-{place:04d}"
                    clip = next(worlds)
                    _write(temporary / CLIPS_FOLDER / f"{code}.mp4", clip, _frame_rate(request))
                    actions.update(clip.truth.action_names[int(action)] for action in clip.truth.actions)
                    rows.append(f"{code},{split}")
                    progress(Advanced("simulating", len(rows) - 1, request.clips))
            (temporary / INDEX_NAME).write_text("\n".join(rows) + "\n", encoding="utf-8")
            fractions = {name: count / actions.total() for name, count in sorted(actions.items())}
            (temporary / SOURCE_NAME).write_text(_source(request, splits, fractions), encoding="utf-8")
            num_bytes = sum(path.stat().st_size for path in temporary.rglob("*") if path.is_file())
            put_in_place(temporary, request.output)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return SimulateResult(splits, fractions, num_bytes)


def _check(request: SimulateRequest) -> None:
    check_parent(request.output)
    check_data_folder(request.output, overwrite=request.overwrite)
    if request.clips < len(SPLITS):
        raise InputError(f"--clips {request.clips}: give {len(SPLITS)} or more, one for each of {', '.join(SPLITS)}")
    if request.length is not None and not 2 <= request.length <= 1000:
        raise InputError(f"--length {request.length}: give 2 to 1000 frames")
    if request.world == "breakout":
        if request.size is not None or request.lift:
            option = "--lift" if request.lift else f"--size {request.size}"
            raise InputError(f"{option}: is for robot; frames of breakout are {breakout.WIDTH}x{breakout.HEIGHT}")
    elif request.size is not None and not SMALLEST <= request.size <= LARGEST:
        raise InputError(f"--size {request.size}: give {SMALLEST} to {LARGEST} pixels")


def _splits(clips: int) -> dict[str, int]:
    """Number of clips of each split, at least one."""
    validation, test = max(1, int(clips * _VALIDATION / 10)), max(1, int(clips * _TEST / 10))
    return dict(zip(SPLITS, (clips - validation - test, validation, test), strict=True))


def _length(request: SimulateRequest) -> int:
    return request.length or DEFAULT_LENGTHS[request.world]


def _clips(request: SimulateRequest, split: str) -> Iterator[SimulatedClip]:
    if request.world == "breakout":
        return breakout.breakout_clips(split, length=_length(request), seed=request.seed)
    size = request.size or DEFAULT_SIZE
    return robot.robot_clips(split, length=_length(request), size=size, seed=request.seed, lift=request.lift)


def _frame_rate(request: SimulateRequest) -> Fraction:
    return breakout.FRAME_RATE if request.world == "breakout" else robot.FRAME_RATE


def _write(path: Path, clip: SimulatedClip, frame_rate: Fraction) -> None:
    with VideoWriter(path, frame_rate=frame_rate, lossless=True) as writer:
        for image in clip.frames:
            writer.write(image)
    write_truth(truth_beside(path), clip.truth)


def _source(request: SimulateRequest, splits: dict[str, int], fractions: dict[str, float]) -> str:
    """Text of SOURCE.txt: the command, the versions, what the files hold, the licences."""
    what, module = {"breakout": (breakout.SOURCE, "ale_py"), "robot": (robot.SOURCE, "mujoco")}[request.world]
    options = [f"--clips {request.clips}", f"--length {_length(request)}", f"--seed {request.seed}"]
    if request.world == "robot":
        options += [f"--size {request.size or DEFAULT_SIZE}", *(["--lift"] if request.lift else [])]
    simulator = require_extra(module, extra="data", purpose=f"kinema data {request.world}")
    versions = [f"kinema {installed_version()}", *(f"{one.__name__} {one.__version__}" for one in (simulator, np, av))]
    return f"""\
Made by: kinema data {request.world} {" ".join(options)}
Versions: {", ".join(versions)}, Python {platform.python_version()}
Clips: {", ".join(f"{number} {split}" for split, number in splits.items())}
Actions: {", ".join(f"{name} {fraction:.3f}" for name, fraction in fractions.items())}

{CLIPS_FOLDER}/CODE.mp4 is H.264 in RGB, lossless. {CLIPS_FOLDER}/CODE.npz is for evaluation only, no training reads it:
actions (T,): what was done between frame t and frame t + 1, a number of action_names; rewards (T,): points gained
meanwhile; dones (T,): a ball was lost meanwhile; position_NAME (T, ...): at frame t, as told below.

{what}"""
