"""Writes the model card: what a model is, how it was trained, and how well it performs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def write_card(name: str, system: str, config: Any, facts: Mapping[str, Any], *, body: str = "") -> str:
    """A model card in Markdown, from the facts of a run.

    Args:
        name: name of the model.
        system: name of its system.
        config: resolved config; its size and seed are shown.
        facts: facts of the run.
        body: further Markdown: licence, measured figures, limits.
    """
    features = facts.get("features")
    used = f"{features['name']} (sha256 {features['sha256'][:16]})" if features else "none"
    rows = {
        "system": system,
        "frame size (height, width)": "x".join(str(side) for side in config.size),
        **{name: facts[name] for name in ("clips", "shots", "pictures", "people") if name in facts},
        "steps": facts.get("steps"),
        "batch size": config.train.batch_size,
        "processes": facts.get("processes"),
        "seed": facts.get("seed"),
        "device": facts.get("device"),
        "perceptual network": used,
        "weights": "averaged" if facts.get("averaged") else "of the last step",
        "started from": (facts.get("started_from") or {}).get("folder", "random weights"),
    }
    table = "\n".join(f"| {key} | {value} |" for key, value in rows.items())
    note = body or (
        "No figures were measured yet: `kinema evaluate MODEL FOLDER --protocol reconstruction` measures them.\n"
        "The licence of the training clips decides what the model may be used for."
    )
    return f"# {name}\n\n| what | value |\n|---|---|\n{table}\n\n{note}\n"
