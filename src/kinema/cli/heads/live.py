"""``kinema live``: a photo follows a camera or a clip as it comes, into a file or to a browser."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import typer

from kinema.cli.heads.face import FaceNumber, LockBackground
from kinema.cli.output import Overwrite, claim
from kinema.core.checks import InputError

_CALIBRATE_KEY = "c"


def run(
    photo: Annotated[Path, typer.Argument(help="Picture with a face, of any size.", show_default=False)],
    camera: Annotated[
        str, typer.Option(help="Camera that sees you: a number, 0 the first, or its name in your system.")
    ] = "0",
    driving: Annotated[
        Path | None,
        typer.Option(help="Clip in place of a camera, played at its own rate.", show_default=False),
    ] = None,
    repeat: Annotated[bool, typer.Option("--repeat", help="Let the clip begin again at its end.")] = False,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Video to write: .mp4, .mkv, .webm, ...", show_default=False),
    ] = None,
    serve: Annotated[
        int | None,
        typer.Option(help="Port at which a browser sees it as motion JPEG; 0 is any.", show_default=False),
    ] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen at; 0.0.0.0 lets other machines watch, with a token.")
    ] = "127.0.0.1",
    token: Annotated[
        str | None,
        typer.Option(
            envvar="KINEMA_TOKEN",
            help="Token that a browser has to show; without it none for this machine alone, a random one for others.",
            show_default=False,
        ),
    ] = None,
    number: FaceNumber = None,
    lock_background: LockBackground = True,
    model: Annotated[str, typer.Option(help="A head model: shipped, or a model folder.")] = "head",
    overwrite: Overwrite = False,
) -> None:
    """Follows until the clip ends or it is interrupted."""
    if output is None and serve is None:
        raise InputError("where should the pictures go? give -o VIDEO to write, or --serve PORT to watch in a browser")
    claim(output, inputs=(photo, driving), overwrite=overwrite)
    from kinema.cli.progress import Screen
    from kinema.runtime.models import Models
    from kinema.tasks.heads.live import LiveRequest, prepare_live, run_live
    from kinema.web.live.server import LiveServer

    request = LiveRequest(
        photo=photo,
        camera=camera,
        driving=driving,
        repeat=repeat,
        output=output,
        face=number,
        lock_background=lock_background,
        model=model,
    )
    live, remarks = prepare_live(request, Models(device="cpu"), jpeg=serve is not None)
    with Screen() as screen, ExitStack() as stack:
        for remark in remarks:
            screen.line(f"{photo}: {remark}")
        show = None
        if serve is not None:
            server = LiveServer(live.calibrate, host=host, port=serve, token=token)
            stack.callback(server.stop)
            server.start()
            print(f"{photo.name} is live at {server.address} (Ctrl+C ends it)", flush=True)
            if server.network_address is not None:
                print(f"Other machines open {server.network_address}; who has the token can watch", flush=True)
            show = server.show
        stack.enter_context(_ended_by_signals(live.stop, live.calibrate))
        stack.enter_context(_calibrated_by_key(live.calibrate))
        summary = run_live(live, request, screen.show, show)
    screen.line(summary.line())
    if output is not None:
        screen.line(f"{output}: {summary.frames} frames, marked as synthetic")


@contextmanager
def _ended_by_signals(stop: Callable[[], None], calibrate: Callable[[], None]) -> Iterator[None]:
    """Inside, Ctrl+C and SIGTERM end the run as the end of a clip does; SIGUSR1 takes the present face as neutral."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    wanted = {signal.SIGINT: stop, signal.SIGTERM: stop}
    if hasattr(signal, "SIGUSR1"):
        wanted[signal.SIGUSR1] = calibrate
    before = {number: signal.signal(number, lambda *_, act=act: act()) for number, act in wanted.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _calibrated_by_key(calibrate: Callable[[], None]) -> Iterator[None]:
    """Inside, the key c takes the present face as neutral, where standard input is a terminal of a Unix system."""
    try:
        import termios
        import tty

    except ImportError:
        yield
        return
    if not sys.stdin.isatty():
        yield
        return
    given = termios.tcgetattr(sys.stdin.fileno())
    print(f"kinema: the key {_CALIBRATE_KEY} takes your present face as the photo's own", file=sys.stderr)
    ended = threading.Event()
    tty.setcbreak(sys.stdin.fileno())
    threading.Thread(target=_listen_for_key, args=(calibrate, ended), name="kinema-keys", daemon=True).start()
    try:
        yield
    finally:
        ended.set()
        termios.tcsetattr(sys.stdin.fileno(), termios.TCSADRAIN, given)


def _listen_for_key(calibrate: Callable[[], None], ended: threading.Event) -> None:
    import select

    while not ended.is_set():
        ready, _, _ = select.select([sys.stdin], [], [], 0.2)
        if ready and sys.stdin.read(1).lower() == _CALIBRATE_KEY:
            calibrate()
