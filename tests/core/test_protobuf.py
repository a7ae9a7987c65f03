"""Messages of known bytes are taken apart, and what is none is refused within bounds."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinema.core.protobuf import floats, read_fields, varints

# The encoding guide's own examples: field 1 is 150, field 2 is "testing", field 6 the packed list 3, 270, 86942.
NUMBER, TEXT, PACKED = bytes.fromhex("089601"), b"\x12\x07testing", bytes.fromhex("3206038e029ea705")


def test_the_guides_examples_are_read():
    assert list(read_fields(NUMBER + TEXT)) == [(1, 150), (2, b"testing")]
    ((number, packed),) = read_fields(PACKED)
    assert number == 6 and list(varints(packed)) == [3, 270, 86942] and list(varints(7)) == [7]


def test_numbers_of_fixed_width_are_bytes():
    fixed = b"\x1d" + struct.pack("<f", 1.5) + b"\x19" + struct.pack("<d", 2.5)
    (single, double) = read_fields(fixed)
    assert floats(single[1]) == (1.5,) and single[0] == double[0] == 3 and double[1] == struct.pack("<d", 2.5)
    assert floats(struct.pack("<2f", 1, -2)) == (1.0, -2.0)


@pytest.mark.parametrize(
    "message",
    [b"\x08", b"\x08\x80", b"\x08" + b"\x80" * 11, b"\x12\x09short", b"\x0b", b"\x1d\x00", b"\x12\xff\xff\xff\xff\x0f"],
)
def test_what_is_no_message_is_refused(message: bytes):
    with pytest.raises(ValueError, match=r"no number|bytes, \d+ are left|wire type"):
        list(read_fields(message))


def test_a_broken_list_is_refused():
    with pytest.raises(ValueError, match="multiple of 4"):
        floats(b"12345")
    with pytest.raises(ValueError, match="no number at byte 1"):
        list(varints(b"\x01\x80"))


@given(st.binary(max_size=60))
def test_any_bytes_are_fields_or_refused(message: bytes):
    try:
        fields = list(read_fields(message))
    except ValueError:
        return
    assert sum(len(value) for _, value in fields if isinstance(value, bytes)) <= len(message)
