"""A picture and poses in, pictures out."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from kinema.core.checks import InputError
from kinema.core.types import Joints
from kinema.framing.pixels import to_frames, to_images
from kinema.people.skeleton import scale_joints
from kinema.systems.deformable_gan.config import DeformableGanConfig
from kinema.systems.deformable_gan.model import DeformableGanModel
from kinema.systems.deformable_gan.pipeline import DeformableGanPipeline

from ...people.poses import standing
from .conftest import SMALL_SIZE as SIZE


def picture(*size: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)


@pytest.mark.parametrize("kind", ["mask", "none"])
def test_it_is_the_model_on_pictures(small_config: DeformableGanConfig, kind: str):
    config = small_config.override([f"motion.kind={kind}", f"generator.two_encoders={str(kind != 'none').lower()}"])
    model = DeformableGanModel(config)
    pipeline = DeformableGanPipeline(model)
    source, pose = picture(*SIZE), standing(shift=(2, 1))
    person = pipeline.prepare(source, standing())
    made = person.step(pose)
    with torch.no_grad():
        expected = to_images(model(to_frames(source), standing(), pose))[0]
    assert made.shape == (*SIZE, 3) and np.array_equal(made, expected)
    assert np.array_equal(person.step(pose), made)  # nothing of a step is kept


def test_a_larger_picture_has_larger_joints(small_config: DeformableGanConfig):
    pipeline = DeformableGanPipeline(DeformableGanModel(small_config))
    large = np.repeat(np.repeat(picture(*SIZE), 2, axis=0), 2, axis=1)
    doubled = [scale_joints(joints, SIZE, (128, 128)) for joints in (standing(), standing(shift=(2, 1)))]
    made = pipeline.prepare(large, doubled[0]).step(doubled[1])
    same = pipeline.prepare(picture(*SIZE), standing()).step(standing(shift=(2, 1)))
    assert np.abs(made.astype(int) - same).mean() < 2


def test_what_is_missing_is_said(small_config: DeformableGanConfig):
    config = small_config.override(["generator.background=true", "discriminator.background=true"])
    pipeline = DeformableGanPipeline(DeformableGanModel(config))
    person = pipeline.prepare(picture(*SIZE), standing())
    with pytest.raises(InputError, match="give a picture of it"):
        person.step(standing())
    assert person.step(standing(), background=picture(40, 20)).shape == (*SIZE, 3)
    with pytest.raises(InputError, match="one row of 18 points"):
        person.step(Joints(torch.zeros(1, 17, 2), torch.ones(1, 17, dtype=torch.bool)))
