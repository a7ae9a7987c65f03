"""What a person writes for a frame rate."""

from __future__ import annotations

from fractions import Fraction

import pytest

from kinema.core.checks import InputError
from kinema.video.info import parse_frame_rate


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("25", 25),
        (" 12.5 ", 12.5),
        ("30000/1001", Fraction(30000, 1001)),
        ("1e2", 100),
        ("1/86400", Fraction(1, 86400)),
    ],
)
def test_numbers_and_fractions(text, rate):
    assert parse_frame_rate(text) == rate


@pytest.mark.parametrize(
    "text", ["1e300000000", "1e-3000000", "9" * 5000, "1/0", "0", "-5", "nan", "inf", "fast", "", "1001", "1/86401"]
)
def test_absurd_ones_are_refused_at_once_in_one_short_line(text):
    with pytest.raises(InputError, match="expected a number above 0 and up to 1000") as info:
        parse_frame_rate(text)
    assert len(str(info.value)) < 160
