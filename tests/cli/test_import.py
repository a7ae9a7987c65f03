"""`kinema import` refuses in one line; what it makes of real checkpoints is in tests/weights."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch

from kinema.cli.main import main


class Malice:
    """Runs a command when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.mark}",)


def test_a_folder_that_is_no_model_is_not_replaced(tmp_path: Path, kinema) -> None:
    checkpoint, settings, folder = tmp_path / "a.pth.tar", tmp_path / "a.yaml", tmp_path / "mine"
    for path in (checkpoint, settings):
        path.write_text("a: 1\n")
    folder.mkdir()
    (folder / "notes.txt").touch()
    words = ["import", checkpoint, "--config", settings, "-o", folder]
    code, _, err = kinema(*words)
    assert code == 2 and "mine: exists and is not empty; give another output, or -y" in err
    assert kinema(*words, "-y")[0] == 2 and os.listdir(folder) == ["notes.txt"]


@pytest.mark.parametrize("kind", ["missing", "text", "malice", "other"])
def test_what_is_no_checkpoint_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str) -> None:
    checkpoint, settings, model = tmp_path / "a.pth.tar", tmp_path / "a.yaml", tmp_path / "model"
    settings.write_text("model_params: {generator_params: {dense_motion_params: {num_blocks: 3}}}\n")
    if kind == "text":
        checkpoint.write_text("no checkpoint\n")
    elif kind != "missing":
        torch.save({"generator": Malice(tmp_path / "mark") if kind == "malice" else {}}, checkpoint)
    with pytest.raises(SystemExit) as left:
        main(["import", str(checkpoint), "--config", str(settings), "-o", str(model)])
    output = capsys.readouterr()
    assert left.value.code == 2 and output.out == ""
    assert output.err.startswith("kinema: ") and output.err.count("\n") == 1 and str(checkpoint) in output.err
    assert not model.exists() and not (tmp_path / "mark").exists()
