"""A request is data: JSON holds all of it, and what does not fit is refused by name."""

from fractions import Fraction
from pathlib import Path

import pytest

from kinema.core.checks import InputError
from kinema.core.request import Request


class Cut(Request):
    """A request of every kind of field that the tasks have."""

    source: Path
    frame_rate: Fraction | None = None
    parts: tuple[int, ...] = ()
    crop: tuple[int, int, int, int] | str = "auto"


def test_json_both_ways_gives_the_same_request():
    request = Cut(source=Path("a b.png"), frame_rate=Fraction(30000, 1001), parts=(1, 3), crop=(1, 2, 30, 40))
    assert Cut.model_validate_json(request.model_dump_json()) == request
    assert Cut.parse(request.model_dump(mode="json"), origin="queue") == request


def test_an_unknown_field_is_refused_in_one_line():
    with pytest.raises(InputError, match="field 'sorce' .* known fields: crop, frame_rate, parts, source"):
        Cut.parse({"source": "a.png", "sorce": "b.png"}, origin="form")


def test_a_field_out_of_range_is_refused_where_the_request_is_made():
    with pytest.raises(InputError, match="field 'parts.0' with value 'hair' is refused"):
        Cut(source=Path("a.png"), parts=("hair",))  # type: ignore[arg-type]
