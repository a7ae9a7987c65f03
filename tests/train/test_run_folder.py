"""Which folders a run takes, and what it writes there."""

import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from kinema.core.checks import InputError
from kinema.train.run_folder import RunFolder


def started(path) -> RunFolder:
    run = RunFolder(path, resume=False)
    run.write_start('{"steps": 3}', {"clips": 2})
    return run


def held(path) -> RunFolder:
    """A run that this process goes on with."""
    started(path)
    run = RunFolder(path, resume=True)
    run.hold()
    return run


def test_a_new_folder_is_made_with_its_parents(tmp_path):
    run = started(tmp_path / "runs" / "first")
    assert run.checkpoints.is_dir()
    assert json.loads((run.path / "config.json").read_text()) == {"steps": 3}
    fact = json.loads((run.path / "starts.jsonl").read_text())
    assert fact["clips"] == 2 and fact["torch"] == torch.__version__ and fact["kinema"]


def test_an_empty_folder_will_do(tmp_path):
    assert started(tmp_path).checkpoints.is_dir()


@pytest.mark.parametrize(
    ("state", "resume", "part"),
    [
        ("run", False, "already has a run"),
        ("nothing", True, "holds no run to resume"),
        ("other files", False, "is not empty and has no run"),
        ("file", False, "is a file"),
        ("file", True, "is a file"),
    ],
)
def test_other_folders_are_refused_and_left_alone(tmp_path, state, resume, part):
    path = tmp_path / "x"
    if state == "run":
        started(path)
    elif state == "other files":
        path.mkdir()
        (path / "photo.png").touch()
    elif state == "file":
        path.touch()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InputError, match=part) as caught:
        RunFolder(path, resume=resume)
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_start_that_was_killed_before_there_was_a_run_is_in_nobodys_way(tmp_path):
    killed = RunFolder(tmp_path / "x", resume=False)
    killed.hold()
    for name in ("starts.jsonl", ".config.json.partial", "checkpoints/step-0000000.safetensors", "checkpoints/.tmpabc"):
        (killed.path / name).touch()
    killed.close()
    (killed.path / ".lock").touch()  # as a kill leaves it
    with pytest.raises(InputError, match="holds no run to resume"):
        RunFolder(tmp_path / "x", resume=True)
    run = RunFolder(tmp_path / "x", resume=False)
    assert len(list(run.path.rglob("*"))) == 7, "nothing is removed before the folder is held"
    run.hold()
    run.close()
    assert sorted(path.name for path in run.path.rglob("*")) == ["checkpoints", "samples"]
    (run.checkpoints / "step-0000001.safetensors").touch()
    with pytest.raises(InputError, match="is not empty and has no run"):
        RunFolder(tmp_path / "x", resume=False)


def test_one_process_at_a_time_holds_a_folder(tmp_path):
    run = held(tmp_path / "x")
    other = RunFolder(tmp_path / "x", resume=True)
    with pytest.raises(InputError, match="x: another run is using this folder; wait for it or stop it first"):
        other.hold()
    run.close()
    other.hold()
    other.close()
    assert not list((tmp_path / "x").glob(".*"))


def test_a_run_that_another_began_meanwhile_is_not_overwritten(tmp_path):
    late = RunFolder(tmp_path / "x", resume=False)
    started(tmp_path / "x")
    with pytest.raises(InputError, match="already has a run"):
        late.hold()
    assert sorted(path.name for path in (tmp_path / "x").glob(".*")) == [], "it does not keep the folder"
    late.discard()
    assert (tmp_path / "x" / "config.json").is_file()
    held(tmp_path / "y").close()


@pytest.mark.parametrize("resume", [False, True])
def test_what_a_killed_process_half_wrote_is_removed(tmp_path, resume):
    run = RunFolder(tmp_path / "x", resume=False)
    if resume:
        run.write_start("{}", {})
        (run.checkpoints / "step-0000001.safetensors").touch()
    before = sorted(run.path.rglob("*"))
    for folder in (".model.abc12345", ".model.0-1-1-2.part"):
        (run.path / folder).mkdir()
        (run.path / folder / "model.safetensors").touch()
    for name in (".log.partial", "checkpoints/step-0000002.partial", "checkpoints/.tmpabc", "samples/.1.png.0.part"):
        (run.path / name).touch()
    later = RunFolder(tmp_path / "x", resume=resume)
    later.hold()
    later.close()
    assert sorted(run.path.rglob("*")) == before


def test_a_model_that_was_set_aside_comes_back_where_its_successor_never_came(tmp_path):
    run = held(tmp_path / "x")
    aside = run.path / ".model.0a0a0a0a-1-1-0b0b0b0b.old"
    for kept in ("aside", "successor"):
        aside.mkdir()
        (aside / "model.json").write_text("aside")
        run.hold()
        run.close()
        assert not aside.exists() and (run.path / "model" / "model.json").read_text() == kept
        (run.path / "model" / "model.json").write_text("successor")
    assert sorted(entry.name for entry in run.path.iterdir() if entry.name.startswith(".")) == []


def test_a_start_that_fails_takes_away_what_it_made_and_no_more(tmp_path):
    (tmp_path / "mine").mkdir()
    run = RunFolder(tmp_path / "mine" / "runs" / "x", resume=False)
    run.hold()
    run.discard()
    assert [path.name for path in tmp_path.rglob("*")] == ["mine"]
    kept = started(tmp_path / "mine")
    kept.discard()
    assert {path.name for path in kept.path.iterdir()} == {"config.json", "starts.jsonl"}


def test_what_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    for path in (tmp_path / "file" / "x", tmp_path / ("n" * 200) / ("n" * 256), tmp_path / ("n" * 256) / "x"):
        with pytest.raises(InputError) as caught:
            RunFolder(path, resume=False)
        assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    run = held(tmp_path / "x")
    shutil.rmtree(run.path)
    for write in (lambda: run.log({"step": 1}), lambda: run.write_sample(1, torch.zeros(3, 2, 2))):
        with pytest.raises(InputError, match="x: was removed while the run was using it; start again"):
            write()
    run.close()
    assert not run.path.exists()


def test_a_second_start_is_recorded_beside_the_first_and_the_config_stays(tmp_path):
    started(tmp_path / "x")
    RunFolder(tmp_path / "x", resume=True).write_start('{"steps": 99}', {"clips": 3})
    starts = [json.loads(line)["clips"] for line in (tmp_path / "x" / "starts.jsonl").read_text().splitlines()]
    assert starts == [2, 3]
    assert json.loads((tmp_path / "x" / "config.json").read_text()) == {"steps": 3}


def test_a_start_that_was_cut_short_does_not_spoil_the_next(tmp_path):
    run = started(tmp_path)
    starts = run.path / "starts.jsonl"
    starts.write_text(starts.read_text() + '{"time": "20')
    run.write_start("{}", {"clips": 5})
    first, _, last = starts.read_text().splitlines()
    assert json.loads(first)["clips"] == 2 and json.loads(last)["clips"] == 5


def test_a_process_that_is_not_the_main_one_takes_the_folder_as_it_is(tmp_path):
    RunFolder(tmp_path / "x", resume=False)
    assert RunFolder(tmp_path / "x", resume=False, is_main=False).checkpoints == tmp_path / "x" / "checkpoints"
    assert RunFolder(tmp_path / "y", resume=False, is_main=False).path.exists() is False


def test_the_log_is_cut_after_the_step_of_the_checkpoint(tmp_path):
    run = started(tmp_path / "x")
    run.cut_log(0)  # there is none yet
    for step in (10, 20, 30, 40):
        run.log({"step": step, "pixel": 0.5})
    run.close()
    log = run.path / "log.jsonl"
    log.write_text(log.read_text() + '{"step": 50, "pix')  # a kill in the middle of a line
    run.cut_log(30)
    assert [json.loads(line)["step"] for line in log.read_text().splitlines()] == [10, 20, 30]
    assert list((run.path / "tensorboard").glob("events.*"))


def test_a_sample_is_a_picture_of_the_sheet(tmp_path):
    run = started(tmp_path / "x")
    sheet = torch.tensor([0.0, 0.5, 2.0])[:, None, None].expand(3, 4, 6)
    run.write_sample(12, sheet)
    pixels = np.asarray(Image.open(run.path / "samples" / "0000012.png"))
    assert pixels.shape == (4, 6, 3) and pixels[1, 2].tolist() == [0, 128, 255]


def test_tensorboard_reads_the_numbers_of_the_log(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = started(tmp_path / "x")
    for step in (10, 20):
        run.log({"step": step, "pixel": step / 4, "note": "no number"})
    events = EventAccumulator(str(run.path / "tensorboard")).Reload()  # written at once: nothing was closed yet
    assert events.Tags()["scalars"] == ["pixel"]
    assert [(event.step, event.value) for event in events.Scalars("pixel")] == [(10, 2.5), (20, 5.0)]
    run.close()
