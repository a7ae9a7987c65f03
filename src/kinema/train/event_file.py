"""Writes the numbers of a run for TensorBoard, at once and in the calling thread, so that a full disk is reported."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from kinema.core.checks import require_extra

_import = partial(require_extra, extra="train", purpose="the log of kinema learn")


class EventFile:
    """One file of events in a folder of such files."""

    def __init__(self, folder: Path) -> None:
        """Creates the folder and the file.

        Raises:
            OSError: they cannot be written.
            MissingExtraError: the extra ``train`` is not installed.
        """
        self._event = _import("tensorboard.compat.proto.event_pb2").Event
        self._summary = _import("tensorboard.compat.proto.summary_pb2").Summary
        record_writer = _import("tensorboard.summary.writer.record_writer").RecordWriter
        folder.mkdir(parents=True, exist_ok=True)
        began = time.time()
        # TensorBoard needs this prefix; the rest makes the names of files from one second unique.
        path = folder / f"events.out.tfevents.{int(began):010d}.{platform.node()}.{os.getpid()}.{time.monotonic_ns()}"
        self._writer = record_writer(path.open("wb"))
        self._write(wall_time=began, file_version="brain.Event:2")

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Writes the numbers of a step.

        Raises:
            OSError: they cannot be written.
        """
        scalars = [self._summary.Value(tag=name, simple_value=value) for name, value in values.items()]
        self._write(wall_time=time.time(), step=step, summary=self._summary(value=scalars))

    def _write(self, **fields: Any) -> None:
        self._writer.write(self._event(**fields).SerializeToString())
        self._writer.flush()

    def close(self) -> None:
        """Closes the file."""
        self._writer.close()
