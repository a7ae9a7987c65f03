"""Transfers the motion of a driving clip to the keypoints of a source."""

from __future__ import annotations

import math
import warnings

import torch

from kinema.core.types import Keypoints
from kinema.ops.affine import compose_2x2, convex_hull_area, invert_2x2, similarity_residual

# Squared coordinate units, a sixth of a squared pixel at 256: rounding alone gives collinear points up to 2e-7.
MIN_AREA = 1e-5


def movement_scale(kp_source: Keypoints, kp_anchor: Keypoints) -> float:
    """How much larger the source's object is than the driving one: the square root of the ratio of hull areas.

    Args:
        kp_source: one row.
        kp_anchor: one row, the driving frame whose pose matches the source.

    Returns:
        A factor; 1, with a warning, if either hull has no area (fewer than three points, or collinear ones).
    """
    source, anchor = convex_hull_area(kp_source.value[0]), convex_hull_area(kp_anchor.value[0])
    if source < MIN_AREA or anchor < MIN_AREA:
        warnings.warn(
            f"adapt-scale: {kp_source.value.shape[1]} keypoints span no area, movements keep their size", stacklevel=2
        )
        return 1.0
    return math.sqrt(source / anchor)


def transfer_motion(
    kp_source: Keypoints,
    kp_driving: Keypoints,
    kp_anchor: Keypoints,
    *,
    relative: bool = True,
    relative_jacobian: bool = True,
    adapt_scale: bool = False,
) -> Keypoints:
    """The keypoints that the source should reach (FOMM Sec. 3.4).

    Args:
        kp_source: of the source, one row.
        kp_driving: of the driving frames, B rows.
        kp_anchor: of the driving frame posed like the source, one row.
        relative: add the movement since the anchor to the source's points; otherwise take the driving points.
        relative_jacobian: the same for the Jacobians, J_driving J_anchor^-1 J_source. Has no effect when
            ``relative`` is off or one of the keypoints has no Jacobians.
        adapt_scale: multiply movements by :func:`movement_scale`. Has no effect when ``relative`` is off.

    Returns:
        B rows of value (B, K, 2) and jacobian (B, K, 2, 2) or None. ``segmentation`` is kept only when ``relative`` is
        off, because the segmentation of the driving frame does not show the source's parts.
    """
    if not relative:
        return Keypoints(kp_driving.value, kp_driving.jacobian, segmentation=kp_driving.segmentation)
    scale = movement_scale(kp_source, kp_anchor) if adapt_scale else 1.0
    value = kp_source.value + scale * (kp_driving.value - kp_anchor.value)
    jacobian = kp_driving.jacobian
    if relative_jacobian and jacobian is not None and kp_anchor.jacobian is not None:
        assert kp_source.jacobian is not None
        jacobian = compose_2x2(compose_2x2(jacobian, invert_2x2(kp_anchor.jacobian)), kp_source.jacobian)
    return Keypoints(value, jacobian)


def closest_pose(kp_source: Keypoints, kp_driving: Keypoints) -> tuple[int, float]:
    """The driving frame whose keypoints match the source's best up to shift, rotation and scale.

    Args:
        kp_source: one row.
        kp_driving: B rows.

    Returns:
        Row and its residual in [0, 1] (:func:`kinema.ops.affine.similarity_residual`). Row 0, with a warning, if poses
        cannot be compared: there are fewer than three points, or all points coincide.
    """
    residual = similarity_residual(kp_driving.value, kp_source.value[0])
    if kp_source.value.shape[1] < 3 or not bool((residual < 1).any()):
        warnings.warn("anchor: too few distinct keypoints to compare poses, the first frame is used", stacklevel=2)
        return 0, float(residual[0])
    best = int(torch.argmin(residual))
    return best, float(residual[best])
