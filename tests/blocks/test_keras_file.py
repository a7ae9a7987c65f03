"""Weights of Keras files, of stand-ins for h5py's groups where it is not installed."""

from __future__ import annotations

from collections.abc import Callable
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


def keras_like(path: Path, fill: Callable[[Any, Any], None]) -> Path:
    """A file with one layer of one weight, which ``fill`` makes: file and group in."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [b"l"]
        group = file.create_group("l")
        group.attrs["weight_names"] = [b"w:0"]
        fill(file, group)
    return path


@pytest.mark.extra("keras", "h5py")
@pytest.mark.parametrize("kind", ["soft", "external link", "external dataset", "virtual", "packed", "empty"])
def test_what_another_file_holds_and_what_grows_is_never_read(tmp_path: Path, kind: str):
    import h5py

    secret = tmp_path / "secret.bin"
    secret.write_bytes(bytes(range(200)))
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["data"] = np.arange(10, dtype=np.float32)

    def fill(file: Any, group: Any) -> None:
        if kind == "soft":
            group["w:0"] = h5py.SoftLink("/elsewhere")
        elif kind == "external link":
            group["w:0"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "data")
        elif kind == "external dataset":
            group.create_dataset("w:0", (25,), "f8", external=[(str(secret), 0, 200)])
        elif kind == "virtual":
            layout = h5py.VirtualLayout((10,), "f4")
            layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "data", (10,))
            group.create_virtual_dataset("w:0", layout)
        elif kind == "packed":
            zeros = np.zeros((2**21,), np.float32)
            group.create_dataset("w:0", data=zeros, chunks=(2**18,), compression="gzip", compression_opts=9)
        else:
            group.create_dataset("w:0", (2**34,), "f4", chunks=(2**18,))

    says = (
        "link"
        if "link" in kind or kind == "soft"
        else "another file"
        if kind in ("external dataset", "virtual")
        else "compressed"
    )
    with pytest.raises(InputError, match=says):
        read_keras(keras_like(tmp_path / "a.h5", fill))
