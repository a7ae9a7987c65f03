"""Weights of a Keras file (HDF5) by the names that it gives them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from kinema.core.checks import InputError, require_extra


def read_keras(path: Path) -> dict[str, Tensor]:
    """Everything that ``save`` or ``save_weights`` of Keras wrote, such as "conv2d_3/kernel:0", any shape.

    Raises:
        InputError: the file is missing or no Keras file of weights.
        MissingExtraError: h5py is not installed.
    """
    h5py = require_extra("h5py", extra="keras", purpose=f"reading {path.name}")
    try:
        with h5py.File(path, "r") as file:
            return weights_of(file["model_weights"] if "model_weights" in file else file)
    except (OSError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path}: not a Keras file of weights that can be read; give a .h5 of model.save() or save_weights()"
        ) from error


def weights_of(root: Any) -> dict[str, Tensor]:
    """The weights of an open file's group: layers are listed in its attributes, weights in those of each layer.

    Args:
        root: h5py group, or anything with the same ``attrs`` and items.

    Returns:
        Name to tensor, any shape. A layer that occurs twice under one name of weights is one.
    """
    return {
        _text(name): torch.from_numpy(root[_text(layer)][_text(name)][()])
        for layer in root.attrs["layer_names"]
        for name in root[_text(layer)].attrs["weight_names"]
    }


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
