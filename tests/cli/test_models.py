"""`kinema models` as a user meets it."""

from __future__ import annotations

import pytest

from kinema.cli.main import main
from kinema.weights.catalogue import shipped_models


def test_it_lists_what_is_shipped_and_says_what_a_folder_holds(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit) as left:
        main(["models"])
    assert not left.value.code
    said = capsys.readouterr().out
    for needed in ("model.safetensors", "model.json", "README.md", "kinema import"):
        assert needed in said
    for model in shipped_models():
        line = next(line for line in said.splitlines() if model.name in line)
        size = f"frames of {model.size[1]}x{model.size[0]}" if model.size else "pictures of any size"
        assert model.system in line and size in line and "MB" in line
