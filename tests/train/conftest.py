"""Runs of tests/train/small_run.py in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.torch import load_file
from torch import Tensor

ROOT = Path(__file__).parents[2]
# One thread, so that sums come in one order and runs can be compared bit by bit.
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}

STEPS = 12
ARGUMENTS = (f"train.steps={STEPS}", "train.checkpoint_every_steps=4", "train.log_every_steps=1")

StartRun = Callable[..., subprocess.Popen[str]]


@pytest.fixture(scope="session")
def start_run() -> StartRun:
    """Starts a run of 12 steps: folder and further arguments of the script, ``launcher`` those of Python."""

    def start(folder: Path, *arguments: str, launcher: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        script = str(Path(__file__).with_name("small_run.py"))
        return subprocess.Popen(
            [sys.executable, *launcher, script, str(folder), *ARGUMENTS, *arguments],
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    return start


@pytest.fixture(scope="session")
def finish() -> Callable[[subprocess.Popen[str]], str]:
    """Waits for a run that must succeed; gives what it printed."""

    def wait(process: subprocess.Popen[str]) -> str:
        output, _ = process.communicate(timeout=900)
        assert process.returncode == 0, output
        return output

    return wait


Read = Callable[..., tuple[list[dict[str, float]], dict[str, Tensor]]]


@pytest.fixture(scope="session")
def read_run() -> Read:
    """Folder (and step of a checkpoint) to the log without its times, and the tensors of that checkpoint."""

    def read(folder: Path, step: int = STEPS) -> tuple[list[dict[str, float]], dict[str, Tensor]]:
        log = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
        for entry in log:
            del entry["frames_per_second"]
        return log, load_file(folder / "checkpoints" / f"step-{step:07d}.safetensors")

    return read


@pytest.fixture(scope="session")
def uninterrupted(tmp_path_factory, start_run, finish) -> Path:
    """Folder of a run of one process with a batch of 4 that nothing disturbed."""
    folder = tmp_path_factory.mktemp("uninterrupted") / "run"
    finish(start_run(folder, "train.batch_size=4", "train.checkpoint_every_steps=1"))
    return folder
