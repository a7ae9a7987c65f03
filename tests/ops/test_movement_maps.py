"""The maps of keypoints: which there are, in which order, and what stands in them."""

import pytest
import torch
from torch import Tensor

from kinema.core.types import Keypoints
from kinema.ops.movement_maps import MovementConfig, movement_maps, point_heatmap, shrink_nearest

SIZE = (5, 9)
VARIANCE = 0.01
# On pixels of the frame: (2, 1) and (6, 3) of row y, column x, then each moved by a pixel to the right, or down.
SOURCE = torch.tensor([[[-0.5, -0.5], [0.5, 0.5]]])
DRIVING = SOURCE + torch.tensor([[[0.25, 0.0], [0.0, 0.5]]])
EVERYTHING = MovementConfig(use_difference=True, use_deformed_source_image=True, add_bg_feature_map=True, norm_const=1)


def maps_of(config: MovementConfig, frames: Tensor | None = None) -> Tensor:
    frames = torch.rand(1, 3, *SIZE) if frames is None else frames
    kp_source, kp_driving = Keypoints(SOURCE), Keypoints(DRIVING)
    return movement_maps(frames, kp_source, kp_driving, config, kp_variance=VARIANCE, align_corners=True)


def test_maps_come_point_by_point_the_still_one_first():
    frames = torch.rand(1, 3, *SIZE)
    maps = maps_of(EVERYTHING, frames)
    assert maps.shape == (1, EVERYTHING.out_channels(2, 3), *SIZE) == (1, 18, *SIZE)
    still, first, second = maps[0].unflatten(0, (3, 6))
    assert not still[:3].any()
    torch.testing.assert_close(still[3:], frames[0])
    # Heatmap, then the way from driving to source in coordinates, then the source moved by it.
    assert first[0, 1, 3] == second[0, 4, 6] == 1 == first[0].max() == second[0].max()
    torch.testing.assert_close(first[1:3], torch.tensor([-0.25, 0.0]).view(2, 1, 1).expand(2, *SIZE))
    torch.testing.assert_close(second[1:3], torch.tensor([0.0, -0.5]).view(2, 1, 1).expand(2, *SIZE))
    torch.testing.assert_close(first[3:, :, 1:], frames[0, :, :, :-1], atol=1e-5, rtol=0)
    torch.testing.assert_close(second[3:, 1:], frames[0, :, :-1], atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("config", "channels"),
    [
        (MovementConfig(), 2),
        (MovementConfig(add_bg_feature_map=True), 3),
        (MovementConfig(use_heatmap=False, use_difference=True), 4),
        (MovementConfig(use_heatmap=False, use_deformed_source_image=True), 6),
    ],
)
def test_only_the_maps_asked_for_are_there(config: MovementConfig, channels: int):
    assert config.out_channels(2, 3) == channels == maps_of(config).shape[1]


def test_the_difference_shows_where_points_arrive_and_leave():
    plain, difference = (
        maps_of(MovementConfig(heatmap_type=kind, norm_const=1))[0] for kind in ("gaussian", "difference")
    )
    assert plain.min() >= 0
    assert difference[0, 1, 3] == pytest.approx(1, abs=0.05) and difference[0, 1, 2] == pytest.approx(-1, abs=0.05)
    assert difference[1, 4, 6] == pytest.approx(1, abs=0.05) and difference[1, 3, 6] == pytest.approx(-1, abs=0.05)
    assert difference.sum(dim=(1, 2)).abs().max() < 0.7, "what arrives has left elsewhere, but for the border"


def test_gaussians_are_divided_by_their_sum_or_by_a_number():
    by_sum, by_one, by_hundred = (maps_of(MovementConfig(norm_const=norm)) for norm in ("sum", 1, 100))
    torch.testing.assert_close(by_sum.sum(dim=(2, 3)), torch.ones(1, 2))
    torch.testing.assert_close(by_hundred, by_one / 100)


def test_a_smaller_scale_drops_pixels():
    frames = torch.arange(32.0).view(1, 1, 4, 8)
    assert torch.equal(shrink_nearest(frames, 0.5), frames[..., ::2, ::2])
    assert shrink_nearest(frames, 1) is frames
    config = MovementConfig(
        use_heatmap=False, use_deformed_source_image=True, add_bg_feature_map=True, scale_factor=0.5
    )
    torch.testing.assert_close(maps_of(config, frames)[:, :1], frames[..., ::2, ::2])


def test_one_source_serves_many():
    frames, driving = torch.rand(1, 3, *SIZE), Keypoints(torch.rand(3, 2, 2) - 0.5)
    options = {"kp_variance": VARIANCE, "align_corners": True}
    many = movement_maps(frames, Keypoints(SOURCE), driving, EVERYTHING, **options)
    alone = movement_maps(frames, Keypoints(SOURCE), driving[2], EVERYTHING, **options)
    torch.testing.assert_close(many[2:], alone)


def test_a_circle_is_the_same_in_all_three_ways_to_say_it():
    matrix = Keypoints(SOURCE, covariance=0.04 * torch.eye(2).expand(1, 2, 2, 2))
    single = Keypoints(SOURCE, covariance=torch.full((1, 2, 1, 1), 0.04))
    number = point_heatmap(Keypoints(SOURCE), SIZE, kp_variance=0.04)
    torch.testing.assert_close(point_heatmap(matrix, SIZE, kp_variance="matrix"), number)
    torch.testing.assert_close(point_heatmap(single, SIZE, kp_variance="single"), number)
    # A number is the variance of all, whatever covariance the keypoints have.
    torch.testing.assert_close(point_heatmap(matrix, SIZE, kp_variance=0.04), number)
    assert not torch.allclose(point_heatmap(matrix, SIZE, kp_variance=0.01), number)
