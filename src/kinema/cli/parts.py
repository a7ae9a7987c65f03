"""Finds which pixels belong to which part of an object, without labels: ``kinema parts``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kinema.cli.completion import shipped
from kinema.cli.output import Overwrite, claim


def run(
    source: Annotated[Path, typer.Argument(help="Picture, video, GIF or folder of frames.", show_default=False)],
    output: Annotated[Path, typer.Option("-o", "--output", help="File or folder to write.", show_default=False)],
    overlay: Annotated[bool, typer.Option("--overlay", help="Parts coloured on the picture or video.")] = False,
    masks: Annotated[
        bool, typer.Option("--masks", help="Lossless index masks: one .png, or a folder of them for a video.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Area and centre of each part over time.")] = False,
    opacity: Annotated[float, typer.Option(help="Of the overlay's colours, 0 to 1.")] = 0.6,
    numbers: Annotated[bool, typer.Option(help="Write each part's number over it in an overlay.")] = True,
    sound: Annotated[bool, typer.Option(help="Keep the video's sound in an overlay.")] = True,
    model: Annotated[
        str,
        typer.Option(
            help="A co_part model: shipped, a model folder, or folder of a run.", autocompletion=shipped("parts")
        ),
    ] = "co_part-emoji",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    overwrite: Overwrite = False,
) -> None:
    """Reads one file, writes one output; without a choice of form .json is numbers and all else an overlay."""
    claim(output, inputs=(source,), overwrite=overwrite)
    from kinema.cli.next_command import next_command
    from kinema.cli.progress import Screen
    from kinema.core.checks import InputError
    from kinema.runtime.models import Models
    from kinema.tasks.parts import PartsRequest, find_parts

    chosen = [name for name, wanted in (("overlay", overlay), ("masks", masks), ("json", json)) if wanted]
    if len(chosen) > 1:
        raise InputError(f"--{' --'.join(chosen)}: choose one, -o names one output")
    form = chosen[0] if chosen else "json" if output.suffix.lower() == ".json" else "overlay"
    request = PartsRequest(
        source=source,
        output=output,
        form=form,  # type: ignore[arg-type]
        opacity=opacity,
        sound=sound,
        numbers=numbers,
        model=model,
    )
    with Screen() as screen:
        result = find_parts(request, Models(device=device), screen.show)
    used = ", ".join(map(str, result.used)) or "none"
    frames = f"{result.frames} frame{'' if result.frames == 1 else 's'}"
    screen.line(f"{output}: {form} of {frames}; parts {used} are seen, the model can tell {result.num_parts} apart")
    if form == "overlay" and result.used:
        numbers_seen = ",".join(map(str, result.used))
        screen.line(next_command("swap", source, "TARGET", "-o", "swapped.png", "--parts", numbers_seen))
