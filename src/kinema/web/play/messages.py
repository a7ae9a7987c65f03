"""What the page and the server say to each other: JSON both ways, frames and files as binary with a small header.

``page/wire.js`` is the other side of it.
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

# kind, format, action (-1: none), serial, step, key, milliseconds computed and waited; little-endian.
FRAME_HEADER = struct.Struct("<BBhIIIff")
FRAME, VIDEO = 1, 2
FORMATS = ("jpeg", "png")
_JPEG_QUALITY = 92

Uint32 = Annotated[int, Field(ge=0, lt=2**32)]


class Message(BaseModel):
    """Base of what a page may say."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Hold(Message):
    """Which action is held from now on; None: no key is. ``key`` comes back with the first frame that obeys."""

    do: Literal["hold"]
    action: Annotated[int, Field(ge=0, le=1000)] | None
    key: Uint32 = 0


class Seen(Message):
    """A frame has arrived; another may be sent."""

    do: Literal["seen"]
    serial: Uint32


class Reset(Message):
    """Begin anew; None: at the same start."""

    do: Literal["reset"]
    start: Annotated[str, Field(max_length=200)] | None = None
    seed: Annotated[int, Field(ge=0, lt=2**53)] = 0
    variety: Annotated[float, Field(ge=0, le=10)] = 0.0


class Settings(Message):
    """How to play."""

    do: Literal["settings"]
    fps: Annotated[float, Field(ge=0.5, le=60)]
    idle: Literal["stay", "wait", "last"] = Field(description="what happens while no key is held")
    format: Literal["jpeg", "png"]


class Rename(Message):
    """What actions are called."""

    do: Literal["rename"]
    names: Annotated[tuple[Annotated[str, Field(max_length=4 * MAX_NAME_LENGTH)], ...], Field(max_length=100)]
    noop: Annotated[int, Field(ge=0, le=1000)] | None = None


class Save(Message):
    """Give me what was played."""

    do: Literal["save"]


class Export(Message):
    """Give me what was played as a video."""

    do: Literal["export"]


class Replay(Message):
    """Play this."""

    do: Literal["replay"]
    recording: Annotated[str, Field(max_length=MAX_RECORDING_BYTES)]


_MESSAGES: TypeAdapter[Any] = TypeAdapter(
    Annotated[Hold | Seen | Reset | Settings | Rename | Save | Export | Replay, Field(discriminator="do")]
)


def read_message(text: str) -> Any:
    """What a page said, as one of the classes above.

    Raises:
        InputError: it is none of them.
    """
    if has_too_many_parts(text):
        raise InputError("the page said more than the longest session has; load it again")
    try:
        return _MESSAGES.validate_json(text)
    except ValidationError as error:
        raise InputError(f"the page said what is not understood ({first_refusal(error)}); load it again") from error


def encode_picture(image: np.ndarray, kind: str) -> bytes:
    """A (H, W, 3) uint8 picture as a file of a kind: "jpeg" is small, "png" exact."""
    file = io.BytesIO()
    if kind == "png":
        pil.fromarray(image).save(file, "PNG", compress_level=1)
    else:
        pil.fromarray(image).save(file, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
    return file.getvalue()
