"""Writes the files of a run: config, versions, log, TensorBoard, sample sheets and checkpoints."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from kinema.core.atomic_output import put_in_place, remove, temporary_beside
from kinema.core.checks import InputError
from kinema.core.file_lock import FileLock
from kinema.core.output_guard import check_name
from kinema.data.clips.folder import RUN_LOCK
from kinema.train.event_file import EventFile

# Files that a start writes before config.json; only with config.json is the folder that of a run.
_BEGUN = {RUN_LOCK, "checkpoints", "samples", "starts.jsonl"}
_BEFORE_ANY_STEP = "step-0000000.safetensors"
# Temporary files that a killed process leaves; safetensors has names of its own.
_HALF_WRITTEN = (".*.partial", ".*.part", ".model.*", "checkpoints/*.partial", "checkpoints/.tmp*", "samples/.*.part")


class RunFolder:
    """A folder with everything that is needed to read, resume or repeat a run.

    Attributes:
        path: the folder.
        checkpoints: folder of ``step-NNNNNNN.safetensors``.
    """

    def __init__(self, path: Path, *, resume: bool, is_main: bool = True) -> None:
        """Opens the folder; of several processes, only the main one checks and creates it.

        Raises:
            InputError: it has a run and ``resume`` is not set, it has no run to resume, or it cannot be written.
        """
        self.path = path
        self.checkpoints = path / "checkpoints"
        self._samples = path / "samples"
        self._resume = resume
        self._is_main = is_main
        self._events: EventFile | None = None
        self._lock = FileLock(path / RUN_LOCK)
        self._held = False
        self._made: list[Path] = []
        if is_main:
            check_name(path)
            with self.writing():
                self._check()
                self._made = [folder for folder in (path, *path.parents) if not folder.exists()]
                self._make()

    def hold(self) -> None:
        """Locks the folder until :meth:`close`, and removes unfinished files of a killed process.

        Raises:
            InputError: another process uses the folder, or has used it in the meantime.
        """
        with self.writing():
            if not self._lock.acquire():
                raise InputError(f"{self.path}: another run is using this folder; wait for it or stop it first")
            self._held = True
            try:
                self._check()
                self._make()
                self._remove_half_written()
            except BaseException:
                self.close()
                raise

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Turns errors of writing into the folder into one line for users.

        Raises:
            InputError: a file cannot be written.
        """
        try:
            yield
        except OSError as error:
            if self._held and not self.path.is_dir():
                raise InputError(f"{self.path}: was removed while the run was using it; start again") from error
            what = "free space and continue with --resume" if self._held else "free space or give another -o"
            raise InputError(f"{self.path}: cannot be written ({error.strerror or error}); {what}") from error

    def _check(self) -> None:
        path = self.path
        if path.exists() and not path.is_dir():
            raise InputError(f"{path} is a file; a run needs a folder: give another -o")
        exists = (path / "config.json").is_file()
        if exists and not self._resume:
            raise InputError(f"{path} already has a run; continue it with --resume, or give another -o")
        if self._resume and not exists:
            raise InputError(f"{path} holds no run to resume; start one without --resume")
        if path.is_dir() and not exists and not self._is_barely_begun():
            raise InputError(f"{path} is not empty and has no run; give an empty or new folder with -o")

    def _is_barely_begun(self) -> bool:
        """Whether the folder has only files of a start that was killed before it had a config.json."""
        half_written = set(self._half_written())
        inside = [*self.path.iterdir(), *self.checkpoints.glob("*"), *self._samples.glob("*")]
        left = {entry.relative_to(self.path).as_posix() for entry in inside if entry not in half_written}
        return left <= _BEGUN | {f"checkpoints/{_BEFORE_ANY_STEP}"}

    def _make(self) -> None:
        self.checkpoints.mkdir(parents=True, exist_ok=True)
        self._samples.mkdir(exist_ok=True)

    def _half_written(self) -> Iterator[Path]:
        for pattern in _HALF_WRITTEN:
            yield from self.path.glob(pattern)

    def _remove_half_written(self) -> None:
        """Removes unfinished files; as the lock is held, no process is writing them."""
        model = self.path / "model"
        for aside in sorted(self.path.glob(".model.*.old")):
            if not model.exists():  # the new model was never completed
                aside.replace(model)
        for path in self._half_written():
            remove(path)
        if not (self.path / "config.json").exists():
            for path in (self.path / "starts.jsonl", self.checkpoints / _BEFORE_ANY_STEP):
                path.unlink(missing_ok=True)

    def write_json(self, name: str, values: dict[str, Any]) -> None:
        """Writes ``name`` whole or not at all."""
        partial = self.path / f".{name}.partial"
        with self.writing():
            partial.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
            partial.replace(self.path / name)

    def write_start(self, config_json: str, facts: dict[str, Any]) -> None:
        """Records the versions and facts of each start, and the resolved config once.

        The config is written last, as it makes the folder that of a run.
        """
        started = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "kinema": version("kinema"),
            "torch": torch.__version__,
            "python": platform.python_version(),
            "machine": platform.processor() or platform.machine(),
            "threads": torch.get_num_threads(),
            **facts,
        }
        starts = self.path / "starts.jsonl"
        with self.writing():
            # A line that was cut off by a kill or a full disk is ended, so that the new one stays readable.
            cut = starts.exists() and not starts.read_bytes().endswith(b"\n")
            with starts.open("a", encoding="utf-8") as handle:
                handle.write("\n" * cut + json.dumps(started) + "\n")
        if not (self.path / "config.json").exists():
            self.write_json("config.json", json.loads(config_json))

    def cut_log(self, step: int) -> None:
        """Removes log lines after ``step``, which a resumed run writes again."""
        log = self.path / "log.jsonl"
        if not log.exists():
            return
        kept = []
        for line in log.read_text(encoding="utf-8").splitlines():
            try:
                entry = json.loads(line)
            except json.JSONDecodeError:
                continue  # a line that was cut off by a kill
            if entry["step"] <= step:
                kept.append(line)
        partial = self.path / ".log.partial"
        with self.writing():
            partial.write_text("".join(line + "\n" for line in kept), encoding="utf-8")
            partial.replace(log)

    def log(self, entry: dict[str, Any]) -> None:
        """Appends a line to ``log.jsonl`` and its numbers to TensorBoard."""
        with self.writing():
            with (self.path / "log.jsonl").open("a", encoding="utf-8") as handle:
                handle.write(json.dumps(entry) + "\n")
            if self._events is None:
                self._events = EventFile(self.path / "tensorboard")
            numbers = {name: value for name, value in entry.items() if isinstance(value, int | float)}
            self._events.add(entry["step"], {name: value for name, value in numbers.items() if name != "step"})

    def write_sample(self, step: int, sheet: Tensor) -> None:
        """Writes a (3, H, W) sheet in [0, 1] as ``samples/NNNNNNN.png``, whole or not at all."""
        pixels = (sheet.detach().float().cpu().clamp(0, 1) * 255).round().byte().movedim(0, -1).numpy()
        target = self._samples / f"{step:07d}.png"
        partial = temporary_beside(target)
        try:
            with self.writing():
                Image.fromarray(pixels).save(partial, format="PNG")
                put_in_place(partial, target)
        finally:
            remove(partial)

    def discard(self) -> None:
        """Removes the folders that this start created, as far as they are empty, and unlocks the folder."""
        for folder in (self.checkpoints, self._samples) if self._is_main else ():
            with suppress(OSError):
                folder.rmdir()
        self.close()
        for folder in self._made:
            with suppress(OSError):
                folder.rmdir()

    def close(self) -> None:
        """Closes TensorBoard's file and unlocks the folder.

        Raises:
            InputError: the events could not be written.
        """
        events, self._events = self._events, None
        try:
            if events is not None:
                with self.writing():
                    events.close()
        finally:
            self._lock.release()
            self._held = False
