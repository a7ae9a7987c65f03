"""Protocol-buffer messages taken apart without their schema: numbered fields, and lists of numbers in them."""

from __future__ import annotations

import struct
from collections.abc import Iterator

# A varint holds seven bits a byte, and 64 at most.
_MAX_VARINT_BYTES = 10
_FIXED_BYTES = {1: 8, 5: 4}


def read_fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a message in their order.

    Args:
        message: in the wire format, https://protobuf.dev/programming-guides/encoding.

    Yields:
        Number and value: an int of a varint, else the bytes of a fixed-width number, text, message or packed list.

    Raises:
        ValueError: it ends too early, or is no message.
    """
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, at = _varint(message, at)
            yield number, value
            continue
        if kind == 2:
            length, at = _varint(message, at)
        elif kind in _FIXED_BYTES:
            length = _FIXED_BYTES[kind]
        else:
            raise ValueError(f"wire type {kind} at byte {at}")
        if length > len(message) - at:
            raise ValueError(f"field {number} has {length} bytes, {len(message) - at} are left")
        yield number, message[at : at + length]
        at += length


def varints(value: int | bytes) -> Iterator[int]:
    """The integers of a field: one, or a packed list.

    Raises:
        ValueError: the list ends within a number.
    """
    if isinstance(value, int):
        yield value
        return
    at = 0
    while at < len(value):
        number, at = _varint(value, at)
        yield number


def floats(value: int | bytes) -> tuple[float, ...]:
    """The 32-bit floats of a field: one, or a packed list.

    Raises:
        ValueError: it is no whole number of floats.
    """
    if isinstance(value, int) or len(value) % 4:
        raise ValueError("a list of floats is not a multiple of 4 bytes")
    return struct.unpack(f"<{len(value) // 4}f", value)


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """A number and where it ends."""
    number = 0
    for count, byte in enumerate(message[at : at + _MAX_VARINT_BYTES]):
        number |= (byte & 127) << 7 * count
        if byte < 128:
            return number, at + count + 1
    raise ValueError(f"no number at byte {at}")
