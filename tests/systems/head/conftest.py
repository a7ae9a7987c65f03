"""The portrait of the tests, prepared once, and frames in which it drives."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kinema.faces.face_pose import FacePose
from kinema.faces.mesh import FaceMesh
from kinema.runtime.load import load
from kinema.video import read_image


@pytest.fixture(scope="session")
def heads() -> Any:
    """The shipped model, as a user loads it."""
    return load("head")


@pytest.fixture(scope="session")
def photo(assets: Path) -> np.ndarray:
    """One face, 256x256, about 130 pixels wide."""
    return read_image(assets / "portrait.jpg")


@pytest.fixture(scope="session")
def portrait(heads: Any, photo: np.ndarray) -> Any:
    """The photo, prepared."""
    return heads.prepare(photo)


def posed(portrait: Any, **sliders: float) -> Any:
    """The motion of sliders."""
    from kinema.systems.head.sliders import motion_of

    return motion_of(portrait, FacePose(**sliders))


def exact_mesh(portrait: Any, motion: Any) -> FaceMesh:
    """What a tracker without error would find in a drawn portrait; the scores are those of the photo."""
    return replace(portrait.mesh, points=portrait.points_after(motion))


def followed(heads: Any, portrait: Any, motion: Any) -> tuple[np.ndarray, FaceMesh]:
    """A portrait drawn in motion, and the face that the tracker finds in it."""
    image = portrait.draw(motion)
    mesh = heads.tracker.track(image)
    assert mesh is not None
    return image, mesh
