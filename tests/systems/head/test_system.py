"""head has nothing to learn, and says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kinema.core.checks import InputError
from kinema.systems.head.config import HeadConfig
from kinema.systems.system import find_system


def test_learning_is_refused_with_the_reason(kinema: Callable[..., tuple[int, str, str]], tmp_path: Path):
    (tmp_path / "clips").mkdir()
    code, printed, err = kinema("learn", "head", tmp_path / "clips", "-o", tmp_path / "run")
    assert (code, printed) == (2, "") and err.count("\n") == 1, err
    assert "head has nothing to learn: its geometry is measured, not trained" in err and "first_order" in err
    assert not (tmp_path / "run").exists()


def test_the_system_itself_refuses_too():
    system = find_system("head")
    refusals: list[Any] = [system.make_training, system.read_examples]
    for ask in refusals:
        with pytest.raises(InputError, match="nothing to learn"):
            ask(None)


def test_settings_have_bounds():
    assert HeadConfig().size == (256, 256)
    with pytest.raises(InputError, match="'cells' with value 3"):
        HeadConfig.parse({"cells": 3}, origin="head")
