"""A folder of anything becomes a model; a run goes on where it stopped."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from kinema.core.checks import InputError
from kinema.core.progress import Advanced, Event, LeftOut, Told, Trained, ignore
from kinema.data.clips.synthetic import moving_shapes
from kinema.runtime.load import load
from kinema.systems.system import find_system
from kinema.tasks.learn import LearnRequest, learn
from kinema.video import VideoWriter
from kinema.weights.model_folder import read_model

Learn = Callable[..., Path]


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clips of several formats and sizes, and files that are none."""
    folder = tmp_path_factory.mktemp("mixed")
    for number, (name, size) in enumerate({"a.mp4": (48, 64), "b.gif": (33, 47), "c.webp": (64, 40)}.items()):
        with VideoWriter(folder / name, frame_rate=10, preset="ultrafast") as writer:  # type: ignore[arg-type]
            for image in moving_shapes(1, 5, size, seed=number)[0]:
                writer.write(image)
    (folder / "take3").mkdir()
    for number, image in enumerate(moving_shapes(1, 4, (32, 32), seed=7)[0]):
        Image.fromarray(image).save(folder / "take3" / f"{number:04d}.png")
    (folder / "text.mp4").write_text("This is no video.\n" * 9)
    (folder / "empty [final].mov").write_bytes(b"")
    (folder / "notes.txt").write_text("passed over")
    return folder


def lines_of(events: list[Event]) -> list[str]:
    """The sentences among what a run told."""
    return [event.line for event in events if isinstance(event, Told)]


@pytest.fixture
def run(tmp_path: Path, mixed: Path, tiny: tuple[str, ...]) -> Learn:
    """Learns into ``tmp_path/run``: assignments, and fields of the request."""

    def start(*assignments: str, **fields: Any) -> Path:
        progress = fields.pop("progress", ignore)
        request = {"folder": mixed, "output": tmp_path / "run", "device": "cpu"} | fields
        settings = {"preset": "small_64", "assignments": (*tiny, *assignments)}
        return learn(LearnRequest(system="first_order", **settings, **request), progress).path

    return start


def test_a_folder_of_mixed_files_becomes_a_model(run, mixed, tmp_path):
    events: list[Event] = []
    model = run("train.log_every_steps=1", progress=events.append)
    lines = lines_of(events)
    (left_out,) = (event.entries for event in events if isinstance(event, LeftOut))
    decoded = [(event.done, event.total) for event in events if isinstance(event, Advanced)]
    steps = [event.step for event in events if isinstance(event, Trained)]
    assert model == tmp_path / "run" / "model" and load(tmp_path / "run", device="cpu").size == (32, 32)
    assert decoded == [(1, 4), (2, 4), (3, 4), (4, 4)] and steps == [1, 2]
    assert [line.split(": ")[0] for line in left_out] == [str(mixed / "empty [final].mov"), str(mixed / "text.mp4")]
    assert "empty (0 bytes)" in left_out[0] and "no picture or video" in left_out[1] or "not a video" in left_out[1]
    assert torch.tensor(1e-40).mul(0.5).item() > 0, "denormals are as they were"
    assert lines[0].startswith("allocator: ") and lines[1] == f"4 clips from {mixed}, 2 left out"
    log = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [entry["step"] for entry in log] == [1, 2] and log[0]["pixel"] > 0
    card = (model / "README.md").read_text()
    assert "| clips | 4 |" in card and "| steps | 2 |" in card and "| perceptual network | none |" in card
    facts = json.loads((model / "model.json").read_text())["facts"]
    assert facts["folder"] == str(mixed) and facts["averaged"] and facts["total_steps"] == 2


def test_resuming_is_like_never_stopping(run, tmp_path):
    with pytest.raises(InputError, match="holds no run to resume"):
        run(resume=True)
    rates = ("train.schedule=constant",)
    whole = run("train.steps=4", *rates, output=tmp_path / "whole")
    run(*rates)
    with pytest.raises(InputError, match="already has a run; continue it with --resume"):
        run(*rates)
    events: list[Event] = []
    resumed = run("train.steps=4", *rates, resume=True, progress=events.append)
    assert "resumed at step 2 of 4" in lines_of(events)
    expected, actual = (load_file(model / "model.safetensors") for model in (whole, resumed))
    assert expected.keys() == actual.keys()
    assert all((expected[name] == actual[name]).all() for name in expected)
    # Nothing is left to do: the model stays.
    again = run("train.steps=4", *rates, resume=True)
    assert all((load_file(again / "model.safetensors")[name] == actual[name]).all() for name in actual)


def test_a_start_that_failed_leaves_room_for_the_next(run, tmp_path, mixed):
    with pytest.raises(InputError, match="does not exist; give a folder that holds videos"):
        run(folder=tmp_path / "clps")
    (tmp_path / "broken").mkdir()
    shutil.copy(mixed / "text.mp4", tmp_path / "broken")
    with pytest.raises(InputError, match="broken: none of the clips can be read; the first: .*text.mp4: "):
        run(folder=tmp_path / "broken")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["broken"], "not even an empty folder is left"
    assert (run() / "model.json").is_file()


@pytest.mark.parametrize("left", ["none", "older"])
def test_a_run_killed_between_its_last_checkpoint_and_its_model_gets_one(run, tmp_path, left):
    model = run("train.steps=2", "train.checkpoint_every_steps=1")
    whole = (model / "model.safetensors").read_bytes()
    shutil.rmtree(model)
    if left == "older":
        shutil.copytree(run("train.steps=1", output=tmp_path / "older"), model)
        assert (model / "model.safetensors").read_bytes() != whole
    run(resume=True)
    assert (model / "model.safetensors").read_bytes() == whole
    assert json.loads((model / "model.json").read_text())["facts"]["steps"] == 2


def test_a_run_killed_before_its_first_checkpoint_goes_on_from_the_given_weights(run, make_model, tmp_path):
    keeping = ("train.steps=2", "train.checkpoint_every_steps=1", "train.keep_checkpoints=3")
    model = run(*keeping, start_from=str(make_model()))
    whole = (model / "model.safetensors").read_bytes()
    shutil.rmtree(model)
    first, *later = sorted((tmp_path / "run" / "checkpoints").iterdir())
    assert first.stem == "step-0000000" and len(later) == 2
    for path in later:
        path.unlink()
    run(resume=True)
    assert (model / "model.safetensors").read_bytes() == whole


def test_runs_among_the_clips_are_not_learned_from(run, mixed, tmp_path):
    folder = shutil.copytree(mixed, tmp_path / "clips")
    sampling = ("train.steps=3", "train.sample_every_steps=1")
    run(*sampling, folder=folder, output=folder / "runs" / "one")
    for number, resume in enumerate((True, False)):
        events: list[Event] = []
        output = folder / "runs" / ("one" if resume else "two")
        run("train.steps=4", folder=folder, output=output, resume=resume, progress=events.append)
        assert f"4 clips from {folder}, 2 left out" in lines_of(events), number


def test_train_folders_are_learned_from_and_test_folders_held_out(run, mixed, tmp_path):
    folder = tmp_path / "clips"
    for split, names in {"train": ("a.mp4", "b.gif"), "test": ("c.webp",)}.items():
        (folder / split).mkdir(parents=True)
        for name in names:
            shutil.copy(mixed / name, folder / split)
    events: list[Event] = []
    run("train.steps=1", folder=folder, progress=events.append)
    assert f"2 clips from {folder}, 0 left out" in lines_of(events)
    assert "clips of other splits are not learned from: 1 of test" in lines_of(events)
    (folder / "index.csv").write_text("file,split\ntrain/a.mp4,fold1\ntest/c.webp,fold2\n")
    with pytest.raises(InputError, match="has no clip of split 'train'; its splits are: fold1, fold2; mark clips as"):
        run("train.steps=1", folder=folder, output=tmp_path / "folds")


def test_a_folder_of_other_things_is_not_written_into(run, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.tex").write_text("mine")
    with pytest.raises(InputError, match="is not empty and has no run"):
        run()
    assert [entry.name for entry in (tmp_path / "run").iterdir()] == ["thesis.tex"]


def test_pictures_that_are_no_clip_are_left_out_with_the_reason(run, mixed, tmp_path):
    folder = shutil.copytree(mixed, tmp_path / "clips")
    (folder / "faces").mkdir()
    for number, image in enumerate(torch.randint(0, 256, (12, 32, 32, 3), dtype=torch.uint8)):
        Image.fromarray(image.numpy()).save(folder / "faces" / f"{number:03d}.png")
    events: list[Event] = []
    run("train.steps=1", folder=folder, progress=events.append)
    (left_out,) = (event.entries for event in events if isinstance(event, LeftOut))
    assert any(line.startswith(f"{folder / 'faces'}: its 12 pictures are no clip") for line in left_out)
    with pytest.raises(InputError, match="none of the clips can be read; the first: .*its 12 pictures are no clip"):
        run(folder=folder / "faces", output=tmp_path / "faces-run")


def test_only_train_rows_are_learned_from(run, mixed, tmp_path):
    folder = shutil.copytree(mixed, tmp_path / "clips")
    (folder / "index.csv").write_text("file,split\na.mp4,train\nb.gif,test\nc.webp,test\ntake3,train\n")
    events: list[Event] = []
    run("train.steps=1", folder=folder, progress=events.append)
    assert f"2 clips from {folder}, 2 left out" in lines_of(events), "the files without a row"


def test_starting_from_another_model(run, tiny_model):
    model = run("train.steps=1", "objective.lr_keypoints=0", start_from=str(tiny_model))
    expected, actual = (load_file(folder / "model.safetensors") for folder in (tiny_model, model))
    kept = [name for name in expected if name.startswith("keypoints.") and "running_" not in name]
    assert kept and all((expected[name] == actual[name]).all() for name in kept)
    facts = json.loads((model / "model.json").read_text())["facts"]
    assert facts["started_from"] == {"folder": str(tiny_model), "anew": [], "facts": {"steps": 0}}


def test_weights_that_fit_are_taken_and_the_others_named(run, make_model):
    other, events = make_model("keypoints.num_kp=3", "motion.num_kp=3"), list[Event]()
    model = run("train.steps=1", "objective.lr_generator=0", start_from=str(other), progress=events.append)
    lines = lines_of(events)
    expected, actual = (load_file(folder / "model.safetensors") for folder in (other, model))
    kept = [name for name in expected if name.startswith("generator.") and "running_" not in name]
    assert kept and all((expected[name] == actual[name]).all() for name in kept)
    anew = json.loads((model / "model.json").read_text())["facts"]["started_from"]["anew"]
    assert "keypoints.heatmap_head.weight" in anew
    assert all(actual[name].shape != expected[name].shape for name in anew)
    assert any(f"{len(anew)} of {len(expected)} weights of {other} do not fit" in line for line in lines)


def test_a_model_of_other_networks_is_no_start(run, make_model, tmp_path):
    folder = make_model("keypoints.num_kp=3", "motion.num_kp=3")
    weights = load_file(folder / "model.safetensors")
    save_file({f"other.{name}": value for name, value in weights.items()}, folder / "model.safetensors")
    with pytest.raises(InputError, match="fits this config; start from a model of like networks"):
        run(start_from=str(folder))


def test_learning_after_animating_in_one_process(run, make_model):
    from kinema.ops.pyramid import antialias_kernel

    antialias_kernel.cache_clear()
    pipeline = load(make_model(), device="cpu")
    pipeline.prepare(moving_shapes(1, 1, 40, seed=0)[0, 0])
    assert (run("train.steps=1") / "model.json").is_file()


def test_a_device_that_learn_does_not_know(run):
    with pytest.raises(InputError, match="'device' with value 'cuda:1' is refused: Input should be 'auto' or 'cpu'"):
        run(device="cuda:1")


@pytest.fixture
def predict_run(tmp_path: Path, make_model: Callable[..., Path], mixed: Path) -> Learn:
    """Trains the predictor of a tiny monkey_net into ``tmp_path/NAME``: assignments, and fields of the request."""
    start = make_model(system="monkey_net")

    def learn_predictor(name: str, *assignments: str, **fields: Any) -> Path:
        settings = ("sequences.length=4", "train.steps=6", "train.batch_size=3", *assignments)
        request = {"folder": mixed, "output": tmp_path / name, "start_from": str(start)} | fields
        wanted = LearnRequest(system="monkey_net", stage="predictor", assignments=settings, device="cpu", **request)
        return learn(wanted).path

    learn_predictor.start = start  # type: ignore[attr-defined]
    return learn_predictor


def test_a_stage_trains_its_part_and_leaves_the_rest_to_the_bit(predict_run):
    made, given = read_model(predict_run("run")), read_model(predict_run.start)
    assert made.config.predictor is not None and made.config.train.stage == "predictor"
    assert {name for name in made.state if not name.startswith("predictor.")} == set(given.state)
    assert all(torch.equal(value, made.state[name]) for name, value in given.state.items())
    fresh = read_model(predict_run("other", "train.steps=1"))
    assert any(not torch.equal(fresh.state[name], value) for name, value in made.state.items())
    assert made.facts["started_from"]["folder"] == str(predict_run.start)


def test_a_stage_that_was_stopped_ends_as_one_that_was_not(predict_run, tmp_path):
    whole = read_model(predict_run("whole"))
    # The same schedule, cut after a checkpoint.
    predict_run("cut", "train.checkpoint_every_steps=3")
    (newest,) = (tmp_path / "cut" / "checkpoints").glob("*-0000006.*")
    newest.unlink()
    resumed = read_model(predict_run("cut", "train.checkpoint_every_steps=3", resume=True))
    assert all(torch.equal(value, resumed.state[name]) for name, value in whole.state.items())


def test_an_unknown_stage_is_refused():
    with pytest.raises(InputError, match="stage 'song' is unknown to monkey_net; known: predictor"):
        find_system("monkey_net").stage("song")
    with pytest.raises(InputError, match="known: none"):
        find_system("co_part").stage("predictor")


@pytest.mark.parametrize("name", ["monkey_net", "co_part"])
def test_the_other_systems_begin_from_first_order(name, mixed, make_model, tmp_path):
    # Four keypoints and four parts; widths of the detectors alike.
    other = make_model("keypoints.single_jacobian_map=true", "keypoints.pad=3")
    system, events = find_system(name), list[Event]()
    config: Any = read_model(make_model(system=name)).config
    config = config.override(["train.steps=1", "train.batch_size=2", "objective.lr_keypoints=0"])
    request = LearnRequest(
        system=name,
        folder=mixed,
        output=tmp_path / "run",
        settings=config.model_dump(mode="json"),
        start_from=str(other),
        device="cpu",
    )
    model = learn(request, events.append).path
    lines = lines_of(events)
    given, made = (
        system.adopt["first_order"](load_file(other / "model.safetensors")),
        load_file(model / "model.safetensors"),
    )
    kept = [name for name in given if name.startswith("keypoints.") and "running_" not in name]
    assert len(kept) > 10 and all(torch.equal(given[name], made[name]) for name in kept)
    facts = json.loads((model / "model.json").read_text())["facts"]["started_from"]
    assert facts["folder"] == str(other) and all(name.startswith("motion.") for name in facts["anew"])
    assert bool(facts["anew"]) == any("start anew" in line for line in lines)
    assert load(tmp_path / "run", device="cpu").prepare(moving_shapes(1, 1, 32, seed=0)[0, 0]) is not None


def test_weights_of_a_system_that_it_cannot_adopt_are_refused(run, make_model):
    with pytest.raises(InputError, match="is a co_part model, not one of first_order"):
        run(start_from=str(make_model(system="co_part")))
