"""JSON of strangers: one line for every fault."""

import pytest

from kinema.core.checks import InputError
from kinema.core.json_file import read_json, stated_rate


def test_what_is_json_is_read(tmp_path):
    (tmp_path / "a.json").write_text("\ufeff[1, 2]")
    assert read_json(tmp_path / "a.json", expected="give a list") == [1, 2]


@pytest.mark.parametrize(
    ("content", "says"), [(b"[" * 5000, "nested too deep"), (b"{", "is no JSON"), (b"\xff\xfe", "is no JSON")]
)
def test_what_is_none_is_one_line(tmp_path, content, says):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(InputError, match=f"{says}.*; give a list") as caught:
        read_json(tmp_path / "a.json", expected="give a list")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [None, True, "x", "0", "-3", 1e9, "1e5", float("nan"), float("inf"), "1" * 50])
def test_rates_that_cannot_be_are_none(value):
    assert stated_rate(value) is None
