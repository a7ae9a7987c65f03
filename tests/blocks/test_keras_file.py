"""Weights of Keras files, of stand-ins for h5py's groups where it is not installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from kinema.blocks.keras_file import read_keras, weights_of
from kinema.core.checks import InputError


class Group(dict[str, Any]):
    """A dict with attributes, as h5py's groups."""

    def __init__(self, items: dict[str, Any], **attrs: Any) -> None:
        super().__init__(items)
        self.attrs = attrs


def test_layers_list_their_weights():
    kernel, bias = np.ones((3, 3, 2, 4), dtype=np.float32), np.zeros(4, dtype=np.float32)
    named = {"conv2d_3/kernel:0": kernel, "conv2d_3/bias:0": bias}
    root = Group(
        {
            "input_1": Group({}, weight_names=[]),
            "conv2d_3": Group(named, weight_names=[b"conv2d_3/kernel:0", "conv2d_3/bias:0"]),
        },
        layer_names=[b"input_1", b"conv2d_3"],
    )
    weights = weights_of(root)
    assert list(weights) == ["conv2d_3/kernel:0", "conv2d_3/bias:0"]
    assert torch.equal(weights["conv2d_3/kernel:0"], torch.ones(3, 3, 2, 4))


@pytest.mark.extra("keras", "h5py")
def test_other_files_are_refused(tmp_path: Path):
    path = tmp_path / "x.h5"
    path.write_bytes(b"no HDF5")
    with pytest.raises(InputError, match="x.h5: not a Keras file"):
        read_keras(path)
