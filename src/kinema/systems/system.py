"""Describes a system to the command line, the studio and the model folders, as one object under its name."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from kinema.core.checks import InputError
from kinema.core.config import Config
from kinema.systems import ABILITIES, SYSTEMS
from kinema.systems.abilities import Pipeline
from kinema.systems.inference_work import Bench


@dataclass(frozen=True)
class Stage:
    """A further training: a part of a finished model is trained on data of its own.

    Attributes:
        config: turns the config of the finished model into that of this training.
        make_training: turns the config into the object that the training loop trains; its nets hold the whole model.
        make_source: turns that object, the clips and the config into a source of batches.
    """

    config: Callable[[Any], Config]
    make_training: Callable[[Any], Any]
    make_source: Callable[[Any, Sequence[Any], Any], Any]


@dataclass(frozen=True)
class Examples:
    """The examples that a run is trained on.

    Attributes:
        source: source of batches, a ``kinema.data.samples.prefetch.BatchSource``.
        count: number of samples in one pass over them.
        facts: what run folder and model card record about them, such as the number of people.
        left_out: files that cannot be used, with the reasons.
        clips: decoded clips, if there are any; a further stage of training uses them.
        held_out: number of clips in each split that is not used for training.
    """

    source: Any
    count: int
    facts: Mapping[str, Any]
    left_out: tuple[Any, ...] = ()
    clips: tuple[Any, ...] = ()
    held_out: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class System:
    """The parts of a system, joined under its name.

    Attributes:
        name: name of the system, such as "first_order".
        summary: one line that says what users get.
        config: class of its config.
        presets: name of a preset to a function that returns its config.
        default_preset: name of the preset that is used if none is given.
        make_training: turns config and perceptual network (or None) into the object that the training loop trains.
        make_model: turns the config into the networks for inference, without trained weights.
        make_pipeline: turns a model in evaluation mode, ``device`` and ``precision`` into the object that users call.
        model_nets: names of the training's nets that are written to model folders.
        bench: how ``kinema bench`` times it; None if random pictures, in which nothing is found, would time nothing.
        stages: name to a further training of a finished model.
        read_examples: turns a folder, a config and a callback for progress (done, total) into the examples.
        adopt: name of another system to a function that renames its weights to those of this system.
        no_training: why nothing is learned; "" for systems that learn.
    """

    name: str
    summary: str
    config: type[Config]
    presets: Mapping[str, Callable[[], Config]]
    make_training: Callable[[Any, Any], Any]
    make_model: Callable[[Any], nn.Module]
    make_pipeline: Callable[..., Pipeline]
    model_nets: tuple[str, ...]
    read_examples: Callable[[Path, Any, Callable[[int, int], None]], Examples]
    bench: Bench | None
    stages: Mapping[str, Stage] = field(default_factory=dict)
    adopt: Mapping[str, Callable[[dict[str, Tensor]], dict[str, Tensor]]] = field(default_factory=dict)
    default_preset: str = "small_128"
    no_training: str = ""

    @property
    def abilities(self) -> tuple[str, ...]:
        """Verbs of the command line that its models serve."""
        return ABILITIES[self.name]

    def preset(self, name: str) -> Config:
        """The config of a preset.

        Raises:
            InputError: there is no preset of this name.
        """
        if self.no_training:
            raise InputError(self.no_training)
        if name not in self.presets:
            raise InputError(f"preset '{name}' is unknown to {self.name}; known: {', '.join(self.presets)}")
        return self.presets[name]()

    def stage(self, name: str) -> Stage:
        """The further training of a name.

        Raises:
            InputError: there is no training of this name.
        """
        if name not in self.stages:
            known = ", ".join(self.stages) or "none"
            raise InputError(f"stage '{name}' is unknown to {self.name}; known: {known}")
        return self.stages[name]


def find_system(name: str) -> System:
    """Finds a system by its name.

    Raises:
        InputError: there is no system of this name.
    """
    if name not in SYSTEMS:
        raise InputError(f"system '{name}' is unknown; known: {', '.join(SYSTEMS)}")
    return importlib.import_module(SYSTEMS[name]).SYSTEM
