"""``kinema import``: a checkpoint of a paper's authors becomes a model folder."""

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

    from kinema.core.checks import InputError
    from kinema.weights.authors.checkpoint import import_checkpoint
    from kinema.weights.authors.keras import KERAS_SUFFIXES, import_keras

    if checkpoint.suffix.lower() in KERAS_SUFFIXES:
        for name, given in (("--config", config), ("--system", system)):
            if given not in (None, "deformable_gan"):
                raise InputError(
                    f"{name} {given}: a Keras file is pose-gan's and tells its config; use --set for the rest"
                )
        system = "deformable_gan"
        made = import_keras(checkpoint, output, assignments=assignments or [])
    else:
        if config is None or assignments:
            raise InputError(f"{checkpoint}: a .pth.tar needs --config YAML, which it was trained with, and no --set")
        system = system or "first_order"
        made = import_checkpoint(checkpoint, config, output, system=system, align_corners=align_corners)
    height, width = made.config.size
    epochs = "" if made.epoch is None else f", epoch {made.epoch}"
    Console(stderr=True, highlight=False).print(
        f"{made.folder}: {system}, frames of {width}x{height}, {made.num_weights / 1e6:.1f} million numbers{epochs}",
        soft_wrap=True,
    )
