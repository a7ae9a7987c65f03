"""A Keras file becomes a model folder that infers as the weights say."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest
import torch
from torch import Tensor

from kinema.core.checks import InputError
from kinema.weights.authors.deformable_gan import convert_generator
from kinema.weights.authors.keras import import_keras
from kinema.weights.model_folder import build_model, read_model

from .test_deformable_gan import keras_generator

pytestmark = pytest.mark.extra("keras", "h5py")
SIZE = ("frames.size=[64, 64]",)


def write_keras(path: Path, named: dict[str, Tensor]) -> Path:
    """A file as ``save_weights`` of Keras lays it out."""
    import h5py

    layers: dict[str, list[str]] = defaultdict(list)
    for name in named:
        layers[name.split("/")[0]].append(name)
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [name.encode() for name in layers]
        for layer, names in layers.items():
            group = file.create_group(layer)
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name in names:
                group[name] = named[name].numpy()
    return path


def test_a_generator_becomes_a_model(tmp_path: Path):
    named = keras_generator(first=4)
    made = import_keras(write_keras(tmp_path / "generator.h5", named), tmp_path / "model", assignments=SIZE)
    assert made.config.size == (64, 64) == made.config.discriminator.size
    assert made.num_weights == sum(value.numel() for value in named.values())
    stored = read_model(made.folder)
    state = build_model(stored).state_dict()
    expected = convert_generator(named, made.config)
    assert state.keys() == expected.keys()
    assert all(torch.equal(state[name], expected[name]) for name in expected)
    assert stored.facts["imported_from"]["checkpoint"] == "generator.h5"


def test_what_shapes_do_not_tell_is_set(tmp_path: Path):
    file = write_keras(tmp_path / "generator.h5", keras_generator(first=0))
    made = import_keras(file, tmp_path / "model", assignments=[*SIZE, "motion.kind=full", "motion.aggregation=avg"])
    assert made.config.motion.kind == "full" and made.config.motion.aggregation == "avg"
    with pytest.raises(InputError, match=r"generator\.h5: .*two_encoders"):
        import_keras(file, tmp_path / "other", assignments=[*SIZE, "motion.kind=none"])
    assert not (tmp_path / "other").exists()


def test_files_of_other_kinds_are_one_line(tmp_path: Path):
    with pytest.raises(InputError, match="there is no such file"):
        import_keras(tmp_path / "none.h5", tmp_path / "model")
    (tmp_path / "text.h5").write_text("no weights")
    with pytest.raises(InputError, match="not a Keras file"):
        import_keras(tmp_path / "text.h5", tmp_path / "model")
    file = write_keras(tmp_path / "lstm.h5", {"lstm_1/kernel:0": torch.zeros(2, 2)})
    with pytest.raises(InputError, match=r"lstm\.h5: .*belongs to no layer"):
        import_keras(file, tmp_path / "model")
    assert not (tmp_path / "model").exists()
