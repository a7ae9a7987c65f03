"""``kinema evaluate``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest


@pytest.fixture
def looks(assets: Path, tmp_path: Path) -> Path:
    """Two motions in two looks each, and a file that is no video."""
    folder = tmp_path / "looks"
    folder.mkdir()
    rows = ["file,split,group"]
    for clip in sorted(assets.glob("emoji_*-*.mp4")):
        shutil.copy(clip, folder)
        rows.append(f"{clip.name},test,{clip.stem.split('-')[0]}")
    (folder / "lost [x].mp4").write_text("no video")
    (folder / "index.csv").write_text("\n".join([*rows, "lost [x].mp4,test,"]) + "\n")
    return folder


@pytest.mark.parametrize(("protocol", "first"), [("reconstruction", "1f3cb-1f3fb"), ("cross_look", "1f3cb-1f3ff")])
def test_figures_are_printed_and_written(kinema, tiny_model, looks, tmp_path, protocol, first):
    report = tmp_path / "figures.json"
    words = ["evaluate", tiny_model, looks, "--protocol", protocol, "--json", report, "--perceptual", "none"]
    code, printed, err = kinema(*words)
    assert code == 0, err
    assert "lost [x].mp4" in err and "left out: " in err
    values = json.loads(report.read_text())
    mean, baseline = values["metrics"]["l1"]["mean"], values["baselines"]["repeat_source"]["l1"]["mean"]
    assert f"{mean:.4f}" in printed and f"{baseline:.4f}" in printed and "4 clips, 64 frames" in printed
    assert values["split"] == "test" and values["model"] == str(tiny_model) and values["seed"] == 0
    assert values["per_clip"][0]["driving"] == f"emoji_{first}"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            ("--protocol", "cross-look"),
            "'protocol' with value 'cross-look' is refused: Input should be 'reconstruction', 'cross_look'",
        ),
        (("--json", "no/folder/a.json"), "does not exist"),
        (("--limit", "0"), "--limit"),
        (("--perceptual", "resnet"), "resnet"),
    ],
)
def test_wrong_words_are_one_line(kinema, tiny_model, looks, tmp_path, monkeypatch, words, says):
    monkeypatch.chdir(tmp_path)
    code, printed, err = kinema("evaluate", tiny_model, looks, "--perceptual", "none", *words)
    assert (code, printed) == (2, "") and err.count("\n") == 1 and says in err, err


def test_a_folder_without_clips_is_one_line(kinema, tiny_model, tmp_path):
    code, _, err = kinema("evaluate", tiny_model, tmp_path, "--perceptual", "none")
    assert code == 2 and err.count("\n") == 1 and "no videos" in err
