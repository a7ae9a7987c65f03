"""A camera, or a clip that plays at its own rate in place of one: pictures and the moments at which they came."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import av.container
import numpy as np
from av.error import FFmpegError

from kinema.core.checks import InputError
from kinema.video.info import Image
from kinema.video.reading.read import open_video


@dataclass(frozen=True)
class Shot:
    """What a camera saw.

    Attributes:
        image: uint8 (H, W, 3) RGB.
        arrived: seconds of ``time.perf_counter`` when it came.
    """

    image: Image
    arrived: float


def camera_address(device: str, platform: str = sys.platform) -> tuple[str, str, dict[str, str]]:
    """File, format and options by which FFmpeg opens a camera.

    Args:
        device: a number, 0 the first; or a name as the system gives it.
        platform: as ``sys.platform`` says.

    >>> camera_address("0", "linux"), camera_address("USB Camera", "win32")[0]
    (('/dev/video0', 'v4l2', {}), 'video=USB Camera')
    """
    if platform == "darwin":
        return device, "avfoundation", {"framerate": "30"}  # its own default is a rate that few cameras have
    if platform == "win32":
        return f"video={device}", "dshow", {}
    return f"/dev/video{device}" if device.isdigit() else device, "v4l2", {}


def camera_shots(device: str) -> Iterator[Shot]:
    """What a camera sees, until it is unplugged or the iterator is closed.

    Args:
        device: as in :func:`camera_address`.

    Raises:
        InputError: there is no such camera, or it is in use.
    """
    address, kind, options = camera_address(device)
    try:
        container = av.open(address, format=kind, options={**options, "fflags": "nobuffer"})
    except (FFmpegError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(
            f"camera {device}: cannot be opened as {address} ({reason}); give another --camera, or a clip by --driving"
        ) from error
    return _decoded(container, device)


def _decoded(container: av.container.InputContainer, device: str) -> Iterator[Shot]:
    with container:
        try:
            for frame in container.decode(video=0):
                yield Shot(np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8), time.perf_counter())
        except FFmpegError as error:
            raise InputError(f"camera {device}: gave no more pictures ({error.strerror}); plug it in again") from error


def clip_shots(path: Path, *, repeat: bool = False) -> Iterator[Shot]:
    """The frames of a clip, each when it is due; those that are late come at once.

    Args:
        path: of the clip.
        repeat: begin again at the end, for ever.

    Raises:
        InputError: the clip cannot be read.
    """
    while True:
        began = time.perf_counter()
        with open_video(path) as reader:
            step = float(1 / reader.info.frame_rate)
            for frame in reader:
                due = began + float(frame.time_seconds)
                time.sleep(max(due - time.perf_counter(), 0))
                yield Shot(frame.image, time.perf_counter())
        time.sleep(step)
        if not repeat:
            return
