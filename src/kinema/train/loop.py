"""Trains any system, in one process or many; a run can be resumed at any step."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from kinema.core.checks import InputError, require_extra
from kinema.core.progress import Trained
from kinema.core.random import torch_generator
from kinema.train.average import WeightAverage
from kinema.train.checkpoint import load_checkpoint, newest_checkpoint, prune_checkpoints, save_checkpoint
from kinema.train.config import TrainConfig
from kinema.train.phases import Phase, Trainable, Turn
from kinema.train.run_folder import RunFolder

if TYPE_CHECKING:
    from accelerate import Accelerator


class TrainingLoop:
    """Trains a system.

    Attributes:
        average: the averaged weights, or None if the config keeps none.
        step: number of finished steps.
        stop_asked: set it to True to end :meth:`train` between two steps.
    """

    def __init__(
        self,
        system: Trainable,
        config: TrainConfig,
        *,
        total_steps: int,
        config_json: str,
        run: RunFolder | None,
        accelerator: Accelerator | None = None,
        on_checkpoint: Callable[[TrainingLoop], None] | None = None,
    ) -> None:
        """Moves the system's networks to the device and creates their optimisers.

        Args:
            system: the system to train.
            config: config of the run.
            total_steps: length of the run.
            config_json: resolved config of the system, stored in checkpoints.
            run: folder for the files; None writes no files.
            accelerator: device and processes; None creates one.
            on_checkpoint: called by the main process after each checkpoint.
        """
        self.on_checkpoint = on_checkpoint
        self.system = system
        self.config = config
        self.total_steps = total_steps
        self.config_json = config_json
        self.run = run
        self.accelerator = accelerator or make_accelerator()
        layout = torch.channels_last if config.channels_last else torch.contiguous_format
        system.nets.to(device=self.accelerator.device, memory_format=layout)  # type: ignore[call-overload]
        features = getattr(system, "features", None)
        if isinstance(features, nn.Module):
            features.to(device=self.accelerator.device, memory_format=layout)  # type: ignore[call-overload]
        self.phases = system.phases()
        self.optimizers: dict[str, torch.optim.Optimizer] = {}
        for phase in self.phases:
            if phase.optimizer_name not in self.optimizers:
                self.optimizers[phase.optimizer_name] = self._optimizer(phase)
        self.average = WeightAverage(system.nets, config.average_decay) if config.average_decay else None
        self.step = 0
        self.stop_asked = False

    def resume(self) -> int:
        """Restores the newest checkpoint of the run folder, if there is one; returns the number of finished steps."""
        assert self.run is not None
        newest = newest_checkpoint(self.run.checkpoints)
        if newest is not None:
            self.step = load_checkpoint(newest, nets=self.system.nets, optimizers=self.optimizers, average=self.average)
        if self.accelerator.is_main_process:
            self.run.cut_log(self.step)
        return self.step

    def train(self, batches: Iterator[Any], on_progress: Callable[[Trained], None] | None = None) -> None:
        """Trains until the last step.

        Args:
            batches: this process's batches from the current step on, one for each step, with ``.map`` and ``.to``.
            on_progress: called by the main process for every line of the log.

        Raises:
            InputError: a loss is not finite.
        """
        self.system.nets.train()
        clock, clocked = time.monotonic(), self.step
        for batch in batches:
            if self.step >= self.total_steps or self._must_end():
                break
            losses = self.take_step(batch)
            if self.step % self.config.log_every_steps == 0 or self.step == self.total_steps:
                values = self._values(losses)
                now = time.monotonic()
                speed = (self.step - clocked) / max(now - clock, 1e-9)
                clock, clocked = now, self.step
                self._report(values, speed, on_progress)
            if self.run is not None:
                self._keep(batch)

    def take_step(self, batch: Any) -> dict[str, Tensor]:
        """Runs one step of every phase that is due; returns the named losses of this process."""
        batch = batch.to(self.accelerator.device)
        if self.config.channels_last:
            batch = batch.map(
                lambda tensor: tensor.contiguous(memory_format=torch.channels_last) if tensor.ndim == 4 else tensor
            )
        turn = Turn(
            self.step,
            torch_generator("turn", self.config.seed, self.step),
            rank=self.accelerator.process_index,
            world_size=self.accelerator.num_processes,
        )
        factor = self.config.rate_factor(self.step, self.total_steps)
        losses: dict[str, Tensor] = {}
        for phase in self.phases:
            if phase.is_due(self.step):
                losses |= self._take_turn(phase, batch, turn, factor)
        if self.average is not None:
            self.average.update(self.system.nets, self.step)
        self.step += 1
        return losses

    def _take_turn(self, phase: Phase, batch: Any, turn: Turn, factor: float) -> dict[str, Tensor]:
        # Networks of other phases pass gradients through but do not accumulate them.
        for name, net in self.system.nets.items():
            net.requires_grad_(phase.rates.get(name, 0) != 0)
        low = self.config.precision == "bfloat16"
        with torch.autocast(self.accelerator.device.type, dtype=torch.bfloat16, enabled=low):
            losses = phase.losses(batch, turn)
        if not any(loss.requires_grad for loss in losses.values()):
            raise InputError(f"phase '{phase.name}' has no loss to minimise: give one of its losses a weight above 0")
        total = torch.stack(list(losses.values())).sum()
        optimizer = self.optimizers[phase.optimizer_name]
        optimizer.zero_grad(set_to_none=True)
        total.backward()
        self._average_gradients(optimizer)
        if self.config.clip_norm is not None:
            parameters = [p for group in optimizer.param_groups for p in group["params"]]
            nn.utils.clip_grad_norm_(parameters, self.config.clip_norm)
        for group in optimizer.param_groups:
            group["lr"] = group["base_lr"] * factor
        optimizer.step()
        return {name: value.detach() for name, value in losses.items()}

    def _average_gradients(self, optimizer: torch.optim.Optimizer) -> None:
        """Averages over processes in one message, as torch's wrapper expects each network to run once per step."""
        if self.accelerator.num_processes == 1:
            return
        gradients = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        reduced = self.accelerator.reduce(flat, reduction="mean")
        assert isinstance(reduced, Tensor)
        parts = reduced.split([gradient.numel() for gradient in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))

    def _optimizer(self, phase: Phase) -> torch.optim.Optimizer:
        groups = [
            {"params": list(self.system.nets[name].parameters()), "lr": rate, "base_lr": rate}
            for name, rate in phase.rates.items()
            if rate != 0
        ]
        # The fused kernel updates all tensors in one pass; for many small tensors it takes a third of the time.
        return torch.optim.Adam(groups, betas=phase.betas, weight_decay=phase.weight_decay, fused=True)

    def _values(self, losses: dict[str, Tensor]) -> dict[str, float]:
        stacked = self.accelerator.reduce(torch.stack([value.float() for value in losses.values()]), reduction="mean")
        assert isinstance(stacked, Tensor)
        values = dict(zip(losses, stacked.tolist(), strict=True))
        bad = [name for name, value in values.items() if value != value or value in (float("inf"), float("-inf"))]
        if bad:
            raise InputError(
                f"training stopped at step {self.step}: loss '{bad[0]}' is not finite; lower the learning rates "
                "(--set objective.lr_generator=...) or set train.clip_norm, and continue with --resume"
            )
        return values

    def _report(
        self, values: dict[str, float], steps_per_second: float, on_progress: Callable[[Trained], None] | None
    ) -> None:
        if not self.accelerator.is_main_process:
            return
        speed = steps_per_second * self.config.batch_size * self.accelerator.num_processes
        left = (self.total_steps - self.step) / max(steps_per_second, 1e-9)
        if self.run is not None:
            self.run.log({"step": self.step, **values, "frames_per_second": round(speed, 2)})
        if on_progress is not None:
            on_progress(Trained(self.step, self.total_steps, values, speed, left))

    def _keep(self, batch: Any) -> None:
        """Writes samples and checkpoints, in the main process only."""
        if self.run is None or not self.accelerator.is_main_process:
            return
        last = self.step == self.total_steps
        if self.step % self.config.sample_every_steps == 0 or last:
            self.system.nets.eval()
            self.run.write_sample(self.step, self.system.sample_sheet(batch.to(self.accelerator.device)))
            self.system.nets.train()
        if self.step % self.config.checkpoint_every_steps == 0 or last:
            self.save()

    def save(self, *, exporting: bool = True) -> None:
        """Writes a checkpoint of the current step into the run folder.

        Args:
            exporting: whether ``on_checkpoint`` is called.

        Raises:
            InputError: the folder cannot be written.
        """
        assert self.run is not None
        with self.run.writing():
            save_checkpoint(
                self.run.checkpoints / f"step-{self.step:07d}.safetensors",
                step=self.step,
                nets=self.system.nets,
                optimizers=self.optimizers,
                average=self.average,
                config_json=self.config_json,
            )
            prune_checkpoints(self.run.checkpoints, self.config.keep_checkpoints)
        if exporting and self.on_checkpoint is not None:
            self.on_checkpoint(self)

    def _must_end(self) -> bool:
        """Whether any process was asked to stop; all must end after the same step, or one would wait for the others."""
        if self.accelerator.num_processes == 1:
            return self.stop_asked
        asked = self.accelerator.reduce(torch.tensor(float(self.stop_asked), device=self.accelerator.device), "sum")
        assert isinstance(asked, Tensor)
        self.stop_asked = bool(asked.item())
        return self.stop_asked


def make_accelerator(*, device: str = "auto") -> Accelerator:
    """Creates the device and processes of a run; ``torchrun`` or ``accelerate launch`` start several processes.

    The loop sets the precision itself, as Accelerate would keep the first one for all later runs of a process.

    Args:
        device: "auto" or "cpu".

    Raises:
        MissingExtraError: the extra ``train`` is not installed.
    """
    accelerate = require_extra("accelerate", extra="train", purpose="kinema learn")
    return accelerate.Accelerator(mixed_precision="no", cpu=device == "cpu")
