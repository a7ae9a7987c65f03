"""YAML of strangers is bounded before anything is built."""

import pytest

from kinema.core.checks import InputError
from kinema.core.config import read_mapping
from kinema.core.yaml_text import load_yaml


def bomb(levels: int, width: int = 10) -> str:
    lines = ["a0: &a0 [1, 2]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * width)}]" for n in range(1, levels)]
    return "\n".join(lines) + "\n"


def test_aliases_are_read_as_far_as_a_config_has_values():
    assert load_yaml("a: &x [1, 2]\nb: *x\n") == {"a": [1, 2], "b": [1, 2]}
    assert load_yaml(bomb(3))["a2"][9][9] == [1, 2]


@pytest.mark.parametrize(
    "text",
    [bomb(10), "[" * 3000 + "]" * 3000, "a: 2024-13-45\n", "a: " + "9" * 5000, "a: [1", "a: !!python/name:os.system\n"],
)
def test_what_cannot_be_a_config_is_one_line(tmp_path, text):
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(InputError, match="not a YAML or JSON file") as caught:
        read_mapping(tmp_path / "a.yaml")
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 500
