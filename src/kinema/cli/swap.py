"""Puts parts of a still onto a picture or video: ``kinema swap``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kinema.cli.completion import shipped
from kinema.cli.output import Overwrite, claim


def run(
    source: Annotated[Path, typer.Argument(help="Picture that gives parts.", show_default=False)],
    target: Annotated[Path, typer.Argument(help="Picture or video that receives them.", show_default=False)],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="File to write, of the target's size and timing.", show_default=False)
    ],
    parts: Annotated[
        str, typer.Option(help="Parts by number, such as 1,3; 0 is the background. `kinema parts` shows them.")
    ],
    hard: Annotated[bool, typer.Option("--hard", help="Each pixel from one side only, no blending.")] = False,
    use_source_segmentation: Annotated[
        bool,
        typer.Option("--use-source-segmentation", help="The parts' outline of the source, moved; not the target's."),
    ] = False,
    supervised: Annotated[
        Path | None,
        typer.Option(
            help="Classes of a parser instead of learned parts: an .onnx network, or index masks (.png or a folder) "
            "of the target, or of the source with --use-source-segmentation.",
            show_default=False,
        ),
    ] = None,
    crop: Annotated[
        str, typer.Option(help="Part of the source that is used: none (all), auto, or X,Y,WIDTH,HEIGHT.")
    ] = "none",
    side_by_side: Annotated[bool, typer.Option(help="Show source, target and result beside each other.")] = False,
    sound: Annotated[bool, typer.Option(help="Keep the target's sound.")] = True,
    model: Annotated[
        str,
        typer.Option(
            help="A co_part model: shipped, a model folder, or folder of a run.", autocompletion=shipped("swap")
        ),
    ] = "co_part-emoji",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    overwrite: Overwrite = False,
) -> None:
    """Reads two files, writes one."""
    claim(output, inputs=(source, target, supervised), overwrite=overwrite)
    from kinema.cli.progress import Screen
    from kinema.core.checks import InputError
    from kinema.framing.window import parse_crop
    from kinema.runtime.models import Models
    from kinema.tasks.swap import SwapRequest, swap

    words = parts.split(",")
    if not all(word.strip().isdigit() for word in words):
        raise InputError(f"--parts {parts}: expected whole numbers with commas, such as 1,3")
    request = SwapRequest(
        source=source,
        target=target,
        output=output,
        parts=tuple(int(word) for word in words),
        hard=hard,
        of_source=use_source_segmentation,
        parser=supervised,
        crop=parse_crop(crop),
        side_by_side=side_by_side,
        sound=sound,
        model=model,
    )
    with Screen() as screen:
        result = swap(request, Models(device=device), screen.show)
    screen.line(f"{output}: {result.frames} frame{'' if result.frames == 1 else 's'} with parts {parts} of {source}")
