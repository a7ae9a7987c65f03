"""Reads the weights of a Keras file (HDF5) by their names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from kinema.core.checks import InputError, require_extra

_DAMAGED = (*(OSError, RuntimeError, ValueError, MemoryError, RecursionError, KeyError, TypeError, AttributeError),)
_MAX_DEPTH = 20
# Numbers may take at most this many times their size in the file, small ones aside: weights hardly compress.
_MOST_PACKED, _FREE_BYTES = 100, 2**20


def read_keras(path: Path) -> dict[str, Tensor]:
    """Everything that ``save`` or ``save_weights`` of Keras wrote, such as "conv2d_3/kernel:0", any shape.

    Raises:
        InputError: the file is missing or not a Keras file of weights.
        MissingExtraError: h5py is not installed.
    """
    h5py = require_extra("h5py", extra="keras", purpose=f"reading {path.name}")
    try:
        with h5py.File(path, "r") as file:
            _check_inside(h5py, file, path, set())
            return weights_of(file["model_weights"] if "model_weights" in file else file)
    except InputError:
        raise
    except (
        OSError,
        RuntimeError,
        ValueError,
        MemoryError,
        RecursionError,
        UnicodeDecodeError,
        KeyError,
        TypeError,
        AttributeError,
    ) as error:
        raise InputError(
            f"{path}: not a Keras file of weights that can be read; give a .h5 of model.save() or save_weights()"
        ) from error


def _check_inside(h5py: Any, group: Any, path: Path, seen: set[tuple[int, int]], depth: int = 0) -> None:
    """Refuses content that would read other files, or take much more memory than the size of the file explains.

    HDF5 follows links to other files, reads datasets stored in any file of this machine, and fills in values that were
    never written. A model of unknown origin could thus read private files, or allocate a terabyte.
    """
    if depth > _MAX_DEPTH:
        raise InputError(f"{path}: its groups are nested deeper than {_MAX_DEPTH}; give a .h5 of Keras")
    for name in group:
        link = group.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink):
            raise InputError(
                f"{path}: '{name}' is a link, perhaps to another file, and links are never followed; "
                "give a .h5 as Keras saves it"
            )
        item = group[name]
        info = h5py.h5o.get_info(item.id)
        if (info.fileno, info.addr) in seen:
            raise InputError(f"{path}: '{name}' has two names, which could form a cycle; save the file again")
        seen.add((info.fileno, info.addr))
        if isinstance(item, h5py.Group):
            _check_inside(h5py, item, path, seen, depth + 1)
            continue
        if item.external or item.is_virtual:
            raise InputError(
                f"{path}: '{name}' is stored in another file, which is never read; give a .h5 as Keras saves it"
            )
        stored = item.id.get_storage_size()
        if item.nbytes > _FREE_BYTES + _MOST_PACKED * stored:
            raise InputError(
                f"{path}: '{name}' holds {item.nbytes / 2**20:.0f} MiB in {stored} bytes of the file; "
                "weights cannot be compressed so much, give a .h5 as Keras saves it"
            )


def weights_of(root: Any) -> dict[str, Tensor]:
    """The weights in a group of an open file: its attributes list the layers, those of each layer list its weights.

    Args:
        root: h5py group, or anything with the same ``attrs`` and items.

    Returns:
        Name to tensor, any shape. Layers whose weights have the same names are taken for one layer.
    """
    return {
        _text(name): torch.from_numpy(root[_text(layer)][_text(name)][()])
        for layer in root.attrs["layer_names"]
        for name in root[_text(layer)].attrs["weight_names"]
    }


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
