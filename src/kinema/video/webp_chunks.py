"""Reads and corrects an animated WebP's frame durations, and adds metadata, in its chunks without decoding."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

_RIFF_HEADER_BYTES = 12
_DURATION_OFFSET = 12
_LONGEST_MS = 2**24 - 1
_HAS_XMP = 0x04
_DELAY_WHEN_ZERO_MS = 100
"""Browsers show frames of zero duration this long."""


def read_durations(path: Path) -> list[Fraction]:
    """Seconds that each frame is shown, one number for each ANMF chunk; empty for a still."""
    with open(path, "rb") as file:
        positions = list(_duration_fields(file))
        return [Fraction(_read_field(file, position) or _DELAY_WHEN_ZERO_MS, 1000) for position in positions]


def set_total_duration(path: Path, seconds: Fraction) -> None:
    """Sets the duration of the last frame in place, so that all frames together last ``seconds``.

    The encoder merges equal frames, so the last stored frame need not be the last one that it was given. A still is
    not changed.
    """
    with open(path, "r+b") as file:
        positions = list(_duration_fields(file))
        if not positions:
            return
        rest = sum(_read_field(file, position) for position in positions[:-1])
        last = min(max(1, round(seconds * 1000) - rest), _LONGEST_MS)
        file.seek(positions[-1])
        file.write(last.to_bytes(3, "little"))


def add_xmp(path: Path, packet: bytes) -> None:
    """Appends metadata to an animated WebP, in place; a file without the header of extended ones is left as it is."""
    with open(path, "r+b") as file:
        file.seek(_RIFF_HEADER_BYTES)
        if file.read(4) != b"VP8X":
            return
        flags = _RIFF_HEADER_BYTES + 8
        file.seek(flags)
        given = file.read(1)[0]
        file.seek(flags)
        file.write(bytes([given | _HAS_XMP]))
        file.seek(0, 2)
        file.write(struct.pack("<4sI", b"XMP ", len(packet)) + packet + b"\0" * (len(packet) % 2))
        size = file.tell() - 8
        file.seek(4)
        file.write(struct.pack("<I", size))


def _read_field(file: BinaryIO, position: int) -> int:
    file.seek(position)
    return int.from_bytes(file.read(3), "little")


def _duration_fields(file: BinaryIO) -> Iterator[int]:
    """Positions of the 24-bit duration fields in milliseconds; moves the position of the file."""
    position = _RIFF_HEADER_BYTES
    while True:
        file.seek(position)
        header = file.read(8)
        if len(header) < 8:
            return
        kind, size = struct.unpack("<4sI", header)
        if kind == b"ANMF":
            yield position + 8 + _DURATION_OFFSET
        position += 8 + size + size % 2
