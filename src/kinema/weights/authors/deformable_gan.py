"""Translates the Keras weights of AliaksandrSiarohin/pose-gan to ours by the names of their layers.

Keras numbers the layers of a kind over a whole session ("conv2d_7"), so only their order within one network has a
meaning. The file lists the layers of the two encoders alternately; shapes alone, or the order of the file, would
assign weights to the wrong encoder.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from kinema.core.checks import InputError
from kinema.systems.deformable_gan.config import DeformableGanConfig

_KINDS = ("conv2d_transpose", "conv2d", "instance_normalization", "dense")
_NAME = re.compile(rf"^(?:.*/)?({'|'.join(_KINDS)})(?:_(\d+))?/(kernel|bias|gamma|beta)(?::0)?$")
_OURS = {"kernel": "weight", "bias": "bias", "gamma": "weight", "beta": "bias"}
_HINT = "give a generator or discriminator that pose-gan's train.py saved"


def convert_generator(named: Mapping[str, Tensor], config: DeformableGanConfig) -> dict[str, Tensor]:
    """Their generator's weights under the names of our model (``generator.*``, and ``motion.*`` for kind stn).

    Args:
        named: any shape, kernels (h, w, in, out) or, transposed, (h, w, out, in), by the names of
            :func:`kinema.blocks.keras_file.read_keras`.
        config: config of our model.

    Raises:
        InputError: layers are missing or left over.
    """
    return _assigned(named, _generator_layers(config))


def convert_discriminator(named: Mapping[str, Tensor], config: DeformableGanConfig) -> dict[str, Tensor]:
    """Their discriminator's weights under the names of ours, any shape; see :func:`convert_generator`."""
    kind = config.discriminator.kind
    layers = {"conv2d": ["first", "convolutions.0", "convolutions.1", "convolutions.2"]}
    layers["instance_normalization"] = [f"norms.{index}" for index in range(3)]
    layers["dense" if kind == "sim" else "conv2d"] = [*layers.get("dense" if kind == "sim" else "conv2d", []), "final"]
    if kind == "warp":
        layers["conv2d"].insert(0, "first_source")
    state = _assigned(named, layers)
    if kind == "sim":
        # Their dense layer sees rows, columns, channels: a convolution as large as the map.
        height, width = config.discriminator.last_size
        flat = state["final.weight"]
        channels = flat.shape[1] // (height * width)
        if channels * height * width != flat.shape[1]:
            raise InputError(f"dense has {flat.shape[1]} inputs, which do not fit frames of {config.size}; {_HINT}")
        state["final.weight"] = flat.view(1, height, width, channels).movedim(-1, 1).contiguous()
    return state


def describe_generator(named: Mapping[str, Tensor], *, size: tuple[int, int] | None = None) -> dict[str, Any]:
    """The fields of a config that follow from the shapes of a generator's weights.

    Args:
        named: as in :func:`convert_generator`.
        size: (height, width) of its frames; None: the paper's, by the number of resolutions.

    Returns:
        ``frames``, ``pose``, ``motion``, ``generator``: fields of ``DeformableGanConfig``. A generator of two encoders
        and no localization network may move ten parts or one ("mask" or "full"). The weights do not show which, so
        "mask" is assumed.
    """
    layers = _layers(named)
    convolutions, ups = layers["conv2d"], layers["conv2d_transpose"]
    num_levels = len(ups) + 1
    two_encoders = len(convolutions) == 2 * num_levels + 1
    if not two_encoders and len(convolutions) != num_levels + 1:
        raise InputError(
            f"{len(convolutions)} convolutions and {len(ups)} transposed ones do not form a generator; {_HINT}"
        )
    widths = [layer["kernel"].shape[-1] for layer in convolutions[:num_levels]]
    num_inputs = convolutions[0]["kernel"].shape[2]
    if two_encoders:
        pose_channels = num_inputs - 3
        background = convolutions[num_levels]["kernel"].shape[2] - pose_channels == 3
    else:
        pose_channels, background = (num_inputs - 3) // 2, False
    kind = "none" if not two_encoders else "stn" if layers["dense"] else "mask"
    generator = {
        "pose_channels": pose_channels,
        "block_expansion": widths[0],
        "max_features": max(widths),
        "num_levels": num_levels,
        "two_encoders": two_encoders,
        "background": background,
    }
    return {
        "frames": {"size": size or ((128, 64) if num_levels == 6 else (256, 256))},
        "pose": {"maps": "stickman" if pose_channels == 3 else "heatmap"},
        "motion": {"kind": kind},
        "generator": generator,
    }


def _generator_layers(config: DeformableGanConfig) -> dict[str, list[str]]:
    """Our module names for each kind of layer, in the order in which their code creates the layers."""
    levels = config.generator.num_levels
    encoders = ["appearance", "pose"] if config.generator.two_encoders else ["appearance"]
    layers: dict[str, list[str]] = {kind: [] for kind in _KINDS}
    for encoder in encoders:
        inner = f"generator.{encoder}"
        layers["conv2d"] += [f"{inner}.first", *(f"{inner}.convolutions.{index}" for index in range(levels - 1))]
        layers["instance_normalization"] += [f"{inner}.norms.{index}" for index in range(levels - 2)]
    layers["conv2d_transpose"] = [f"generator.up_convolutions.{index}" for index in range(levels - 1)]
    layers["instance_normalization"] += [f"generator.norms.{index}" for index in range(levels - 1)]
    layers["conv2d"].append("generator.final")
    if config.motion.kind == "stn":
        layers["dense"] = [f"motion.localization.{index}" for index in (0, 2, 4)]
    return layers


def _assigned(named: Mapping[str, Tensor], wanted: Mapping[str, list[str]]) -> dict[str, Tensor]:
    found = _layers(named)
    state: dict[str, Tensor] = {}
    for kind in _KINDS:
        ours = wanted.get(kind, [])
        if len(found[kind]) != len(ours):
            raise InputError(f"{len(found[kind])} layers of kind {kind}, but the config needs {len(ours)}; {_HINT}")
        for name, layer in zip(ours, found[kind], strict=True):
            state |= {f"{name}.{_OURS[role]}": _torch_order(kind, role, value) for role, value in layer.items()}
    return state


def _layers(named: Mapping[str, Tensor]) -> dict[str, list[dict[str, Tensor]]]:
    """The layers of each kind, in the order in which they were created, each with its tensors by role."""
    numbered: dict[str, dict[int, dict[str, Tensor]]] = {kind: {} for kind in _KINDS}
    for name, value in named.items():
        match = _NAME.match(name)
        if match is None:
            raise InputError(f"weight '{name}' belongs to no layer of pose-gan; {_HINT}")
        numbered[match[1]].setdefault(int(match[2] or 0), {})[match[3]] = value
    return {kind: [layers[number] for number in sorted(layers)] for kind, layers in numbered.items()}


def _torch_order(kind: str, role: str, value: Tensor) -> Tensor:
    """Their kernels in torch's order of axes: rows, columns, in, out become out, in, rows, columns."""
    if role != "kernel":
        return value
    if kind == "dense":
        return value.mT.contiguous()
    # A transposed convolution has (h, w, out, in) there and (in, out, h, w) here: the same permutation.
    return value.permute(3, 2, 0, 1).contiguous()
