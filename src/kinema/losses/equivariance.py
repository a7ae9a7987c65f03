"""Penalizes keypoints that do not move as the frame is transformed (FOMM Sec. 3.3, Eqs. 8 and 9)."""

from __future__ import annotations

import torch
from torch import Tensor

from kinema.core.types import Keypoints
from kinema.ops.affine import compose_2x2, invert_2x2
from kinema.ops.thin_plate import SmoothTransform


def equivariance_value(kp: Keypoints, kp_transformed: Keypoints, transform: SmoothTransform) -> Tensor:
    """Distance between the points of a frame and the transformed points of the transformed frame, Eq. 8.

    Args:
        kp: of the frame, value (B, K, 2).
        kp_transformed: of the frame seen through ``transform``, value (B, K, 2).
        transform: what was applied.

    Returns:
        Scalar, mean absolute difference in coordinate units.
    """
    return (kp.value - transform.warp_points(kp_transformed.value)).abs().mean()


def equivariance_jacobian(kp: Keypoints, kp_transformed: Keypoints, transform: SmoothTransform) -> Tensor:
    """Distance of J^-1 (dT J_transformed) from the identity, Eq. 9.

    Args:
        kp: of the frame, jacobian (B, K, 2, 2).
        kp_transformed: of the frame seen through ``transform``, jacobian (B, K, 2, 2).
        transform: what was applied.

    Returns:
        Scalar, mean absolute difference.
    """
    assert kp.jacobian is not None and kp_transformed.jacobian is not None
    carried = compose_2x2(transform.jacobian(kp_transformed.value), kp_transformed.jacobian)
    product = compose_2x2(invert_2x2(kp.jacobian), carried)
    return (product - torch.eye(2, device=product.device, dtype=product.dtype)).abs().mean()
