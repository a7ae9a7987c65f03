"""Both forms embed behind one interface; coordinates keep the neutral face exactly."""

from __future__ import annotations

import pytest
import torch

from kinema.sequences.landmark_embedding import LandmarkEmbeddingConfig, make_embedding

from ..faces.faces import smiles

SMALL = {"num_codes": 6, "num_features": 16, "image_side": 32}
FORMS = ("coordinates", "images")


def make(representation: str):
    return make_embedding(
        LandmarkEmbeddingConfig.parse(SMALL | {"representation": representation}, origin="test")
    ).eval()


@pytest.mark.parametrize("form", FORMS)
def test_codes_and_what_they_mean_have_shapes(form: str):
    embedding, landmarks = make(form), smiles([0, 1], [0, 1], length=5).landmarks
    neutral = embedding.neutral(landmarks[:, 0])
    mean, log_variance = embedding.encode(landmarks.flatten(0, 1))
    assert mean.shape == log_variance.shape == (10, 6)
    made = embedding.decode(mean.unflatten(0, (2, 5)), neutral)
    assert made.shape == ((2, 5, 68, 2) if form == "coordinates" else (2, 5, 32, 32))
    distance, picture = embedding.distance(made, landmarks), embedding.picture(made)
    assert distance.shape == (2, 5) and distance.min() >= 0 and distance.isfinite().all()
    assert picture.shape == (2, 5, 32, 32) and 0 <= picture.min() and picture.max() <= 1


def test_the_neutral_face_is_exact_whatever_the_weights():
    embedding, landmarks = make("coordinates"), smiles([0, 1], [0, 1]).landmarks
    for parameter in embedding.parameters():
        parameter.data += 0.3 * torch.randn(parameter.shape)
    neutral = embedding.neutral(landmarks[:, 0])
    codes = torch.stack([neutral.code, neutral.code + 1], dim=1)
    made = embedding.decode(codes, neutral)
    # The decoder's answers to two codes cancel: what is left is the rounding of sums over its hidden features, which
    # come in another order on another processor.
    moved = float((made[:, 1] - landmarks[:, 0]).detach().abs().max())
    rounding = torch.finfo(torch.float32).eps * 4 * SMALL["num_features"] * max(1.0, moved)
    torch.testing.assert_close(made[:, 0], landmarks[:, 0], atol=rounding, rtol=0)
    assert (made[:, 1] - landmarks[:, 0]).abs().max() > 0.01


def test_distances_are_hundredths_of_the_eye_distance():
    embedding, landmarks = make("coordinates"), smiles([0], [0]).landmarks
    away = embedding.distance(landmarks + torch.tensor([0.03, 0.04]), landmarks)
    torch.testing.assert_close(away, torch.full_like(away, 5.0), atol=1e-3, rtol=0)
    images = make("images")
    right = 20 * (images.picture(torch.zeros(1, 8, 32, 32)) * 0 + images_of(images, landmarks)) - 10
    assert images.distance(right, landmarks).max() < 0.01 < images.distance(-right, landmarks).min()


def images_of(embedding, landmarks: torch.Tensor) -> torch.Tensor:
    from kinema.faces.landmark_maps import draw_landmarks, face_to_drawing

    side = (embedding.config.image_side,) * 2
    return draw_landmarks(face_to_drawing(landmarks[0]), side, binary=True).movedim(1, 0)
