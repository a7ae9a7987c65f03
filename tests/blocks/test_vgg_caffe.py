"""The perceptual network of Deformable GANs, with the names that Keras gives its weights."""

from __future__ import annotations

import pytest
import torch

from kinema.blocks.features import load_features
from kinema.blocks.vgg_caffe import VggCaffeFeatures
from kinema.core.checks import InputError

LAYERS = ("block1_conv1", "block1_conv2", "block2_conv1")


def keras_state(style: str, widths: tuple[int, ...] = (2, 3, 4)) -> dict[str, torch.Tensor]:
    state = {"block5_conv4_W_1:0": torch.zeros(3, 3, 1, 1)}
    for layer, taken, given in zip(LAYERS, (3, *widths), widths, strict=False):
        kernel, bias = ("_W_1:0", "_b_1:0") if style == "old" else ("/kernel:0", "/bias:0")
        state[layer + kernel] = torch.rand(3, 3, taken, given)
        state[layer + bias] = torch.rand(given)
    return state


@pytest.mark.parametrize("style", ["old", "new"])
def test_maps_of_frames(style: str):
    state = keras_state(style)
    net = VggCaffeFeatures.from_state(state)
    fine, coarse = net(torch.rand(2, 3, 8, 4))
    assert fine.shape == (2, 3, 8, 4) and coarse.shape == (2, 4, 4, 2)
    assert fine.min() >= 0 and not any(parameter.requires_grad for parameter in net.parameters())
    assert len(VggCaffeFeatures.from_state(state, depth=1)(torch.rand(1, 3, 8, 8))) == 1
    kernel = next(value for key, value in state.items() if key.startswith("block1_conv1") and value.ndim == 4)
    assert torch.equal(net.convolutions["block1_conv1"].weight[1, 2], kernel[:, :, 2, 1])


def test_it_sees_blue_first():
    red = torch.zeros(1, 3, 1, 1)
    red[:, 0] = 1
    seen = VggCaffeFeatures(widths=(1, 1, 1)).normalise(red).flatten().tolist()
    assert seen == pytest.approx([-123.68, -116.779, 255 - 103.939], abs=1e-3)


def test_what_is_missing_is_named():
    state = keras_state("new")
    del state["block2_conv1/bias:0"]
    with pytest.raises(InputError, match="block2_conv1.bias"):
        VggCaffeFeatures.from_state(state)
    wrong = keras_state("new") | {"block1_conv2/kernel:0": torch.zeros(3, 3, 7, 3)}
    with pytest.raises(InputError, match="block1_conv2.weight has shape"):
        VggCaffeFeatures.from_state(wrong)
    with pytest.raises(InputError, match="features-weights"):
        load_features("vgg19_caffe")
