"""``kinema learn``: options, refusals, and what Ctrl+C leaves."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest


@pytest.fixture
def clips(assets: Path, tmp_path: Path) -> Path:
    """Two clips and a file that is none."""
    folder = tmp_path / "clips"
    folder.mkdir()
    for name in ("walk.mp4", "emoji_1f31d.mp4"):
        shutil.copy(assets / name, folder)
    (folder / "note [b].mp4").write_text("no video")
    return folder


@pytest.fixture
def settings(tiny: tuple[str, ...]) -> list[str]:
    """Command line words for a tiny run of two steps."""
    return ["--preset", "small_64", "--device", "cpu", *(word for one in tiny for word in ("--set", one))]


def test_learning_and_going_on(kinema, clips, settings, tmp_path):
    run = tmp_path / "run"
    code, printed, err = kinema("learn", "first_order", clips, "-o", run, *settings)
    assert (code, printed) == (0, ""), err
    lines = err.splitlines()
    assert lines[0].startswith("allocator: ")
    assert lines[1].startswith(f"left out: {clips}/note [b].mp4: ")
    assert lines[2] == f"2 clips from {clips}, 1 left out"
    assert lines[3].startswith("step 2 of 2: ") and "pixel " in lines[3] and "pairs/s" in lines[3]
    use = f"next: kinema animate STILL CLIP -o animated.mp4 --model {run}"
    assert lines[4:] == [f"model: {run / 'model'}", use]
    code, _, err = kinema("learn", "first_order", clips, "-o", run, *settings)
    assert code == 2 and err.count("\n") == 1 and "--resume" in err
    code, _, err = kinema(
        "learn", "first_order", clips, "-o", run, "--resume", "--set", "train.steps=3", "--device", "cpu"
    )
    assert code == 0 and "resumed at step 2 of 3" in err
    assert json.loads((run / "model" / "model.json").read_text())["facts"]["steps"] == 3


def test_a_config_file_takes_the_place_of_a_preset(kinema, clips, settings, tmp_path):
    kinema("learn", "first_order", clips, "-o", tmp_path / "a", *settings)
    words = ["learn", "first_order", clips, "-o", tmp_path / "b", "--config", tmp_path / "a" / "config.json"]
    code, _, err = kinema(*words, "--device", "cpu", "--start-from", tmp_path / "a")
    assert code == 0, err
    assert (tmp_path / "a" / "config.json").read_text() == (tmp_path / "b" / "config.json").read_text()
    card = (tmp_path / "b" / "model" / "README.md").read_text()
    assert f"| started from | {tmp_path / 'a' / 'model'} |" in card


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("second_order", "clips"), "system 'second_order' is unknown; known: first_order"),
        (("first_order", "clps"), "clps: does not exist; give a folder that holds videos"),
        (("first_order", "clips/walk.mp4"), "is a file; give a folder"),
        (("first_order", "clips", "--preset", "vox"), "preset 'vox' is unknown to first_order; known: vox_256"),
        (("first_order", "clips", "--set", "train.stepz=3"), "there is no field 'train.stepz'"),
        (("first_order", "clips", "--set", "train.steps=many"), "'train.steps' with value 'many' is refused"),
        (("first_order", "clips", "--set", "train.steps"), "expected FIELD.FIELD=VALUE"),
        (("first_order", "clips", "--set", "frames.size=[50, 50]"), "must be multiples of 32"),
        (("first_order", "clips", "--set", "train.steps=[1"), "the value is not YAML"),
        (("first_order", "clips", "--config", "no.yaml"), "no.yaml: cannot be read"),
        (("first_order", "clips", "--resume"), "run holds no run to resume; start one without --resume"),
        (("first_order", "clips", "--start-from", "lost"), "model 'lost' is unknown"),
        (
            ("first_order", "clips", "--device", "tpu"),
            "'device' with value 'tpu' is refused: Input should be 'auto' or 'cpu'",
        ),
    ],
)
def test_wrong_words_are_one_line(kinema, clips, tmp_path, monkeypatch, words, says):
    monkeypatch.chdir(tmp_path)
    code, printed, err = kinema("learn", *words, "-o", "run")
    assert (code, printed) == (2, "") and says in err, err
    assert err.splitlines()[-1].startswith("kinema: ") and len(err) < 600, err
    assert not (tmp_path / "run" / "config.json").exists()


@pytest.mark.parametrize(
    ("sent", "status", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_a_signal_saves_and_resume_goes_on(clips, settings, tmp_path, sent, status, word):
    run = tmp_path / "run"
    base = [sys.executable, "-m", "kinema", "learn", "first_order", str(clips), "-o", str(run)]
    long = [*settings, "--set", "train.steps=100000", "--set", "train.log_every_steps=1"]
    command = [sys.executable, "-X", "faulthandler", *base[1:], *long]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    # One that does not end prints where it stands, which the last assertion shows.
    watch = threading.Timer(240, process.send_signal, [signal.SIGABRT])
    watch.start()
    for line in process.stderr:
        if line.startswith("step 2 of"):
            # Meanwhile nobody else may go on with it.
            other = subprocess.run([*base, "--resume"], capture_output=True, text=True, timeout=300)
            assert other.returncode == 2 and other.stderr.count("\n") == 1, other.stderr
            assert f"{run}: another run is using this folder" in other.stderr
            process.send_signal(sent)
            break
    rest = process.stderr.read()
    process.stderr.close()
    ended = process.wait(timeout=300)
    watch.cancel()
    assert ended == status, rest
    assert "Traceback" not in rest and rest.endswith(f"go on with --resume\nkinema: {word}\n"), rest
    (checkpoint,) = (run / "checkpoints").iterdir()
    step = int(checkpoint.stem.removeprefix("step-"))
    assert json.loads((run / "model" / "model.json").read_text())["facts"]["steps"] == step >= 2
    on = subprocess.run(
        [*base, "--resume", "--set", f"train.steps={step + 1}"], capture_output=True, text=True, timeout=300
    )
    assert on.returncode == 0 and f"resumed at step {step} of {step + 1}" in on.stderr, on.stderr


def test_a_full_disk_is_one_line_and_leaves_what_was_there(kinema, clips, settings, tmp_path):
    resource = pytest.importorskip("resource")
    run = tmp_path / "run"
    base = ["learn", "first_order", str(clips), "-o", str(run)]
    code, _, err = kinema(*base, *settings, "--set", "train.steps=1")
    assert code == 0, err
    before = {path: path.read_bytes() for path in run.rglob("*.safetensors")}
    largest = max(path.stat().st_size for path in run.rglob("*") if path.is_file())

    def limit() -> None:
        """No file may become as large as the checkpoint: to the program it looks as a full disk does."""
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest - 1, largest - 1))

    words = [sys.executable, "-m", "kinema", *base, "--resume", "--set", "train.steps=2", "--device", "cpu"]
    full = subprocess.run(words, capture_output=True, text=True, timeout=300, preexec_fn=limit)
    assert full.returncode == 2 and "Traceback" not in full.stderr, full.stderr
    assert f"kinema: {run}: cannot be written (File too large); free space and continue with --resume" in full.stderr
    assert {path: path.read_bytes() for path in run.rglob("*.safetensors")} == before
    assert not [path for path in run.rglob("*") if path.name.startswith(".") or path.suffix == ".partial"]
    again = subprocess.run(words, capture_output=True, text=True, timeout=300)
    assert again.returncode == 0, again.stderr
