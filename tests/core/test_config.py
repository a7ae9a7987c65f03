"""Configs: immutable, strict, and errors in one line."""

import json

import pytest
from pydantic import Field, ValidationError

from kinema.core.checks import InputError
from kinema.core.config import Config, read_mapping


class Inner(Config):
    """A part of a config."""

    rate: float = Field(default=0.5, ge=0, le=1)
    sizes: tuple[int, int] = (4, 8)


class Outer(Config):
    """A config with a part."""

    name: str = "plain"
    steps: int | None = Field(default=None, ge=1)
    inner: Inner = Inner()


def refusal(call) -> str:
    with pytest.raises(InputError) as caught:
        call()
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_config_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        Outer().name = "other"  # type: ignore[misc]


def test_assignments_are_yaml_and_leave_the_original():
    config = Outer()
    changed = config.override(["inner.rate=1e-1", "inner.sizes=[2, 3]", "steps=7", "name=null_and_void"])
    assert changed == Outer(name="null_and_void", steps=7, inner=Inner(rate=0.1, sizes=(2, 3)))
    assert changed.override(["steps=null"]).steps is None
    assert config == Outer()


@pytest.mark.parametrize(
    ("assignment", "parts"),
    [
        ("steps", ["--set steps", "FIELD.FIELD=VALUE"]),
        ("stepz=3", ["no field 'stepz'", "known: inner, name, steps"]),
        ("inner.speed=3", ["no field 'inner.speed'", "known: rate, sizes"]),
        ("name.length=3", ["no field 'name.length'"]),
        ("a.b.c=3", ["no field 'a.b.c'"]),
        ("inner.rate=2", ["--set inner.rate=2", "'inner.rate'", "value 2", "less than or equal to 1"]),
        ("inner.sizes=[1, many]", ["'inner.sizes.1'", "'many'", "valid integer"]),
        ("steps=0", ["'steps'", "value 0", "greater than or equal to 1"]),
        ("inner=3", ["'inner'", "value 3"]),
        ("inner.sizes=[1", ["--set inner.sizes=[1", "not YAML"]),
    ],
)
def test_a_wrong_assignment_is_refused_in_one_line(assignment, parts):
    message = refusal(lambda: Outer().override([assignment]))
    assert all(part in message for part in parts), message


def test_an_unknown_field_names_origin_and_choices():
    message = refusal(lambda: Outer.parse({"speed": 3}, origin="x.yaml"))
    assert message.startswith("x.yaml: field 'speed'") and message.endswith("known fields: inner, name, steps")


def test_json_gives_the_same_config_back(tmp_path):
    config = Outer(steps=3, inner=Inner(rate=0.25))
    path = tmp_path / "config.json"
    path.write_text(config.to_json())
    assert Outer.read(path) == config
    assert list(json.loads(config.to_json())) == ["name", "steps", "inner"]


def test_yaml_is_read_too(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("name: x\ninner:\n  sizes: [1, 2]\n")
    assert Outer.read(path) == Outer(name="x", inner=Inner(sizes=(1, 2)))


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"- 1\n- 2\n", "holds list"),
        (b"", "holds NoneType"),
        (b"a: [1\n", "not a YAML or JSON"),
        (b"\xff\xfe\x00", "not a"),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path, content, part):
    path = tmp_path / "config.yaml"
    path.write_bytes(content)
    message = refusal(lambda: read_mapping(path))
    assert message.startswith(str(path)) and part in message


def test_a_missing_file_is_refused(tmp_path):
    assert "No such file" in refusal(lambda: Outer.read(tmp_path / "none.yaml"))
