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
