"""Defines the messages between page and server: JSON both ways, frames and files as binary with a small header.

``page/wire.js`` is the page's side.
"""

from __future__ import annotations

import io
import struct
from typing import Annotated, Any, Literal

import numpy as np
from PIL import Image as pil
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from kinema.core.checks import InputError
from kinema.play.action_names import MAX_NAME_LENGTH
from kinema.play.recording import MAX_RECORDING_BYTES, first_refusal, has_too_many_parts

# Little-endian: kind, format, action (-1: none), serial number, step, key, milliseconds of computing and of waiting.
FRAME_HEADER = struct.Struct("<BBhIIIff")
FRAME, VIDEO = 1, 2
FORMATS = ("jpeg", "png")
_JPEG_QUALITY = 92

Uint32 = Annotated[int, Field(ge=0, lt=2**32)]


class Message(BaseModel):
    """Base of the messages that a page sends."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Hold(Message):
    """An action is held from now on, or none. ``key`` comes back with the first frame after this message."""

    do: Literal["hold"]
    action: Annotated[int, Field(ge=0, le=1000)] | None
    key: Uint32 = 0


class Seen(Message):
    """A frame has arrived; the server may send another."""

    do: Literal["seen"]
    serial: Uint32


class Reset(Message):
    """The game begins again, at the named start; None: at the same start as before."""

    do: Literal["reset"]
    start: Annotated[str, Field(max_length=200)] | None = None
    seed: Annotated[int, Field(ge=0, lt=2**53)] = 0
    variety: Annotated[float, Field(ge=0, le=10)] = 0.0


class Settings(Message):
    """The player's settings."""

    do: Literal["settings"]
    fps: Annotated[float, Field(ge=0.5, le=60)]
    idle: Literal["stay", "wait", "last"] = Field(
        description="while no key is held: stay takes the no-op action, wait pauses, last repeats the last action"
    )
    format: Literal["jpeg", "png"]


class Rename(Message):
    """New names for all actions."""

    do: Literal["rename"]
    names: Annotated[tuple[Annotated[str, Field(max_length=4 * MAX_NAME_LENGTH)], ...], Field(max_length=100)]
    noop: Annotated[int, Field(ge=0, le=1000)] | None = None


class Save(Message):
    """The page asks for the recording of the game."""

    do: Literal["save"]


class Export(Message):
    """The page asks for a video of the game."""

    do: Literal["export"]


class Replay(Message):
    """The page asks to play a recording."""

    do: Literal["replay"]
    recording: Annotated[str, Field(max_length=MAX_RECORDING_BYTES)]


_MESSAGES: TypeAdapter[Any] = TypeAdapter(
    Annotated[Hold | Seen | Reset | Settings | Rename | Save | Export | Replay, Field(discriminator="do")]
)


def read_message(text: str) -> Any:
    """Parses a message of the page into one of the classes above.

    Raises:
        InputError: the text is no such message.
    """
    if has_too_many_parts(text):
        raise InputError("the page sent a message with more parts than the longest session has; reload the page")
    try:
        return _MESSAGES.validate_json(text)
    except ValidationError as error:
        raise InputError(
            f"the page sent a message that is not understood ({first_refusal(error)}); reload the page"
        ) from error


def encode_picture(image: np.ndarray, kind: str) -> bytes:
    """Encodes a (H, W, 3) uint8 picture as "jpeg" (small) or "png" (exact)."""
    file = io.BytesIO()
    if kind == "png":
        pil.fromarray(image).save(file, "PNG", compress_level=1)
    else:
        pil.fromarray(image).save(file, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
    return file.getvalue()
