"""Reads the frames that a game starts from, those that ship with a model and those that a user gives."""

from __future__ import annotations

import base64
import ctypes
import hashlib
import io
import sys
import warnings
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as pil

from kinema.core.checks import InputError
from kinema.data.clips.shots import FIRST_SCORED, find_shots
from kinema.framing.fit import fit_image
from kinema.play.recording import MAX_FRAMES, MAX_START_BYTES
from kinema.video import open_video, read_image
from kinema.video.reading.still import NotAPictureError, open_still, to_rgb
from kinema.weights.catalogue import STARTS

# Frames before those of the first observation, which show the model what is moving. The presets are trained to go on
# after six true observations, which need five more frames than one.
EXTRA_FRAMES = 5
# A clip is read to its end, as the start consists of its last frames; a longer clip is refused.
MAX_CLIP_FRAMES = 10_000
# Size limit of uploaded pictures: decoding takes four bytes per pixel, and some decoders keep several copies.
MAX_PICTURE_PIXELS = 25_000_000
# The formats that browsers show. Decoders of others print to the terminal, or need half a gigabyte for such a picture.
SENT_FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "GIF", "BMP")


@dataclass(frozen=True)
class Start:
    """The frames that a game begins with.

    Attributes:
        name: by which it is chosen; "" for a picture of the player.
        frames: (T, H, W, 3) uint8 of the model's size; the game begins at the last one.
    """

    name: str
    frames: np.ndarray

    @property
    def digest(self) -> str:
        """Hexadecimal SHA-256 of the pixels."""
        return digest_of(self.frames)


def digest_of(images: np.ndarray) -> str:
    """Hexadecimal SHA-256 of the shape and pixels of uint8 pictures of any shape."""
    return hashlib.sha256(repr(images.shape).encode() + np.ascontiguousarray(images).tobytes()).hexdigest()


def max_frames(config: Any) -> int:
    """Most frames of a start: those of an observation, and more as far as a saved session can hold them.

    Args:
        config: config of the model.
    """
    stack = config.representation.stack
    room = min(MAX_FRAMES, MAX_START_BYTES // (3 * config.size[0] * config.size[1]))
    return max(stack, min(stack + EXTRA_FRAMES, room))


def fit_start(images: Sequence[np.ndarray], config: Any, *, name: str = "") -> Start:
    """Makes a start from pictures of any size.

    Args:
        images: (H, W, 3) uint8, one or more; the game begins at the last one. Frames before a cut are left out.
        config: config of the model, with size and fit of its frames, and frames per observation.
        name: of the start.
    """
    film = np.stack([_fitted(image, config) for image in images[-_frames_to_read(config) :]])
    shot = film[find_shots(film, config.shots)[-1] :]
    # The frames of a start have the frame stride of the training.
    return Start(name, np.ascontiguousarray(shot[:: -config.frames.time_stride][: max_frames(config)][::-1]))


def read_start(path: Path, config: Any, *, name: str = "") -> Start:
    """A start from a picture, or the end of a clip or folder of frames.

    Args:
        path: file or folder.
        config: of the model.
        name: of the start.

    Raises:
        InputError: the file cannot be read, or the clip is too long.
    """
    if path.is_file() and path.suffix.lower() in (".png", ".jpg", ".jpeg", ".bmp"):
        return fit_start([read_image(path)], config, name=name)
    last: deque[np.ndarray] = deque(maxlen=_frames_to_read(config))
    with open_video(path) as reader:
        for frame in reader:
            if frame.index >= MAX_CLIP_FRAMES:
                raise InputError(
                    f"{path}: has more than {MAX_CLIP_FRAMES} frames; give a shorter clip, or a picture, to start from"
                )
            last.append(_fitted(frame.image, config))  # fitted at once, as dozens of large frames need a gigabyte
    return fit_start(list(last), config, name=name)


def _frames_to_read(config: Any) -> int:
    """Number of last frames of a clip that a start is made from, with some more to detect a cut at any of them."""
    return config.frames.time_stride * max_frames(config) + FIRST_SCORED


def _fitted(image: np.ndarray, config: Any) -> np.ndarray:
    frames = config.frames
    return fit_image(image, frames.size, frames.fit, frames.background)


def shipped_starts(folder: Path, config: Any) -> tuple[Start, ...]:
    """The starts in ``starts/`` of a model folder, by name; each is a picture, a clip or a folder of frames.

    Raises:
        InputError: one of them cannot be read.
    """
    inside = folder / STARTS
    paths = sorted(path for path in inside.iterdir() if not path.name.startswith(".")) if inside.is_dir() else []
    return tuple(read_start(path, config, name=path.stem) for path in paths)


def decode_picture(data: bytes, config: Any) -> Start:
    """Makes a start from an uploaded picture file.

    Raises:
        InputError: it is not a picture in one of ``SENT_FORMATS``, or damaged, or too large.
    """
    # The decoder also reads from memory; this path is the name in its error messages.
    what: Any = Path("the picture")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # warnings could show a stranger's metadata in the terminal
            fitted = _fitted(_read_sent(data, what), config)
    except NotAPictureError as error:
        raise InputError(f"the file is not a picture; give one of {', '.join(SENT_FORMATS)}") from error
    except InputError:
        raise
    except Exception as error:  # the decoders raise all kinds of errors on hostile files
        reason = " ".join(str(error).split())
        raise InputError(f"{what} is damaged or cut short ({reason}); save it again") from error
    finally:
        _return_freed_memory()
    return fit_start([fitted], config)


def _read_sent(data: bytes, what: Path) -> np.ndarray:
    with open_still(what, io.BytesIO(data)) as image:
        if image.format not in SENT_FORMATS:
            raise InputError(f"{what} has the format {image.format}; give one of {', '.join(SENT_FORMATS)}")
        if image.height * image.width > MAX_PICTURE_PIXELS:
            raise InputError(
                f"{what} has {image.width}x{image.height} pixels; give one of at most "
                f"{MAX_PICTURE_PIXELS // 10**6} megapixels"
            )
        return to_rgb(image, (255, 255, 255), what)


def _return_freed_memory() -> None:
    """Makes glibc return the freed memory of a decoder, up to a hundred megabytes for a large picture."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)


def pack_frames(frames: np.ndarray) -> list[str]:
    """(T, H, W, 3) uint8 frames as base64 of PNG files."""
    packed = []
    for frame in frames:
        file = io.BytesIO()
        pil.fromarray(frame).save(file, "PNG", optimize=True)
        packed.append(base64.b64encode(file.getvalue()).decode())
    return packed


def unpack_frames(packed: Sequence[str], size: tuple[int, int]) -> np.ndarray:
    """Unpacks the frames of :func:`pack_frames`, (T, height, width, 3) uint8.

    Raises:
        InputError: they are damaged or of another size.
    """
    frames = []
    for text in packed:
        try:
            with pil.open(io.BytesIO(base64.b64decode(text, validate=True)), formats=("PNG",)) as image:
                if (image.height, image.width) != size:
                    raise InputError(
                        f"the session starts from a frame of {image.height}x{image.width} (height x width); this "
                        f"model's are {size[0]}x{size[1]}"
                    )
                frames.append(np.array(image.convert("RGB")))
        except InputError:
            raise
        except (OSError, SyntaxError, ValueError, pil.DecompressionBombError) as error:
            raise InputError("the frames that the session starts from are damaged; save it again") from error
    return np.stack(frames)
