"""What stands beside the pixels of a still: orientation, transparent levels and colour profiles, whole and broken."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from kinema.video import read_image


@pytest.fixture
def blocks() -> np.ndarray:
    values = np.full((48, 64, 3), (230, 120, 90), np.uint8)
    values[:24] = (60, 140, 90)
    values[30:, 40:] = 250
    return values


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def deep_png(values: np.ndarray, hidden: tuple[int, ...]) -> bytes:
    """A 16-bit PNG, grey (H, W) or RGB (H, W, 3), with one transparent level or colour."""
    kind = 0 if values.ndim == 2 else 2
    head = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], 16, kind, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    transparent = chunk(b"tRNS", struct.pack(f">{len(hidden)}H", *hidden))
    pixels = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + transparent + pixels + chunk(b"IEND", b"")


def wide_profile() -> bytes:
    """ICC: the primaries of Adobe RGB with a gamma of 2.2."""

    def fixed(value: float) -> bytes:
        return struct.pack(">i", round(value * 65536))

    def xyz(*values: float) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(fixed(value) for value in values)

    white = (0.9642, 1, 0.8249)
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, 563)
    tags = [
        (b"desc", b"desc\0\0\0\0" + struct.pack(">I", 5) + b"wide\0" + b"\0" * 79),
        (b"cprt", b"text\0\0\0\0none\0"),
        (b"wtpt", xyz(*white)),
        (b"rXYZ", xyz(0.60974, 0.31111, 0.01947)),
        (b"gXYZ", xyz(0.20528, 0.62567, 0.06087)),
        (b"bXYZ", xyz(0.14919, 0.06322, 0.74457)),
        (b"rTRC", curve),
        (b"gTRC", curve),
        (b"bTRC", curve),
    ]
    table, data, start = b"", b"", 132 + 12 * len(tags)
    for name, value in tags:
        value += b"\0" * (-len(value) % 4)
        table += struct.pack(">4sII", name, start + len(data), len(value))
        data += value
    date = (2026, 1, 1, 0, 0, 0)
    head = struct.pack(">I4sI4s4s4s6H", start + len(data), b"none", 0x02400000, b"mntr", b"RGB ", b"XYZ ", *date)
    head += b"acsp" + b"\0" * 28 + b"".join(fixed(value) for value in white)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + data


@pytest.mark.parametrize(
    "junk", [bytes.fromhex("00080002011200030000000100"), b"Exif\0\0garbage!", b"\xff" * 40, b"II*\0"]
)
@pytest.mark.parametrize("suffix", ["png", "webp"])
def test_an_exif_block_that_cannot_be_read_counts_as_none(tmp_path, blocks, suffix, junk):
    path = tmp_path / f"a.{suffix}"
    if suffix == "webp":
        Image.fromarray(blocks).save(path, lossless=True, exif=junk)
    else:
        Image.fromarray(blocks).save(path)
        data = path.read_bytes()
        place = data.index(b"IDAT") - 4
        path.write_bytes(data[:place] + chunk(b"eXIf", junk) + data[place:])
    assert np.array_equal(read_image(path), blocks)


def test_sixteen_bit_pngs_with_a_transparent_level_or_colour(tmp_path):
    grey = np.full((8, 8), 25700)
    grey[:, :4] = 7
    path = tmp_path / "grey.png"
    path.write_bytes(deep_png(grey, (7,)))
    assert read_image(path, background=(10, 200, 30))[0, [0, 7]].tolist() == [[10, 200, 30], [100, 100, 100]]
    colour = np.full((8, 8, 3), (25700, 51400, 0))
    colour[:, :4] = (1000, 40000, 30000)
    path.write_bytes(deep_png(colour, (1000, 40000, 30000)))
    assert read_image(path, background=(10, 200, 30))[0, [0, 7]].tolist() == [[10, 200, 30], [100, 200, 0]]


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("suffix", ["png", "tif", "webp"])
def test_colours_of_an_embedded_profile_become_srgb(tmp_path, blocks, suffix, mode):
    profile = wide_profile()
    srgb = ImageCms.createProfile("sRGB")
    wide = ImageCms.profileToProfile(Image.fromarray(blocks), srgb, ImageCms.ImageCmsProfile(io.BytesIO(profile)))
    assert wide is not None and np.abs(np.asarray(wide).astype(int) - blocks).max() > 20
    options = {"lossless": True} if suffix == "webp" else {}
    wide.convert(mode).save(tmp_path / f"a.{suffix}", icc_profile=profile, **options)
    # Into the profile and back are two roundings, each of half a level, of which the second stretches the first.
    assert np.abs(read_image(tmp_path / f"a.{suffix}").astype(int) - blocks).max() <= 2


@pytest.mark.parametrize(
    "profile",
    [b"junk", bytes(200), wide_profile()[:300], ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()],
)
def test_profiles_that_are_broken_or_of_another_colour_space_count_as_none(tmp_path, blocks, profile):
    Image.fromarray(blocks).save(tmp_path / "a.png", icc_profile=profile)
    assert np.array_equal(read_image(tmp_path / "a.png"), blocks)


def test_srgb_and_a_profile_of_colours_on_grey_change_nothing(tmp_path, blocks):
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(blocks).save(tmp_path / "a.png", icc_profile=srgb)
    assert np.array_equal(read_image(tmp_path / "a.png"), blocks)
    Image.fromarray(blocks[..., 1]).save(tmp_path / "g.png", icc_profile=wide_profile())
    assert np.array_equal(read_image(tmp_path / "g.png")[..., 0], blocks[..., 1])


def test_an_animation_with_a_colour_profile_does_not_end_the_process(tmp_path, blocks):
    first, second = Image.fromarray(blocks), Image.fromarray(blocks[::-1].copy())
    first.save(tmp_path / "a.png", save_all=True, append_images=[second], icc_profile=wide_profile())
    program = (
        "import gc, sys; from kinema.video import open_video\n"
        "print(sum(1 for _ in open_video(sys.argv[1]))); gc.collect()"
    )
    done = subprocess.run([sys.executable, "-c", program, tmp_path / "a.png"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "2\n"), done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is counted in KiB on Linux")
def test_a_large_transparent_picture_takes_little_more_than_its_pixels(tmp_path):
    side = 4096
    path = tmp_path / "large.png"
    Image.new("RGBA", (side, side), (200, 100, 50, 128)).save(path, compress_level=1)
    read = "import sys; from kinema.video import read_image; image = read_image(sys.argv[1]) if sys.argv[1:] else None"
    peak = f"{read}; import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    base, full = (
        int(subprocess.run([sys.executable, "-c", peak, *given], capture_output=True, text=True, check=True).stdout)
        for given in ((), (str(path),))
    )
    # Four bytes a pixel decoded and three given; what is worked on beside them is a strip.
    assert full - base < (7 * side**2 + 50 * 2**20) / 1024
