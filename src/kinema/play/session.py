"""Plays a game with a model: reset gives the first frame, step the frame after an action; the game can be recorded."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch

from kinema.core.checks import InputError
from kinema.core.random import torch_generator
from kinema.play.action_names import ActionNames, make_names, read_names, write_names
from kinema.play.recording import MAX_STEPS, RecordedStart, Recording, printable, run_lengths
from kinema.play.starts import Start, digest_of, fit_start, pack_frames, read_start, shipped_starts, unpack_frames
from kinema.runtime.load import load_for
from kinema.video import VideoWriter
from kinema.weights.catalogue import WEIGHTS, find_model

DEFAULT_FPS = 10.0


@dataclass(frozen=True)
class Playable:
    """A loaded model with its action names and starts; many games can share it.

    Attributes:
        pipeline: a :class:`kinema.systems.playable.pipeline.PlayablePipeline`.
        folder: the model folder.
        name: name of the model that is shown to people.
        weights: hexadecimal SHA-256 of its weights.
        names: names of its actions.
        starts: the starts that it ships.
    """

    pipeline: Any
    folder: Path
    name: str
    weights: str
    names: ActionNames
    starts: tuple[Start, ...]

    @property
    def config(self) -> Any:
        """The model's :class:`kinema.systems.playable.config.PlayableConfig`."""
        return self.pipeline.model.config

    def start(self, name: str) -> Start:
        """Finds a shipped start by its name; "" gives the first.

        Raises:
            InputError: there is no start of this name.
        """
        for start in self.starts:
            if name in ("", start.name):
                return start
        if not self.starts:
            raise InputError(f"model {self.name} ships no start frames; give a picture or a clip to start from")
        raise InputError(
            f"start '{printable(name)}' is unknown; known: {', '.join(start.name for start in self.starts)}"
        )


def load_playable(model: str | Path, *, device: str = "auto") -> Playable:
    """Loads a model for playing.

    Args:
        model: name of a shipped model, a model folder, or the folder of a run.
        device: as in :func:`kinema.runtime.load.load`.

    Raises:
        InputError: there is no such model, it is of another system, or a file beside it is damaged.
    """
    folder = find_model(model)
    pipeline = load_for("play", folder, device=device)
    with open(folder / WEIGHTS, "rb") as file:
        weights = hashlib.file_digest(file, "sha256").hexdigest()
    names = read_names(folder, pipeline.num_actions)
    starts = shipped_starts(folder, pipeline.model.config)
    name = folder.parent.name if folder.name == "model" and folder.parent.name else folder.name
    return Playable(pipeline, folder, name, weights, names, starts)


def name_actions(playable: Playable, names: tuple[str, ...], *, noop: str | None = None) -> Playable:
    """Stores names for the actions of a model in its folder.

    Args:
        playable: the model.
        names: one for each action.
        noop: name, or number from 1, of the action that means to stay; None: the one whose name means it.

    Returns:
        The model with the new names.

    Raises:
        InputError: the names are refused or cannot be written.
    """
    chosen = make_names(names, playable.pipeline.num_actions)
    if noop is not None:
        chosen = make_names(names, playable.pipeline.num_actions, noop=chosen.index(noop))
    write_names(playable.folder, chosen)
    return replace(playable, names=chosen)


def open_game(model: str | Path | Playable, *, device: str = "auto") -> GameSession:
    """Opens a game of a model.

    Args:
        model: as in :func:`load_playable`, or its result.
        device: as in :func:`load_playable`.

    Raises:
        InputError: as in :func:`load_playable`.
    """
    return GameSession(model if isinstance(model, Playable) else load_playable(model, device=device))


class GameSession:
    """One player's game. Its frames depend only on the model, the start, the seed and the actions.

    On one machine with one number of threads they are the same in every run; on others, rounding may differ.

    Attributes:
        playable: the model.
        fps: frames per second of recordings and videos of this game.
    """

    def __init__(self, playable: Playable) -> None:
        self.playable = playable
        self.fps = DEFAULT_FPS
        self._game: Any = None
        self._start: Start | None = None
        self._seed, self._variety = 0, 0.0
        self._actions: list[int] = []
        self._frame: np.ndarray | None = None

    @property
    def num_actions(self) -> int:
        """Number of actions, which are 0 to ``num_actions`` - 1."""
        return self.playable.pipeline.num_actions

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the frames."""
        return self.playable.pipeline.size

    @property
    def num_steps(self) -> int:
        """Steps since the last reset."""
        return len(self._actions)

    @property
    def frame(self) -> np.ndarray:
        """The current frame, (H, W, 3) uint8.

        Raises:
            InputError: the game has not begun.
        """
        if self._frame is None:
            raise InputError("the game has not begun; call reset first")
        return self._frame

    def reset(self, start: np.ndarray | str | Path | Start = "", *, seed: int = 0, variety: float = 0.0) -> np.ndarray:
        """Begins a new game.

        Args:
            start: a frame (H, W, 3) or clip (T, H, W, 3) of uint8, whose last frame is the start; the path of a picture
                or clip; the name of a start that the model ships; "" for its first. A clip also shows what is moving.
            seed: of the variations; the same seed and actions give the same frames.
            variety: standard deviation of the random difference of each step from the mean of its action, in units of
                the action space; 0: no difference.

        Returns:
            (H, W, 3) uint8, the first frame of the game.

        Raises:
            InputError: the start cannot be used, or a number is out of range.
        """
        if not 0 <= seed < 2**63 or not 0 <= variety <= 10:
            raise InputError(
                f"seed {seed} or variety {variety} is out of range; give a seed of 0 or more and a variety from 0 to 10"
            )
        chosen = self._find(start)
        self._game = self.playable.pipeline.start(chosen.frames)
        self._start, self._seed, self._variety, self._actions = chosen, seed, variety, []
        self._frame = chosen.frames[-1]
        return chosen.frames[-1]

    def step(self, action: int | str | None = None) -> np.ndarray:
        """Takes an action.

        Args:
            action: its number, from 0, or its name; None: the action that means to stay.

        Returns:
            (H, W, 3) uint8, the frame after it.

        Raises:
            InputError: there is no such action, no action means to stay, the game has not begun, or it is too long.
        """
        index = self._index(action)
        if self._game is None:
            raise InputError("the game has not begun; call reset first")
        if len(self._actions) >= MAX_STEPS:
            raise InputError(f"a game has at most {MAX_STEPS} steps; reset it")
        frame, game = self.playable.pipeline.step(self._game, index, self._variation())
        self._game, self._frame = game, frame
        self._actions.append(index)
        return frame

    def record(self) -> Recording:
        """The recording of the game since the last reset.

        Raises:
            InputError: the game has not begun.
        """
        frame, start = self.frame, self._start
        assert start is not None, "set with the frame"
        shipped = any(start is one for one in self.playable.starts)
        return Recording(
            model=self.playable.name,
            weights=self.playable.weights,
            seed=self._seed,
            variety=self._variety,
            fps=self.fps,
            start=RecordedStart(
                name=start.name if shipped else "",
                sha256=start.digest,
                frames=() if shipped else tuple(pack_frames(start.frames)),
            ),
            actions=run_lengths(self._actions),
            last=digest_of(frame),
        )

    def replay(self, recording: Recording) -> Iterator[np.ndarray]:
        """Plays a recording, with its start as the first frame; afterwards the game can continue at its end.

        Args:
            recording: of the same model.

        Returns:
            (H, W, 3) uint8 each, ``recording.num_steps`` + 1 of them, generated one by one.

        Raises:
            InputError: it was played with other weights, or its start does not exist.
        """
        start = self.check(recording)
        self.fps = recording.fps
        yield self.reset(start, seed=recording.seed, variety=recording.variety)
        for action in recording.steps():
            yield self.step(action)

    def check(self, recording: Recording) -> Start:
        """The start of a recording.

        Args:
            recording: of the same model.

        Raises:
            InputError: it was played with other weights, or its start does not exist.
        """
        if recording.weights != self.playable.weights:
            raise InputError(
                f"the session was played with other weights (of {printable(recording.model)}) than those of "
                f"{self.playable.name}; open it with the same model"
            )
        if any(action >= self.num_actions for action, _ in recording.actions):
            raise InputError(
                f"the session has actions that {self.playable.name} does not have; open it with the same model"
            )
        recorded = recording.start
        start = (
            Start("", unpack_frames(recorded.frames, self.size))
            if recorded.frames
            else self.playable.start(recorded.name)
        )
        if start.digest != recorded.sha256:
            # Recordings of earlier versions have only the frames of one observation.
            start = Start("", start.frames[-self.playable.config.representation.stack :])
        if start.digest != recorded.sha256:
            raise InputError(
                "the start of the session has other pixels than when it was played; save the session again"
            )
        return start

    def _index(self, action: int | str | None) -> int:
        names = self.playable.names
        if action is None:
            if names.noop is None:
                raise InputError(
                    f"no action of {self.playable.name} is marked as the one to stay; give an action, or mark one: "
                    "kinema actions MODEL --noop NAME"
                )
            return names.noop
        if isinstance(action, str):
            return names.index(action)
        if not 0 <= action < self.num_actions:
            raise InputError(f"action {action} is unknown; accepted: 0 to {self.num_actions - 1}")
        return int(action)

    def _variation(self) -> torch.Tensor | None:
        if self._variety == 0:
            return None
        generator = torch_generator("play", self._seed, len(self._actions))
        return self._variety * torch.randn(self.playable.config.actions.action_space, generator=generator)

    def _find(self, start: np.ndarray | str | Path | Start) -> Start:
        if isinstance(start, Start):
            return start
        if isinstance(start, np.ndarray):
            clip = start[None] if start.ndim == 3 else start
            if start.dtype != np.uint8 or clip.ndim != 4 or clip.shape[-1] != 3 or not clip.size:
                raise InputError(f"a game starts from uint8 (H, W, 3) or (T, H, W, 3); got {start.dtype} {start.shape}")
            return fit_start(list(clip), self.playable.config)
        if isinstance(start, str) and (start == "" or any(start == one.name for one in self.playable.starts)):
            return self.playable.start(start)
        if isinstance(start, str) and not Path(start).exists():
            return self.playable.start(start)  # its error lists the known starts
        return read_start(Path(start), self.playable.config)


def write_video(
    session: GameSession,
    recording: Recording,
    path: Path,
    on_progress: Callable[[int, int | None], None] | None = None,
) -> int:
    """Plays a recording into a video file.

    Args:
        session: of the same model; afterwards its game can continue at the end of the recording.
        recording: what to play.
        path: .mp4, .mov, .mkv, .gif, .webp, or a folder.
        on_progress: called with the number of written frames and of all frames.

    Returns:
        The number of frames.

    Raises:
        InputError: as in :meth:`GameSession.replay`, or the file cannot be written.
    """
    count = 0
    with VideoWriter(path, frame_rate=Fraction(recording.fps).limit_denominator(1001)) as writer:
        for frame in session.replay(recording):
            writer.write(frame)
            count += 1
            if on_progress is not None:
                on_progress(count, recording.num_steps + 1)
    return count
