# pyright: strict
"""Writes a motion template, a JSON object whose frames stand one a line, as the frames come."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from kinema.core.atomic_output import check_target, one_line, put_in_place, remove, temporary_beside
from kinema.core.checks import InputError

SUFFIX = ".json"


class TemplateFile:
    """A template being written; the file appears when the ``with`` block ends without error."""

    def __init__(self, path: Path, head: Mapping[str, Any]) -> None:
        """Takes where to write, and what stands before the frames.

        Raises:
            InputError: the file cannot be written there.
        """
        if path.suffix.lower() != SUFFIX:
            raise InputError(f"{path}: a motion template is a {SUFFIX} file; change the suffix")
        check_target(path)
        self._path, self._head = path, dict(head)
        self._partial = temporary_beside(path)
        self._count = 0

    def write_frame(self, frame: Mapping[str, Any]) -> None:
        """Adds a frame."""
        self._stream.write((",\n" if self._count else "\n") + json.dumps(frame))
        self._count += 1

    def __enter__(self) -> Self:
        with one_line(self._path):
            self._stream = self._partial.open("w", encoding="utf-8")
            self._stream.write(json.dumps(self._head)[:-1] + ', "frames": [')
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            with one_line(self._path):
                self._stream.write("\n]}\n")
                self._stream.close()
                if kind is None:
                    put_in_place(self._partial, self._path)
        finally:
            remove(self._partial)
