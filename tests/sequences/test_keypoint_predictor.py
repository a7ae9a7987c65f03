"""The predictor's answers have the form of keypoints, and it goes on from a state."""

from __future__ import annotations

import pytest
import torch

from kinema.core.types import Keypoints
from kinema.sequences.keypoint_predictor import KeypointPredictor, KeypointPredictorConfig


@pytest.mark.parametrize("covariance", [True, False])
def test_step_by_step_equals_at_once(covariance: bool):
    torch.manual_seed(0)
    predictor = KeypointPredictor(KeypointPredictorConfig(num_kp=3, num_features=16, covariance=covariance)).eval()
    spread = torch.eye(2).expand(2, 5, 3, 2, 2) if covariance else None
    kp = Keypoints(torch.rand(2, 5, 3, 2) * 2 - 1, covariance=spread)
    together, _ = predictor(kp)
    state, rows = None, []
    for index in range(5):
        row, state = predictor(kp.map(lambda tensor, index=index: tensor[:, index : index + 1]), state)
        rows.append(row)
    torch.testing.assert_close(torch.cat([row.value for row in rows], dim=1), together.value)
    assert together.value.abs().max() < 1
    assert (together.covariance is not None) == covariance
    if together.covariance is not None:
        assert torch.linalg.eigvalsh(together.covariance.double()).min() >= -1e-6


def make_predictor(**changes: object) -> KeypointPredictor:
    values = {"num_kp": 3, "num_features": 16, "covariance": False, "residual": True, "noise": 2} | changes
    return KeypointPredictor(KeypointPredictorConfig.parse(values, origin="test")).eval()


def first_frame(rows: int = 2) -> Keypoints:
    return Keypoints(torch.rand(rows, 3, 2) * 2 - 1, covariance=torch.eye(2).expand(rows, 3, 2, 2))


def test_a_long_guess_equals_the_same_in_parts():
    predictor, first = make_predictor(), first_frame()
    state = predictor.begin(first)
    together, _ = predictor.advance(first, state, 5)
    begun, state = predictor.advance(first, state, 2)
    ended, _ = predictor.advance(first, state, 3)
    torch.testing.assert_close(torch.cat([begun.value, ended.value], dim=1), together.value)
    assert together.covariance is not None and together.covariance.shape == (2, 5, 3, 2, 2)


def test_the_next_frames_are_read_as_zeros():
    """The authors' way: their network sees the first frame, then zeros, and each answer is for its own frame."""
    predictor, first = make_predictor(residual=False, noise=0), first_frame()
    padded = torch.cat([first.value[:, None], torch.zeros(2, 4, 3, 2)], dim=1)
    wanted, _ = predictor(Keypoints(padded))
    answer, _ = predictor.advance(first, predictor.begin(first), 4)
    torch.testing.assert_close(answer.value, wanted.value[:, 1:])


def test_a_residual_predictor_starts_from_standing_still():
    torch.manual_seed(0)
    predictor, first = make_predictor(), first_frame()
    answer, _ = predictor.advance(first, predictor.begin(first), 4)
    assert (answer.value - first.value[:, None]).abs().max() < 0.01
    predictor.linear.bias.data.fill_(0.5)
    moved, _ = predictor.advance(first, predictor.begin(first), 4)
    torch.testing.assert_close(moved.value - answer.value, torch.full_like(answer.value, 0.4621), atol=0.01, rtol=0)


def test_noise_chooses_the_motion_and_none_is_zero():
    predictor, first = make_predictor(), first_frame()
    predictor.linear.weight.data.normal_()
    answers = [
        predictor.advance(first, predictor.begin(first, noise), 4)[0].value
        for noise in (None, torch.zeros(2, 2), torch.ones(2, 2))
    ]
    assert torch.equal(answers[0], answers[1]) and (answers[0] - answers[2]).abs().max() > 0.01
