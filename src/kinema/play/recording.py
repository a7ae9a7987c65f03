"""Reads and writes recordings of games: the model, the start, the seed and all actions, as one small JSON file."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError

from kinema.core.checks import InputError
from kinema.core.config import Config

MAX_STEPS = 20_000
# Most brackets, commas and colons of a JSON text: there are three for each step, and one for each other part. Parsers
# need hundreds of bytes for each part, so eight megabytes of zeros would need three gigabytes.
MAX_MARKS = 4 * MAX_STEPS
MAX_FRAMES = 16
MAX_PACKED_FRAME = 4_000_000
MAX_RECORDING_BYTES = 8_000_000
# Most letters of a stranger's text in a message.
MAX_SHOWN = 200
# Most bytes of a start's pixels: PNG does not compress noise, base64 adds a third, and the actions need space too.
MAX_START_BYTES = 5_600_000

Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class RecordedStart(Config):
    """The start of a recorded game."""

    name: str = Field(
        default="", max_length=200, description="name of a start that the model ships; empty: a start of the player"
    )
    sha256: Digest = Field(description="SHA-256 of the pixels")
    frames: tuple[Annotated[str, Field(max_length=MAX_PACKED_FRAME)], ...] = Field(
        default=(), max_length=MAX_FRAMES, description="base64 of PNG, unless the model ships the start"
    )


class Recording(Config):
    """Everything that determines the frames of a game, together with the model."""

    kinema_play: int = Field(default=1, ge=1, le=1, description="format")
    model: str = Field(max_length=200, description="name of the model that is shown to people")
    weights: Digest = Field(description="SHA-256 of the model's weights")
    seed: int = Field(default=0, ge=0, lt=2**63, description="seed of the variations")
    variety: float = Field(default=0.0, ge=0, le=10, description="standard deviation of the variations")
    fps: float = Field(default=10.0, ge=0.01, le=120, description="frames per second at which it was played")
    start: RecordedStart
    actions: tuple[tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=1, le=MAX_STEPS)]], ...] = Field(
        default=(), max_length=MAX_STEPS, description="(action, number of times in a row), in order"
    )
    last: Digest | None = Field(default=None, description="SHA-256 of the last frame, to check that a replay is equal")

    @property
    def num_steps(self) -> int:
        """Number of all actions."""
        return sum(count for _, count in self.actions)

    def steps(self) -> Iterator[int]:
        """Every action, in order."""
        for action, count in self.actions:
            yield from (action for _ in range(count))

    def write(self, path: Path) -> None:
        """Writes the recording as JSON.

        Raises:
            InputError: the file cannot be written.
        """
        try:
            path.write_text(self.to_line() + "\n", encoding="utf-8")
        except OSError as error:
            raise InputError(f"{path}: cannot be written ({error.strerror}); give another path") from error

    def to_line(self) -> str:
        """As JSON in one line."""
        return json.dumps(self.model_dump(mode="json"), separators=(",", ":"))


def read_recording(path: Path) -> Recording:
    """Reads a saved recording.

    Raises:
        InputError: the file is missing or is not a recording.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe or device may never end
            raise InputError(f"{path}: is not a file; give a session that `kinema play` saved")
        with path.open("rb") as file:
            data = file.read(MAX_RECORDING_BYTES + 1)
        if len(data) > MAX_RECORDING_BYTES:
            raise InputError(
                f"{path}: has more than {MAX_RECORDING_BYTES // 10**6} MB, which no session has; "
                "give one that `kinema play` saved"
            )
        text = data.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error}); give a session that `kinema play` saved") from error
    return parse_recording(text, origin=str(path))


def parse_recording(text: str, *, origin: str) -> Recording:
    """Parses a recording from JSON.

    Raises:
        InputError: the text is not a recording, or the recording is too long.
    """
    if has_too_many_parts(text):
        raise InputError(f"{origin}: is not a session: it has more parts than the longest session ({MAX_STEPS} steps)")
    try:
        values: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{origin}: is not JSON; give a session that was saved by `kinema play`") from error
    if not isinstance(values, dict) or "kinema_play" not in values:
        raise InputError(f"{origin}: is not a session of `kinema play`; give one that it saved")
    try:
        recording = Recording.model_validate_json(text)
    except ValidationError as error:
        raise InputError(f"{origin}: {first_refusal(error)}; save the session again") from error
    if recording.num_steps > MAX_STEPS:
        raise InputError(f"{origin}: {recording.num_steps} steps, but a session has at most {MAX_STEPS}")
    return recording


def has_too_many_parts(text: str) -> bool:
    """Whether a JSON text has more parts than the longest session, so that parsing it would take much memory."""
    return sum(map(text.count, "[{,:")) > MAX_MARKS


def first_refusal(error: ValidationError) -> str:
    """The first field that pydantic refuses, and why, in one line."""
    first = error.errors(include_url=False, include_input=False)[0]
    field = ".".join(str(part) for part in first["loc"])
    return f"field '{printable(field)}' is refused: {first['msg']}" if field else printable(first["msg"])


def printable(text: str) -> str:
    """A stranger's text, made safe for one line of a terminal: without control characters, and short.

    >>> printable("robot"), printable("a\\nb")
    ('robot', 'a\\\\nb')
    """
    shown = text if text.isprintable() else ascii(text)[1:-1]
    return shown if len(shown) <= MAX_SHOWN else f"{shown[:MAX_SHOWN]} ..."


def run_lengths(actions: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """Run lengths of actions, as (action, count).

    >>> run_lengths([2, 2, 2, 0, 2])
    ((2, 3), (0, 1), (2, 1))
    """
    runs: list[list[int]] = []
    for action in actions:
        if runs and runs[-1][0] == action:
            runs[-1][1] += 1
        else:
            runs.append([action, 1])
    return tuple((action, count) for action, count in runs)
