"""A picture of any size and its landmarks become sequences in its own pixels, and frames."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from kinema.core.checks import InputError
from kinema.systems.smile.config import SmileConfig
from kinema.systems.smile.model import SmileModel
from kinema.systems.smile.pipeline import SmilePipeline

from ...faces.faces import template


def make(config: SmileConfig) -> SmilePipeline:
    model = SmileModel(config)
    for parameter in model.parameters():
        parameter.data += 0.05 * torch.randn(parameter.shape)
    return SmilePipeline(model)


def test_a_face_smiles_in_several_ways(tiny: SmileConfig):
    pipeline, generator = make(tiny), np.random.default_rng(0)
    picture = generator.integers(0, 256, (64, 48, 3), dtype=np.uint8)
    points = (template() + 1) * 20
    smile = pipeline.prepare(picture, points)
    sequences = smile.sequences("posed")
    assert sequences.shape == (3, 8, 68, 2)
    scale = torch.tensor([32 / 48, 0.5])
    torch.testing.assert_close(sequences[0, 0], (points + 0.5) * scale - 0.5, atol=1e-3, rtol=0)
    half = smile.sequences("posed", intensity=0.5)
    torch.testing.assert_close(half - half[:, :1], 0.5 * (sequences - sequences[:, :1]), atol=1e-3, rtol=0)
    assert smile.sequences("spontaneous", length=5).shape == (3, 5, 68, 2)
    frames = [smile.step(landmarks) for landmarks in sequences[0, :3]]
    assert all(frame.shape == (32, 32, 3) and frame.dtype == np.uint8 for frame in frames)
    torch.manual_seed(5)
    np.testing.assert_array_equal(smile.step(sequences[0, 1]), frames[1])


def test_what_it_cannot_do_is_said(tiny: SmileConfig):
    picture = np.zeros((32, 32, 3), dtype=np.uint8)
    with pytest.raises(InputError, match=r"landmarks of shape \(5, 2\); expected \(68, 2\)"):
        make(tiny).prepare(picture, np.zeros((5, 2)))
    with pytest.raises(InputError, match="label 'sad' is unknown to this model; known: posed, spontaneous"):
        make(tiny).prepare(picture, (template() + 1) * 16).sequences("sad")
    drawn = make(tiny.override(["landmarks.embedding.representation=images"]))
    with pytest.raises(InputError, match="drawings of landmarks, not points"):
        drawn.prepare(picture, (template() + 1) * 16).sequences("posed")


def test_more_modes_and_seeds_are_variations(tiny: SmileConfig):
    pipeline = make(tiny)
    smile = pipeline.prepare(np.zeros((32, 32, 3), dtype=np.uint8), (template() + 1) * 16)
    own = smile.sequences("posed")
    five = smile.sequences("posed", modes=5)
    torch.testing.assert_close(five[:3], own)
    assert len(five) == 5 and (five[3] - five[0]).abs().max() > 1e-4
    drawn = smile.sequences("posed", seed=4)
    torch.testing.assert_close(smile.sequences("posed", seed=4), drawn)
    assert (drawn - own).abs().max() > 1e-4 and (smile.sequences("posed", seed=5) - drawn).abs().max() > 1e-4
    # Whatever is drawn, every take begins with the face as it is.
    torch.testing.assert_close(drawn[:, 0], own[:, 0])
    assert len(smile.sequences("posed", modes=1)) == 1
    with pytest.raises(InputError, match="0 modes: give 1 or more; this model has 3"):
        smile.sequences("posed", modes=0)


def test_a_face_in_a_photo_moves_there_alone(tiny: SmileConfig):
    photo = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    landmarks = (template() + 1) * 25 + torch.tensor([40.0, 20.0])
    for kind in ("warp", "unet"):
        face = make(tiny.override([f"translator.kind={kind}"])).in_photo(photo, landmarks)
        takes = face.sequences("posed", modes=2, length=4, intensity=3.0)
        assert takes.shape == (2, 4, 68, 2)
        moved = face.picture(takes[1, 3])
        assert moved.shape == photo.shape and moved.dtype == np.uint8
        changed = (moved != photo).any(axis=(0, 2))
        assert changed[60:70].any() and not changed[:10].any() and not changed[-10:].any()
        if kind == "warp":
            np.testing.assert_array_equal(face.picture(takes[0, 0]), photo)


def test_the_papers_representation_is_drawn_where_the_face_is(tiny: SmileConfig):
    drawn = tiny.override(["landmarks.embedding.representation=images", "translator.kind=unet"])
    photo = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    landmarks = (template() + 1) * 25 + torch.tensor([40.0, 20.0])
    face = make(drawn).in_photo(photo, landmarks)
    takes = face.sequences("posed", modes=2, length=4)
    assert takes.shape == (2, 4, 32, 32) and 0 <= takes.min() and takes.max() <= 1
    assert (face.picture(takes[0, 3]) != photo).any()
    with pytest.raises(InputError, match="which cannot be scaled"):
        face.sequences("posed", modes=2, intensity=2.0)
    moving = make(drawn.override(["translator.kind=warp"])).in_photo(photo, landmarks)
    with pytest.raises(InputError, match="its translator moves points"):
        moving.picture(takes[0, 3])
    # Of coordinates both are known: lines are drawn through the points.
    smile = make(tiny.override(["landmarks.embedding.image_side=64"])).prepare(
        np.zeros((32, 32, 3), np.uint8), (template() + 1) * 16
    )
    drawings, points = smile.drawings("posed", modes=1)[0, 0], smile.sequences("posed", modes=1)[0, 0]
    inside = points[((points > 3) & (points < 28)).all(dim=1)].round().long()
    assert len(inside) > 20 and drawings[inside[:, 1], inside[:, 0]].mean() > 3 * drawings.mean()
