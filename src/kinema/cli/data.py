"""Generates clips to learn from, of a simulated world or of photos, with the truth beside them: ``kinema data``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kinema.cli.completion import one_of
from kinema.cli.output import Overwrite, claim
from kinema.core.checks import InputError

PORTRAITS = "portraits"
_WORLDS = ("breakout", "robot")


def run(
    kind: Annotated[
        str,
        typer.Argument(
            help="breakout, robot, or portraits: faces of photos that move at random (extra head).",
            autocompletion=one_of(*_WORLDS, PORTRAITS),
            show_default=False,
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to write.", show_default=False)],
    photos: Annotated[
        list[Path] | None,
        typer.Argument(
            help="For portraits: picture files or folders of them, only of people who have agreed.", show_default=False
        ),
    ] = None,
    clips: Annotated[
        int | None,
        typer.Option(
            help="Clips in all, 3 or more: 75 % to learn from, 10 % val, 15 % test; of portraits, clips of each face. "
            "Without it 400, of portraits 5.",
            show_default=False,
        ),
    ] = None,
    length: Annotated[
        int | None,
        typer.Option(
            help="Frames of a clip; without it 32 of breakout, 30 of robot, 40 of portraits.", show_default=False
        ),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(
            help="Pixels a side: robot 32 to 256, without it 64; portraits 64 to 1024, without it 256.",
            show_default=False,
        ),
    ] = None,
    frame_rate: Annotated[
        str | None, typer.Option(help="Frames a second, portraits only; without it 25.", show_default=False)
    ] = None,
    background: Annotated[
        str | None,
        typer.Option(
            help="Portraits only: new (the default) behind people whose outline is found, or the photo's own.",
            autocompletion=one_of("new", "own"),
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Another number, other clips.")] = 0,
    lift: Annotated[bool, typer.Option("--lift", help="The robot's arm goes up and down too.")] = False,
    overwrite: Overwrite = False,
) -> None:
    """Writes one folder."""
    if kind == PORTRAITS:
        _portraits(photos or [], output, clips, length, size, frame_rate, background, seed, lift, overwrite)
        return
    if kind not in _WORLDS:
        raise InputError(f"{kind[:80]}: is unknown; give {', '.join(_WORLDS)} or {PORTRAITS}")
    for given, what in ((photos, "PHOTOS"), (frame_rate, "--frame-rate"), (background, "--background")):
        if given:
            raise InputError(f"{what}: is for {PORTRAITS}; leave it out with {kind}")
    _world(kind, output, clips, length, size, seed, lift, overwrite)


def _portraits(
    photos: list[Path],
    output: Path,
    clips: int | None,
    length: int | None,
    size: int | None,
    frame_rate: str | None,
    background: str | None,
    seed: int,
    lift: bool,
    overwrite: bool,
) -> None:
    if lift:
        raise InputError("--lift: is for robot; leave it out with portraits")
    if not photos:
        raise InputError("portraits: give photos, files or folders; try: kinema data portraits PHOTOS -o FOLDER")
    overwrite = claim(output, inputs=photos, overwrite=overwrite)
    from kinema.cli.next_command import learning_motion_from
    from kinema.cli.progress import Screen
    from kinema.runtime.models import Models
    from kinema.tasks.heads.portraits import DEFAULT_SIZE, PortraitsRequest, make_portraits
    from kinema.video.info import parse_frame_rate

    rate = None if frame_rate is None else parse_frame_rate(frame_rate)
    given = {"clips": clips, "length": length, "size": size, "frame_rate": rate, "background": background}
    request = PortraitsRequest.of(
        photos=tuple(photos),
        output=output,
        seed=seed,
        overwrite=overwrite,
        **{name: value for name, value in given.items() if value is not None},
    )
    with Screen() as screen:
        result = make_portraits(request, Models(device="cpu"), screen.show)
    made = ", ".join(f"{number} {split}" for split, number in result.clips.items())
    people = sum(result.identities.values())
    screen.line(f"{output}: clips {made}; of {people} faces; {result.num_bytes / 2**20:.1f} MiB")
    if request.size == DEFAULT_SIZE:
        screen.line(learning_motion_from(output))


def _world(
    world: str,
    output: Path,
    clips: int | None,
    length: int | None,
    size: int | None,
    seed: int,
    lift: bool,
    overwrite: bool,
) -> None:
    overwrite = claim(output, overwrite=overwrite)
    from kinema.cli.next_command import learning_from
    from kinema.cli.progress import Screen
    from kinema.tasks.simulate import DEFAULT_CLIPS, DEFAULT_SIZE, SimulateRequest, simulate

    request = SimulateRequest(
        world=world,  # type: ignore[arg-type]
        output=output,
        clips=DEFAULT_CLIPS if clips is None else clips,
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
