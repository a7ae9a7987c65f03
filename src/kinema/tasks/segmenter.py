# pyright: strict, reportUnknownMemberType=false
"""Classifies pixels by index masks or an ONNX parsing network, whose classes can replace learned parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from kinema.core.checks import InputError, require_extra
from kinema.framing.pixels import to_frames
from kinema.framing.window import Framing
from kinema.ops.warp import resize_map
from kinema.video import MaskReader

# What networks that begin from ImageNet weights subtract and divide by; face parsers are such.
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
FREE_SIDE = 512


class Parser(Protocol):
    """Tells the class of each pixel of a picture.

    Attributes:
        labels: classes seen until now.
    """

    labels: set[int]

    def parse(self, image: np.ndarray, index: int, framing: Framing) -> Tensor:
        """Weights (1, N, h, w), sum 1, of the framed part of a uint8 (H, W, 3) picture, frame ``index`` of its clip."""
        ...


def open_parser(path: Path) -> Parser:
    """The parser of a path: an .onnx network, an index mask as .png, or a folder of them, one a frame.

    Raises:
        InputError: the path is none of these.
    """
    if path.suffix.lower() == ".onnx":
        return OnnxParser(path)
    if path.is_dir() or path.suffix.lower() == ".png":
        return MaskParser(path)
    raise InputError(f"{path}: a parser is an .onnx network, an index mask (.png) or a folder of index masks")


class MaskParser:
    """Index masks that lie on disk: made by ``kinema parts --masks``, another program or by hand.

    Attributes:
        labels: that the masks read until now hold; 255 of a mask of 0 and 255 alone counts as 1.
    """

    def __init__(self, path: Path) -> None:
        self._reader = MaskReader(path)
        self._path = path
        self.labels: set[int] = set()

    def parse(self, image: np.ndarray, index: int, framing: Framing) -> Tensor:
        """See :class:`Parser`: one-hot weights (1, 256, h, w) of labels 0 to 255."""
        labels = self._reader.read(index)
        found = set(np.unique(labels).tolist())
        if found <= {0, 255}:
            labels, found = labels // 255, {value // 255 for value in found}  # a binary mask: nothing and something
        self.labels |= found
        if labels.shape != image.shape[:2]:
            raise InputError(
                f"{self._path}: a mask of {labels.shape[1]}x{labels.shape[0]} does not fit a picture of "
                f"{image.shape[1]}x{image.shape[0]} (width x height); make them equal"
            )
        x, y, width, height = framing.box
        part = torch.from_numpy(labels[y : y + height, x : x + width].copy()).long()
        weights = torch.nn.functional.one_hot(part, 256).movedim(-1, 0)[None].float()  # (1, 256, height, width)
        return torch.nn.functional.adaptive_avg_pool2d(weights, framing.size)


class OnnxParser:
    """A network that takes (1, 3, H, W), normalised as for ImageNet, and answers class logits (1, N, h, w)."""

    def __init__(self, path: Path) -> None:
        runtime: Any = require_extra("onnxruntime", extra="onnx", purpose="a parsing network")
        if not path.is_file():
            raise InputError(f"{path}: does not exist; give an .onnx file")
        try:
            self._session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        except Exception as error:
            raise InputError(f"{path}: onnxruntime cannot read it ({str(error).splitlines()[0]})") from error
        self._path, self._input = path, self._session.get_inputs()[0]
        self.labels: set[int] = set()

    def parse(self, image: np.ndarray, index: int, framing: Framing) -> Tensor:
        """See :class:`Parser`: weights (1, N, h, w) at the network's own size."""
        frame = to_frames(framing.apply(image))
        sides = [side if isinstance(side, int) else FREE_SIDE for side in self._input.shape[-2:]]
        frame = resize_map(frame, (sides[0], sides[1]))
        frame = (frame - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(DEVIATION).view(3, 1, 1)
        answer = self._session.run(None, {self._input.name: frame.numpy()})[0]
        if answer.ndim != 4 or answer.shape[0] != 1:
            raise InputError(f"{self._path}: its first output is {answer.shape}; expected class logits (1, N, h, w)")
        self.labels |= set(np.unique(answer.argmax(axis=1)).tolist())
        return torch.from_numpy(answer).float().softmax(dim=1)
