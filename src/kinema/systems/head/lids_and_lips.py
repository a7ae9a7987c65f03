"""Lids that meet and lips that do not cross: what the face's points must keep to whatever the motion says."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kinema.faces.mesh import EYES, IRISES, LIP_RINGS, MOUTH_LOWER, MOUTH_UPPER

# Upper and lower lid meet just above where the lower one lies.
_UPPER_LID, _LOWER_LID = 0.88, 0.12
_WIDEST, _MOST_SKIN = -0.4, 2.5
BLINK_UNITS = ("eyeBlinkRight", "eyeBlinkLeft")  # image left first, as EYES
FOREHEAD, CHIN = 10, 152


def close_lids(
    points: NDArray[np.float64],
    expression: NDArray[np.float64],
    lids: tuple[float, float],
    blinks: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> None:
    """Brings the lids of both eyes together, the skin above them with them.

    Args:
        points: (478, 3) of the face at rest.
        expression: (478, 3) displacement; changed.
        lids: how far each eye closes, see :class:`~kinema.systems.head.motion.HeadMotion`.
        blinks: of each eye, the (478, 3) unit that blinks.
    """
    for eye, ring in enumerate(EYES):
        closing = lids[eye]
        if abs(closing) < 1e-3:
            continue
        upper, lower = ring[1:8], ring[:8:-1]
        moved = points + expression
        gap = moved[lower] - moved[upper]
        unit = blinks[eye]
        reach = np.linalg.norm(gap[3]) / max(float(np.linalg.norm(unit[upper[3]] - unit[lower[3]])), 1e-6)
        lid = unit * min(float(reach), _MOST_SKIN)
        lid[upper], lid[lower] = gap * _UPPER_LID, -gap * _LOWER_LID
        lid[IRISES[eye]] = 0
        expression += np.clip(closing, _WIDEST, 1) * lid


def uncross_lips(points: NDArray[np.float64], expression: NDArray[np.float64]) -> None:
    """Lets lips that have passed each other meet half-way, the skin around them less with every ring.

    Args:
        points: (478, 3) of the face at rest.
        expression: (478, 3) displacement; changed.
    """
    moved = points + expression
    down = moved[CHIN, :2] - moved[FOREHEAD, :2]
    down = down / np.linalg.norm(down)
    gap = (moved[MOUTH_LOWER, :2] - moved[MOUTH_UPPER, :2]) @ down
    back = np.clip(-gap, 0, None)[:, None] / 2 * down
    if not back.any():
        return
    for upper, lower, weight in LIP_RINGS:
        expression[upper, :2] -= weight * back
        expression[lower, :2] += weight * back
