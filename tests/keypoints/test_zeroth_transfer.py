"""What of a driving motion reaches the source, option by option."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from kinema.core.types import Keypoints
from kinema.keypoints.zeroth_transfer import LEAST_VARIANCE, make_positive, transfer_keypoints


def points(*rows: tuple[float, float], spread: float = 0.01) -> Keypoints:
    return Keypoints(torch.tensor([rows]), covariance=spread * torch.eye(2).expand(1, len(rows), 2, 2))


SOURCE = points((0.0, 0.0), (0.4, 0.0), (0.0, 0.4), spread=0.04)
ANCHOR = points((0.5, 0.5), (0.7, 0.5), (0.5, 0.7))
DRIVING = points((0.9, 0.5), (0.9, 0.5), (0.5, 1.2), spread=0.02)
ROUND, WIDE = 0.02 * torch.eye(2), torch.tensor([[0.05, 0.02], [0.02, 0.03]])


def spread(covariance: Tensor) -> Keypoints:
    return Keypoints(torch.zeros(1, 1, 2), covariance=covariance[None, None])


@pytest.mark.parametrize(
    ("options", "first", "last"),
    [
        ({}, (0.9, 0.5), (0.5, 1.2)),
        ({"move_location": True}, (0.4, 0.0), (0.0, 0.9)),
        # The source's triangle is twice as large as the anchor's.
        ({"move_location": True, "movement_mult": True}, (0.8, 0.0), (0.0, 1.4)),
        ({"move_location": True, "movement_mult": True, "clip_mean": True}, (0.8, 0.0), (0.0, 1.0)),
        ({"movement_mult": True}, (0.9, 0.5), (0.5, 1.2)),
        ({"clip_mean": True}, (0.9, 0.5), (0.5, 1.0)),
        ({"adapt_variance": True}, (0.9, 0.5), (0.5, 1.2)),
    ],
)
def test_points_move(options: dict[str, bool], first: tuple[float, float], last: tuple[float, float]):
    kp = transfer_keypoints(SOURCE, DRIVING, ANCHOR, **options)
    torch.testing.assert_close(kp.value[0, [0, 2]], torch.tensor([first, last]))
    if "adapt_variance" not in options:
        assert torch.equal(kp.covariance, DRIVING.covariance)


def test_a_clip_at_its_anchor_leaves_the_source_as_it_is():
    kp = transfer_keypoints(SOURCE, ANCHOR, ANCHOR, move_location=True, movement_mult=True, adapt_variance=True)
    torch.testing.assert_close(kp.value, SOURCE.value)
    torch.testing.assert_close(kp.covariance, SOURCE.covariance)


def test_points_stay_inside_the_frame_on_both_sides():
    far = points((1.4, 0.0), (0.0, -3.0), (0.0, 0.2))
    kp = transfer_keypoints(SOURCE, far, ANCHOR, clip_mean=True)
    torch.testing.assert_close(kp.value[0], torch.tensor([[1.0, 0.0], [0.0, -1.0], [0.0, 0.2]]))


def test_variance_changes_as_the_driving_one():
    kp = transfer_keypoints(SOURCE, DRIVING, ANCHOR, adapt_variance=True)
    torch.testing.assert_close(kp.covariance, 0.08 * torch.eye(2).expand(1, 3, 2, 2))
    one = torch.full((1, 1, 1, 1), 0.01)
    single = [Keypoints(torch.zeros(1, 1, 2), covariance=factor * one) for factor in (4, 2, 1)]
    assert transfer_keypoints(*single, adapt_variance=True).covariance.item() == pytest.approx(0.08)


def test_a_source_shaped_as_the_anchor_takes_the_driving_shape():
    # Shapes that do not commute: the order of the product shows.
    kp = transfer_keypoints(
        spread(WIDE), spread(torch.diag(torch.tensor([0.09, 0.01]))), spread(WIDE), adapt_variance=True
    )
    torch.testing.assert_close(kp.covariance[0, 0], torch.diag(torch.tensor([0.09, 0.01])), atol=1e-6, rtol=0)


def test_a_constant_variance_is_none_to_carry():
    bare = [Keypoints(kp.value) for kp in (SOURCE, DRIVING, ANCHOR)]
    assert transfer_keypoints(*bare, adapt_variance=True).covariance is None


def test_matrices_are_made_positive():
    for good in (ROUND, WIDE):
        torch.testing.assert_close(make_positive(good), good)
    torch.testing.assert_close(
        make_positive(torch.diag(torch.tensor([0.3, -1.0]))), torch.diag(torch.tensor([0.3, LEAST_VARIANCE]))
    )
    torch.testing.assert_close(make_positive(WIDE + torch.tensor([[0.0, 0.01], [-0.01, 0.0]])), WIDE)


def test_collinear_points_keep_their_movement_with_a_warning():
    line = points((0.0, 0.0), (0.1, 0.0), (0.2, 0.0))
    with pytest.warns(UserWarning, match="span no area"):
        kp = transfer_keypoints(line, DRIVING, ANCHOR, move_location=True, movement_mult=True)
    torch.testing.assert_close(kp.value[0, 0], torch.tensor([0.4, 0.0]))
