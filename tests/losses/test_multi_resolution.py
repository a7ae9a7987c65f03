"""Distances at several resolutions, and pixels that count more where they move."""

import torch

from kinema.losses.multi_resolution import (
    clip_motion_weights,
    feature_distances,
    motion_weights,
    pixel_distances,
    shrink_to,
)


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


def test_over_a_clip_a_pixel_counts_for_the_most_it_moves():
    real = torch.zeros(1, 4, 3, 2, 2)
    real[0, 2:, :, 0, 0] = 0.5  # moves between frames 1 and 2, by 0.5 in three channels
    weights = clip_motion_weights(real, real[:, 1:], bias=0.2)
    assert weights.shape == (1, 4, 1, 2, 2)
    for frame in weights[0, :, 0]:
        torch.testing.assert_close(frame, torch.tensor([[3.2, 0.2], [0.2, 0.2]]))


def test_weights_of_a_clip_keep_what_rests_and_may_move_where_those_of_a_moment_erase_it():
    # Of 8 things 3 leave their pixel at once and 5 a frame later. What of that pixel is the best guess for frame 1?
    real = torch.zeros(8, 3, 3, 1, 2)
    real[:, 0, :, 0, 0] = 1.0
    real[:5, 1, :, 0, 0] = real[5:, 1, :, 0, 1] = 1.0
    real[:, 2, :, 0, 1] = 1.0
    kept, erased = torch.zeros(8, 3, 1, 2), torch.zeros(8, 3, 1, 2)
    kept[..., 0] = 1.0

    def cost(guess: torch.Tensor, weights: torch.Tensor) -> float:
        return float(((guess - real[:, 1]).abs() * weights[:, 1]).mean())

    moment = motion_weights(real, real[:, 1:], bias=0.1)
    clip = clip_motion_weights(real, real[:, 1:], bias=0.1)
    assert cost(erased, moment) < cost(kept, moment)
    assert cost(kept, clip) < cost(erased, clip)
