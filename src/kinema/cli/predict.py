"""Predicts how a still may move, without any driving video: ``kinema predict``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kinema.cli.completion import shipped
from kinema.cli.output import Overwrite, claim


def run(
    source: Annotated[Path, typer.Argument(help="Picture (or a video: its first frame).", show_default=False)],
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            help="File to write: .mp4, .mov, .mkv, .webm, .avi, .gif, .webp, or a folder.",
            show_default=False,
        ),
    ],
    frames: Annotated[int, typer.Option(help="Frames of the result, the still itself first.")] = 32,
    seed: Annotated[
        int | None, typer.Option(help="Another number, another motion; without it the likeliest.", show_default=False)
    ] = None,
    fps: Annotated[str, typer.Option(help="Frames a second: a whole number or a fraction.")] = "12",
    crop: Annotated[
        str, typer.Option(help="Part that moves: auto (around the object), none, or X,Y,WIDTH,HEIGHT.")
    ] = "auto",
    model: Annotated[
        str,
        typer.Option(
            help="A monkey_net model: shipped, a model folder, or folder of a run.",
            autocompletion=shipped("predict"),
        ),
    ] = "monkey_net-emoji",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    overwrite: Overwrite = False,
) -> None:
    """Reads one file, writes one."""
    claim(output, inputs=(source,), overwrite=overwrite)
    from kinema.cli.progress import Screen
    from kinema.framing.window import parse_crop
    from kinema.runtime.models import Models
    from kinema.tasks.predict import PredictRequest, predict
    from kinema.video.info import parse_frame_rate

    rate, part = parse_frame_rate(fps), parse_crop(crop)
    request = PredictRequest(
        source=source,
        output=output,
        frames=frames,
        frame_rate=rate,
        seed=seed,
        crop=part,
        model=model,
    )
    with Screen() as screen:
        result = predict(request, Models(device=device), screen.show)
    height, width = result.size
    screen.line(f"{output}: {result.frames} frames of {width}x{height} at {float(rate):g} a second")
    if seed is None:
        screen.line("next: --seed 1, 2, 3 ... give other motions of the same still")
