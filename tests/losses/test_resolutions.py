"""Distances at several resolutions, and pixels that count more where they move."""

import torch

from kinema.losses.resolutions import feature_distances, motion_weights, pixel_distances, shrink_to


def test_frames_that_agree_at_every_resolution_are_0_apart():
    real = torch.rand(2, 3, 16, 24)
    made = [real, shrink_to(real, (8, 12)), shrink_to(real, (4, 6))]
    assert not pixel_distances(made, real).any()
    moved = pixel_distances([level + 0.1 for level in made], real)
    torch.testing.assert_close(moved, torch.full((3,), 0.1))
    halves = feature_distances(lambda frames: [frames, 2 * frames], [level + 0.1 for level in made], real, (1, 0.5))
    torch.testing.assert_close(halves, torch.full((3,), 0.2))


def test_weights_share_out_a_frame_and_even_ones_change_nothing():
    real, made = torch.rand(2, 3, 8, 8), torch.rand(2, 3, 8, 8)
    even = torch.full((2, 1, 8, 8), 7.0)
    torch.testing.assert_close(pixel_distances([made], real, even), pixel_distances([made], real))
    left = torch.zeros(2, 1, 8, 8)
    left[..., :4] = 3
    expected = (made - real).abs()[..., :4].mean().reshape(1)
    torch.testing.assert_close(pixel_distances([made], real, left), expected)


def test_only_what_moves_outweighs_the_bias():
    real = torch.zeros(1, 3, 3, 4, 4)
    real[:, 1:, :, 0, 0] = 1
    weights = motion_weights(real, real[:, 1:], bias=0.5)
    assert weights.shape == (1, 3, 1, 4, 4) and (weights[:, 0] == 1).all()
    assert weights[0, 1, 0, 0, 0] == 6.5 and weights[0, 1, 0, 1:].unique().tolist() == [0.5]
    assert weights[0, 2].unique().tolist() == [0.5]
