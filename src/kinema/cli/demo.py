"""Animates a bundled still with a shipped model, offline: ``kinema demo``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kinema.cli.completion import shipped
from kinema.cli.output import Overwrite, claim

FILES = {"animated.mp4", "side_by_side.mp4", "contact_sheet.png"}


def run(
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to write into.")] = Path("demo"),
    model: Annotated[
        str,
        typer.Option(
            help="Shipped model, model folder, or folder of a run; auto: a portrait where the extra head is installed.",
            autocompletion=shipped("animate"),
        ),
    ] = "auto",
    overwrite: Overwrite = False,
) -> None:
    """Writes a video, a side-by-side video and a contact sheet."""
    # Its own folder it may write anew, as often as it is run.
    if not output.is_dir() or {entry.name for entry in output.iterdir()} - FILES:
        claim(output, overwrite=overwrite)
    from kinema.cli.next_command import next_command
    from kinema.cli.progress import Screen
    from kinema.runtime.models import Models
    from kinema.tasks.demo import run_demo

    with Screen() as screen:
        made = run_demo(output, Models(), screen.show, model=model)
    height, width = made.report.size
    screen.line(f"a still moved through {made.report.frames} frames of {width}x{height} by {made.model}:")
    for path in (made.animated, made.side_by_side, made.sheet):
        screen.line(f"  {path}")
    screen.line(next_command("animate", "STILL", "CLIP", "-o", "animated.mp4", "--model", made.model))
