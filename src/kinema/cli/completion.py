"""Completes words for the shell: names of models, systems and presets, found without importing torch."""

from __future__ import annotations

import ast
import importlib.util
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from kinema.core.checks import InputError
from kinema.systems import ABILITIES, SYSTEMS

Complete = Callable[[str], list[str]]
# What the scripts of the shells set: bash the first, the others the second.
_LINES = ("COMP_WORDS", "_TYPER_COMPLETE_ARGS")
ASKED = "_KINEMA_COMPLETE"


def words_of_line(environment: Mapping[str, str]) -> list[str] | None:
    """The words after `kinema` on the line that a shell wants completed; None where no shell asks.

    Args:
        environment: variables of the process.

    >>> words_of_line({"_KINEMA_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": "kinema animate --mod"})
    ['animate', '--mod']
    """
    if ASKED not in environment:
        return None
    return next((environment[name] for name in _LINES if name in environment), "").split()[1:]


def one_of(*words: str) -> Complete:
    """Completes to fixed words."""

    def complete(incomplete: str) -> list[str]:
        return [word for word in words if word.startswith(incomplete)]

    return complete


def shipped(verb: str | None = None) -> Complete:
    """Completes to the names of shipped models; where none fits, shells complete to files, such as a run's folder.

    Args:
        verb: of the command line that the models serve; None for all models.
    """

    def complete(incomplete: str) -> list[str]:
        from kinema.weights.catalogue import shipped_models

        try:
            models = shipped_models()
        except InputError:
            return []  # a line about a damaged installation has no place on a prompt; the command itself says it
        names = [model.name for model in models if verb is None or verb in ABILITIES[model.system]]
        return [name for name in names if name.startswith(incomplete)]

    return complete


def presets(incomplete: str) -> list[str]:
    """Completes to the presets of the system that the line names already.

    The parser cannot say which: a line that ends in ``--preset`` is no command yet, and it then gives no words at all.

    Args:
        incomplete: beginning of the name.
    """
    system = next((word for word in words_of_line(os.environ) or () if word in SYSTEMS), None)
    return [] if system is None else [name for name in preset_names(system) if name.startswith(incomplete)]


def preset_names(system: str) -> list[str]:
    """The keys of a system's ``PRESETS``, read from the module's text: importing it takes torch and two seconds.

    Args:
        system: a key of ``SYSTEMS``.
    """
    package = importlib.util.find_spec(SYSTEMS[system].rpartition(".")[0])
    assert package is not None and package.origin is not None
    path = Path(package.origin).with_name("presets.py")
    if not path.is_file():
        return []  # nothing is learned, and there is nothing to begin with
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if (
            isinstance(node, ast.AnnAssign)
            and ast.unparse(node.target) == "PRESETS"
            and isinstance(node.value, ast.Dict)
        ):
            return [
                key.value for key in node.value.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)
            ]
    return []
