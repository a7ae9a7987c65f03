"""Plays 200 steps of playable-robot with random keys that keep the hand in the tray, to see whether the picture lasts.

usage: robot_inside.py [MODEL] PICTURE [--any]

A key is held for 3 to 6 steps. With --any all keys are used, even those that would move the hand out of the tray.
Without it only keys are used that should end in the tray: by the position of the hand's orange band if it is found,
otherwise by the mean movement of the keys. PICTURE gets a row for each start: the start, then every 25th frame.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch

import kinema
from kinema.simulation.robot_hand import find_hand
from kinema.video import write_image

STEPS, EVERY, SCALE = 200, 25, 2
# Pixels of 64 that a key moves the hand, and where the hand may be: (x, y).
MOVES = {"stay": (0.0, 0.0), "closer": (0.0, 2.0), "right": (3.1, 0.0), "left": (-3.1, 0.0), "away": (0.0, -2.0)}
LEAST, MOST = np.array([20.0, 35.0]), np.array([44.0, 46.0])


def place(frame: np.ndarray) -> np.ndarray:
    """(x, y) of the hand, NaN if it is not found."""
    return find_hand(torch.from_numpy(frame).movedim(-1, 0)[None, None] / 255)[0, 0].numpy()


def keys_inside(at: np.ndarray, held: int) -> list[str]:
    """The keys that may be held; outside the tray, those that lead back."""
    for axis, (low, high) in enumerate((("right", "left"), ("closer", "away"))):
        if at[axis] < LEAST[axis]:
            return [low]
        if at[axis] > MOST[axis]:
            return [high]
    ends = {key: at + held * np.array(move) for key, move in MOVES.items()}
    return [key for key, end in ends.items() if (end >= LEAST).all() and (end <= MOST).all()]


def main() -> None:
    """Plays from each start and writes the sheet."""
    given = [word for word in sys.argv[1:] if word != "--any"]
    model = given[0] if len(given) > 1 else "playable-robot"
    game, rows = kinema.open_game(model), []
    starts = kinema.open_game("playable-robot").playable.starts
    for number, start in enumerate(starts):
        generator = np.random.default_rng(number if "--any" in sys.argv else 3)
        seen = 0
        row = [game.reset(start)]
        at = np.nan_to_num(place(row[0]), nan=36.0)
        while game.num_steps < STEPS:
            held = int(generator.integers(3, 7))
            keys = list(MOVES) if "--any" in sys.argv else keys_inside(at, held)
            key = keys[int(generator.integers(len(keys)))]
            for _ in range(min(held, STEPS - game.num_steps)):
                frame = game.step(key)
                found = place(frame)
                seen += bool(np.isfinite(found).all())
                at = found if np.isfinite(found).all() else at + np.array(MOVES[key])
                if game.num_steps % EVERY == 0:
                    row.append(frame)
        rows.append(np.concatenate(row, axis=1))
        print(f"{start.name}: the hand's band is seen in {seen} of {STEPS} frames")
    sheet = np.concatenate(rows)
    write_image(Path(given[-1]), sheet.repeat(SCALE, axis=0).repeat(SCALE, axis=1))


if __name__ == "__main__":
    main()
