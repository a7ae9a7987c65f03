"""`kinema bench` as a user meets it, with a small preset."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kinema.cli.main import main
from kinema.systems import LEARNED


def run(*words: str) -> object:
    with pytest.raises(SystemExit) as left:
        main(["bench", *words])
    return left.value.code


def test_table_and_file_say_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    path = tmp_path / "bench.json"
    assert not run("first_order", "--preset", "small_64", "--threads", "1", "--repeats", "2", "--json", str(path))
    said, report = capsys.readouterr().out, json.loads(path.read_text())
    assert [entry.name for entry in tmp_path.iterdir()] == ["bench.json"]
    assert f"{report['ms_per_frame']['median']:.1f} ms" in said
    assert f"{report['gmacs_per_frame']:.1f} G" in said
    assert f"{report['peak_gflops']['float32']:.0f} float32" in said
    assert "1 threads" in said and report["machine"]["torch"] in said


def test_help_names_the_systems(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert not run("--help")
    said = capsys.readouterr().out
    assert all(name in said for name in LEARNED)


@pytest.mark.parametrize(("system", "preset"), [("smile", "paper_64"), ("expression_gan", "paper_64")])
def test_the_title_names_the_default_preset(
    system: str, preset: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert not run(system, "--threads", "1", "--repeats", "1")
    assert f"{system} {preset}, " in capsys.readouterr().out


@pytest.mark.parametrize(
    "words", [("second_order",), ("first_order", "--preset", "no"), ("first_order", "--threads", "0")]
)
def test_wrong_words_are_one_line(capsys: pytest.CaptureFixture[str], words: tuple[str, ...]) -> None:
    assert run(*words) == 2
    said = capsys.readouterr().err
    assert said.startswith("kinema: ") and said.count("\n") == 1
