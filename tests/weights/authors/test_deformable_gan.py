"""Keras weights by the names of their layers, whatever numbers a session gave them."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from kinema.core.checks import InputError
from kinema.systems.deformable_gan.config import DeformableGanConfig
from kinema.systems.deformable_gan.model import DeformableGanModel
from kinema.weights.authors.deformable_gan import convert_discriminator, convert_generator, describe_generator

WIDTHS, POSE = (2, 4, 4), 18


def keras_generator(*, first: int, dense: bool = False) -> dict[str, Tensor]:
    """Random weights of a generator of two encoders and three resolutions, its layers numbered from ``first``."""

    def number(kind: str, index: int) -> str:
        return kind if first + index == 0 else f"{kind}_{first + index}"

    shapes = []
    for seen in (3 + POSE, POSE):
        shapes += [(3, 3, seen, 2), (4, 4, 2, 4), (4, 4, 4, 4)]
    shapes.append((3, 3, 2 * 2 + 4, 3))
    named = {f"{number('conv2d', i)}/kernel:0": torch.rand(shape) for i, shape in enumerate(shapes)}
    named |= {f"{number('conv2d', i)}/bias:0": torch.rand(shapes[i][-1]) for i in (0, 3, 6)}
    for i, shape in enumerate([(4, 4, 4, 8), (4, 4, 4, 12)]):
        named[f"{number('conv2d_transpose', i)}/kernel:0"] = torch.rand(shape)
    for i in range(4):
        named |= {f"{number('instance_normalization', i)}/{role}:0": torch.rand(1) for role in ("gamma", "beta")}
    if dense:
        for i, (taken, given) in enumerate([(72, 64), (64, 32), (32, 6)]):
            named |= {f"{number('dense', i)}/kernel:0": torch.rand(taken, given)}
            named |= {f"{number('dense', i)}/bias:0": torch.rand(given)}
    return named


def config_of(named: dict[str, Tensor]) -> DeformableGanConfig:
    values = describe_generator(named, size=(64, 64))
    return DeformableGanConfig.parse(values | {"discriminator": {"size": (64, 64)}}, origin="test")


@pytest.mark.parametrize("first", [0, 1, 9])
@pytest.mark.parametrize("dense", [False, True])
def test_numbers_order_layers_of_one_kind(first: int, dense: bool):
    named = keras_generator(first=first, dense=dense)
    # In the file the encoders take turns; nothing may depend on the order there.
    shuffled = dict(sorted(named.items(), key=lambda item: item[0][::-1]))
    config = config_of(shuffled)
    assert config.motion.kind == ("stn" if dense else "mask")
    generator = config.generator
    assert (generator.block_expansion, generator.max_features, generator.num_levels) == (2, 4, 3)
    state = convert_generator(shuffled, config)
    DeformableGanModel(config).load_state_dict(state)
    kernel = named[f"conv2d_{first + 4}/kernel:0"]
    assert torch.equal(state["generator.pose.convolutions.0.weight"], kernel.permute(3, 2, 0, 1))
    up = named["conv2d_transpose/kernel:0" if first == 0 else f"conv2d_transpose_{first}/kernel:0"]
    assert torch.equal(state["generator.up_convolutions.0.weight"][5, 2], up[:, :, 2, 5])


def test_what_does_not_fit_is_said():
    named = keras_generator(first=1)
    config = config_of(named)
    with pytest.raises(InputError, match="3 layers of kind conv2d, but the config needs"):
        convert_discriminator(
            {key: named[key] for key in named if key.startswith(("conv2d_1/", "conv2d_2/", "conv2d_3/"))}, config
        )
    with pytest.raises(InputError, match="'lstm_1/kernel:0' belongs to no layer"):
        convert_generator(named | {"lstm_1/kernel:0": torch.zeros(1)}, config)
    del named["conv2d_2/kernel:0"]
    with pytest.raises(InputError, match="do not form a generator"):
        describe_generator(named)
