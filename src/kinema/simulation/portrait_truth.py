# pyright: strict
"""Writes and reads what is known exactly of a clip of a moved photo, as a .npz beside it, for evaluation only."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinema.core.checks import InputError

_NUMBERS = ("points", "sliders", "shifts", "head_angles")
_WORDS = ("slider_names", "motion", "background")
_MATTE = "matte"


@dataclass(frozen=True, eq=False)
class PortraitTruth:
    """The truth of a clip of T frames of H x W pixels; 0 is the centre of the first pixel.

    Attributes:
        points: (T, 478, 3) float32, the face's points (:class:`kinema.faces.mesh.FaceMesh`) in pixels of the frames.
        sliders: (T, S) float32, the pose of each frame; the photo's own is 0, and 1 for ``zoom``.
        slider_names: the S fields of :class:`kinema.faces.face_pose.FacePose`.
        shifts: (T, 2) float32 of the head against the photo, to the right and down, in pixels of the frames.
        head_angles: (T, 3) float32, yaw, pitch and roll in degrees, counted from a head that looks straight at the
            viewer; the photo's own turn is what the points' depth says of it
            (:func:`kinema.faces.head_pose.head_rotation`).
        motion: kind of motion.
        background: kind of background; "own" is the photo's.
        matte: (T, H, W) uint8, 255 where all of a pixel is the person's; None where no outline of a person was found.
    """

    points: NDArray[np.float32]
    sliders: NDArray[np.float32]
    slider_names: tuple[str, ...]
    shifts: NDArray[np.float32]
    head_angles: NDArray[np.float32]
    motion: str
    background: str
    matte: NDArray[np.uint8] | None


def write_portrait_truth(path: Path, truth: PortraitTruth) -> None:
    """Writes a .npz whose bytes depend only on the truth."""
    arrays: dict[str, Any] = {name: getattr(truth, name).astype(np.float32) for name in _NUMBERS}
    arrays |= {name: np.array(getattr(truth, name)) for name in _WORDS}
    if truth.matte is not None:
        arrays[_MATTE] = truth.matte
    np.savez_compressed(path, **arrays)


def read_portrait_truth(path: Path) -> PortraitTruth:
    """Reads a file of :func:`write_portrait_truth`.

    Raises:
        InputError: there is no such file, or it is of another kind.
    """
    try:
        with np.load(path) as table:
            missing = [name for name in (*_NUMBERS, *_WORDS) if name not in table.files]
            if missing:
                raise InputError(f"{path}: has no '{missing[0]}'; give a clip that `kinema data portraits` made")
            return PortraitTruth(
                **{name: table[name] for name in _NUMBERS},
                slider_names=tuple(str(name) for name in table["slider_names"]),
                motion=str(table["motion"]),
                background=str(table["background"]),
                matte=table[_MATTE] if _MATTE in table.files else None,
            )
    except FileNotFoundError as error:
        raise InputError(f"{path}: does not exist; the truth lies beside clips of `kinema data portraits`") from error
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: not a readable .npz file; make it anew") from error
