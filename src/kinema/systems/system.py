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
    """A further training, of a part of a finished model on data of its own.

    Attributes:
        config: of the finished model to that of this training.
        make_training: config to what the training loop trains; its nets hold the whole model.
        make_source: that training, the clips and the config to where batches come from.
    """

    config: Callable[[Any], Config]
    make_training: Callable[[Any], Any]
    make_source: Callable[[Any, Sequence[Any], Any], Any]


@dataclass(frozen=True)
class Examples:
    """What a run learns from.

    Attributes:
        source: where batches come from, a ``kinema.data.samples.prefetch.BatchSource``.
        count: samples that one pass over them has.
        facts: what the run folder and the model card record of them, such as the number of people.
        left_out: files that cannot be used, with reasons.
        clips: decoded, where it learns from clips; a further stage of training begins with them.
        held_out: number of clips of each split that is not learned from.
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
        name: such as "first_order".
        summary: in one line what a user gets.
        config: its schema.
        presets: name to function that gives a config.
        default_preset: the one to begin with.
        make_training: config and perceptual network (or None) to what the training loop trains.
        make_model: config to the networks that inference needs, weights not yet loaded.
        make_pipeline: model in evaluation mode, ``device`` and ``precision`` to the object that users call.
        model_nets: names of the training's nets that a model folder ships.
        bench: how it is timed; None where random pictures, in which nothing is found, would time nothing.
        stages: name to further training of a finished model.
        read_examples: folder, config and a function that is told files done and in all, to what it learns from.
        adopt: name of another system to function that gives its weights under the names of this one.
        no_training: why nothing is learned; "" where something is.
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
            InputError: there is none of that name.
        """
        if self.no_training:
            raise InputError(self.no_training)
        if name not in self.presets:
            raise InputError(f"preset '{name}' is unknown to {self.name}; known: {', '.join(self.presets)}")
        return self.presets[name]()

    def stage(self, name: str) -> Stage:
        """The further training of a name.

        Raises:
            InputError: there is none.
        """
        if name not in self.stages:
            known = ", ".join(self.stages) or "none"
            raise InputError(f"stage '{name}' is unknown to {self.name}; known: {known}")
        return self.stages[name]


def find_system(name: str) -> System:
    """The system of a name.

    Raises:
        InputError: there is none.
    """
    if name not in SYSTEMS:
        raise InputError(f"system '{name}' is unknown; known: {', '.join(SYSTEMS)}")
    return importlib.import_module(SYSTEMS[name]).SYSTEM
