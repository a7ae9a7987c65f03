"""``kinema import``: a checkpoint of a paper's authors becomes a model folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def run(
    checkpoint: Annotated[Path, typer.Argument(help="The authors' .pth.tar file.", show_default=False)],
    config: Annotated[Path, typer.Option(help="The YAML file it was trained with.", show_default=False)],
    output: Annotated[Path, typer.Option("-o", "--output", help="Model folder to make.", show_default=False)],
    system: Annotated[str, typer.Option(help="System that it belongs to.")] = "first_order",
    align_corners: Annotated[
        bool,
        typer.Option(
            "--align-corners/--no-align-corners",
            help="Sampling rule of its training: torch before 1.3 aligned, later ones did not unless told to.",
        ),
    ] = True,
) -> None:
    """Reads tensors only, never code; writes safetensors."""
    from rich.console import Console

    from kinema.weights.import_checkpoint import import_checkpoint

    made = import_checkpoint(checkpoint, config, output, system=system, align_corners=align_corners)
    height, width = made.config.size
    epochs = "" if made.epoch is None else f", epoch {made.epoch}"
    Console(stderr=True, highlight=False).print(
        f"{made.folder}: {system}, frames of {width}x{height}, {made.num_weights / 1e6:.1f} million numbers{epochs}",
        soft_wrap=True,
    )
