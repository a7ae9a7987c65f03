"""Defines requests: what a task should do, as plain data that can be stored as YAML or sent to another machine."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, ValidationError

from kinema.core.checks import InputError
from kinema.core.config import Config, first_complaint

Seed = Annotated[int, Field(ge=-(2**63), lt=2**64)]
"""A seed of torch's and NumPy's generators."""


class Request(Config):
    """Base of every request: a frozen config without open files, models or callbacks, so that it can be JSON.

    >>> class Repeat(Request):
    ...     times: int
    >>> Repeat.model_validate_json(Repeat(times=3).model_dump_json())
    Repeat(times=3)
    """

    def __init__(self, **values: Any) -> None:
        """Takes the fields by name.

        Raises:
            InputError: a field is unknown, missing or out of range; the message names it and the value received.
        """
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise InputError(first_complaint(error, type(self))) from error

    @classmethod
    def of(cls, **values: object) -> Self:
        """Creates a request from fields whose types are checked at run time.

        Args:
            values: field names to values.

        Raises:
            InputError: a field is unknown, missing or out of range.
        """
        return cls(**values)

    def replace(self, **changes: Any) -> Self:
        """A copy of the request with some values changed and checked again.

        Args:
            changes: field names to values.

        Raises:
            InputError: a value is refused.
        """
        return type(self)(**(dict(self) | changes))
