"""The robot that comes with kinema does what its keys are called."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import kinema
from kinema.play.session import GameSession, Playable, load_playable
from kinema.simulation.robot_hand import find_hand

HELD = 5


@pytest.fixture(scope="module")
def robot() -> Playable:
    return load_playable("playable-robot", device="cpu")


def hand(frame: np.ndarray) -> np.ndarray:
    """(x, y) in pixels of a picture 64 wide."""
    return find_hand(torch.from_numpy(frame).movedim(-1, 0)[None, None] / 255)[0, 0].numpy()


def moved(game: GameSession, start: object, action: str) -> np.ndarray:
    """How far the hand is from where the game began, after the action was held."""
    began = hand(game.reset(start))  # type: ignore[arg-type]
    return hand([game.step(action) for _ in range(HELD)][-1]) - began


def test_each_key_moves_the_hand_its_own_way(robot: Playable):
    game = kinema.open_game(robot)
    middles = {
        name: np.nanmean([moved(game, start, name) for start in robot.starts], axis=0) for name in robot.names.names
    }
    assert set(middles) == {"stay", "left", "right", "away", "closer"}
    assert middles["left"][0] < -3 and middles["right"][0] > 3
    assert middles["away"][1] < -1.5 and middles["closer"][1] > 1.5
    assert abs(middles["left"][1]) < 2 and abs(middles["right"][1]) < 2
    assert np.abs(middles["stay"]).max() < 1.5


def test_there_and_back_ends_where_it_began(robot: Playable):
    game = kinema.open_game(robot)
    began = hand(game.reset("start-02"))
    keys = ["right"] * 5 + ["stay"] * 2 + ["left"] * 5 + ["closer"] * 3
    places = np.stack([hand(game.step(key)) for key in keys])
    assert np.isfinite(places).all()
    assert places[4, 0] > began[0] + 8 and np.abs(places[6] - places[4]).max() < 2
    assert np.abs(places[11] - began).max() < 4 and places[14, 1] > places[11, 1] + 4
