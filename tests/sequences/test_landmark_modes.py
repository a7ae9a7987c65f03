"""Sequences begin neutral, obey the label, and modes are separate networks."""

from __future__ import annotations

import pytest
import torch

from kinema.sequences.landmark_modes import LandmarkModes, LandmarkModesConfig

from ..faces.faces import smiles

SMALL = {"embedding": {"num_codes": 6, "num_features": 16, "image_side": 32}, "num_features": 8, "mode_features": 8}


def make(**changes: object) -> LandmarkModes:
    modes = LandmarkModes(LandmarkModesConfig.parse(SMALL | changes, origin="test")).eval()
    for parameter in modes.parameters():
        parameter.data += 0.1 * torch.randn(parameter.shape)
    return modes


@torch.no_grad()
def test_k_sequences_begin_neutral_and_differ():
    modes, landmarks = make(num_modes=4), smiles([0, 1, 1], [0, 1, 2]).landmarks[:, 0]
    made = modes(landmarks, torch.tensor([0, 1, 1]), 7)
    assert made.shape == (3, 4, 7, 68, 2)
    torch.testing.assert_close(made[:, :, 0], landmarks[:, None].expand(-1, 4, -1, -1), atol=1e-6, rtol=0)
    assert (made[:, 0] - made[:, 1]).abs().max() > 1e-3
    other = modes(landmarks, torch.tensor([1, 1, 1]), 7)
    assert (other[0] - made[0]).abs().max() > 1e-4
    torch.testing.assert_close(other[1:], made[1:])
    torch.testing.assert_close(modes(landmarks[1:2], torch.tensor([1]), 7), made[1:2])
    # A longer sequence goes on from the shorter one.
    torch.testing.assert_close(modes(landmarks, torch.tensor([0, 1, 1]), 9)[:, :, :7], made)


@torch.no_grad()
def test_training_starts_from_a_face_that_stands_still():
    modes = LandmarkModes(LandmarkModesConfig.parse(SMALL, origin="test")).eval()
    landmarks = smiles([0, 1], [0, 1]).landmarks[:, 0]
    made = modes(landmarks, torch.tensor([0, 1]), 5)
    assert (made - landmarks[:, None, None]).abs().max() < 1e-3


@pytest.mark.parametrize("form", ["coordinates", "images"])
def test_every_weight_gets_a_gradient(form: str):
    modes = make(embedding=SMALL["embedding"] | {"representation": form}).train()
    batch = smiles([0, 1], [0, 1], length=4)
    made = modes(batch.landmarks[:, 0], batch.label, 4)
    rows = batch.landmarks.repeat_interleave(3, dim=0)
    modes.embedding.distance(made.flatten(0, 1), rows).mean().backward()
    still = [name for name, p in modes.named_parameters() if p.grad is None or not p.grad.any()]
    assert not still
