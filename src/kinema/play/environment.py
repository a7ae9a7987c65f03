"""Offers a playable model as an environment of Gymnasium, without rewards."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from kinema.core.checks import InputError, require_extra
from kinema.play.recording import MAX_STEPS
from kinema.play.session import GameSession, Playable, open_game


def play_env(
    model: str | Path | Playable,
    *,
    start: np.ndarray | str | Path = "",
    variety: float = 0.0,
    max_steps: int = MAX_STEPS,
    device: str = "auto",
) -> Any:
    """A ``gymnasium.Env`` that plays a model; needs the extra ``gym``.

    Args:
        model: name of a shipped model, a model folder, the folder of a run, or a loaded model.
        start: the start of every episode, as in :meth:`kinema.play.session.GameSession.reset`; "" selects a random one
            of the starts that the model ships. ``reset(options={"start": ...})`` chooses for one episode.
        variety: as in :meth:`kinema.play.session.GameSession.reset`.
        max_steps: number of steps after which an episode is truncated; it never terminates.
        device: as in :func:`kinema.runtime.load.load`.

    Returns:
        The environment: ``Discrete`` actions, observations uint8 (H, W, 3), rewards 0. ``game`` is its session.

    Raises:
        InputError: gymnasium is not installed, or the model or the start cannot be used.
    """
    gymnasium = require_extra("gymnasium", extra="gym", purpose="play_env")
    if not 1 <= max_steps <= MAX_STEPS:
        raise InputError(f"max_steps {max_steps} is out of range; give 1 to {MAX_STEPS}")
    game = open_game(model, device=device)

    class PlayEnv(gymnasium.Env):
        metadata: ClassVar[dict[str, Any]] = {"render_modes": ["rgb_array"], "render_fps": round(game.fps)}
        render_mode = "rgb_array"

        def __init__(self) -> None:
            self.game = game
            self.action_space = gymnasium.spaces.Discrete(game.num_actions)
            self.observation_space = gymnasium.spaces.Box(0, 255, (*game.size, 3), np.uint8)

        def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
            super().reset(seed=seed)
            first = (options or {}).get("start", start)
            if isinstance(first, str) and first == "":
                first = _draw_start(game, self.np_random)
            drawn = int(self.np_random.integers(2**62))
            return game.reset(first, seed=drawn, variety=variety).copy(), self._info()

        def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict]:
            frame = game.step(int(action))
            return frame, 0.0, False, game.num_steps >= max_steps, self._info()

        def render(self) -> np.ndarray:
            return game.frame

        def _info(self) -> dict[str, Any]:
            return {"step": game.num_steps, "action_names": game.playable.names.names}

    return PlayEnv()


def _draw_start(game: GameSession, generator: np.random.Generator) -> Any:
    starts = game.playable.starts
    return starts[int(generator.integers(len(starts)))] if starts else game.playable.start("")
