"""A checkpoint is there whole or not at all, and a damaged one is refused in one line."""

import os
import subprocess
import sys

import pytest
import torch
from torch import nn

from kinema.core.checks import InputError
from kinema.train.average import WeightAverage
from kinema.train.checkpoint import load_checkpoint, newest_checkpoint, prune_checkpoints, save_checkpoint


class Parts:
    """Networks, optimiser and average, with some steps behind them."""

    def __init__(self, seed: int, *, width: int = 4, steps: int = 3) -> None:
        torch.manual_seed(seed)
        self.nets = nn.ModuleDict({"a": nn.Conv2d(3, width, 3), "b": nn.BatchNorm2d(width)})
        self.nets.to(memory_format=torch.channels_last)
        self.optimizers = {"all": torch.optim.Adam(self.nets.parameters(), lr=0.1, fused=True)}
        self.average = WeightAverage(self.nets, 0.5)
        for step in range(steps):
            self.learn(step)

    def learn(self, step: int) -> None:
        frames = torch.rand(2, 3, 6, 6, generator=torch.Generator().manual_seed(step))
        loss = self.nets["b"](self.nets["a"](frames)).pow(4).mean()
        self.optimizers["all"].zero_grad()
        loss.backward()
        self.optimizers["all"].step()
        self.average.update(self.nets, step)

    def save(self, path, step: int = 3) -> None:
        save_checkpoint(
            path,
            step=step,
            nets=self.nets,
            optimizers=self.optimizers,
            average=self.average,
            config_json='{"x": 1}',
        )

    def load(self, path) -> int:
        return load_checkpoint(path, nets=self.nets, optimizers=self.optimizers, average=self.average)


def assert_same(one: Parts, two: Parts) -> None:
    for a, b in ((one.nets, two.nets), (one.average.net, two.average.net)):
        for (name, x), y in zip(a.state_dict().items(), b.state_dict().values(), strict=True):
            assert torch.equal(x, y), name


@pytest.mark.parametrize("steps_before", [0, 5])
def test_what_is_loaded_learns_on_alike(tmp_path, steps_before):
    saved, loaded = Parts(0), Parts(1, steps=steps_before)
    saved.save(tmp_path / "c.safetensors")
    assert loaded.load(tmp_path / "c.safetensors") == 3
    assert_same(saved, loaded)
    for step in range(3, 6):
        saved.learn(step)
        loaded.learn(step)
    assert_same(saved, loaded)


def test_moments_lie_in_memory_as_their_weights_do(tmp_path):
    # The fused optimiser walks weight and moments in memory order; another layout would mix them up in silence.
    parts = Parts(0)
    parts.save(tmp_path / "c.safetensors")
    parts.load(tmp_path / "c.safetensors")
    weight = parts.nets["a"].weight
    assert weight.is_contiguous(memory_format=torch.channels_last)
    assert parts.optimizers["all"].state[weight]["exp_avg"].stride() == weight.stride()


def test_a_kill_while_writing_leaves_the_older_one(tmp_path):
    Parts(0).save(tmp_path / "step-0000003.safetensors")
    # The process dies by SIGKILL when the bytes are written and the name is not yet given.
    program = """
import os, signal, sys
from pathlib import Path
import torch
from torch import nn
from kinema.train.checkpoint import save_checkpoint
os.fsync = lambda descriptor: os.kill(os.getpid(), signal.SIGKILL)
nets = nn.ModuleDict({"a": nn.Linear(2, 2)})
save_checkpoint(Path(sys.argv[1]), step=6, nets=nets, optimizers={}, average=None, config_json="{}")
"""
    path = tmp_path / "step-0000006.safetensors"
    environment = os.environ | {"PYTHONPATH": "src"}
    result = subprocess.run([sys.executable, "-c", program, str(path)], env=environment, check=False)
    assert result.returncode == -9
    assert sorted(each.name for each in tmp_path.iterdir()) == ["step-0000003.safetensors", "step-0000006.partial"]
    assert newest_checkpoint(tmp_path) == tmp_path / "step-0000003.safetensors"
    Parts(0).save(path, step=6)  # the leftover is in nobody's way
    assert newest_checkpoint(tmp_path) == path and not path.with_suffix(".partial").exists()


@pytest.mark.parametrize("damage", ["cut", "flipped header", "empty", "text", "other networks", "no average"])
def test_a_damaged_or_foreign_file_is_refused(tmp_path, damage):
    path = tmp_path / "step-0000003.safetensors"
    writer = Parts(0, width=5 if damage == "other networks" else 4)
    if damage == "no average":
        save_checkpoint(path, step=3, nets=writer.nets, optimizers={}, average=None, config_json="{}")
    else:
        writer.save(path)
    content = path.read_bytes()
    damaged = {"cut": content[:-100], "flipped header": b"\xff" * 16 + content[16:], "empty": b"", "text": b"weights"}
    path.write_bytes(damaged.get(damage, content))
    with pytest.raises(InputError) as caught:
        Parts(1).load(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: not a checkpoint of this config (") and "\n" not in message


def test_the_newest_are_kept(tmp_path):
    assert newest_checkpoint(tmp_path) is None
    for step in (3, 20, 100, 9):
        (tmp_path / f"step-{step:07d}.safetensors").touch()
    (tmp_path / "step-0000200.partial").touch()
    assert newest_checkpoint(tmp_path) == tmp_path / "step-0000100.safetensors"
    prune_checkpoints(tmp_path, keep=2)
    left = sorted(path.name for path in tmp_path.glob("*.safetensors"))
    assert left == ["step-0000020.safetensors", "step-0000100.safetensors"]
