"""Pictures that players send: what is taken, what large ones cost, and what is refused with one line."""

from __future__ import annotations

import io
import random
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from kinema.core.checks import InputError
from kinema.framing.fit import fit_image
from kinema.play.session import Playable
from kinema.play.starts import MAX_PICTURE_PIXELS, SENT_FORMATS, decode_picture
from kinema.systems.playable.presets import breakout
from kinema.video import read_image

from .client import SECONDS, Client, serving

MIB = 2**20


def scene(height: int, width: int, seed: int = 0) -> np.ndarray:
    """(height, width, 4) uint8: soft shapes, soft transparency."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (6, 7, 4), dtype=np.uint8))
    return np.array(coarse.resize((width, height), Image.Resampling.BICUBIC))


def packed(image: np.ndarray, kind: str, **how: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, kind, **how)
    return file.getvalue()


@pytest.mark.parametrize(("height", "width"), [(208, 160), (211, 163), (300, 2000), (2500, 1901)])
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_large_picture_gives_the_frame_that_its_file_gives(tmp_path: Path, height: int, width: int, kind: str):
    config, image = breakout(), scene(height, width)
    data = packed(image if kind == "PNG" else image[..., :3], kind, **({"quality": 95} if kind == "JPEG" else {}))
    (tmp_path / "picture").write_bytes(data)
    got = decode_picture(data, config).frames[-1]
    wanted = fit_image(read_image(tmp_path / "picture"), config.frames.size, config.frames.fit)
    assert (got == wanted).all()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "I;16"])
def test_all_kinds_of_pixels_are_taken_large_as_small(tmp_path: Path, mode: str):
    config, image = breakout(), Image.fromarray(scene(1700, 1290))
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)
    elif mode == "PA":
        image = image.quantize(16, method=Image.Quantize.FASTOCTREE)  # a palette with transparent colours
    else:
        image = (image.convert("RGB") if mode in ("1", "L", "P") else image).convert(mode)
    file = io.BytesIO()
    image.save(file, "PNG")
    (tmp_path / "picture").write_bytes(file.getvalue())
    wanted = fit_image(read_image(tmp_path / "picture"), config.frames.size, config.frames.fit)
    assert (decode_picture(file.getvalue(), config).frames[-1] == wanted).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photograph_stands_upright(tmp_path: Path, orientation: int):
    config, exif = breakout(), Image.Exif()
    exif[0x0112] = orientation
    data = packed(scene(1500, 1100)[..., :3], "JPEG", exif=exif, quality=95)
    (tmp_path / "picture").write_bytes(data)
    wanted = fit_image(read_image(tmp_path / "picture"), config.frames.size, config.frames.fit)
    assert (decode_picture(data, config).frames[-1] == wanted).all()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is not a picture"),
        (b"a text\n" * 100, "is not a picture"),
        (bytes(range(256)) * 50, "is not a picture"),
        (packed(np.zeros((60, 50), np.uint8), "TIFF"), "the format TIFF; give one of PNG, JPEG"),
        (packed(np.zeros((5001, 5000), np.uint8), "PNG"), "5000x5001 pixels; give one of at most 25 megapixels"),
        (packed(scene(64, 64), "AVIF")[:-200], "damaged"),
        (packed(scene(64, 64), "PNG")[:-200], "damaged"),
        (packed(scene(64, 64)[..., :3], "JPEG")[:600], "damaged"),
    ],
)
def test_what_is_no_picture_is_one_line(data: bytes, message: str):
    with pytest.raises(InputError, match=message) as error:
        decode_picture(data, breakout())
    assert "\n" not in str(error.value)


def damaged(data: bytes, rng: random.Random) -> bytes:
    """Some bytes changed, left out or repeated, more often near the beginning."""
    raw = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 5))):
        at = rng.randrange(len(raw) if rng.random() < 0.5 else min(len(raw), 120))
        what = rng.random()
        if what < 0.6:
            raw[at] = rng.choice((0, 127, 128, 255, rng.randrange(256)))
        elif what < 0.75 and at:
            del raw[at:]
        else:
            raw[at:at] = raw[rng.randrange(len(raw)) :][: rng.randrange(40)]
    return bytes(raw)


@pytest.mark.parametrize("kind", SENT_FORMATS)
def test_a_damaged_picture_is_a_picture_or_one_line(kind: str, capfd: pytest.CaptureFixture[str]):
    config, rng = breakout(), random.Random(kind)
    whole = packed(scene(80, 100) if kind in ("PNG", "WEBP", "AVIF") else scene(80, 100)[..., :3], kind)
    refused = 0
    for _ in range(300):
        try:
            assert decode_picture(damaged(whole, rng), config).frames.shape == (1, 208, 160, 3)
        except InputError as error:
            assert "\n" not in str(error) and len(str(error)) < 300
            refused += 1
    assert refused > 20
    assert capfd.readouterr().err == ""


@pytest.mark.extra("play", "fastapi", "uvicorn", "websockets")
def test_a_damaged_picture_ends_no_game(playable: Playable, capfd: pytest.CaptureFixture[str]):
    avif = packed(scene(64, 64), "AVIF")
    wrong = [b"", b"\0", b"a text\n", bytes(range(256)), avif[:-200], avif[:300] + bytes(len(avif) - 300)]
    with serving(playable) as server, Client(server) as player:
        for data in wrong:
            player.socket.send(data)
            assert "picture" in player.hear("problem")["message"]
        player.say("hold", action=0)
        while player.frame().step < 1:
            pass
        assert [values for values in player.said if values["say"] == "problem"] == [], "one line for each"
    assert capfd.readouterr().err == ""


@contextmanager
def own_process(model: Path) -> Iterator[tuple[Any, int]]:
    """A server in a process of its own: what has its address, and the process's number."""
    command = [sys.executable, "-m", "kinema", "play", str(model), "--no-browser", "--port", "0", "--device", "cpu"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().split()[3]
            yield SimpleNamespace(address=address), process.pid
        finally:
            process.terminate()


def memory(process: int, what: str) -> int:
    """Bytes that a process holds (VmRSS), or has held at most (VmHWM)."""
    found = re.search(rf"^{what}:\s+(\d+) kB$", Path(f"/proc/{process}/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read where Linux tells it")
@pytest.mark.extra("play", "fastapi", "uvicorn", "websockets")
def test_four_large_pictures_at_once_stay_small(game_model: Path):
    side = int(MAX_PICTURE_PIXELS**0.5)
    picture = np.zeros((side, side, 4), np.uint8)
    picture[: side // 2, ..., 3] = 128
    fastest = {"PNG": {"compress_level": 1}, "WEBP": {"method": 0}, "AVIF": {"speed": 10}}
    files = [packed(picture, kind, **how) for kind, how in fastest.items()]
    with own_process(game_model) as (server, process), ExitStack() as stack:
        players = [stack.enter_context(Client(server)) for _ in range(4)]
        for player in players:
            player.hear("state")
        idle = memory(process, "VmRSS")
        sent = zip(players, [*files, files[0]], strict=True)
        threads = [threading.Thread(target=player.socket.send, args=(data,)) for player, data in sent]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(SECONDS)
        for player in players:
            assert player.hear("state")["start"] is None
        most, left = memory(process, "VmHWM") - idle, memory(process, "VmRSS") - idle
        print(f"at most {most // MIB} MiB above the idle server, {left // MIB} MiB afterwards")
        assert most < 700 * MIB and left < 100 * MIB, (most, left)
