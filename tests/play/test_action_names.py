"""Names of actions travel with the model folder, also when it is written anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from kinema.core.checks import InputError
from kinema.play.action_names import make_names, read_names, write_names
from kinema.play.session import open_game
from kinema.weights.model_folder import read_model, save_model


def test_names_travel_with_the_model(make_model, tmp_path: Path):
    folder = make_model(system="playable")
    assert read_names(folder, 3).names == ("1", "2", "3") and read_names(folder, 3).numbered
    write_names(folder, make_names(("left", " to the  right", "stay"), 3))
    (folder / "starts").mkdir()
    stored = read_model(folder)
    save_model(folder, system=stored.system, config=stored.config, state=stored.state, facts={}, card="")
    moved = folder.rename(tmp_path / "moved")
    names = read_names(moved, 3)
    assert names.names == ("left", "to the right", "stay") and names.noop == 2 and (moved / "starts").is_dir()
    assert names.index("left") == 0 and names.index("2") == 1


def test_the_action_that_stays_is_taken_without_a_key(playable, game_model: Path, make_model):
    folder = make_model(system="playable")
    write_names(folder, make_names(("left", "right", "other"), 3, noop=1))
    named, numbered = open_game(folder, device="cpu"), open_game(folder, device="cpu")
    for game in (named, numbered):
        game.reset(game_model / "starts" / "circle.png")
    assert (named.step() == numbered.step("right")).all()


@pytest.mark.parametrize(
    ("names", "noop", "message"),
    [
        (("a", "b"), None, "2 names for 3 actions"),
        (("a", "b", "a"), None, "two actions are named 'a'"),
        (("a", "b", " "), None, "'' cannot name an action"),
        (("a", "b", "c" * 25), None, "1 to 24 printable"),
        (("a", "b", "c"), 3, "noop 3 is not an action"),
    ],
)
def test_names_that_do_not_fit_are_refused(names, noop, message):
    with pytest.raises(InputError, match=message):
        make_names(names, 3, noop=noop)


def test_a_damaged_file_is_named(tmp_path: Path):
    (tmp_path / "actions.json").write_text('{"names": ["a", "b"]}')
    with pytest.raises(InputError, match="actions.json: 2 names for 3"):
        read_names(tmp_path, 3)
    with pytest.raises(InputError, match="cannot be written"):
        write_names(tmp_path / "none", make_names(("a", "b"), 2))
