# pyright: strict, reportUnknownMemberType=false
"""Trains a model on a folder of raw clips: probes, decodes, trains and exports."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import JsonValue
from torch import Tensor

from kinema.blocks.features import load_features
from kinema.core.checks import InputError
from kinema.core.config import Config, read_mapping
from kinema.core.progress import Advanced, LeftOut, Progress, Told, ignore
from kinema.core.random import derive_seed
from kinema.core.request import Request
from kinema.core.termination import TERMINATED
from kinema.data.samples.prefetch import BatchSource, prefetch
from kinema.systems.system import Examples, System, find_system
from kinema.train.allocator import keep_freed_memory
from kinema.train.loop import TrainingLoop, make_accelerator
from kinema.train.run_folder import RunFolder
from kinema.weights.card import write_card
from kinema.weights.catalogue import SETTINGS, WEIGHTS, find_model
from kinema.weights.model_folder import read_model, save_model


class LearnRequest(Request):
    """What to learn, from what, and where to.

    Attributes:
        system: to train.
        folder: of clips, or of what else the system learns from.
        output: folder of the run.
        preset: starting point of the settings; None is the system's own small one.
        config: YAML or JSON file of settings instead of a preset.
        settings: the same as values.
        assignments: single settings, such as "train.batch_size=4", on top of those.
        resume: go on with the run, with its own settings.
        start_from: shipped model, model folder or run whose weights the run begins with.
        stage: further training of the ``start_from`` model, such as "predictor" of monkey_net.
        features_weights: file of the perceptual network, or None for its usual place.
        device: "auto" (a GPU where there is one) or "cpu".
    """

    system: str
    folder: Path
    output: Path
    preset: str | None = None
    config: Path | None = None
    settings: dict[str, JsonValue] | None = None
    assignments: tuple[str, ...] = ()
    resume: bool = False
    start_from: str | None = None
    stage: str | None = None
    features_weights: Path | None = None
    device: Literal["auto", "cpu"] = "auto"


@dataclass(frozen=True)
class LearnResult:
    """What was learned.

    Attributes:
        path: of the model folder.
        run: folder of the run.
        steps: that the run has done.
    """

    path: Path
    run: Path
    steps: int


def resolve_settings(request: LearnRequest, system: System) -> Config:
    """The config of a run.

    Args:
        request: that asks for it.
        system: of the request.

    Raises:
        InputError: there is no such preset, stage, file or field, or a value is refused.
    """
    if request.resume:
        stored = request.output / "config.json"
        if not os.path.isfile(stored):  # false for a name that no file system takes, where Path.is_file fails
            raise InputError(f"{request.output} holds no run to resume; start one without --resume")
        # A resumed run keeps its own settings; an assignment may still lengthen it.
        settings = system.config.read(stored)
    elif request.stage is not None:
        if request.start_from is None:
            raise InputError(f"--stage {request.stage} goes on with a finished model: name it with --start-from")
        settings = system.stage(request.stage).config(read_model(find_model(request.start_from)).config)
    elif request.config is not None:
        settings = system.config.read(request.config)
    elif request.settings is not None:
        settings = system.config.parse(request.settings, origin="settings")
    else:
        settings = system.preset(request.preset or system.default_preset)
    return settings.override(list(request.assignments))


@contextmanager
def _denormals_as_zeros() -> Generator[None]:
    """Some weights become so small that the CPU handles them many times slower than zeros; other code keeps them."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


@_denormals_as_zeros()
def learn(request: LearnRequest, progress: Progress = ignore) -> LearnResult:
    """Trains to the end and exports the model.

    Args:
        request: what to learn.
        progress: told of files read, files left out, and every line of the log.

    Returns:
        What was learned; the model is in ``RUN/model``.

    Raises:
        InputError: the folder has nothing readable, the run folder cannot be used, or training diverged.
    """
    system = find_system(request.system)
    if system.no_training:
        raise InputError(system.no_training)
    config: Any = resolve_settings(request, system)
    accelerator = make_accelerator(device=request.device)
    with accelerator.main_process_first():
        run = RunFolder(request.output, resume=request.resume, is_main=accelerator.is_main_process)
        if accelerator.is_main_process:
            run.hold()
    with _leaving_nothing(run):
        progress(Told(keep_freed_memory()))
        # One process decodes; the others then find everything in the cache.
        with accelerator.main_process_first():
            examples = _read_examples(request, system, config, progress)
        torch.manual_seed(derive_seed("weights", config.train.seed))
        features = _features(request, config)
        stage = None if config.train.stage is None else system.stage(config.train.stage)
        training = system.make_training(config, features) if stage is None else stage.make_training(config)
        started = {} if request.start_from is None else _start_from(request, system, training, progress)
        total = config.train.total_steps(examples.count, accelerator.num_processes)
        facts: dict[str, Any] = {
            "folder": str(request.folder),
            **examples.facts,
            "total_steps": total,
            "processes": accelerator.num_processes,
            "device": str(accelerator.device),
            "features": None if features is None else {"name": features.name, "sha256": features.sha256},
            **started,
        }
        model = run.path / "model"
        loop = TrainingLoop(
            training,
            config.train,
            total_steps=total,
            config_json=config.to_json(),
            run=run,
            accelerator=accelerator,
            on_checkpoint=lambda loop: export(system, config, loop, model, facts),
        )
        if request.resume:
            progress(Told(f"resumed at step {loop.resume()} of {total}"))
        if accelerator.is_main_process:
            if started and not request.resume:
                # A run that is killed before its first checkpoint goes on from these weights, not from random ones.
                loop.save(exporting=False)
            run.write_start(config.to_json(), facts)
            if loop.step and _steps_of(model) != loop.step:
                # The run was killed between a checkpoint and its model.
                export(system, config, loop, model, facts)
        source = examples.source if stage is None else stage.make_source(training, examples.clips, config)
        _train(loop, source, progress)
        accelerator.wait_for_everyone()
    return LearnResult(model, run.path, loop.step)


@contextmanager
def _leaving_nothing(run: RunFolder) -> Generator[None]:
    """A start that fails, say by a wrong folder of clips, takes its empty folders away: the next may use the name."""
    try:
        yield
    except BaseException:
        run.discard()
        raise
    run.close()


def _steps_of(model: Path) -> int | None:
    """The steps that a stored model has learned, or None where there is none."""
    try:
        facts = read_mapping(model / SETTINGS)["facts"]
        return facts["steps"] if (model / WEIGHTS).is_file() else None
    except (InputError, KeyError, TypeError):
        return None


def _train(loop: TrainingLoop, source: BatchSource, progress: Progress) -> None:
    """Runs the loop over a stream of batches; Ctrl+C and SIGTERM keep what was learned."""
    assert loop.run is not None
    stream = prefetch(
        source,
        loop.step,
        loop.config.batch_size,
        stop_step=loop.total_steps,
        rank=loop.accelerator.process_index,
        world_size=loop.accelerator.num_processes,
    )
    with _signals_end_between_steps(loop, progress) as asked, stream as batches:
        loop.train(iter(batches), progress)
    if loop.step < loop.total_steps:
        if loop.accelerator.is_main_process:
            loop.save()
            progress(Told(f"stopped at step {loop.step} of {loop.total_steps}; go on with --resume"))
        if signal.SIGTERM in asked:
            raise SystemExit(TERMINATED)
        raise KeyboardInterrupt


@contextmanager
def _signals_end_between_steps(loop: TrainingLoop, progress: Progress) -> Generator[list[int]]:
    """Inside, Ctrl+C and SIGTERM let the step be finished, so that a run which goes on equals one never stopped.

    A second Ctrl+C stops at once. Outside the main thread signals are left to whoever handles them.

    Yields:
        The signals that came.
    """
    asked: list[int] = []

    def ask(number: int, _: object) -> None:
        if asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        if not asked:
            progress(Told("stopping after this step; Ctrl+C stops at once, losing what came after the last checkpoint"))
        asked.append(number)
        loop.stop_asked = True

    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    handled = [one for one in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(one) is not signal.SIG_IGN]
    previous = [signal.signal(one, ask) for one in handled]
    try:
        yield asked
    finally:
        for one, handler in zip(handled, previous, strict=True):
            signal.signal(one, signal.SIG_DFL if handler is None else handler)


def export(system: System, config: Any, loop: TrainingLoop, folder: Path, facts: dict[str, Any]) -> None:
    """Writes the model of a loop: averaged weights where there are any."""
    nets = loop.average.net if loop.average is not None else loop.system.nets
    state = model_state(system, dict(nets.state_dict()))
    facts = facts | {"steps": loop.step, "averaged": loop.average is not None, "seed": config.train.seed}
    card = write_card(folder.parent.name or system.name, system.name, config, facts)
    save_model(folder, system=system, config=config, state=state, facts=facts, card=card)


def model_state(system: System, nets: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of the networks that inference needs, out of those that training holds."""
    return {name: value for name, value in nets.items() if name.split(".")[0] in system.model_nets}


def _read_examples(request: LearnRequest, system: System, config: Any, progress: Progress) -> Examples:
    """What the system learns from, and what of the folder it cannot use."""
    examples = system.read_examples(
        request.folder, config, lambda done, total: progress(Advanced("reading clips", done, total))
    )
    if examples.left_out:
        progress(LeftOut(tuple(str(entry) for entry in examples.left_out)))
    told = ", ".join(f"{count} {what}" for what, count in examples.facts.items())
    progress(Told(f"{told} from {request.folder}, {len(examples.left_out)} left out"))
    if examples.held_out:
        splits = ", ".join(f"{count} of {split}" for split, count in examples.held_out.items())
        progress(Told(f"clips of other splits are not learned from: {splits}"))
    return examples


def _features(request: LearnRequest, config: Any) -> Any:
    objective = config.objective
    if not objective.uses_features or config.train.stage is not None:
        return None
    depth = len(objective.perceptual)
    return load_features(objective.perceptual_network, weights=request.features_weights, depth=depth)


def _start_from(request: LearnRequest, system: System, training: Any, progress: Progress) -> dict[str, Any]:
    """Fills the networks from a model folder, as far as its weights fit; says which do not."""
    assert request.start_from is not None
    folder = find_model(request.start_from)
    stored = read_model(folder)
    given = stored.state
    if stored.system.name != system.name:
        if stored.system.name not in system.adopt:
            raise InputError(f"{folder} is a {stored.system.name} model, not one of {system.name}")
        given = system.adopt[stored.system.name](given)
    own = training.nets.state_dict()
    fitting = {name: value for name, value in given.items() if name in own and own[name].shape == value.shape}
    others = [name for name in given if name not in fitting]
    if not fitting:
        raise InputError(
            f"{folder}: none of its {len(others)} weights fits this config; start from a model of like networks"
        )
    if others:
        shown = ", ".join(others[:3]) + (", ..." if len(others) > 3 else "")
        progress(
            Told(f"{len(others)} of {len(given)} weights of {folder} do not fit this config and start anew: {shown}")
        )
    training.nets.load_state_dict(fitting, strict=False)
    return {"started_from": {"folder": str(folder), "anew": others, "facts": stored.facts}}
