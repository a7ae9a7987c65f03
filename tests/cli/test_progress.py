"""How far a command is, where no terminal shows it."""

from __future__ import annotations

import pytest

from kinema.cli import progress as kinema_progress
from kinema.cli.progress import ProgressLines, Screen
from kinema.core.progress import Advanced, LeftOut, Told


class Clock:
    """Seconds that the test sets."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_line_each_ten_seconds():
    clock, lines = Clock(), []
    told = ProgressLines(lines.append, clock)
    for done, second in enumerate((0, 4, 9.9, 10, 15, 19.9, 20.5, 30.4, 30.5), start=1):
        clock.now = 100.0 + second
        told.advance(Advanced("animating", done, 29))
    assert lines == [
        "animating: 4 of 29, 0.3 a second, 0:01:23 left",
        "animating: 7 of 29, 0.293 a second, 0:01:15 left",
        "animating: 9 of 29, 0.262 a second, 0:01:16 left",
    ]


def test_stages_and_unknown_totals():
    clock, lines = Clock(), []
    told = ProgressLines(lines.append, clock)
    told.advance(Advanced("finding the anchor", 12, None))
    clock.now += 30
    told.advance(Advanced("animating", 12, 24))
    told.advance(Advanced("finding the anchor", 72, None))
    clock.now += 9
    told.advance(Advanced("animating", 24, 24))
    assert lines == ["finding the anchor: 72, 2 a second"]


def test_a_stage_that_begins_again_has_its_own_rate():
    clock, lines = Clock(), []
    told = ProgressLines(lines.append, clock)
    for done, second in ((12, 0), (24, 5), (12, 6), (24, 12)):
        clock.now = 100.0 + second
        told.advance(Advanced("animating", done, 24))
    assert lines == ["animating: 24 of 24, 2 a second, 0:00:00 left"]


def test_a_screen_without_a_terminal_prints_lines(capsys: pytest.CaptureFixture[str], monkeypatch):
    monkeypatch.setattr(kinema_progress, "LINE_SECONDS", 0.0)
    with Screen() as screen:
        screen.show(Told("a sentence [b]"))
        screen.show(LeftOut(("a.mp4: is empty",)))
        for done in (1, 3):
            screen.show(Advanced("predicting", done, 32))
        advance = screen.bar("playing")
        advance(2, None)
        advance(5, None)
    out, err = capsys.readouterr()
    said = err.splitlines()
    assert out == "" and said[:2] == ["a sentence [b]", "left out: a.mp4: is empty"]
    assert [line.split(",")[0] for line in said[2:]] == ["predicting: 3 of 32", "playing: 5"]


def test_a_verb_tells_in_lines_on_stderr_alone(kinema, tiny_model, assets, tmp_path, monkeypatch):
    monkeypatch.setattr(kinema_progress, "LINE_SECONDS", 1e-9)
    clip = assets / "walk.mp4"
    code, printed, err = kinema("animate", clip, clip, "-o", tmp_path / "a.mp4", "--model", tiny_model)
    assert (code, printed) == (0, "")
    assert "finding the anchor: 24 of 24, " in err and "animating: 24 of 24, " in err


def test_a_short_task_needs_no_lines(kinema, tiny_model, assets, tmp_path):
    clip = assets / "walk.mp4"
    _, _, err = kinema("animate", clip, clip, "-o", tmp_path / "a.mp4", "--model", tiny_model)
    assert "animating" not in err
