"""Which folders a run takes, and what it writes there."""

import json

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
        ("run", False, "already holds a run"),
        ("nothing", True, "holds no run to resume"),
        ("other files", False, "is not empty and holds no run"),
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


def test_a_second_start_is_recorded_beside_the_first_and_the_config_stays(tmp_path):
    started(tmp_path / "x")
    RunFolder(tmp_path / "x", resume=True).write_start('{"steps": 99}', {"clips": 3})
    starts = [json.loads(line)["clips"] for line in (tmp_path / "x" / "starts.jsonl").read_text().splitlines()]
    assert starts == [2, 3]
    assert json.loads((tmp_path / "x" / "config.json").read_text()) == {"steps": 3}


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
