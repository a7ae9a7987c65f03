"""Turns a checkpoint of a paper's authors into a model folder: ``kinema import``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kinema.cli.output import Overwrite, claim


def run(
    checkpoint: Annotated[
        Path, typer.Argument(help="The authors' .pth.tar file, or pose-gan's generator as .h5.", show_default=False)
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Model folder to make.", show_default=False)],
    config: Annotated[
        Path | None, typer.Option(help="The YAML file a .pth.tar was trained with.", show_default=False)
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", help="What the shapes of a .h5 do not tell, such as motion.kind=full. May be repeated."),
    ] = None,
    system: Annotated[
        str | None,
        typer.Option(help="System that it belongs to: first_order, monkey_net, co_part, playable; a .h5 tells it."),
    ] = None,
    align_corners: Annotated[
        bool,
        typer.Option(
            "--align-corners/--no-align-corners",
            help="Sampling rule of its training: torch before 1.3 aligned, later ones did not unless told to.",
        ),
    ] = True,
    overwrite: Overwrite = False,
) -> None:
    """Reads tensors only, never code; writes safetensors."""
    claim(output, inputs=(checkpoint, config), overwrite=overwrite)
    from rich.console import Console

    from kinema.cli.next_command import use_of
    from kinema.tasks.import_checkpoint import ImportRequest, import_model

    result = import_model(
        ImportRequest(
            checkpoint=checkpoint,
            output=output,
            config=config,
            system=system,
            assignments=tuple(assignments or ()),
            align_corners=align_corners,
        )
    )
    height, width = result.size
    epochs = "" if result.epoch is None else f", epoch {result.epoch}"
    console = Console(stderr=True, highlight=False, markup=False)
    console.print(
        f"{result.path}: {result.system}, frames of {width}x{height}, {result.num_weights / 1e6:.1f} million "
        f"numbers{epochs}",
        soft_wrap=True,
    )
    console.print(use_of(result.system, result.path), soft_wrap=True)
