"""Names and folders of models."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from kinema.core.checks import InputError
from kinema.weights.catalogue import FILES, find_model, shipped_models


def make_model(folder: Path, size: tuple[int, int] = (128, 96), **changes: object) -> Path:
    folder.mkdir(parents=True)
    settings = {"kinema": 1, "system": "first_order", "config": {"frames": {"size": size}}, "facts": {"steps": 7}}
    (folder / "model.json").write_text(json.dumps(settings | changes))
    (folder / "model.safetensors").write_bytes(b"x" * 1234)
    return folder


@pytest.fixture
def files(tmp_path: Path) -> Path:
    make_model(tmp_path / "files" / "b-second")
    make_model(tmp_path / "files" / "a-first", (64, 64))
    (tmp_path / "files" / "half").mkdir()  # without files it is none
    return tmp_path / "files"


def test_shipped_models_are_described_by_name(files: Path) -> None:
    first, second = shipped_models(files)
    assert (first.name, second.name) == ("a-first", "b-second")
    assert (second.system, second.size, second.num_bytes) == ("first_order", (128, 96), 1234)
    assert second.folder == files / "b-second" and second.facts["steps"] == 7


def test_what_the_package_ships_is_whole() -> None:
    for model in shipped_models():
        assert model.folder.parent == FILES
        assert (model.folder / "README.md").is_file()
        assert model.num_bytes <= 8e6 * 1.05


def test_no_folder_means_no_models(tmp_path: Path) -> None:
    assert shipped_models(tmp_path / "nothing") == ()


def test_a_damaged_shipped_model_is_named(files: Path) -> None:
    make_model(files / "c-bad", config={})
    with pytest.raises(InputError, match="c-bad"):
        shipped_models(files)


def test_names_folders_and_runs_are_found(files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own, run = make_model(tmp_path / "own"), make_model(tmp_path / "run" / "model")
    assert find_model("a-first", files) == files / "a-first"
    assert find_model(own, files) == find_model(str(own), files) == own
    assert find_model(run.parent, files) == run
    monkeypatch.chdir(tmp_path)
    beside = make_model(tmp_path / "a-first")
    assert find_model("a-first", files) == files / "a-first"
    assert find_model("./a-first", files).resolve() == beside


def test_what_is_no_model_is_refused_with_the_names(files: Path, tmp_path: Path) -> None:
    started = tmp_path / "started"
    started.mkdir()
    (started / "config.json").write_text("{}")
    for given, why in ((tmp_path / "no", "is unknown"), (tmp_path, "is not a model folder"), (started, "no model yet")):
        with pytest.raises(InputError, match=why) as refused:
            find_model(given, files)
        assert "a-first, b-second" in str(refused.value) and "\n" not in str(refused.value)


def test_the_catalogue_needs_no_torch() -> None:
    code = "import sys, kinema.weights.catalogue as c; c.shipped_models(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
