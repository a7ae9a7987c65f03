"""Outputs that would destroy what is read are refused, and what exists is replaced only where that is allowed."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from kinema.core.checks import InputError
from kinema.core.output_guard import OutputExistsError, check_name, check_output, what_is_there


def refusal(output: Path, *inputs: Path, overwrite: bool = True) -> str:
    with pytest.raises(InputError) as error:
        check_output(output, inputs=inputs, overwrite=overwrite)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"frames")
    return path


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    folder = tmp_path / "frames"
    folder.mkdir()
    for index in range(3):
        (folder / f"{index:05d}.png").write_bytes(b"frame")
    return folder


def test_an_input_is_no_output_by_any_name(tmp_path: Path, clip: Path, monkeypatch: pytest.MonkeyPatch):
    soft, hard, folder = tmp_path / "soft.mp4", tmp_path / "hard.mp4", tmp_path / "here"
    soft.symlink_to(clip)
    os.link(clip, hard)
    folder.symlink_to(tmp_path, target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    for output in (clip, soft, hard, folder / "clip.mp4", Path("clip.mp4"), tmp_path / "x" / ".." / "clip.mp4"):
        if "x" in output.parts:
            (tmp_path / "x").mkdir()
        assert f"{output}: is the input {clip} itself" in refusal(output, clip)
    assert "is the input soft.mp4 itself" in refusal(clip, Path("soft.mp4"))


def test_a_folder_that_is_read_takes_no_output(tmp_path: Path, frames: Path):
    link = tmp_path / "link"
    link.symlink_to(frames, target_is_directory=True)
    for output in (frames, link, tmp_path / "frames" / "." / ".." / "frames"):
        assert "is the input" in refusal(output, frames)
    for output in (frames / "new.mp4", link / "new.mp4", frames / "deep" / "new.png", frames / "%05d.png"):
        assert f"{output}: lies inside the input folder {frames}" in refusal(output, frames)
    check_output(tmp_path / "frames.mp4", inputs=[frames], overwrite=False)
    check_output(tmp_path / "frames2" / "a.mp4", inputs=[frames], overwrite=False)


def test_a_folder_that_holds_an_input_is_not_replaced(frames: Path):
    for given in (frames / "00001.png", frames / ".." / "frames" / "00001.png"):
        assert f"{frames}: is a folder that holds the input {given}" in refusal(frames, given)
    assert "is a folder that holds" in refusal(frames.parent, frames / "00001.png")


def test_a_pattern_is_the_files_that_it_stands_for(tmp_path: Path, frames: Path):
    output = frames / "%05d.png"
    assert f"{output}: is the input {frames / '00002.png'} itself" in refusal(output, frames / "00002.png")
    (frames / "still.png").touch()
    check_output(output, inputs=[frames / "still.png"], overwrite=True)
    assert "3 files of this pattern exist; give another output, or -y" in refusal(output, overwrite=False)
    check_output(frames / "shot_%d.png", inputs=(), overwrite=False)
    check_output(tmp_path / "nowhere" / "%d.png", inputs=(), overwrite=False)  # that its folder lacks others say


def test_what_exists_is_replaced_only_where_allowed(tmp_path: Path, clip: Path, frames: Path):
    empty = tmp_path / "empty"
    empty.mkdir()
    dangling = tmp_path / "dangling.mp4"
    dangling.symlink_to(tmp_path / "gone.mp4")
    for output in (clip, frames, dangling):
        with pytest.raises(OutputExistsError, match=re.escape(f"{output}: exists") + r".*-y \(--overwrite\)"):
            check_output(output, inputs=(), overwrite=False)
        check_output(output, inputs=(), overwrite=True)
    for output in (empty, tmp_path / "new.mp4", tmp_path / "new"):
        check_output(output, inputs=(), overwrite=False)
        assert what_is_there(output) is None


def test_what_is_not_there_is_no_input(tmp_path: Path):
    check_output(tmp_path / "a.mp4", inputs=[tmp_path / "a.mp4", tmp_path / ("x" * 300)], overwrite=False)


def test_names_that_no_file_can_have(tmp_path: Path):
    check_name(tmp_path / ("x" * 251 + ".mp4"))
    for name in ("x" * 252 + ".mp4", "猫" * 84 + ".png"):
        assert "the name has 256 bytes, file systems take 255" in refusal(tmp_path / name, tmp_path)
