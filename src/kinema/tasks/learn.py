"""A folder of raw clips -> a trained model: probe, decode, train, export."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor

from kinema.blocks.features import load_features
from kinema.core.checks import InputError
from kinema.core.random import derive_seed
from kinema.data.clips.cache import CachedClip, FrameCache
from kinema.data.clips.folder import Unreadable, scan_folder
from kinema.data.clips.index import stated_splits
from kinema.data.samples.frame_pairs import PairSource
from kinema.data.samples.prefetch import BatchSource, prefetch
from kinema.systems.system import Examples, System
from kinema.train.allocator import keep_freed_memory
from kinema.train.loop import Progress, TrainingLoop, make_accelerator
from kinema.train.run_folder import RunFolder
from kinema.weights.card import write_card
from kinema.weights.model_folder import read_model, save_model


def _ignore(*_: Any) -> None:
    """Stands where nobody listens."""


@dataclass(frozen=True)
class Listener:
    """Who is told how a run goes.

    Attributes:
        on_line: a sentence to show.
        on_unreadable: files left out, with reasons.
        on_decoding: clips done, clips in all.
        on_progress: a line of the log.
    """

    on_line: Callable[[str], None] = _ignore
    on_unreadable: Callable[[tuple[Unreadable, ...]], None] = _ignore
    on_decoding: Callable[[int, int], None] = _ignore
    on_progress: Callable[[Progress], None] = _ignore


@dataclass(frozen=True)
class LearnRequest:
    """What to learn, from what, and where to.

    Attributes:
        system: to train.
        config: resolved.
        folder: of clips.
        run: folder of the run.
        resume: go on with the run.
        start_from: a model folder whose weights the run begins with, or None.
        features_weights: file of the perceptual network, or None for its usual place.
        device: "auto" or "cpu".
        listener: who is told.
    """

    system: System
    config: Any
    folder: Path
    run: Path
    resume: bool = False
    start_from: Path | None = None
    features_weights: Path | None = None
    device: str = "auto"
    listener: Listener = field(default_factory=Listener)


@contextmanager
def _denormals_as_zeros() -> Iterator[None]:
    """Some weights become so small that the CPU handles them many times slower than zeros; other code keeps them."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


@_denormals_as_zeros()
def learn(request: LearnRequest) -> Path:
    """Trains to the end and exports the model.

    Args:
        request: what to learn.

    Returns:
        The model folder, ``RUN/model``.

    Raises:
        InputError: the folder has no readable clips, the run folder cannot be used, or training diverged.
    """
    config, listener = request.config, request.listener
    if request.device not in ("auto", "cpu"):
        raise InputError(f"device '{request.device}' is unknown to learn; accepted: auto (a GPU if there is one), cpu")
    accelerator = make_accelerator(device=request.device)
    with accelerator.main_process_first():
        run = RunFolder(request.run, resume=request.resume, is_main=accelerator.is_main_process)
    with _leaving_nothing(run):
        listener.on_line(keep_freed_memory())
        examples, clips = _examples(request), ()
        if examples is None:
            clips = _decode(request, accelerator)
        count = len(clips) if examples is None else examples.count
        torch.manual_seed(derive_seed("weights", config.train.seed))
        features = _features(request)
        stage = None if config.train.stage is None else request.system.stage(config.train.stage)
        training = request.system.make_training(config, features) if stage is None else stage.make_training(config)
        started = {} if request.start_from is None else _start_from(request, training)
        total = config.train.total_steps(count, accelerator.num_processes)
        facts: dict[str, Any] = {
            "folder": str(request.folder),
            **({"clips": count} if examples is None else examples.facts),
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
            on_checkpoint=lambda loop: export(request.system, config, loop, model, facts),
        )
        if request.resume:
            listener.on_line(f"resumed at step {loop.resume()} of {total}")
        if accelerator.is_main_process:
            run.write_start(config.to_json(), facts)
        if examples is not None:
            source: BatchSource = examples.source
        elif stage is None:
            source = PairSource(clips, config.pairs, config.train.seed)
        else:
            source = stage.make_source(training, clips, config)
    _train(loop, source, listener)
    accelerator.wait_for_everyone()
    return model


@contextmanager
def _leaving_nothing(run: RunFolder) -> Iterator[None]:
    """A start that fails, say by a wrong folder of clips, takes its empty folders away: the next may use the name."""
    try:
        yield
    except BaseException:
        for folder in (run.checkpoints, run.path / "samples"):
            with suppress(OSError):
                folder.rmdir()
        raise


def _train(loop: TrainingLoop, source: BatchSource, listener: Listener) -> None:
    """Runs the loop over a stream of batches; Ctrl+C keeps what was learned."""
    assert loop.run is not None
    stream = prefetch(
        source,
        loop.step,
        loop.config.batch_size,
        stop_step=loop.total_steps,
        rank=loop.accelerator.process_index,
        world_size=loop.accelerator.num_processes,
    )
    # Between steps, so that a run which goes on equals one that was never stopped; a second Ctrl+C stops at once.
    previous = signal.signal(signal.SIGINT, lambda *_: _ask_to_stop(loop, listener))
    try:
        with stream as batches:
            loop.train(iter(batches), listener.on_progress)
    finally:
        signal.signal(signal.SIGINT, previous)
        loop.run.close()
    if loop.step < loop.total_steps:
        if loop.accelerator.is_main_process:
            loop.save()
            listener.on_line(f"stopped at step {loop.step} of {loop.total_steps}; go on with --resume")
        raise KeyboardInterrupt


def _ask_to_stop(loop: TrainingLoop, listener: Listener) -> None:
    if loop.stop_asked:
        raise KeyboardInterrupt
    loop.stop_asked = True
    listener.on_line("stopping after this step; once more stops at once, losing what came after the last checkpoint")


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


def _decode(request: LearnRequest, accelerator: Accelerator) -> tuple[CachedClip, ...]:
    split = "train" if "train" in stated_splits(request.folder) else None
    found = scan_folder(request.folder, split=split)
    cache = FrameCache(request.config.frames)
    # One process decodes; the others then find everything in the cache.
    with accelerator.main_process_first():
        built = cache.build(found.clips, lambda done, total, _: request.listener.on_decoding(done, total))
    left_out = (*found.unreadable, *built.failed)
    if left_out:
        request.listener.on_unreadable(left_out)
    if not built.clips:
        raise InputError(f"{request.folder}: none of the clips can be read; see the reasons above")
    request.listener.on_line(f"{len(built.clips)} clips from {request.folder}, {len(left_out)} left out")
    return tuple(built.clips)


def _examples(request: LearnRequest) -> Examples | None:
    """What a system learns from that does not learn from clips."""
    if request.system.read_examples is None:
        return None
    examples = request.system.read_examples(request.folder, request.config, request.listener.on_decoding)
    if examples.left_out:
        request.listener.on_unreadable(examples.left_out)
    told = ", ".join(f"{count} {what}" for what, count in examples.facts.items())
    request.listener.on_line(f"{told} from {request.folder}, {len(examples.left_out)} left out")
    return examples


def _features(request: LearnRequest) -> Any:
    objective = request.config.objective
    if not objective.uses_features or request.config.train.stage is not None:
        return None
    depth = len(objective.perceptual)
    return load_features(objective.perceptual_network, weights=request.features_weights, depth=depth)


def _start_from(request: LearnRequest, training: Any) -> dict[str, Any]:
    """Fills the networks from a model folder, as far as its weights fit; says which do not."""
    assert request.start_from is not None
    stored = read_model(request.start_from)
    given = stored.state
    if stored.system.name != request.system.name:
        if stored.system.name not in request.system.adopt:
            raise InputError(f"{request.start_from} is a {stored.system.name} model, not one of {request.system.name}")
        given = request.system.adopt[stored.system.name](given)
    own = training.nets.state_dict()
    fitting = {name: value for name, value in given.items() if name in own and own[name].shape == value.shape}
    others = [name for name in given if name not in fitting]
    if not fitting:
        raise InputError(
            f"{request.start_from}: none of its {len(others)} weights fits this config; "
            "start from a model of like networks"
        )
    if others:
        shown = ", ".join(others[:3]) + (", ..." if len(others) > 3 else "")
        request.listener.on_line(
            f"{len(others)} of {len(given)} weights of {request.start_from} do not fit this config "
            f"and start anew: {shown}"
        )
    training.nets.load_state_dict(fitting, strict=False)
    return {"started_from": {"folder": str(request.start_from), "anew": others, "facts": stored.facts}}
