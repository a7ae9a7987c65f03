"""The loop with a system of two numbers: who learns when, what is written, what stops it."""

import json
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn

from kinema.core.checks import InputError
from kinema.core.progress import Trained
from kinema.core.types import TensorGroup
from kinema.train.config import TrainConfig
from kinema.train.loop import TrainingLoop, make_accelerator
from kinema.train.phases import Phase, Turn
from kinema.train.run_folder import RunFolder


@dataclass(frozen=True)
class Target(TensorGroup):
    """What the numbers should become, as a picture of one pixel."""

    value: Tensor


class TwoNumbers:
    """A system whose nets are one number each; the second learns every third step from the second on."""

    def __init__(self) -> None:
        self.nets = nn.ModuleDict({name: nn.Conv2d(1, 1, 1, bias=False) for name in ("first", "second")})
        for net in self.nets.values():
            nn.init.zeros_(net.weight)
        self.seen: list[float] = []

    def phases(self) -> tuple[Phase, ...]:
        return (
            Phase("early", {"first": 0.1, "second": 0.0}, self.early),
            Phase("late", {"second": 0.1}, self.late, start=1, every=3),
        )

    def early(self, batch: Target, turn: Turn) -> dict[str, Tensor]:
        self.seen.append(turn.draw(1, lambda rows, generator: torch.rand(rows, generator=generator)).item())
        turn.shared["first"] = self.nets["first"].weight
        return {"distance": (self.nets["first"].weight + self.nets["second"].weight - batch.value).square().sum()}

    def late(self, batch: Target, turn: Turn) -> dict[str, Tensor]:
        return {"late": (self.nets["second"].weight * turn.shared["first"] - 1 - batch.value).square().sum()}

    def sample_sheet(self, batch: Target) -> Tensor:
        return batch.value[0].expand(3, 4, 4)


def numbers(loop: TrainingLoop) -> list[float]:
    return [net.weight.item() for net in loop.system.nets.values()]


def make_loop(run: RunFolder | None = None, *, steps: int = 8, **train) -> TrainingLoop:
    config = TrainConfig(**({"schedule": "constant", "log_every_steps": 2} | train))
    accelerator = make_accelerator(device="cpu")
    loop = TrainingLoop(
        TwoNumbers(), config, total_steps=steps, config_json='{"a": 1}', run=run, accelerator=accelerator
    )
    return loop


def targets(value: float = 1.0):
    while True:
        yield Target(torch.full((1, 1, 1, 1), value))


def test_each_net_learns_in_its_own_phases_only():
    loop = make_loop(average_decay=0.5)
    for step, batch in zip(range(6), targets(), strict=False):
        before = numbers(loop)
        losses = loop.take_step(batch)
        after = numbers(loop)
        assert (before[0] != after[0]) and (before[1] != after[1]) == (step in (1, 4))
        assert set(losses) == ({"distance", "late"} if step in (1, 4) else {"distance"})
    assert loop.step == 6 and loop.average is not None
    assert 0 < loop.average.net["first"].weight.item() < numbers(loop)[0]


def test_adams_first_step_is_the_rate_times_the_schedule():
    loop = make_loop(lr_warmup_steps=4)
    loop.take_step(next(targets()))
    assert numbers(loop)[0] == pytest.approx(0.1 / 4, rel=1e-4)


def test_a_gradient_is_cut_to_the_largest_norm():
    loop = make_loop(clip_norm=0.5)
    loop.take_step(next(targets(100)))
    assert loop.system.nets["first"].weight.grad.norm() == pytest.approx(0.5)


def test_randomness_depends_on_seed_and_step_only():
    first, second, other = make_loop(), make_loop(), make_loop(seed=1)
    second.step = 2
    for loop, steps in ((first, 4), (second, 2), (other, 4)):
        for _ in range(steps):
            loop.take_step(next(targets()))
    assert first.system.seen[2:] == second.system.seen and not set(first.system.seen) & set(other.system.seen)
    assert len(set(first.system.seen)) == 4


def test_a_run_leaves_log_samples_and_the_newest_checkpoints(tmp_path):
    run, lines, written = RunFolder(tmp_path / "x", resume=False), [], []
    loop = make_loop(run, steps=7, checkpoint_every_steps=2, sample_every_steps=4, batch_size=3)
    loop.on_checkpoint = lambda loop: written.append(loop.step)
    loop.train(targets(), lines.append)
    run.close()
    assert all(isinstance(line, Trained) for line in lines) and [line.step for line in lines] == [2, 4, 6, 7]
    assert lines[-1].seconds_left == 0 and lines[0].frames_per_second > 0
    log = [json.loads(line) for line in (run.path / "log.jsonl").read_text().splitlines()]
    assert [entry["step"] for entry in log] == [2, 4, 6, 7]
    assert "late" in log[0] and "late" not in log[1]
    assert sorted(path.stem for path in (run.path / "samples").iterdir()) == ["0000004", "0000007"]
    assert sorted(path.stem for path in run.checkpoints.iterdir()) == ["step-0000006", "step-0000007"]
    assert written == [2, 4, 6, 7]
    assert loop.system.nets.training


def test_a_finished_run_does_nothing_more(tmp_path):
    run = RunFolder(tmp_path / "x", resume=False)
    loop = make_loop(run, steps=3)
    loop.train(targets())
    before = numbers(loop)
    again = make_loop(run, steps=3)
    assert again.resume() == 3 and numbers(again) == before
    again.train(targets())
    assert numbers(again) == before and again.step == 3
    run.close()


def test_a_loss_that_is_not_finite_stops_the_run_in_one_line():
    loop = make_loop()
    with pytest.raises(InputError) as caught:
        loop.train(targets(float("inf")))
    message = str(caught.value)
    assert "step 2" in message and "'distance' is not finite" in message and "\n" not in message


def test_a_phase_without_losses_is_refused_in_one_line():
    loop = make_loop()
    loop.phases = (Phase("early", {"first": 0.1}, lambda batch, turn: {}),)
    loop.optimizers = {"early": loop._optimizer(loop.phases[0])}
    with pytest.raises(InputError, match="phase 'early' has no loss to minimise"):
        loop.take_step(Target(torch.ones(1, 1, 1, 1)))
