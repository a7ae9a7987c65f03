"""Hidden files beside the output: they fit into long names, and what killed processes leave goes, nothing else."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import kinema.video
from kinema.core.atomic_output import put_in_place, replace_files, temporary_beside
from kinema.core.checks import InputError
from kinema.core.process_mark import process_has_ended, process_mark
from kinema.video import VideoWriter, write_image
from kinema.video.masks import MaskWriter, part_colours

FRAME = np.full((32, 32, 3), 90, np.uint8)

SCRIPT = """
import sys, time
from fractions import Fraction
import numpy as np
from kinema.video import VideoWriter
with VideoWriter(sys.argv[1], frame_rate=Fraction(25), preset="ultrafast") as writer:
    for index in range(3):
        writer.write(np.full((32, 32, 3), index, np.uint8))
    print("ready", flush=True)
    sys.stdin.read()
"""


def start_writing(path: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(Path(kinema.video.__file__).parents[2])}
    command = [sys.executable, "-c", SCRIPT, str(path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
    assert process.stdout is not None and process.stdout.readline() == b"ready\n"
    return process


def end(process: subprocess.Popen[bytes], how: signal.Signals) -> None:
    process.send_signal(how)
    process.communicate()


@pytest.mark.parametrize("name", ["a.mp4", "frames"])
def test_what_a_killed_command_left_is_removed_by_the_next(tmp_path: Path, name: str):
    killed, living = start_writing(tmp_path / name), start_writing(tmp_path / f"living-{name}")
    try:
        end(killed, signal.SIGKILL)
        (tmp_path / ".notes.part").write_text("mine")
        assert len(os.listdir(tmp_path)) == 3
        write_image(tmp_path / "b.png", FRAME)
        left = sorted(os.listdir(tmp_path))
        assert left[1:] == [".notes.part", "b.png"]
        assert left[0].startswith(f".living-{name}.")
    finally:
        living.stdin.close()  # its input ends, so that it finishes
        living.wait()
    assert sorted(os.listdir(tmp_path)) == [".notes.part", "b.png", f"living-{name}"]


def test_a_mark_says_whether_its_process_lives():
    mine = process_mark()
    machine, pid, started = mine.split("-")
    assert not process_has_ended(mine)
    with subprocess.Popen([sys.executable, "-c", "pass"]) as other:
        pass
    assert process_has_ended(f"{machine}-{other.pid}-{started}")
    assert not process_has_ended(f"{int(machine, 16) ^ 1:08x}-{other.pid}-{started}")  # another machine or container
    assert not process_has_ended(f"{machine}-1-{started}") or Path("/proc/1/stat").exists()
    if Path("/proc/self/stat").exists():
        assert process_has_ended(f"{machine}-{pid}-{int(started) + 1}")  # the number is another process's now
    assert not process_has_ended(f"{machine}-{2**70}-{started}")


def test_a_folder_set_aside_stays_until_its_successor_stands(tmp_path: Path):
    mark = process_mark()
    machine, _, started = mark.split("-")
    with subprocess.Popen([sys.executable, "-c", "pass"]) as dead:
        pass
    only, replaced = (
        tmp_path / f".{name}.{machine}-{dead.pid}-{started}-01234567.old" for name in ("frames", "others")
    )
    for folder in (only, replaced, tmp_path / "others"):
        folder.mkdir()
    temporary_beside(tmp_path / "a.png")
    assert only.is_dir() and not replaced.exists()


@pytest.mark.parametrize(
    "name",
    [
        "x" * 251 + ".mp4",
        "猫" * 83 + ".gif",
        "é" * 125 + ".webp",
        "a" + "é" * 125 + ".png",
        "x" * 246 + "%04d.png",
        "y" * 255,
    ],
)
def test_a_name_may_be_as_long_as_the_file_system_takes(tmp_path: Path, name: str):
    assert len(os.fsencode(name)) <= 255
    with VideoWriter(tmp_path / name, frame_rate=Fraction(25)) as writer:
        writer.write(FRAME)
    assert os.listdir(tmp_path) == [name % 0 if "%" in name else name]
    again = temporary_beside(tmp_path / name)
    again.touch()
    assert re.fullmatch(r"\..+\.part", again.name, re.DOTALL)


def test_a_name_that_is_too_long_is_one_line(tmp_path: Path):
    for suffix in (".mp4", ".png", ""):
        with pytest.raises(InputError, match="file systems take 255"):
            VideoWriter(tmp_path / f"{'x' * 255}y{suffix}", frame_rate=Fraction(25))
    with pytest.raises(InputError, match="file systems take 255"):
        write_image(tmp_path / f"{'x' * 252}.png", FRAME)
    for suffix in (".png", ""):
        with pytest.raises(InputError, match="file systems take 255"):
            MaskWriter(tmp_path / f"{'x' * 255}y{suffix}", part_colours(2))


def test_a_folder_that_takes_no_files_is_one_line():
    """/proc says that it can be written to and takes nothing: as a read-only or broken disk."""
    if not os.access("/proc", os.W_OK):
        pytest.skip("needs a folder that claims to be writable, here /proc for root")
    for name in ("a.mp4", "a.gif", "frames", "a.png"):
        with (
            pytest.raises(InputError, match="could not be written"),
            VideoWriter(f"/proc/{name}", frame_rate=Fraction(25)) as writer,
        ):
            writer.write(FRAME)
    for name in ("a.png", "masks"):
        with pytest.raises(InputError, match="could not be written"), MaskWriter(f"/proc/{name}", part_colours(2)) as m:
            m.write(FRAME[..., 0])


def test_files_of_an_earlier_run_are_replaced_and_others_stay(tmp_path: Path):
    folder, temporary = tmp_path / "out", tmp_path / "new"
    for path, names in ((folder, ("s-1.mp4", "s-2.mp4", "s-3.mp4", "photo.jpg")), (temporary, ("s-1.mp4", "t.png"))):
        path.mkdir()
        for name in names:
            (path / name).write_text(path.name)
    replace_files(temporary, folder, re.compile(r"s-\d+\.mp4|t\.png"))
    assert {entry.name: entry.read_text() for entry in folder.iterdir()} == {
        "s-1.mp4": "new",
        "t.png": "new",
        "photo.jpg": "out",
    }


@pytest.mark.parametrize("exchanging", [True, False])
def test_put_in_place_replaces_a_folder_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exchanging: bool):
    if not exchanging:
        # A flag that no kernel knows: as where two names cannot be exchanged.
        monkeypatch.setattr("kinema.core.atomic_output._RENAME_EXCHANGE", 1 << 20)
    new, old = tmp_path / "new", tmp_path / "old"
    for folder in (new, old):
        folder.mkdir()
        (folder / folder.name).touch()
    put_in_place(new, old)
    assert os.listdir(tmp_path) == ["old"] and os.listdir(old) == ["new"]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere two names cannot be exchanged at once")
def test_there_is_no_moment_without_the_folder(tmp_path: Path):
    target, missing, done = tmp_path / "model", [], threading.Event()
    target.mkdir()

    def watch() -> None:
        while not done.is_set():
            if not target.exists():  # not a file inside: that may go while its path is walked
                missing.append(1)

    watcher = threading.Thread(target=watch)
    watcher.start()
    for number in range(200):
        new = tmp_path / f"new-{number}"
        new.mkdir()
        put_in_place(new, target)
    done.set()
    watcher.join()
    assert not missing and os.listdir(tmp_path) == ["model"]
