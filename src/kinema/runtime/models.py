"""Keeps loaded models, so that each is read only once for all tasks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

from kinema.core.types import TensorGroup
from kinema.runtime.load import Precision, find_serving, load
from kinema.systems.abilities import (
    AnimationPipeline,
    FacePipeline,
    GamePipeline,
    HeadPipeline,
    PartsPipeline,
    Pipeline,
    PosePipeline,
    PredictionPipeline,
)


class Models:
    """Loads models for tasks, and keeps them.

    Attributes:
        device: "auto" (a GPU where there is one), "cpu", "cuda", "cuda:1", "mps".
        precision: of the forward pass.
    """

    def __init__(
        self,
        *,
        device: str = "auto",
        precision: Precision = "float32",
        loaded: Mapping[str, Pipeline] | None = None,
    ) -> None:
        """Takes the settings for loading.

        Args:
            device: as the attribute.
            precision: "float32" or "bfloat16".
            loaded: name to pipeline, for models that are not in a folder.
        """
        self.device = device
        self.precision: Precision = precision
        self._given = dict(loaded or {})
        self._kept: dict[Path, Pipeline] = {}

    def get(self, verb: str, model: str | Path) -> Pipeline:
        """The pipeline of a model for a command.

        Args:
            verb: the command, such as "animate".
            model: name of a shipped model, a model folder, or the folder of a run.

        Raises:
            InputError: there is no such model, it is damaged, or it does not serve the command.
        """
        if str(model) in self._given:
            return self._given[str(model)]
        folder = find_serving(verb, model)
        if folder not in self._kept:
            self._kept[folder] = load(folder, device=self.device, precision=self.precision)
        return self._kept[folder]

    def animation(self, model: str | Path) -> AnimationPipeline:
        """The pipeline of a model for ``animate``; see :meth:`get`."""
        return cast(AnimationPipeline, self.get("animate", model))

    def prediction(self, model: str | Path) -> PredictionPipeline:
        """The pipeline of a model for ``predict``; see :meth:`get`."""
        return cast(PredictionPipeline, self.get("predict", model))

    def parts(self, model: str | Path) -> PartsPipeline:
        """The pipeline of a model for ``parts`` and ``swap``; see :meth:`get`."""
        return cast(PartsPipeline, self.get("parts", model))

    def poses(self, model: str | Path) -> PosePipeline:
        """The pipeline of a model for ``repose``; see :meth:`get`."""
        return cast(PosePipeline, self.get("repose", model))

    def faces(self, model: str | Path) -> FacePipeline:
        """The pipeline of a model for ``smile``; see :meth:`get`."""
        return cast(FacePipeline, self.get("smile", model))

    def games(self, model: str | Path) -> GamePipeline[TensorGroup]:
        """The pipeline of a model for ``play``; see :meth:`get`."""
        return cast(GamePipeline[TensorGroup], self.get("play", model))

    def heads(self, model: str | Path) -> HeadPipeline[object]:
        """The pipeline of a model that serves ``face``, as :meth:`get` gives it."""
        return cast(HeadPipeline[object], self.get("face", model))
