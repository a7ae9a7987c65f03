"""Parts a photo into a person and the ground behind, so that one moves before the other and nothing else changes.

The photo is kept as what the person adds to the ground: ``added = photo - (1 - alpha) ground``. Moved, it is laid over
the ground again: ``moved(added) + (1 - moved(alpha)) ground``. Without motion that is the photo exactly, whatever alpha
is, and half-transparent hair brings no halo of the old ground along where alpha and ground are right.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kinema.core.compiled_imaging import opencv
from kinema.ops.push_pull import fill_image_holes
from kinema.synthesis.sheet import smoothstep

# In face lengths: reach of the guided filter, and how far around the person the ground counts as unknown.
_FILTER_REACH, _UNKNOWN_REACH = 0.035, 0.03
_EDGE_CONTRAST = 1e-3
# The network's alpha is soft over more pixels than hair is.
_ALPHA_LOW, _ALPHA_HIGH = 0.2, 0.8
_CLEAR = 5  # of 255


class Ground:
    """What lies behind the person of a photo.

    Attributes:
        alpha: uint8 (H, W), 255 where all of a pixel is the person's.
        added: int16 (H, W, 3), what the person adds to the ground.
    """

    def __init__(self, photo: NDArray[np.uint8], alpha: NDArray[np.float32], length: float) -> None:
        """Takes the photo (H, W, 3), a rough alpha (H, W) and the length of the face in pixels."""
        cv2 = opencv()

        refined = refine_alpha(photo, alpha, radius=max(round(length * _FILTER_REACH), 2))
        steep = smoothstep((refined - _ALPHA_LOW) / (_ALPHA_HIGH - _ALPHA_LOW))
        self.alpha = np.rint(255 * steep).astype(np.uint8)
        reach = max(round(length * _UNKNOWN_REACH), 1)
        near = cv2.dilate(self.alpha, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8))
        known = (near < _CLEAR).astype(np.float32)
        filled = np.rint(np.clip(fill_image_holes(photo, known), 0, 255)).astype(np.uint8) if known.any() else photo
        # Where there is nothing of the person the ground is the photo itself.
        self._picture = np.where((self.alpha == 0)[..., None], photo, filled)
        self.added = photo.astype(np.int16) - self._behind(self.alpha)

    def under(self, added: NDArray[np.int16], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The ground with the moved person before it: uint8 (H, W, 3)."""
        return np.clip(added + self._behind(alpha), 0, 255).astype(np.uint8)

    def _behind(self, alpha: NDArray[np.uint8]) -> NDArray[np.int16]:
        """int16 (H, W, 3) of the ground that shows through, the same rounding whatever moves."""
        cv2 = opencv()

        through = cv2.merge([255 - alpha] * 3)
        return np.asarray(cv2.multiply(self._picture, through, scale=1 / 255, dtype=cv2.CV_16S), dtype=np.int16)


def refine_alpha(
    photo: NDArray[np.uint8], alpha: NDArray[np.float32], *, radius: int, contrast: float = _EDGE_CONTRAST
) -> NDArray[np.float32]:
    """Alpha that follows the photo's edges: the guided filter (He, Sun, Tang, TPAMI 2013) with a grey guide.

    Args:
        photo: uint8 (H, W, 3).
        alpha: (H, W) in [0, 1], blurred or of few pixels.
        radius: of the windows, in pixels.
        contrast: variance of grey, in [0, 1], from which on an edge counts.

    Returns:
        float32 (H, W) in [0, 1].
    """
    cv2 = opencv()

    guide = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    window = (2 * radius + 1, 2 * radius + 1)

    def mean(values: NDArray[np.floating]) -> NDArray[np.float32]:
        return np.asarray(cv2.blur(values, window), dtype=np.float32)

    guide_mean, alpha_mean = mean(guide), mean(alpha)
    covariance = mean(guide * alpha) - guide_mean * alpha_mean
    slope = covariance / (mean(guide * guide) - guide_mean**2 + contrast)
    offset = alpha_mean - slope * guide_mean
    return np.clip(mean(slope) * guide + mean(offset), 0, 1)
