"""Loaded pipelines under the names that requests of the tests give."""

from __future__ import annotations

from typing import Any

from kinema.runtime.models import Models


def given(pipeline: Any, **others: Any) -> Models:
    """Models that hold a pipeline as "given", and others under their keywords; all else is loaded on the CPU."""
    return Models(device="cpu", loaded={"given": pipeline, **others})
