"""Pictures of any size become frames that fit, with what matters inside."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kinema.core.checks import InputError
from kinema.framing.pixels import to_frames, to_images
from kinema.framing.window import Framing, centred_window, given_window, parse_crop, whole_frame

sides = st.integers(min_value=8, max_value=3000)
coordinate = st.floats(min_value=-1, max_value=1)


def test_the_values_of_crop():
    assert parse_crop("auto") == "auto" and parse_crop("none") == "none"
    assert parse_crop("40,0, 360,360") == (40, 0, 360, 360)
    assert parse_crop("-4,0,36,36") == (-4, 0, 36, 36)


@pytest.mark.parametrize("text", ["", "Auto", "1,2,3", "1,2,3,4,5", "1,2,3,x", "1.5,2,3,4", "--1,2,3,4", "²,1,2,3"])
def test_other_values_of_crop_are_refused(text):
    with pytest.raises(InputError, match="expected auto, none, or X,Y,WIDTH,HEIGHT"):
        parse_crop(text)


@given(sides, sides)
def test_a_whole_frame_fits_and_has_about_the_native_pixel_count(height, width):
    framing = whole_frame((height, width), (64, 64), 16)
    assert framing.box == (0, 0, width, height)
    assert all(side % 16 == 0 and side >= 16 for side in framing.size)
    if 1 / 3 < height / width < 3:
        assert 0.6 < framing.size[0] * framing.size[1] / 64**2 < 1.6
        assert 0.6 < (framing.size[0] / framing.size[1]) / (height / width) < 1.6


def test_a_picture_of_the_native_shape_becomes_the_native_size():
    assert whole_frame((480, 480), (64, 64), 16).size == (64, 64)
    assert whole_frame((480, 960), (64, 128), 16).size == (64, 128)


@given(sides, sides, coordinate, coordinate)
def test_a_window_is_the_largest_of_its_shape_inside_the_picture(height, width, x, y):
    left, top, box_width, box_height = centred_window((height, width), (64, 96), (x, y)).box
    assert left >= 0 and top >= 0 and left + box_width <= width and top + box_height <= height
    assert box_width == width or box_height == height
    assert box_width == pytest.approx(box_height * 1.5, abs=1.6)


def test_a_window_follows_its_centre_up_to_the_border():
    boxes = [centred_window((100, 300), (64, 64), (x, 0)).box for x in (-1, -0.5, 0, 0.5, 1)]
    assert [box[0] for box in boxes] == [0, 25, 100, 174, 200]
    assert all(box[1:] == (0, 100, 100) for box in boxes)


@pytest.mark.parametrize("box", [(-1, 0, 20, 20), (0, 0, 101, 20), (90, 0, 20, 20), (0, 50, 20, 20), (0, 0, 7, 20)])
def test_a_window_outside_or_too_small_is_refused(box):
    with pytest.raises(InputError, match="does not fit the picture of 100x60") as caught:
        given_window((60, 100), (64, 64), box)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("picture", [(7, 100), (100, 7), (1, 1)])
def test_a_picture_too_small_is_refused(picture):
    for frame in (lambda: whole_frame(picture, (64, 64), 16), lambda: centred_window(picture, (64, 64), (0, 0))):
        with pytest.raises(InputError, match=f"{picture[1]}x{picture[0]} pixels.*at least 8"):
            frame()


def test_framing_cuts_and_resizes():
    image = np.zeros((20, 40, 3), dtype=np.uint8)
    image[4:12, 16:32] = 200
    part = Framing((16, 4, 16, 8), (16, 32)).apply(image)
    assert part.shape == (16, 32, 3) and part.min() == part.max() == 200
    assert np.array_equal(Framing((0, 0, 40, 20), (20, 40)).apply(image), image)


def test_frames_and_images_are_the_same_pictures():
    images = np.arange(256, dtype=np.uint8).reshape(2, 8, 16, 1).repeat(3, axis=3)
    frames = to_frames(images)
    assert frames.shape == (2, 3, 8, 16) and frames.dtype == torch.float32
    assert frames.min() == 0 and frames.max() == 1
    assert np.array_equal(to_images(frames), images)
    assert to_frames(images[0]).shape == (1, 3, 8, 16)
    assert to_images(torch.tensor([-1.0, 0.5, 7.0]).reshape(1, 3, 1, 1)).tolist() == [[[[0, 128, 255]]]]
