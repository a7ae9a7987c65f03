"""Numbers of a run as TensorBoard reads them, written at once and in this thread, so that a full disk is told here."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Mapping
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event  # type: ignore[attr-defined]  # made by protobuf
from tensorboard.compat.proto.summary_pb2 import Summary  # type: ignore[attr-defined]
from tensorboard.summary.writer.record_writer import RecordWriter


class EventFile:
    """One file of events, which appears in a folder of such files."""

    def __init__(self, folder: Path) -> None:
        """Makes the folder and the file.

        Raises:
            OSError: they cannot be written.
        """
        folder.mkdir(parents=True, exist_ok=True)
        began = time.time()
        # TensorBoard goes by the beginning of the name; the rest keeps starts of one second apart.
        path = folder / f"events.out.tfevents.{int(began):010d}.{platform.node()}.{os.getpid()}.{time.monotonic_ns()}"
        self._writer = RecordWriter(path.open("wb"))
        self._write(Event(wall_time=began, file_version="brain.Event:2"))

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Writes the numbers of a step.

        Raises:
            OSError: they cannot be written.
        """
        scalars = [Summary.Value(tag=name, simple_value=value) for name, value in values.items()]
        self._write(Event(wall_time=time.time(), step=step, summary=Summary(value=scalars)))

    def _write(self, event: Event) -> None:
        self._writer.write(event.SerializeToString())
        self._writer.flush()

    def close(self) -> None:
        """Lets the file go."""
        self._writer.close()
