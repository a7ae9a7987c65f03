"""Still pictures of every mode and orientation."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from kinema.core.checks import InputError
from kinema.video import open_video, read_image

BACKGROUND = (10, 200, 30)


@pytest.fixture
def ramp() -> np.ndarray:
    values = np.zeros((24, 40, 3), np.uint8)
    values[..., 0] = np.arange(40) * 6
    values[..., 1] = np.arange(24)[:, None] * 10
    return values


@pytest.mark.parametrize("suffix", ["png", "webp", "bmp", "tif"])
def test_lossless_pictures_come_back(tmp_path, ramp, suffix):
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(ramp).save(path, **({"lossless": True} if suffix == "webp" else {}))
    image = read_image(path)
    assert np.array_equal(image, ramp)
    assert image.flags.writeable


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_exif_orientation(tmp_path, ramp, orientation, suffix):
    turned = {
        1: ramp, 2: ramp[:, ::-1], 3: ramp[::-1, ::-1], 4: ramp[::-1],
        5: ramp.swapaxes(0, 1), 6: np.rot90(ramp, -1), 7: np.rot90(ramp.swapaxes(0, 1), 2), 8: np.rot90(ramp),
    }[orientation]  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(ramp).save(path, exif=exif, **({"quality": 100, "subsampling": 0} if suffix == "jpg" else {}))
    image = read_image(path)
    assert image.shape == turned.shape
    assert np.abs(image.astype(int) - turned).max() <= (0 if suffix == "png" else 4)
    with open_video(tmp_path) as reader:  # a folder of one
        assert (reader.info.height, reader.info.width) == turned.shape[:2]
        assert np.array_equal(next(reader).image, image)


def test_transparency_shows_the_background(tmp_path, ramp):
    path = tmp_path / "a.png"
    alpha = np.tile(np.array([0, 255], np.uint8), (24, 20))
    Image.fromarray(np.dstack([ramp, alpha])).save(path)
    image = read_image(path, background=BACKGROUND)
    assert np.array_equal(image[:, 1::2], ramp[:, 1::2])
    assert (image[:, ::2] == BACKGROUND).all()
    assert (read_image(path)[:, ::2] == 255).all()


def test_palette_with_a_transparent_entry(tmp_path):
    picture = Image.new("P", (4, 4), 1)
    picture.putpalette([0, 0, 0, 250, 0, 0])
    picture.putpixel((0, 0), 0)
    picture.save(tmp_path / "a.png", transparency=0)
    image = read_image(tmp_path / "a.png", background=BACKGROUND)
    assert tuple(image[0, 0]) == BACKGROUND and tuple(image[1, 1]) == (250, 0, 0)


def test_grey_deep_grey_bilevel_and_cmyk(tmp_path):
    Image.new("L", (4, 4), 77).save(tmp_path / "l.png")
    assert (read_image(tmp_path / "l.png") == 77).all()
    Image.new("LA", (4, 4), (77, 0)).save(tmp_path / "la.png")
    assert (read_image(tmp_path / "la.png", background=BACKGROUND) == BACKGROUND).all()
    Image.new("1", (4, 4), 1).save(tmp_path / "1.png")
    assert (read_image(tmp_path / "1.png") == 255).all()
    deep = np.array([[0, 257, 32768, 65535]], np.uint16)
    for suffix in ("png", "tif"):
        Image.fromarray(deep).save(tmp_path / f"deep.{suffix}")
        assert read_image(tmp_path / f"deep.{suffix}")[0, :, 1].tolist() == [0, 1, 128, 255]
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "c.jpg", quality=100)
    red, green, blue = read_image(tmp_path / "c.jpg")[4, 4]
    assert red > 240 and green < 15 and blue < 15


def test_pictures_of_no_known_range(tmp_path):
    Image.fromarray(np.zeros((4, 4), np.float32)).save(tmp_path / "f.tif")
    with pytest.raises(InputError, match="floating-point"):
        read_image(tmp_path / "f.tif")
    Image.fromarray(np.full((4, 4), 70000, np.int32)).save(tmp_path / "i.tif")
    with pytest.raises(InputError, match="beyond 16 bits"):
        read_image(tmp_path / "i.tif")


def test_heif_is_named(tmp_path):
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200))
    with pytest.raises(InputError, match="HEIF"):
        read_image(tmp_path / "a.heic")


def test_first_frame_of_a_video(assets):
    with open_video(assets / "emoji_1f31d.mp4") as reader:
        first = next(reader).image
    assert np.array_equal(read_image(assets / "emoji_1f31d.mp4"), first)
