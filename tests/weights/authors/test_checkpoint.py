"""The authors' checkpoints become models that make the authors' frames; what is no checkpoint is refused unopened."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from kinema.cli.main import main
from kinema.core.checks import InputError
from kinema.weights.authors.checkpoint import import_checkpoint, read_checkpoint
from kinema.weights.model_folder import build_model, read_model

SETTINGS = "model_params: {generator_params: {dense_motion_params: {num_blocks: 3}}}\n"


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "before torch 1.6"])
def test_the_model_makes_the_authors_frames(authors_run: Any, tmp_path: Path, zipped: bool) -> None:
    checkpoint, settings = authors_run.write(tmp_path, _use_new_zipfile_serialization=zipped)
    compared = 0
    for rule, align_corners in (("ac1", True), ("ac0", False)):
        expected = authors_run.tensors.get(f"{rule}.eval.generator.prediction")
        if expected is None:
            continue
        made = import_checkpoint(checkpoint, settings, tmp_path / rule, align_corners=align_corners)
        stored = read_model(made.folder)
        model = build_model(stored)
        with torch.no_grad():
            frames = model(authors_run.tensors["in.source"], authors_run.tensors["in.driving"])
        assert (frames - expected).abs().max() <= 1e-5
        assert made.epoch == 99 and stored.facts["epochs"] == 99
        assert made.num_weights == sum(value.numel() for value in stored.state.values())
        compared += 1
    assert compared > 0


def test_the_command_says_what_it_made(authors_run: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkpoint, settings = authors_run.write(tmp_path)
    words = ["import", str(checkpoint), "--system", "first_order", "--config", str(settings)]
    with pytest.raises(SystemExit) as left:
        main([*words, "-o", str(tmp_path / "model"), "--no-align-corners"])
    assert not left.value.code
    said = capsys.readouterr().err
    assert said.startswith(f"{tmp_path / 'model'}: first_order, frames of ") and "epoch 99" in said
    config: Any = read_model(tmp_path / "model").config
    assert not config.motion.align_corners and not config.generator.align_corners


def test_settings_come_from_the_yaml(authors_run: Any, tmp_path: Path) -> None:
    checkpoint, settings = authors_run.write(tmp_path)
    config: Any = import_checkpoint(checkpoint, settings, tmp_path / "model").config
    model = authors_run.settings["model_params"]
    assert config.size == tuple(authors_run.settings["dataset_params"]["frame_shape"][:2])
    assert config.keypoints.num_kp == model["common_params"]["num_kp"]
    assert config.motion.align_corners and config.generator.align_corners
    assert list(config.objective.scales) == authors_run.settings["train_params"]["scales"]
    card = (tmp_path / "model" / "README.md").read_text()
    assert checkpoint.name in card and "small.yaml" in card and "99" in card


def test_the_prefix_of_data_parallel_is_taken_off(authors_run: Any, tmp_path: Path) -> None:
    checkpoint, settings = authors_run.write(tmp_path)
    plain = read_model(import_checkpoint(checkpoint, settings, tmp_path / "plain").folder).state
    for network in ("generator", "kp_detector"):
        authors_run.held[network] = {f"module.{name}": value for name, value in authors_run.held[network].items()}
    checkpoint, settings = authors_run.write(tmp_path)
    prefixed = read_model(import_checkpoint(checkpoint, settings, tmp_path / "prefixed").folder).state
    assert plain.keys() == prefixed.keys() and all(torch.equal(plain[name], prefixed[name]) for name in plain)


def drop_weight(held: dict[str, Any], _: dict[str, Any]) -> None:
    del held["generator"]["final.weight"]


def add_weight(held: dict[str, Any], _: dict[str, Any]) -> None:
    held["kp_detector"]["surprise.weight"] = torch.zeros(3)


def change_width(_: dict[str, Any], settings: dict[str, Any]) -> None:
    settings["model_params"]["generator_params"]["block_expansion"] *= 2


def change_scale(_: dict[str, Any], settings: dict[str, Any]) -> None:
    settings["model_params"]["kp_detector_params"]["scale_factor"] = 0.5
    settings["dataset_params"]["frame_shape"] = [256, 256, 3]


def drop_network(held: dict[str, Any], _: dict[str, Any]) -> None:
    del held["kp_detector"]


def spoil_network(held: dict[str, Any], _: dict[str, Any]) -> None:
    held["generator"] = [1, 2]


def drop_model(_: dict[str, Any], settings: dict[str, Any]) -> None:
    del settings["model_params"]


def spoil_model(_: dict[str, Any], settings: dict[str, Any]) -> None:
    settings["model_params"]["generator_params"] = "large"


def spoil_shape(_: dict[str, Any], settings: dict[str, Any]) -> None:
    settings["dataset_params"]["frame_shape"] = 256


def add_field(_: dict[str, Any], settings: dict[str, Any]) -> None:
    settings["model_params"]["kp_detector_params"]["num_heads"] = 3


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (drop_weight, "weight 'generator.final.weight' .* is missing"),
        (add_weight, "weight 'kp_detector.surprise.weight' does not occur"),
        (change_width, "weight 'generator.down_blocks.0.conv.bias' is 16, but the config needs"),
        (change_scale, "kp_detector.down.weight blurs over 13 pixels|kp_detector.down.weight blurs over 1 pixels"),
        (drop_network, "has no 'kp_detector', it holds: generator, discriminator"),
        (spoil_network, "'generator' is not a state dict"),
        (drop_model, "has no model_params"),
        (spoil_model, "generator_params holds str"),
        (spoil_shape, "frame_shape is 256"),
        (add_field, "num_heads"),
    ],
)
def test_what_does_not_fit_is_named(
    authors_run: Any, tmp_path: Path, spoil: Callable[[dict[str, Any], dict[str, Any]], None], named: str
) -> None:
    spoiled = authors_run.copy()
    spoil(spoiled.held, spoiled.settings)
    checkpoint, settings = spoiled.write(tmp_path)
    with pytest.raises(InputError, match=named) as refused:
        import_checkpoint(checkpoint, settings, tmp_path / "model")
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "model").exists()


class Malice:
    """Runs a command when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.mark}",)


@pytest.mark.parametrize("how", ["zip", "before torch 1.6", 2, 5])
def test_code_in_a_checkpoint_is_not_run(tmp_path: Path, how: str | int) -> None:
    mark, path = tmp_path / "mark", tmp_path / "evil.pth.tar"
    held = {"generator": {}, "kp_detector": Malice(mark)}
    if isinstance(how, int):
        path.write_bytes(pickle.dumps(held, protocol=how))
    else:
        torch.save(held, path, _use_new_zipfile_serialization=how == "zip")
    with pytest.raises(InputError, match="refused, it holds .*(system|plain pickle).* nothing unsafe was loaded"):
        read_checkpoint(path)
    assert not mark.exists()
    if isinstance(how, int):
        pickle.loads(path.read_bytes())
    else:
        torch.load(path, weights_only=False)
    assert mark.exists(), "the file must really hold what would run"


def test_whole_networks_are_refused(tmp_path: Path) -> None:
    torch.save({"generator": torch.nn.Linear(2, 2)}, tmp_path / "net.pth")
    with pytest.raises(InputError, match="refused, it holds the code object torch.nn.modules.linear.Linear"):
        read_checkpoint(tmp_path / "net.pth")


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.99])
def test_a_file_cut_short_is_refused(tmp_path: Path, share: float, zipped: bool) -> None:
    path = tmp_path / "cut.pth.tar"
    torch.save({"generator": {"w": torch.rand(100, 10)}}, path, _use_new_zipfile_serialization=zipped)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(InputError, match="cut.pth.tar: not a file that torch can read"):
        read_checkpoint(path)


@pytest.mark.parametrize("content", [b"hello world\n", b"<!DOCTYPE html><html>", bytes(range(256)) * 8, b"PK\x03\x04"])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "text.pth.tar"
    path.write_bytes(content)
    with pytest.raises(InputError, match="text.pth.tar: not a file that torch can read"):
        read_checkpoint(path)


def test_missing_files_folders_and_lists_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such file"):
        read_checkpoint(tmp_path / "no.pth.tar")
    with pytest.raises(InputError, match="is a folder"):
        read_checkpoint(tmp_path)
    torch.save([1, 2], tmp_path / "list.pth.tar")
    with pytest.raises(InputError, match="holds list"):
        read_checkpoint(tmp_path / "list.pth.tar")


def test_an_unknown_system_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="system 'third_order' is unknown; known: first_order"):
        import_checkpoint(tmp_path / "no.pth.tar", tmp_path / "no.yaml", tmp_path / "model", system="third_order")


def test_a_missing_yaml_is_named(tmp_path: Path) -> None:
    torch.save({}, tmp_path / "a.pth.tar")
    with pytest.raises(InputError, match="no.yaml: cannot be read"):
        import_checkpoint(tmp_path / "a.pth.tar", tmp_path / "no.yaml", tmp_path / "model")
    (tmp_path / "a.yaml").write_text(SETTINGS)
    with pytest.raises(InputError, match="has no 'kp_detector', it holds: nothing"):
        import_checkpoint(tmp_path / "a.pth.tar", tmp_path / "a.yaml", tmp_path / "model")
