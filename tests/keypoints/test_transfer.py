"""What of a driving motion reaches the source, and what happens when keypoints say too little."""

import math
import warnings

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from kinema.core.types import Keypoints
from kinema.keypoints.transfer import closest_pose, movement_scale, transfer_motion

unit = st.floats(min_value=-1, max_value=1, width=32, allow_subnormal=False)
SQUARE = torch.tensor([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])


def posed(points: Tensor, *, scale: float = 1, degrees: float = 0, shift: tuple[float, float] = (0, 0)) -> Tensor:
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return scale * points @ torch.tensor([[cos, sin], [-sin, cos]]) + torch.tensor(shift)


def row(points: Tensor, jacobian: Tensor | None = None) -> Keypoints:
    return Keypoints(points[None], None if jacobian is None else jacobian[None])


def test_absolute_is_the_driving_pose():
    driving = Keypoints(torch.rand(3, 4, 2), torch.randn(3, 4, 2, 2))
    out = transfer_motion(row(SQUARE), driving, row(SQUARE), relative=False, adapt_scale=True)
    assert torch.equal(out.value, driving.value) and torch.equal(out.jacobian, driving.jacobian)


def test_relative_adds_the_movement_since_the_anchor():
    source, anchor = row(SQUARE + 0.2), row(SQUARE)
    driving = Keypoints(torch.stack([SQUARE, SQUARE + torch.tensor([0.1, -0.3])]))
    out = transfer_motion(source, driving, anchor)
    torch.testing.assert_close(out.value[0], source.value[0])
    torch.testing.assert_close(out.value[1], source.value[0] + torch.tensor([0.1, -0.3]))
    assert out.jacobian is None


def test_relative_jacobians_carry_the_change_only():
    eye, double = torch.eye(2).expand(4, 2, 2), torch.diag(torch.tensor([2.0, 1.0])).expand(4, 2, 2)
    turn = torch.tensor([[0.0, -1.0], [1.0, 0.0]]).expand(4, 2, 2)
    source, anchor = row(SQUARE, turn), row(SQUARE, double)
    at_anchor = transfer_motion(source, anchor, anchor)
    torch.testing.assert_close(at_anchor.jacobian, source.jacobian)
    turned = transfer_motion(source, row(SQUARE, turn @ double), anchor)
    torch.testing.assert_close(turned.jacobian[0], turn @ turn)
    kept = transfer_motion(source, row(SQUARE, eye), anchor, relative_jacobian=False)
    torch.testing.assert_close(kept.jacobian[0], eye)


def test_adapt_scale_fits_movements_to_the_sources_size():
    source, anchor = row(2 * SQUARE), row(SQUARE)
    out = transfer_motion(source, row(SQUARE + 0.1), anchor, adapt_scale=True)
    torch.testing.assert_close(out.value[0], 2 * SQUARE + 0.2)


@given(st.floats(min_value=0.25, max_value=4, width=32), unit, unit)
def test_the_scale_is_that_of_a_similarity(scale, turns, shift):
    source = row(posed(SQUARE, scale=scale, degrees=180 * turns, shift=(shift, -shift)))
    assert movement_scale(source, row(SQUARE)) == pytest.approx(scale, rel=1e-3)


@given(unit, unit, unit, unit, st.lists(unit, min_size=3, max_size=12))
def test_points_on_a_line_keep_movements_as_they_are(x0, y0, x1, y1, shares):
    # Rounding to float32 bends such lines; an area of 1e-7 must not become a thousandfold movement.
    start, end, share = torch.tensor([x0, y0]), torch.tensor([x1, y1]), torch.tensor(shares)[:, None]
    line = row(start + (end - start) * share.abs())
    with pytest.warns(UserWarning, match="span no area"):
        assert movement_scale(line, row(SQUARE)) == 1
    with pytest.warns(UserWarning, match="span no area"):
        assert movement_scale(row(SQUARE), line) == 1


@pytest.mark.parametrize("num_kp", [1, 2])
def test_one_or_two_keypoints_move_without_failing(num_kp):
    points = SQUARE[:num_kp]
    with pytest.warns(UserWarning, match=f"{num_kp} keypoints span no area"):
        out = transfer_motion(row(points), row(points + 0.1), row(points), adapt_scale=True)
    torch.testing.assert_close(out.value[0], points + 0.1)
    with pytest.warns(UserWarning, match="too few distinct keypoints"):
        assert closest_pose(row(points), Keypoints(torch.stack([points + 0.3, points])))[0] == 0


def test_points_all_in_one_place_match_nothing():
    driving = Keypoints(torch.full((3, 4, 2), 0.5))
    with pytest.warns(UserWarning, match="the first frame is used"):
        assert closest_pose(row(SQUARE), driving) == (0, 1.0)


@given(st.integers(0, 4), st.floats(min_value=0.25, max_value=4, width=32), unit, unit)
def test_the_closest_pose_is_found_through_shift_turn_and_scale(index, scale, turns, shift):
    generator = torch.Generator().manual_seed(index)
    poses = torch.rand(5, 6, 2, generator=generator) - 0.5
    driving = torch.stack([posed(each, scale=scale, degrees=180 * turns, shift=(shift, shift)) for each in poses])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found, residual = closest_pose(row(poses[index]), Keypoints(driving))
    assert found == index and residual < 1e-5
