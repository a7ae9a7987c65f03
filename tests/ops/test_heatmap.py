"""Points to maps and back."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kinema.ops.heatmap import gaussian_heatmap, soft_argmax, spatial_softmax

inside = st.floats(min_value=-0.75, max_value=0.75, width=32, allow_subnormal=False)


def test_a_gaussian_is_one_at_its_point_and_falls_by_its_variance():
    heatmap = gaussian_heatmap(torch.tensor([[[0.0, 0.5]]]), (5, 9), variance=0.25)
    assert heatmap.shape == (1, 1, 5, 9)
    assert heatmap[0, 0, 3, 4] == 1 == heatmap.max()
    # One pixel to the right is 0.25 away, one pixel down 0.5.
    assert heatmap[0, 0, 3, 5] == pytest.approx(2.718281828 ** (-0.5 * 0.25**2 / 0.25))
    assert heatmap[0, 0, 4, 4] == pytest.approx(2.718281828 ** (-0.5 * 0.5**2 / 0.25))


@given(inside, inside)
def test_the_mean_of_a_narrow_gaussian_is_its_point(x, y):
    heatmap = gaussian_heatmap(torch.tensor([[[x, y]]]), (48, 64), variance=0.004)
    point = soft_argmax(heatmap / heatmap.sum(dim=(2, 3), keepdim=True))
    torch.testing.assert_close(point, torch.tensor([[[x, y]]]), atol=1e-3, rtol=0)


def test_all_mass_on_one_pixel_gives_its_place():
    heatmap = torch.zeros(1, 2, 5, 3)
    heatmap[0, 0, 4, 0] = heatmap[0, 1, 1, 2] = 1
    assert soft_argmax(heatmap).tolist() == [[[-1.0, 1.0], [1.0, -0.5]]]


def test_softmax_sums_to_one_and_sharpens():
    logits = torch.randn(2, 3, 4, 5)
    warm, cold = spatial_softmax(logits, temperature=1.0), spatial_softmax(logits, temperature=0.1)
    for maps in (warm, cold):
        assert maps.shape == logits.shape and maps.min() >= 0
        torch.testing.assert_close(maps.sum(dim=(2, 3)), torch.ones(2, 3))
    assert (cold.amax(dim=(2, 3)) > warm.amax(dim=(2, 3))).all()
    torch.testing.assert_close(spatial_softmax(logits * 0.1, temperature=0.1), warm)


def test_gradients():
    points = torch.tensor([[[0.1, -0.3], [0.8, 0.6]]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda p: gaussian_heatmap(p, (4, 5), variance=0.1), points)
    logits = torch.randn(1, 2, 4, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda z: soft_argmax(spatial_softmax(z, temperature=0.5)), logits)
