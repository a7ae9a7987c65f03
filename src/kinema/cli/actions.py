"""Shows what a playable model's actions do and names them: ``kinema actions``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kinema.cli.completion import shipped
from kinema.cli.output import Overwrite, claim


def run(
    model: Annotated[
        str,
        typer.Argument(
            help="A playable model: shipped, a model folder, or folder of a run.",
            autocompletion=shipped("actions"),
            show_default=False,
        ),
    ],
    clips: Annotated[
        Path | None,
        typer.Argument(help="Folder of clips to recognise actions in; without it the model plays.", show_default=False),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder of the report to write.", show_default=False)
    ] = None,
    names: Annotated[
        str | None, typer.Option(help="Name the actions, such as left,right,stay.", show_default=False)
    ] = None,
    noop: Annotated[
        str | None, typer.Option(help="The action that means to stay, by name or number from 1.", show_default=False)
    ] = None,
    starts: Annotated[
        int, typer.Option(min=0, max=99, help="Keep so many frames of the clips beside the model, to start games from.")
    ] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    overwrite: Overwrite = False,
) -> None:
    """Prints a line for each action."""
    claim(output, inputs=(clips,), overwrite=overwrite)
    from kinema.cli.progress import Screen
    from kinema.core.checks import InputError
    from kinema.play.action_report import report_actions
    from kinema.play.session import load_playable, name_actions
    from kinema.play.shipped_starts import write_starts

    if starts and clips is None:
        raise InputError(f"--starts {starts} takes frames of clips; give their folder after the model")
    if clips is not None and output is None and not starts:
        raise InputError(f"{clips}: say with -o where the report goes, or how many --starts to keep")
    playable = load_playable(model, device=device)
    if names is not None or noop is not None:
        given = playable.names.names if names is None else tuple(names.split(","))
        playable = name_actions(playable, given, noop=noop)
    if starts and clips is not None:
        playable = write_starts(playable, clips, starts)
    told = [""] * playable.pipeline.num_actions
    if output is not None:
        with Screen() as screen:
            report = report_actions(playable, output, clips, screen.bar("watching"))
        for index, facts in enumerate(report["actions"]):
            x, y = facts["mean_motion_px"]
            direction = f"  looks like {facts['way']}" if facts["way"] else ""
            told[index] = f"  {facts['share_of_samples']:4.0%} of the steps  ({x:+.2f}, {y:+.2f}) px{direction}"
    for index, name in enumerate(playable.names.names):
        stays = "  (taken without a key)" if index == playable.names.noop else ""
        print(f"{index + 1}  {name}{told[index]}{stays}")
    if output is not None:
        print(f"{output}: actions.png, report.json")
