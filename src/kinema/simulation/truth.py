"""Writes and reads the true actions and positions of a simulated clip as a .npz beside it, for evaluation only.

The file for ``clips/train-0000.mp4`` is ``clips/train-0000.npz``. Learning does not read it.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kinema.core.checks import InputError

_FIELDS = ("actions", "action_names", "rewards", "dones")
_POSITION = "position_"


@dataclass(frozen=True, eq=False)
class Truth:
    """The true actions, rewards and positions of a clip of T frames.

    Attributes:
        actions: (T,) int16; number t is the action between frame t and frame t + 1.
        action_names: of the A actions, in the order of their numbers.
        rewards: (T,) float32, gained between frame t and frame t + 1; 0 if there is no score.
        dones: (T,) bool, whether an episode ended there: a ball was lost.
        positions: name to (T, ...) float32 at each frame; the folder's SOURCE.txt states the unit.
    """

    actions: np.ndarray
    action_names: tuple[str, ...]
    rewards: np.ndarray
    dones: np.ndarray
    positions: Mapping[str, np.ndarray]

    def __post_init__(self) -> None:
        """Refuses arrays of different lengths."""
        lengths = {len(array) for array in (self.actions, self.rewards, self.dones, *self.positions.values())}
        assert len(lengths) == 1, lengths
        assert self.actions.min() >= 0 and self.actions.max() < len(self.action_names)
        assert all(re.fullmatch(r"[a-z_]+", name) for name in self.positions)


def truth_beside(clip: Path) -> Path:
    """The file that holds the truth of a clip."""
    return clip.with_suffix(".npz")


def write_truth(path: Path, truth: Truth) -> None:
    """Writes a .npz whose bytes depend only on the truth."""
    arrays: dict[str, Any] = {
        "actions": truth.actions.astype(np.int16),
        "action_names": np.array(truth.action_names),
        "rewards": truth.rewards.astype(np.float32),
        "dones": truth.dones.astype(bool),
    }
    arrays |= {_POSITION + name: array.astype(np.float32) for name, array in truth.positions.items()}
    np.savez(path, **arrays)


def read_truth(path: Path) -> Truth:
    """Reads a file of :func:`write_truth`.

    Raises:
        InputError: there is no such file, or it is of another kind.
    """
    try:
        with np.load(path) as table:
            missing = [name for name in _FIELDS if name not in table.files]
            if missing:
                raise InputError(f"{path}: has no '{missing[0]}'; give a folder that `kinema data` made")
            positions = {
                name.removeprefix(_POSITION): table[name] for name in table.files if name.startswith(_POSITION)
            }
            names = tuple(str(name) for name in table["action_names"])
            lengths = {
                len(array) for array in (*(table[name] for name in _FIELDS[:1] + _FIELDS[2:]), *positions.values())
            }
            if len(lengths) > 1 or not set(table["actions"].tolist()) <= set(range(len(names))):
                raise InputError(f"{path}: arrays of different lengths, or actions without a name; make it anew")
            return Truth(table["actions"], names, table["rewards"], table["dones"], positions)
    except FileNotFoundError as error:
        raise InputError(f"{path}: does not exist; true actions are known for clips of `kinema data` only") from error
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: not a readable .npz file; make it anew") from error
