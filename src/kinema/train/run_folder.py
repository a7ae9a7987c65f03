"""What a run leaves behind: config, versions, log, TensorBoard, sample sheets, checkpoints."""

from __future__ import annotations

import json
import platform
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from kinema.core.checks import InputError, require_extra


class RunFolder:
    """A folder that stands alone: everything needed to read, go on with, or repeat the run.

    Attributes:
        path: the folder.
        checkpoints: folder of ``step-NNNNNNN.safetensors``.
    """

    def __init__(self, path: Path, *, resume: bool, is_main: bool = True) -> None:
        """Opens the folder; of several processes the main one looks and makes it before the others come.

        Raises:
            InputError: it already holds a run and ``resume`` is not set, or there is none to resume.
        """
        self.path = path
        self.checkpoints = path / "checkpoints"
        self._events: Any = None
        if is_main:
            self._prepare(path, resume)

    def _prepare(self, path: Path, resume: bool) -> None:
        if path.exists() and not path.is_dir():
            raise InputError(f"{path} is a file; a run needs a folder: give another -o")
        exists = (path / "config.json").is_file()
        if exists and not resume:
            raise InputError(f"{path} already holds a run; go on with it by --resume, or give another -o")
        if resume and not exists:
            raise InputError(f"{path} holds no run to resume; start one without --resume")
        if path.is_dir() and not exists and any(path.iterdir()):
            raise InputError(f"{path} is not empty and holds no run; give an empty or new folder with -o")
        self.checkpoints.mkdir(parents=True, exist_ok=True)
        (path / "samples").mkdir(exist_ok=True)

    def write_json(self, name: str, values: dict[str, Any]) -> None:
        """Writes ``name`` whole or not at all."""
        partial = self.path / f".{name}.partial"
        partial.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
        partial.replace(self.path / name)

    def write_start(self, config_json: str, facts: dict[str, Any]) -> None:
        """Records the resolved config, once, and under what the run was started, each time."""
        if not (self.path / "config.json").exists():
            self.write_json("config.json", json.loads(config_json))
        started = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "kinema": version("kinema"),
            "torch": torch.__version__,
            "python": platform.python_version(),
            "machine": platform.processor() or platform.machine(),
            "threads": torch.get_num_threads(),
            **facts,
        }
        with (self.path / "starts.jsonl").open("a", encoding="utf-8") as handle:
            handle.write(json.dumps(started) + "\n")

    def cut_log(self, step: int) -> None:
        """Drops log lines after ``step``: a resumed run writes them again."""
        log = self.path / "log.jsonl"
        if not log.exists():
            return
        kept = []
        for line in log.read_text(encoding="utf-8").splitlines():
            try:
                entry = json.loads(line)
            except json.JSONDecodeError:
                continue  # the line that a kill cut short
            if entry["step"] <= step:
                kept.append(line)
        partial = self.path / ".log.partial"
        partial.write_text("".join(line + "\n" for line in kept), encoding="utf-8")
        partial.replace(log)

    def log(self, entry: dict[str, Any]) -> None:
        """Appends a line to ``log.jsonl`` and its numbers to TensorBoard."""
        with (self.path / "log.jsonl").open("a", encoding="utf-8") as handle:
            handle.write(json.dumps(entry) + "\n")
        if self._events is None:
            require_extra("tensorboard", extra="train", purpose="the log of kinema learn")
            from torch.utils.tensorboard import SummaryWriter  # slow to import, only needed here

            self._events = SummaryWriter(str(self.path / "tensorboard"))
        for name, value in entry.items():
            if name != "step" and isinstance(value, int | float):
                self._events.add_scalar(name, value, entry["step"])

    def write_sample(self, step: int, sheet: Tensor) -> None:
        """Writes a (3, H, W) sheet in [0, 1] as ``samples/NNNNNNN.png``."""
        pixels = (sheet.detach().float().cpu().clamp(0, 1) * 255).round().byte().movedim(0, -1).numpy()
        Image.fromarray(pixels).save(self.path / "samples" / f"{step:07d}.png")

    def close(self) -> None:
        """Flushes TensorBoard."""
        if self._events is not None:
            self._events.close()
