"""Gives OpenCV and SciPy, which the extra ``head`` installs, or says that it is not installed."""

from __future__ import annotations

from typing import Any

from kinema.core.checks import require_extra

_PURPOSE = "moving a face as a sheet"


def opencv() -> Any:
    """The module ``cv2``.

    Raises:
        MissingExtraError: the extra ``head`` is not installed.
    """
    return require_extra("cv2", extra="head", purpose=_PURPOSE)


def scipy_part(name: str) -> Any:
    """A part of SciPy, such as "spatial" or "sparse.linalg".

    Raises:
        MissingExtraError: the extra ``head`` is not installed.
    """
    return require_extra(f"scipy.{name}", extra="head", purpose=_PURPOSE)
