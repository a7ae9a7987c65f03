"""What a simulator knows is written and read back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kinema.core.checks import InputError
from kinema.simulation.truth import Truth, read_truth, truth_beside, write_truth


def some_truth() -> Truth:
    return Truth(
        actions=np.array([0, 1, 1], dtype=np.int16),
        action_names=("stay", "left"),
        rewards=np.array([0, 0, 4], dtype=np.float32),
        dones=np.array([False, False, True]),
        positions={"hand": np.arange(9, dtype=np.float32).reshape(3, 3)},
    )


def test_there_and_back(tmp_path: Path) -> None:
    path = truth_beside(tmp_path / "train-0000.mp4")
    write_truth(path, some_truth())
    read = read_truth(path)
    assert path.name == "train-0000.npz" and read.action_names == ("stay", "left")
    for name in ("actions", "rewards", "dones"):
        assert np.array_equal(getattr(read, name), getattr(some_truth(), name))
    assert np.array_equal(read.positions["hand"], some_truth().positions["hand"])


def test_the_same_truth_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.npz", "b.npz"):
        write_truth(tmp_path / name, some_truth())
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_what_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist; true actions"):
        read_truth(tmp_path / "none.npz")
    np.savez(tmp_path / "other.npz", actions=np.zeros(3))
    with pytest.raises(InputError, match="has no 'action_names'"):
        read_truth(tmp_path / "other.npz")
    write_truth(tmp_path / "whole.npz", some_truth())
    whole = (tmp_path / "whole.npz").read_bytes()
    for content in (b"no", b"", whole[:300]):
        (tmp_path / "broken.npz").write_bytes(content)
        with pytest.raises(InputError, match=r"broken\.npz: not a readable"):
            read_truth(tmp_path / "broken.npz")
    with np.load(tmp_path / "whole.npz") as table:
        arrays = dict(table)
    for changed in ({"rewards": np.zeros(2)}, {"actions": np.array([0, 1, 2])}):
        np.savez(tmp_path / "changed.npz", **(arrays | changed))
        with pytest.raises(InputError, match=r"changed\.npz: arrays of different lengths"):
            read_truth(tmp_path / "changed.npz")
