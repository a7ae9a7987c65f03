"""Parts a photo into a person and the ground behind, so that one moves before the other and nothing else changes.

The photo is kept as what the person adds to the ground: ``added = photo - (1 - alpha) ground``. Moved, it is laid over
the ground again: ``moved(added) + (1 - moved(alpha)) ground``. Without motion that is the photo exactly, whatever alpha
is, and half-transparent hair brings no halo of the old ground along where alpha and ground are right.
"""

from __future__ import annotations

from functools import cached_property

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
# Distance of the person's colour from the ground's, of 255, from which on, and up to which, alpha is read off colours.
_LEAST_CONTRAST, _CONTRAST = 30.0, 60.0
# Strands: how far they reach in face lengths, the part of the way to the person's colour that is noise, the distance of
# colours (of 255 levels) below which person and ground cannot be told apart, what counts as a pattern of the ground.
_STRANDS_REACH, _STRAND_NOISE, _LIKE_GROUND, _PATTERN = 0.2, 0.06, 60.0, 10.0


class Ground:
    """What lies behind the person of a photo.

    Attributes:
        person: uint8 (H, W, 4), what the person adds to the ground, and alpha, 255 where all of a pixel is the
            person's.
    """

    def __init__(
        self, photo: NDArray[np.uint8], alpha: NDArray[np.float32], length: float, *, alone: bool = True
    ) -> None:
        """Takes the photo and its matte.

        Args:
            photo: uint8 (H, W, 3).
            alpha: rough, (H, W) in [0, 1].
            length: of the face in pixels.
            alone: look for strands of hair beside the person; other people there would be taken for them.
        """
        cv2 = opencv()

        refined = refine_alpha(photo, alpha, radius=max(round(length * _FILTER_REACH), 2))
        steep = smoothstep((refined - _ALPHA_LOW) / (_ALPHA_HIGH - _ALPHA_LOW)).astype(np.float32)
        if alone:
            steep = with_strands(photo, steep, reach=max(round(length * _STRANDS_REACH), 2))
        given = np.rint(255 * steep).astype(np.uint8)
        reach = max(round(length * _UNKNOWN_REACH), 1)
        self._photo, self._around = photo, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
        near = cv2.dilate(given, self._around)
        known = (near < _CLEAR).astype(np.float32)
        filled = np.rint(np.clip(fill_image_holes(photo, known), 0, 255)).astype(np.uint8) if known.any() else photo
        # Where there is nothing of the person the ground is the photo itself.
        self._picture: NDArray[np.uint8] = np.where((given == 0)[..., None], photo, filled).astype(np.uint8)
        dense = _dense_enough(given, photo, self._picture)
        added = photo.astype(np.int16) - _behind(self._picture, dense)
        self.person: NDArray[np.uint8] = np.dstack([np.clip(added, 0, 255).astype(np.uint8), dense])

    @cached_property
    def cut_out(self) -> NDArray[np.uint8]:
        """As ``person``, for another ground: uint8 (H, W, 4).

        An alpha that is too high by a pixel changes nothing before the photo's own ground, and is a bright or dark rim
        before another. So alpha at the outline is lowered to what the photo's colour says, between those of the ground
        and of the person further inside, where they differ enough.
        """
        cv2 = opencv()

        alpha = self.person[..., 3]
        inside = cv2.erode(np.where(alpha == 255, np.uint8(255), np.uint8(0)), self._around) > 0
        if not inside.any():
            return self.person
        person = fill_image_holes(self._photo, inside.astype(np.float32))
        ground = self._picture.astype(np.float32)
        apart, seen = person - ground, self._photo - ground
        contrast = (apart * apart).sum(axis=-1)
        share = np.clip((seen * apart).sum(axis=-1) / np.maximum(contrast, 1), 0, 1)
        trust = smoothstep((np.sqrt(contrast) - _LEAST_CONTRAST) / (_CONTRAST - _LEAST_CONTRAST))
        lowered = alpha - trust * np.maximum(alpha - 255 * share, 0)
        changed = np.where(inside, alpha, np.rint(lowered)).astype(np.uint8)
        added = self._photo.astype(np.int16) - _behind(self._picture, changed)
        return np.dstack([np.clip(added, 0, changed[..., None]).astype(np.uint8), changed])

    def under(
        self, person: NDArray[np.uint8], x: int, y: int, *, other: NDArray[np.uint8] | None = None
    ) -> NDArray[np.uint8]:
        """The ground with the moved person before it.

        Args:
            person: uint8 (h, w, 4), a part of the picture.
            x: where the part begins.
            y: where it begins from above.
            other: uint8 (H, W, 3), a ground to take in place of the photo's own.

        Returns:
            uint8 (h, w, 3).
        """
        cv2 = opencv()

        height, width = person.shape[:2]
        ground = self._picture if other is None else other
        behind = _behind(ground[y : y + height, x : x + width], cv2.extractChannel(person, 3))
        return np.asarray(cv2.add(cv2.cvtColor(person, cv2.COLOR_RGBA2RGB), behind), dtype=np.uint8)


def _behind(ground: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """uint8 (H, W, 3) of the ground that shows through, the same rounding whatever moves."""
    cv2 = opencv()

    return np.asarray(cv2.multiply(ground, cv2.merge([255 - alpha] * 3), scale=1 / 255), dtype=np.uint8)


def _dense_enough(alpha: NDArray[np.uint8], photo: NDArray[np.uint8], ground: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Alpha (H, W), raised where it lets through a ground brighter than the photo: nobody adds less than nothing."""
    share = (photo / np.maximum(ground, 1)).min(axis=-1)
    least = np.ceil(255 * np.clip(1 - share, 0, 1)).astype(np.uint8)
    raised = np.where(alpha > 0, np.maximum(alpha, least), 0).astype(np.uint8)
    rounded = (_behind(ground, raised) > photo).any(axis=-1) & (raised > 0)
    return raised + (rounded & (raised < 255))


def with_strands(photo: NDArray[np.uint8], alpha: NDArray[np.float32], *, reach: int) -> NDArray[np.float32]:
    """Alpha with strands of hair that the matte leaves out, told by their colour before a plain ground.

    Around the person a pixel is between two colours: that of the ground farther out, continued inwards, and that of the
    person nearby. How far it lies towards the latter is its alpha; a little of it is noise. Before a ground with
    patterns of its own nothing is added: its patterns would move along.

    Args:
        photo: uint8 (H, W, 3).
        alpha: (H, W) in [0, 1].
        reach: in pixels, how far from the person strands are looked for.

    Returns:
        float32 (H, W) in [0, 1], nowhere below the given alpha.
    """
    cv2 = opencv()

    near = _grown(alpha > 0.02, reach)
    around = _grown(alpha > 0.5, reach) & (alpha < 0.95)
    beyond = _grown(near, reach) & ~near
    if not beyond.any() or not around.any():
        return alpha
    ground = fill_image_holes(photo, 1 - near.astype(np.float32))
    pattern = np.abs(cv2.GaussianBlur(photo, (0, 0), reach / 2).astype(np.float32) - photo).max(axis=-1)
    if np.percentile(pattern[beyond], 90) > _PATTERN:
        return alpha
    towards = fill_image_holes(photo, (alpha > 0.95).astype(np.float32)) - ground
    far_apart = np.maximum((towards * towards).sum(axis=-1), _LIKE_GROUND**2)
    part = ((photo - ground) * towards).sum(axis=-1) / far_apart
    strands = smoothstep((part - _STRAND_NOISE) / (0.8 - _STRAND_NOISE)) * around
    return np.maximum(alpha, strands).astype(np.float32)


def _grown(mask: NDArray[np.bool_], reach: int) -> NDArray[np.bool_]:
    """A mask (H, W) with all that is at most ``reach`` pixels from it; a mean takes the same time for any reach."""
    return (
        np.asarray(opencv().blur(mask.astype(np.float32), (2 * reach + 1, 2 * reach + 1))) > 0.5 / (2 * reach + 1) ** 2
    )


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
