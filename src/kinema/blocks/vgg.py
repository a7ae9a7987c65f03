"""Extracts five feature maps of frames with a frozen VGG19 up to relu5_1, as in the first-order paper.

Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn import functional as F

from kinema.blocks.perceptual import PerceptualFeatures, check_depth
from kinema.core.checks import InputError
from kinema.ops.winograd import LEAST_CHANNELS, FrozenKernel, can_convolve

VGG19_WIDTHS = (64, 64, 128, 128, 256, 256, 256, 256, 512, 512, 512, 512, 512)

# Indices are those of torchvision's ``vgg19().features``, which weight files use as keys. The slices end at relu1_1,
# relu2_1, relu3_1, relu4_1 and relu5_1; "pool" halves the map before the next convolution.
_SLICES: tuple[tuple[int | str, ...], ...] = (
    (0,),
    (2, "pool", 5),
    (7, "pool", 10),
    (12, 14, 16, "pool", 19),
    (21, 23, 25, "pool", 28),
)
_CONVOLUTIONS = tuple(step for steps in _SLICES for step in steps if isinstance(step, int))

# A convolution's names in torchvision ("features.0.weight") and in the first-order authors' code ("slice1.0.weight").
_KEY = re.compile(r"^(?:features|slice\d)\.(\d+)\.(weight|bias)$")


class Vgg19Features(PerceptualFeatures):
    """relu1_1, relu2_1, relu3_1, relu4_1 and relu5_1 of VGG19; normalises with the ImageNet mean and deviation.

    Args:
        widths: output channels of the thirteen convolutions up to relu5_1.
        depth: how many of the five maps to build, finest first; None builds all.
    """

    name = "vgg19"

    def __init__(self, *, widths: tuple[int, ...] = VGG19_WIDTHS, depth: int | None = None) -> None:
        depth = check_depth(depth, len(_SLICES), name=self.name)
        super().__init__(num_maps=depth, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
        if len(widths) != len(_CONVOLUTIONS):
            raise InputError(f"vgg19: {len(widths)} widths given, {len(_CONVOLUTIONS)} convolutions need one each")
        inputs = dict(zip(_CONVOLUTIONS, (3, *widths[:-1]), strict=True))
        outputs = dict(zip(_CONVOLUTIONS, widths, strict=True))
        self.slices = _SLICES[:depth]
        # For each step: the address and version of its weights, and the kernel that was computed from them.
        self._transformed: dict[str, tuple[tuple[int, int], FrozenKernel]] = {}
        self.convolutions = nn.ModuleDict(
            {
                str(index): nn.Conv2d(inputs[index], outputs[index], kernel_size=3, padding=1)
                for index in _CONVOLUTIONS
                if index <= max(step for step in self.slices[-1] if isinstance(step, int))
            }
        )
        self.freeze()

    @classmethod
    def from_state(cls, state: Mapping[str, Tensor], *, depth: int | None = None) -> Vgg19Features:
        """A network of the widths found in ``state``, holding its weights.

        Args:
            state: tensors named ``features.N.weight`` and ``.bias`` (torchvision) or ``sliceS.N.*`` (the authors'
                code); the classifier and deeper layers are ignored.
            depth: how many of the five maps to build; None builds all.

        Raises:
            InputError: a convolution is missing or has a shape that does not fit its neighbours.
        """
        found: dict[str, Tensor] = {}
        for key, tensor in state.items():
            match = _KEY.match(key)
            if match:
                found[f"{match[1]}.{match[2]}"] = tensor
        missing = [f"{index}.weight" for index in _CONVOLUTIONS if f"{index}.weight" not in found]
        if missing:
            raise InputError(
                f"vgg19: these weights have no 'features.{missing[0]}' (nor a 'slice' of that number); "
                "give torchvision's vgg19-dcbb9e9d.pth or a file with its keys"
            )
        network = cls(widths=tuple(len(found[f"{index}.weight"]) for index in _CONVOLUTIONS), depth=depth)
        wanted = network.convolutions.state_dict()
        for key, tensor in wanted.items():
            if key not in found or found[key].shape != tensor.shape:
                got = tuple(found[key].shape) if key in found else "nothing"
                raise InputError(f"vgg19: features.{key} has {got}, expected shape {tuple(tensor.shape)}")
        network.convolutions.load_state_dict({key: found[key] for key in wanted})
        return network

    def features(self, frames: Tensor) -> list[Tensor]:
        """The maps after relu1_1 to relu5_1, as many as were built.

        Args:
            frames: (B, 3, H, W) RGB in [0, 1].

        Returns:
            Maps (B, C_i, H / 2^i, W / 2^i) for i from 0, none negative.
        """
        maps = []
        x = self.normalise(frames)
        for steps in self.slices:
            for step in steps:
                if step == "pool":
                    x = F.max_pool2d(x, kernel_size=2, stride=2)
                else:
                    x = F.relu(self._convolve(str(step), x), inplace=True)
            maps.append(x)
        return maps

    def _convolve(self, step: str, features: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C', H, W); on a CPU wide convolutions use Winograd's method, which multiplies less."""
        conv = self.convolutions[step]
        assert isinstance(conv, nn.Conv2d) and conv.bias is not None
        wide = min(conv.in_channels, conv.out_channels) >= LEAST_CHANNELS
        if not wide or conv.weight.requires_grad or not can_convolve(features):
            return conv(features)
        weights = (conv.weight.data_ptr(), conv.weight._version)
        if step not in self._transformed or self._transformed[step][0] != weights:
            self._transformed[step] = (weights, FrozenKernel(conv.weight))
        return self._transformed[step][1].convolve(features) + conv.bias.view(1, -1, 1, 1)
