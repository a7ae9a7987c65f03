"""Plays a model as a game in the browser: ``kinema play``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from kinema.cli.completion import shipped
from kinema.cli.output import Overwrite, claim
from kinema.core.checks import InputError


def run(
    model: Annotated[
        str,
        typer.Argument(
            help="A playable model: shipped, a model folder, or folder of a run.", autocompletion=shipped("play")
        ),
    ] = "playable-robot",
    start: Annotated[
        Path | None,
        typer.Option(
            help="Picture, or clip whose end, games begin with; without it the model's own.", show_default=False
        ),
    ] = None,
    replay: Annotated[
        Path | None, typer.Option(help="A saved session: with -o, made into a video.", show_default=False)
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Video of --replay, .mp4 or .gif; no page opens.", show_default=False),
    ] = None,
    names: Annotated[
        str | None, typer.Option(help="Name the actions, such as left,right,stay.", show_default=False)
    ] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen at; 0.0.0.0 lets phones in your network play, with a token.")
    ] = "127.0.0.1",
    port: Annotated[
        int | None, typer.Option(help="Port; 8750, or any other where that is taken.", show_default=False)
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="KINEMA_TOKEN",
            help="Token that a browser has to show; without it none for this machine alone, a random one for others.",
            show_default=False,
        ),
    ] = None,
    players: Annotated[int, typer.Option(min=1, max=64, help="How many may play at once.")] = 4,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page.")] = True,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    overwrite: Overwrite = False,
) -> None:
    """Serves until it is interrupted, or writes one file."""
    # OpenMP reads it once, when torch comes. Threads that wait for each other by spinning take the cores from whatever
    # else runs, the browser too: on two busy cores a step of breakout took 1348 ms instead of 44.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    if (replay is None) != (output is None):
        raise InputError("--replay SESSION and -o VIDEO belong together; the page opens sessions by itself")
    claim(output, inputs=(start, replay), overwrite=overwrite)
    from kinema.cli.progress import Screen
    from kinema.play.recording import read_recording
    from kinema.play.session import load_playable, name_actions, open_game, write_video
    from kinema.play.starts import read_start

    playable = load_playable(model, device=device)
    if names is not None:
        playable = name_actions(playable, tuple(names.split(",")))
    with Screen() as screen:
        if replay is not None and output is not None:
            count = write_video(open_game(playable), read_recording(replay), output, screen.bar("playing"))
            screen.line(f"{output}: {count} frames")
            return
    from kinema.web.play.room import Limits
    from kinema.web.play.server import PlayServer

    first = None if start is None else read_start(start, playable.config, name=start.stem)
    server = PlayServer(playable, start=first, host=host, port=port, token=token, limits=Limits(players=players))
    print(f"{playable.name} plays at {server.address} (Ctrl+C ends it)", flush=True)
    if server.network_address is not None:
        print(f"Other machines open {server.network_address}; who has the token can play", flush=True)
    if browser:
        import webbrowser

        webbrowser.open(server.address)
    server.run()
