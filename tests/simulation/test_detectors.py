"""Things whose place is known, painted into pictures of several sizes."""

import numpy as np
import pytest
import torch

from kinema.framing.fit import fit_image, fit_points
from kinema.framing.pixels import to_frames
from kinema.metrics.sharpness import sharpness
from kinema.simulation.breakout_paddle import find_paddle
from kinema.simulation.robot_hand import find_hand

RED, GREY, GREEN = (200, 72, 72), (142, 142, 142), (66, 158, 130)


def picture(left: int, width: int = 16) -> np.ndarray:
    """A screen of Breakout with a paddle of so many columns, from a column on."""
    image = np.zeros((208, 160, 3), np.uint8)
    image[:189, :8], image[:189, 152:] = GREY, GREY
    image[189:196, :8], image[189:196, 152:] = GREEN, RED
    image[189:192, left : left + width] = RED
    return image


# Where a column of the frame is the field and the wall, it is left out; elsewhere frames are 8-bit.
@pytest.mark.parametrize(
    ("size", "near"), [((208, 160), 1e-4), ((104, 80), 1e-4), ((96, 80), 1e-4), ((112, 80), 0.7), ((96, 64), 1.2)]
)
def test_a_paddle_is_found_at_any_size(size: tuple[int, int], near: float):
    corners = fit_points(np.array([[-0.5, -0.5], [159.5, 207.5]]), (208, 160), size, "crop") + 0.5
    places = ((8, 16), (30, 16), (77, 8), (101, 16), (130, 16))
    frames = to_frames(np.stack([fit_image(picture(*place), size, "crop") for place in places]))
    found = find_paddle(frames[None], tuple(corners.flatten()))[0, :, 0]
    wanted = torch.tensor([left + (width - 1) / 2 for left, width in places])
    torch.testing.assert_close(found, wanted, atol=near, rtol=0)


def test_what_is_no_paddle_is_not_found():
    ball = picture(60, width=2)
    empty, grey = picture(0, width=0), picture(60)
    grey[189:192, 8:152] = 90
    found = find_paddle(to_frames(np.stack([ball, empty, grey]))[None])
    assert found.shape == (1, 3, 1) and not found.isfinite().any()
    beside = picture(60)
    beside[189:192, 90:92] = RED
    assert find_paddle(to_frames(beside)[None]).item() == pytest.approx(67.5)


def test_a_hand_is_found_by_its_orange():
    image = np.full((64, 64, 3), (87, 97, 110), np.uint8)
    image[20:24, 30:36] = (200, 94, 20)
    image[50, 10] = (200, 94, 20)  # an edge between a red and a yellow thing
    blank = np.full((64, 64, 3), (87, 97, 110), np.uint8)
    blank[5:30, 5:30] = (220, 30, 30)
    found = find_hand(to_frames(np.stack([image, blank]))[None])
    torch.testing.assert_close(found[0, 0], torch.tensor([32.5, 21.5]), atol=1e-4, rtol=0)
    assert not found[0, 1].isfinite().any()
    doubled = np.repeat(np.repeat(image, 2, axis=0), 2, axis=1)
    torch.testing.assert_close(find_hand(to_frames(doubled)[None])[0, 0], found[0, 0], atol=1e-4, rtol=0)


def test_sharpness_of_a_slope_of_stripes_and_of_nothing():
    slope = torch.linspace(0, 1, 5).expand(1, 3, 5, 5)
    stripes = torch.tensor([0.0, 1.0]).repeat(4).expand(1, 3, 8, 8)
    assert sharpness(slope).item() == pytest.approx(0.25) and sharpness(slope.mT).item() == pytest.approx(0.25)
    assert sharpness((slope + slope.mT) / 2).item() == pytest.approx(2**0.5 / 8)
    assert sharpness(stripes).item() == 1 and sharpness(torch.ones(2, 3, 4, 4)).tolist() == [0, 0]
