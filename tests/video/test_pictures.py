"""Resizing, cropping and pictures beside each other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinema.core.checks import InputError
from kinema.video import contact_sheet, crop, resize, side_by_side


def plain(height, width, value):
    return np.full((height, width, 3), value, np.uint8)


def test_shrinking_is_the_mean_of_the_area():
    image = np.random.default_rng(0).integers(0, 256, (24, 40, 3), np.uint8)
    small = resize(image, (6, 10))
    means = image.reshape(6, 4, 10, 4, 3).mean(axis=(1, 3))
    assert np.abs(small - means).max() <= 1
    assert np.array_equal(resize(image, (24, 40)), image)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 40), st.integers(1, 40), st.integers(0, 255))
def test_resize_keeps_plain_colour(height, width, new_height, new_width, value):
    assert np.array_equal(
        resize(plain(height, width, value), (new_height, new_width)), plain(new_height, new_width, value)
    )


def test_resize_refuses_sides_out_of_range():
    for size in ((0, 5), (5, 9000)):
        with pytest.raises(InputError, match="cannot resize"):
            resize(plain(4, 4, 0), size)


def test_crop_takes_x_y_width_height():
    image = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    assert np.array_equal(crop(image, (1, 2, 3, 2)), image[2:4, 1:4])
    for box in ((0, 0, 7, 4), (-1, 0, 2, 2), (0, 0, 0, 2), (5, 3, 2, 1)):
        with pytest.raises(InputError, match="does not lie inside the picture of 6x4"):
            crop(image, box)


def test_side_by_side_brings_to_one_height():
    row = side_by_side([plain(20, 10, 0), plain(40, 30, 100), plain(40, 8, 50)])
    assert row.shape == (40, 20 + 4 + 30 + 4 + 8, 3)
    assert (row[:, :20] == 0).all() and (row[:, 20:24] == 255).all() and (row[:, 24:54] == 100).all()
    assert np.array_equal(side_by_side([plain(3, 5, 7)]), plain(3, 5, 7))
    with pytest.raises(InputError, match="at least one"):
        side_by_side([])


def test_contact_sheet_lays_out_rows():
    sheet = contact_sheet([[plain(10, 20, 0), plain(10, 20, 50)], [plain(10, 20, 100)]])
    assert sheet.shape == (24, 44, 3)
    assert (sheet[:10, :20] == 0).all() and (sheet[:10, 24:] == 50).all() and (sheet[14:, :20] == 100).all()
    assert (sheet[14:, 24:] == 255).all()


def test_contact_sheet_writes_labels_above_rows():
    rows = [[plain(10, 80, 100)], [plain(10, 80, 100)]]
    labelled = contact_sheet(rows, labels=["source", ""])
    head = (labelled.shape[0] - 4 - 20) // 2
    assert labelled[:head].min() < 100  # ink
    assert (labelled[head : head + 10] == 100).all()
    assert (labelled[head + 14 : 2 * head + 14] == 255).all()
    with pytest.raises(InputError, match="2 rows got 1 labels"):
        contact_sheet(rows, labels=["one"])
    with pytest.raises(InputError, match="at least one picture"):
        contact_sheet([[]])
