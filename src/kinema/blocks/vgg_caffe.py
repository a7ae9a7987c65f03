"""Extracts feature maps of the first layers of VGG19 with the weights of Keras, which take BGR in 0 to 255.

Deformable GANs (Siarohin et al., CVPR 2018) compare frames by these maps, and their loss weights fit this scale;
torchvision's VGG19 was trained separately on another scale.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch.nn.functional as F
from torch import Tensor, nn

from kinema.blocks.perceptual import PerceptualFeatures, check_depth
from kinema.core.checks import InputError

_LAYERS = ("block1_conv1", "block1_conv2", "block2_conv1")
_KEY = re.compile(rf"^(?:.*/)?({'|'.join(_LAYERS)})(?:_(W|b)_1|[/.](kernel|bias|weight))(?::0)?$")
_ROLES = {"W": "weight", "kernel": "weight", "weight": "weight", "b": "bias", "bias": "bias"}


class VggCaffeFeatures(PerceptualFeatures):
    """block1_conv2 and block2_conv1, each after its ReLU.

    Args:
        widths: output channels of the three convolutions.
        depth: 1 for the first map only; None builds both.
    """

    name = "vgg19_caffe"

    def __init__(self, *, widths: tuple[int, int, int] = (64, 64, 128), depth: int | None = None) -> None:
        depth = check_depth(depth, 2, name=self.name)
        # As in the authors' code, the means of blue, green, red are subtracted from red, green, blue.
        super().__init__(num_maps=depth, mean=(103.939, 116.779, 123.68), std=(1.0, 1.0, 1.0))
        inputs = (3, *widths[:-1])
        self.convolutions = nn.ModuleDict(
            {
                name: nn.Conv2d(taken, given, 3, padding=1)
                for name, taken, given in zip(_LAYERS[: depth + 1], inputs, widths, strict=False)
            }
        )
        self.freeze()

    @classmethod
    def from_state(cls, state: Mapping[str, Tensor], *, depth: int | None = None) -> VggCaffeFeatures:
        """A network of the widths found in ``state``, holding its weights.

        Args:
            state: tensors by Keras's names, such as "block1_conv1_W_1:0" or "block1_conv1/kernel:0", kernels
                (3, 3, in, out); deeper layers are ignored.
            depth: how many of the two maps to build; None builds both.

        Raises:
            InputError: a layer is missing or has a shape that does not fit its neighbours.
        """
        found: dict[str, Tensor] = {}
        for key, tensor in state.items():
            if match := _KEY.match(key):
                value = tensor.permute(3, 2, 0, 1) if tensor.ndim == 4 else tensor
                found[f"{match[1]}.{_ROLES[match[2] or match[3]]}"] = value
        missing = [f"{layer}.{role}" for layer in _LAYERS for role in ("weight", "bias")]
        missing = [key for key in missing if key not in found]
        if missing:
            raise InputError(f"vgg19_caffe: these weights have no '{missing[0]}'; give Keras's VGG19 as .h5")
        first, second, third = (len(found[f"{layer}.bias"]) for layer in _LAYERS)
        network = cls(widths=(first, second, third), depth=depth)
        wanted = network.convolutions.state_dict()
        for key, tensor in wanted.items():
            if found[key].shape != tensor.shape:
                got, expected = tuple(found[key].shape), tuple(tensor.shape)
                raise InputError(f"vgg19_caffe: {key} has shape {got}, expected {expected}")
        network.convolutions.load_state_dict({key: found[key] for key in wanted})
        return network

    def normalise(self, frames: Tensor) -> Tensor:
        """Converts (B, 3, H, W) RGB in [0, 1] to BGR in 0 to 255, minus the means: (B, 3, H, W)."""
        return (255 * frames - self.mean.to(frames.dtype)).flip(1)

    def features(self, frames: Tensor) -> list[Tensor]:
        """The maps of frames, as many as were built.

        Args:
            frames: (B, 3, H, W) RGB in [0, 1].

        Returns:
            (B, C, H, W) and, with two maps, (B, C', H / 2, W / 2), none negative.
        """
        x = self.normalise(frames)
        maps = []
        for name, convolution in self.convolutions.items():
            if name == "block2_conv1":
                x = F.max_pool2d(x, kernel_size=2, stride=2)
            x = F.relu(convolution(x))
            if name != "block1_conv1":
                maps.append(x)
        return maps
