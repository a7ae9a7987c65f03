"""Generates clips of a simulated world to learn from, with the true actions beside them: ``kinema data``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kinema.cli.completion import one_of
from kinema.cli.output import Overwrite, claim


def run(
    world: Annotated[
        str, typer.Argument(help="breakout or robot.", autocompletion=one_of("breakout", "robot"), show_default=False)
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to write.", show_default=False)],
    clips: Annotated[int, typer.Option(help="Clips in all, 3 or more: 75 % to learn from, 10 % val, 15 % test.")] = 400,
    length: Annotated[
        int | None, typer.Option(help="Frames of a clip; without it 32 of breakout, 30 of robot.", show_default=False)
    ] = None,
    size: Annotated[
        int | None, typer.Option(help="Pixels a side, robot only, 32 to 256; without it 64.", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option(help="Another number, other clips.")] = 0,
    lift: Annotated[bool, typer.Option("--lift", help="The robot's arm goes up and down too.")] = False,
    overwrite: Overwrite = False,
) -> None:
    """Writes one folder."""
    overwrite = claim(output, overwrite=overwrite)
    from kinema.cli.next_command import learning_from
    from kinema.cli.progress import Screen
    from kinema.tasks.simulate import DEFAULT_SIZE, SimulateRequest, simulate

    request = SimulateRequest(
        world=world,  # type: ignore[arg-type]
        output=output,
        clips=clips,
        length=length,
        size=size,
        seed=seed,
        lift=lift,
        overwrite=overwrite,
    )
    with Screen() as screen:
        result = simulate(request, screen.show)
    made = ", ".join(f"{number} {split}" for split, number in result.clips.items())
    actions = ", ".join(f"{name} {fraction:.0%}" for name, fraction in result.actions.items())
    screen.line(f"{output}: clips {made}; actions {actions}; {result.num_bytes / 2**20:.1f} MiB")
    # Of the robot only its usual size has a preset, the system's own.
    if size is None or size == DEFAULT_SIZE:
        screen.line(learning_from(output, "breakout" if world == "breakout" else None))
