"""Defines the base of all configs: frozen pydantic models for YAML files, ``--set a.b=c``, saved models and forms."""

from __future__ import annotations

import json
import reprlib
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from kinema.core.checks import InputError
from kinema.core.yaml_text import load_yaml

_MAX_BYTES = 16 * 2**20
# Shortens a large value without first writing out all of it.
_repr = reprlib.Repr()
_repr.maxstring = _repr.maxother = _repr.maxlong = 80


class Config(BaseModel):
    """Base of every config: immutable, refuses unknown fields, reports errors in one line."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    @classmethod
    def parse(cls, values: dict[str, Any], *, origin: str) -> Self:
        """Validates ``values``.

        Args:
            values: field names to values, nested as the config nests.
            origin: where they came from, for the message.

        Raises:
            InputError: names the field, the value received and what is accepted.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise InputError(f"{origin}: {first_complaint(error, cls)}") from error

    def override(self, assignments: list[str]) -> Self:
        """Applies assignments such as ``a.b=c``, whose values are written as YAML.

        Raises:
            InputError: an assignment has no "=", names no field, or its value is refused.
        """
        values = self.model_dump()
        for assignment in assignments:
            path, equals, text = assignment.partition("=")
            if not equals:
                raise InputError(f"--set {assignment}: expected FIELD.FIELD=VALUE, such as train.batch_size=8")
            *parents, leaf = path.strip().split(".")
            node = values
            for parent in parents:
                node = node.get(parent) if isinstance(node, dict) else None
            if not isinstance(node, dict) or leaf not in node:
                choices = ", ".join(sorted(node)) if isinstance(node, dict) else "none here"
                raise InputError(f"--set {assignment}: there is no field '{path.strip()}'; known: {choices}")
            try:
                node[leaf] = load_yaml(text)
            except ValueError as error:
                raise InputError(
                    f"--set {assignment}: the value is not YAML; write such as 8, 0.5, true or [64, 64]"
                ) from error
        return type(self).parse(values, origin="--set " + " ".join(assignments))

    @classmethod
    def read(cls, path: Path) -> Self:
        """Reads a YAML or JSON file.

        Raises:
            InputError: the file is missing, is not YAML, or does not fit the schema.
        """
        return cls.parse(read_mapping(path), origin=str(path))

    def to_json(self) -> str:
        """The resolved config as indented JSON, fields in their declared order."""
        return json.dumps(self.model_dump(mode="json"), indent=2)


def first_complaint(error: ValidationError, config: type[BaseModel]) -> str:
    """The first complaint: field, value received, what is accepted."""
    first = error.errors()[0]
    reason = first["msg"].removeprefix("Value error, ")
    if not first["loc"]:
        return reason  # the error concerns several fields; the reason names them
    field = ".".join(str(part) for part in first["loc"])
    known = ""
    if first["type"] == "extra_forbidden" and len(first["loc"]) == 1:
        known = f"; known fields: {', '.join(sorted(config.model_fields))}"
    shown = _repr.repr(first["input"])
    return f"field '{field}' with value {shown} is refused: {reason}{known}"


def read_mapping(path: Path) -> dict[str, Any]:
    """Reads a YAML or JSON file whose top level is a mapping.

    Raises:
        InputError: the file is missing, unreadable or holds something else.
    """
    try:
        size = Path(path).stat().st_size
        if size > _MAX_BYTES:
            raise InputError(f"{path}: has {size / 2**20:.0f} MiB, a config has at most {_MAX_BYTES >> 20}")
        values = load_yaml(Path(path).read_text(encoding="utf-8"))
    except InputError:
        raise
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); give an existing YAML or JSON file") from error
    except ValueError as error:
        reason = str(error).splitlines()[0][:200]
        raise InputError(f"{path}: not a YAML or JSON file ({reason}); give a mapping of fields to values") from error
    if not isinstance(values, dict):
        raise InputError(f"{path}: holds {type(values).__name__}, expected a mapping of fields to values")
    return values
