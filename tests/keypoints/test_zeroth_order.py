"""Mean and spread of heatmaps whose shape is known."""

from __future__ import annotations

import pytest
import torch

from kinema.core.checks import InputError
from kinema.keypoints.zeroth_order import ZerothOrderKeypoints, ZerothOrderKeypointsConfig, read_keypoints
from kinema.ops.heatmap import covariance_gaussian

TILTED = torch.tensor([[0.04, 0.01], [0.01, 0.02]])


def gaussian(covariance: torch.Tensor) -> torch.Tensor:
    """(1, 1, 96, 128) map of sum 1 about (0.2, -0.1)."""
    maps = covariance_gaussian(torch.tensor([[[0.2, -0.1]]]), covariance[None, None], (96, 128))
    return maps / maps.sum()


def test_a_gaussian_gives_back_its_mean_and_covariance():
    kp = read_keypoints(gaussian(TILTED), kp_variance="matrix")
    torch.testing.assert_close(kp.value[0, 0], torch.tensor([0.2, -0.1]), atol=2e-3, rtol=0)
    assert kp.covariance is not None
    torch.testing.assert_close(kp.covariance[0, 0], TILTED, atol=2e-3, rtol=0)


def test_one_variance_is_the_mean_of_both_axes():
    covariance = read_keypoints(gaussian(TILTED), kp_variance="single").covariance
    assert covariance is not None and covariance.shape == (1, 1, 1, 1)
    assert covariance.item() == pytest.approx(0.03, abs=2e-3)
    assert read_keypoints(gaussian(TILTED), kp_variance=0.01).covariance is None


def test_a_thin_shape_is_widened_as_a_whole():
    thin = torch.diag(torch.tensor([0.04, 0.001]))
    free, clipped = (
        read_keypoints(gaussian(thin), kp_variance="matrix", clip_variance=clip).covariance for clip in (None, 0.01)
    )
    assert free is not None and clipped is not None
    ratio = 0.01 / torch.linalg.eigvalsh(free[0, 0])[0].item()
    assert ratio > 5
    torch.testing.assert_close(clipped, ratio * free)


def test_a_single_pixel_has_finite_gradients():
    heatmap = torch.zeros(1, 1, 9, 9)
    heatmap[0, 0, 4, 4] = 1
    heatmap.requires_grad_()
    covariance = read_keypoints(heatmap, kp_variance="matrix", clip_variance=0.001).covariance
    assert covariance is not None
    covariance.sum().backward()
    assert heatmap.grad is not None and heatmap.grad.isfinite().all()


def test_frames_that_do_not_fit_are_refused():
    detector = ZerothOrderKeypoints(ZerothOrderKeypointsConfig(block_expansion=4, max_features=8, num_blocks=3))
    with pytest.raises(InputError, match="keypoint detector"):
        detector(torch.zeros(1, 3, 36, 32))
