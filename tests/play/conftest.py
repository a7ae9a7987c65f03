"""A tiny game: playable at 64x64 with two start frames, whose frames really change with the actions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kinema.data.clips.synthetic import moving_shapes
from kinema.play.session import Playable, load_playable
from kinema.video import write_image


@pytest.fixture(scope="session")
def game_model(make_model: Callable[..., Path]) -> Path:
    """Folder of a model with the starts "circle" and "square"."""
    folder = make_model(system="playable")
    (folder / "starts").mkdir()
    for name, frame in zip(("circle", "square"), moving_shapes(2, 1, 64, seed=3)[:, 0], strict=True):
        write_image(folder / "starts" / f"{name}.png", frame)
    return folder


@pytest.fixture(scope="session")
def playable(game_model: Path) -> Playable:
    """The same, loaded once."""
    return load_playable(game_model, device="cpu")
