"""A model on disk: what is kept, what is refused, and that nothing half-written stands."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from kinema.core.checks import InputError
from kinema.systems.system import find_system
from kinema.weights.card import write_card
from kinema.weights.model_folder import build_model, read_model, save_model


@pytest.fixture
def parts(tiny: tuple[str, ...]) -> dict:
    """Arguments of save_model for a tiny first_order."""
    system = find_system("first_order")
    config = system.preset("small_64").override(list(tiny))
    state = system.make_model(config).state_dict()
    return {"system": system, "config": config, "state": state, "facts": {"steps": 7}, "card": "# card\n"}


def test_what_was_saved_is_read(parts, tmp_path):
    folder = tmp_path / "new" / "model"
    save_model(folder, **parts)
    stored = read_model(folder)
    assert stored.system.name == "first_order" and stored.config == parts["config"] and stored.facts == {"steps": 7}
    kept = {name: value for name, value in parts["state"].items() if not name.endswith("num_batches_tracked")}
    assert stored.state.keys() == kept.keys() and len(kept) < len(parts["state"])
    assert all(torch.equal(stored.state[name], value) for name, value in kept.items())
    model = build_model(stored)
    assert not model.training
    frames = torch.rand(1, 3, 32, 32)
    whole = parts["system"].make_model(parts["config"])
    whole.load_state_dict(parts["state"])
    assert torch.equal(model(frames, frames), whole.eval()(frames, frames))
    assert (folder / "README.md").read_text() == "# card\n"
    assert all(path.stat().st_mode & 0o044 == 0o044 for path in folder.iterdir()), "others may read it"


def test_half_precision_halves_the_file(parts, tmp_path):
    save_model(tmp_path / "whole", **parts)
    save_model(tmp_path / "half", **parts, half=True)
    sizes = [(tmp_path / name / "model.safetensors").stat().st_size for name in ("whole", "half")]
    assert sizes[1] < 0.7 * sizes[0]
    state = read_model(tmp_path / "half").state
    for name, value in read_model(tmp_path / "whole").state.items():
        assert state[name].dtype == torch.float32
        torch.testing.assert_close(state[name], value, atol=1e-4, rtol=1e-3)


def test_a_new_model_replaces_the_old_one_and_nothing_else(parts, tmp_path):
    folder = tmp_path / "model"
    for steps in (1, 2):
        save_model(folder, **parts | {"facts": {"steps": steps}})
    assert read_model(folder).facts == {"steps": 2}
    assert [entry.name for entry in tmp_path.iterdir()] == ["model"]
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "1.jpg").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for taken in ("photos", "file"):
        with pytest.raises(InputError, match=f"{taken} exists and is not a model folder"):
            save_model(tmp_path / taken, **parts)
    assert (tmp_path / "photos" / "1.jpg").read_text() == "mine" and len(list(tmp_path.iterdir())) == 3


def test_a_failed_save_leaves_the_old_model(parts, tmp_path):
    save_model(tmp_path / "model", **parts)
    with pytest.raises(TypeError):
        save_model(tmp_path / "model", **parts | {"facts": {"clips": object()}})
    assert read_model(tmp_path / "model").facts == {"steps": 7}
    assert [entry.name for entry in tmp_path.iterdir()] == ["model"]


def cut_weights(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-10])


def pickle_weights(folder: Path) -> None:
    torch.save({"keypoints": torch.zeros(1)}, folder / "model.safetensors")


def change_settings(folder: Path, **changes: object) -> None:
    settings = json.loads((folder / "model.json").read_text()) | changes
    (folder / "model.json").write_text(json.dumps(settings))


DAMAGES = {
    "no weights": (lambda folder: (folder / "model.safetensors").unlink(), "is not a model folder: it needs"),
    "cut weights": (cut_weights, "not readable as safetensors"),
    "a pickle": (pickle_weights, "not readable as safetensors"),
    "no JSON": (lambda folder: (folder / "model.json").write_text("{"), "not a YAML or JSON file"),
    "a later format": (lambda folder: change_settings(folder, kinema=2), "in a format that this version reads"),
    "another system": (lambda folder: change_settings(folder, system="third_order"), "system 'third_order' is unknown"),
    "an unknown field": (lambda folder: change_settings(folder, config={"colour": 1}), "field 'colour'"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_folders_are_one_line(parts, tmp_path, damage):
    save_model(tmp_path / "model", **parts)
    harm, says = DAMAGES[damage]
    harm(tmp_path / "model")
    with pytest.raises(InputError, match=says) as caught:
        read_model(tmp_path / "model")
    assert "\n" not in str(caught.value) and "model" in str(caught.value)


def test_weights_of_other_networks_are_refused(parts, tmp_path):
    state = dict(parts["state"])
    del state["generator.final.bias"]
    save_model(tmp_path / "less", **parts | {"state": state})
    with pytest.raises(InputError, match=r"do not fit .*: missing generator.final.bias"):
        build_model(read_model(tmp_path / "less"))
    save_model(tmp_path / "more", **parts | {"state": dict(parts["state"]) | {"extra.bias": torch.zeros(1)}})
    with pytest.raises(InputError, match=r"do not fit .*: unexpected extra.bias"):
        build_model(read_model(tmp_path / "more"))
    wide = dict(parts["state"]) | {"generator.final.bias": torch.zeros(5)}
    save_model(tmp_path / "wide", **parts | {"state": wide})
    with pytest.raises(InputError, match=r"do not fit .*: generator.final.bias is \(5,\) instead of \(4,\)"):
        build_model(read_model(tmp_path / "wide"))


def test_a_card_says_how_the_model_came_to_be(parts):
    features = {"name": "vgg19", "sha256": "0123456789abcdef0123456789abcdef"}
    facts = {"clips": 12, "steps": 7, "features": features, "averaged": True, "started_from": {"folder": "runs/a"}}
    card = write_card("cats", "first_order", parts["config"], facts, body="Licence: CC0.")
    assert card.startswith("# cats\n") and "Licence: CC0." in card
    for row in (
        "| frame size (height, width) | 32x32 |",
        "| clips | 12 |",
        "| perceptual network | vgg19 (sha256 0123456789abcdef) |",
        "| weights | averaged |",
        "| started from | runs/a |",
    ):
        assert row in card
    assert "kinema evaluate" in write_card("cats", "first_order", parts["config"], {})


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"facts": ["a"]}, "facts is list"),
        ({"config": {"keypoints": {"block_expansion": 2**31}}}, "block_expansion is 2147483648"),
        ({"config": {"generator": {"num_bottleneck_blocks": 10**7}}}, "num_bottleneck_blocks is 10000000"),
    ],
)
def test_settings_that_would_take_all_memory_are_refused(tiny_model: Path, tmp_path: Path, change: dict, says: str):
    folder = shutil.copytree(tiny_model, tmp_path / "model")
    settings = json.loads((folder / "model.json").read_text())
    for section, values in change.pop("config", {}).items():
        settings["config"][section] |= values
    (folder / "model.json").write_text(json.dumps(settings | change))
    with pytest.raises(InputError, match=says) as caught:
        build_model(read_model(folder))
    assert "\n" not in str(caught.value)


def test_weights_that_are_not_finite_are_refused(tiny_model: Path, tmp_path: Path):
    folder = shutil.copytree(tiny_model, tmp_path / "model")
    weights = load_file(folder / "model.safetensors")
    name = min(weights)
    save_file(weights | {name: torch.full_like(weights[name], float("nan"))}, folder / "model.safetensors")
    with pytest.raises(InputError, match="holds numbers that are not finite"):
        read_model(folder)


def test_steps_of_a_schedule_may_be_many(tiny_model: Path, tmp_path: Path):
    folder = shutil.copytree(tiny_model, tmp_path / "model")
    settings = json.loads((folder / "model.json").read_text())
    settings["config"]["train"]["steps"] = 10**7
    (folder / "model.json").write_text(json.dumps(settings))
    build_model(read_model(folder))
