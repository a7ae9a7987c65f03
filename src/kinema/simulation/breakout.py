"""Generates clips of Atari Breakout, played by a simple player, with its actions (extra ``data``).

The picture is the authors' crop of Playable Video Generation (CVPR 2021): 160x208 of the console's 160x210.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from kinema.core.checks import require_extra
from kinema.core.random import derive_seed
from kinema.simulation.clip import SimulatedClip
from kinema.simulation.truth import Truth

FRAME_RATE = Fraction(15)
ACTION_NAMES = ("noop", "right", "left")
HEIGHT, WIDTH = 208, 160
SOURCE = """\
Atari Breakout in the Arcade Learning Environment, 15 frames a second, 160x208 (rows 1 to 208 of the console's 210).
An action lasts 4 of the console's 60 frames a second, repeat probability 0; frames are taken 2 after it begins, since
the paddle reacts that late. FIRE is pressed automatically, not an action. The player follows a falling ball, wanders
while it rises, and does something else for 15 % of the time. Splits are of different games.
position_paddle (T, 1) and position_ball (T, 2), (x, y): centres in pixels, 0 the centre of the first.

Licences: ale-py is GPL-2.0-only and is run, not copied. The pictures are of Breakout (Atari, 1978), whose art and
program belong to its owners: fit for research, not for redistribution without asking them.
"""
# First row of the crop: with 0 the paddle would be outside the rows that the authors' detector searches.
_TOP = 1
# The console's numbers of noop, right and left.
_BUTTONS, _FIRE = (0, 3, 4), 1
# Console frames (60 per second) that an action lasts. The paddle reacts two frames late, so pictures are taken two
# frames after a change: the movement from one picture to the next is then that of a single action.
_FRAMES_PER_ACTION, _LATE = 4, 2
# Addresses of positions in the console's memory, and offsets that convert them to pixels (centres of paddle and ball).
_PADDLE, _BALL_X, _BALL_Y = 72, 99, 101
_TO_PIXELS = np.array((-47 + 7.5, -49 + 0.5, 9 + 1.5 - _TOP), dtype=np.float32)
_PADDLE_ROWS, _PADDLE_COLOR, _FIELD = slice(190 - _TOP, 193 - _TOP), (200, 72, 72), slice(8, 152)
# The player aims to meet a falling ball this many pixels off the paddle's centre, within a tolerance; while the ball
# rises it moves to a random place between these columns.
_TOLERANCE, _AIM, _WANDER = 9.0, 6.0, (20.0, 140.0)
# A random action lasts 1 to 4 steps.
_RANDOM_SHARE, _LONGEST_RANDOM = 0.15, 4
# The longest wait for the first ball of a game, and the longest part of a game between two clips, in steps.
_LONGEST_WAIT, _LONGEST_GAP = 30, 48


@dataclass(frozen=True, eq=False)
class _Step:
    """A picture (208, 160, 3), the current action, score, balls left, and (3,) pixels of paddle and ball."""

    picture: np.ndarray
    action: int
    score: float
    lives: int
    places: np.ndarray


def breakout_clips(split: str, *, length: int, seed: int) -> Iterator[SimulatedClip]:
    """Yields clips endlessly, from game after game; no game is in two splits.

    In all of a clip the ball is in play: the service, a lost ball and what follows are left out.

    Args:
        split: such as "train"; other names give other games.
        length: T, frames of a clip.
        seed: any whole number; the same one gives the same clips.

    Raises:
        MissingExtraError: ale-py is not installed.
    """
    number = 0
    while True:
        game_seed = derive_seed("breakout", seed, split, number)
        rng = np.random.default_rng(game_seed)
        kept: list[_Step] = []
        gap = int(rng.integers(_LONGEST_GAP))
        for step in _play(game_seed, rng):
            if step is None:
                kept = []
            elif gap:
                gap -= 1
            else:
                kept.append(step)
            if len(kept) > length:  # one more step, which shows the result of the last action
                yield _clip(kept)
                kept, gap = [], int(rng.integers(_LONGEST_GAP))
        number += 1


def find_paddle(frame: np.ndarray) -> tuple[float, int] | None:
    """Finds the paddle in a picture.

    Args:
        frame: (208, 160, 3) uint8 RGB, as in the clips.

    Returns:
        The centre's x in pixels, 0 the centre of the first column, and the visible width; None if it is not visible.
        A ball that touches the paddle has the same colour and is taken for a part of it.
    """
    red = (frame[_PADDLE_ROWS, _FIELD] == _PADDLE_COLOR).all(axis=(0, 2))
    places = np.flatnonzero(red) + _FIELD.start
    return (float(places[[0, -1]].mean()), len(places)) if len(places) else None


def _clip(steps: Sequence[_Step]) -> SimulatedClip:
    scores = np.array([step.score for step in steps], dtype=np.float32)
    lives = np.array([step.lives for step in steps])
    places = np.stack([step.places for step in steps[:-1]])
    truth = Truth(
        actions=np.array([step.action for step in steps[:-1]], dtype=np.int16),
        action_names=ACTION_NAMES,
        rewards=np.diff(scores),
        dones=np.diff(lives) < 0,
        positions={"paddle": places[:, :1], "ball": places[:, 1:]},
    )
    return SimulatedClip(np.stack([step.picture for step in steps[:-1]]), truth)


def _play(seed: int, rng: np.random.Generator) -> Iterator[_Step | None]:
    """Yields the steps of a game of five balls; None while no ball is in play."""
    console = _insert_cartridge(seed)
    player = _Player(rng)
    score = 0
    for _ in range(int(rng.integers(_LONGEST_WAIT))):
        console.act(_BUTTONS[0])
    while not console.game_over():
        memory = console.getRAM()
        serving = memory[_BALL_Y] == 0
        action = 0 if serving else player.choose(_places(memory))
        button = _FIRE if serving else _BUTTONS[action]
        score += sum(console.act(button) for _ in range(_LATE))
        places = _places(console.getRAM())
        lost = console.getRAM()[_BALL_Y] == 0
        picture = console.getScreenRGB()[_TOP : _TOP + HEIGHT].copy()
        yield None if serving or lost else _Step(picture, action, score, console.lives(), places)
        score += sum(console.act(button) for _ in range(_FRAMES_PER_ACTION - _LATE))


def _insert_cartridge(seed: int) -> Any:
    ale = require_extra("ale_py", extra="data", purpose="playing Breakout")
    roms = require_extra("ale_py.roms", extra="data", purpose="playing Breakout")
    ale.ALEInterface.setLoggerMode(ale.LoggerMode.Error)
    console = ale.ALEInterface()
    console.setInt("random_seed", seed % 2**31)
    console.setFloat("repeat_action_probability", 0.0)
    console.setInt("frame_skip", 1)
    console.loadROM(roms.get_rom_path("breakout"))
    return console


def _places(memory: np.ndarray) -> np.ndarray:
    return memory[[_PADDLE, _BALL_X, _BALL_Y]].astype(np.float32) + _TO_PIXELS


class _Player:
    """Follows a falling ball, wanders while it rises, and sometimes takes random actions for a while."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._action, self._repeats = 0, 0
        self._height, self._rising, self._aim = 0.0, False, 0.0
        mean = (1 + _LONGEST_RANDOM) / 2
        self._begins = _RANDOM_SHARE / (mean - _RANDOM_SHARE * (mean - 1))

    def choose(self, places: np.ndarray) -> int:
        """Chooses the number of an action from the positions (3,) of paddle and ball in pixels."""
        paddle, ball, height = places
        rising = bool(height < self._height)
        if rising != self._rising:
            self._aim = self._rng.uniform(*_WANDER) if rising else self._rng.uniform(-_AIM, _AIM)
        self._height, self._rising = height, rising
        if self._repeats:
            self._repeats -= 1
        elif self._rng.random() < self._begins:
            self._action = int(self._rng.integers(len(_BUTTONS)))
            self._repeats = int(self._rng.integers(_LONGEST_RANDOM))
        else:
            away = self._aim + (0 if rising else ball) - paddle
            self._action = 0 if abs(away) < _TOLERANCE else 1 if away > 0 else 2
        return self._action
