"""Runs one command; its exit status is 0 done, 2 input refused in one line, 130 interrupted, 143 terminated."""

from __future__ import annotations

import importlib
import os
import sys
import warnings
from collections.abc import Sequence
from typing import Annotated, NoReturn

import typer

import kinema
from kinema.cli.completion import words_of_line
from kinema.core.checks import InputError
from kinema.core.termination import TERMINATED, ending_orderly

# Verb -> (the module whose function `run` it calls, its line in `kinema --help`), in the order of the help.
VERBS: dict[str, tuple[str, str]] = {
    "learn": ("kinema.cli.learn", "Learn a model from a folder of clips."),
    "animate": ("kinema.cli.animate", "Move a still as a driving video moves."),
    "predict": ("kinema.cli.predict", "Predict how a still may move, without a driving video."),
    "parts": ("kinema.cli.parts", "Find the parts of an object: overlay, masks or numbers."),
    "swap": ("kinema.cli.swap", "Put parts of one picture onto another picture or video."),
    "repose": ("kinema.cli.repose", "Bring the person of a photo into other poses."),
    "pose": ("kinema.cli.pose", "Find a person's joints: pose files, or drawn on the picture or video."),
    "smile": ("kinema.cli.smile", "Make the neutral face of a photo smile, in several variations."),
    "face": ("kinema.cli.heads.face", "Let the face of a photo smile, blink, turn: a picture or a video (extra head)."),
    "live": ("kinema.cli.heads.live", "Let a photo follow a camera or clip as it comes (extra head)."),
    "landmarks": ("kinema.cli.landmarks", "Find a face's landmarks: landmark files, or drawn on the picture or video."),
    "play": ("kinema.cli.play", "Play a model like a game, in the browser."),
    "actions": ("kinema.cli.actions", "Show what a playable model's actions do, and name them."),
    "evaluate": ("kinema.cli.evaluate", "Measure a model on a folder of clips."),
    "data": ("kinema.cli.data", "Generate clips of a game or a robot to learn from (extra data)."),
    "demo": ("kinema.cli.demo", "Animate an example with the shipped model."),
    "models": ("kinema.cli.models", "List the models that come with kinema."),
    "import": ("kinema.cli.import_checkpoint", "Turn a checkpoint of a paper's authors into a model folder."),
    "bench": ("kinema.cli.bench", "Measure how fast this machine animates."),
}

REFUSED = 2
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs one command and ends the process; what a user can mend is one line, what is our fault a traceback.

    Args:
        arguments: the words after `kinema`; those of the process when None.
    """
    words = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    named = words_of_line(os.environ) or words
    warnings.showwarning = _show_warning
    try:
        with ending_orderly():
            status = typer.main.get_command(build_app(named)).main(words, prog_name="kinema", standalone_mode=False)
    except InputError as error:
        _refuse(str(error))
    except typer.TyperException as error:
        command = " ".join(["kinema", *_verb_in(words), "--help"])
        _refuse(f"{error.format_message().rstrip('.?')}; try: {command}")
    except (KeyboardInterrupt, typer.Abort):
        status = INTERRUPTED
    except SystemExit as left:
        if left.code == TERMINATED:
            print("kinema: terminated", file=sys.stderr)
        raise
    if status == INTERRUPTED:
        print("kinema: interrupted", file=sys.stderr)
    sys.exit(status)


def build_app(words: Sequence[str]) -> typer.Typer:
    """The command line for ``words``: the verb that they name is imported, the others are only listed.

    Args:
        words: the words after `kinema`.
    """
    app = typer.Typer(
        help="Learns motion from raw video and puts it to use.",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    for verb, (module, line) in VERBS.items():
        function = importlib.import_module(module).run if [verb] == _verb_in(words) else _listed
        app.command(verb, help=line)(function)
    return app


def _verb_in(words: Sequence[str]) -> list[str]:
    """The verb in a list, or an empty list: the first word that is no option, as no option before it takes a value."""
    first = [word for word in words if not word.startswith("-")][:1]
    return [word for word in first if word in VERBS]


def _show_version(asked: bool) -> None:
    if asked:
        print(f"kinema {kinema.__version__}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Holds the options that stand before the verb."""


def _listed() -> None:
    """Stands in the help for a verb that was not named."""


def _show_warning(message: Warning | str, *where: object, **more: object) -> None:
    """One line a warning: the place in the code is of no use at a prompt."""
    print(f"kinema: warning: {_one_line(message)}", file=sys.stderr)


def _refuse(message: str) -> NoReturn:
    print(f"kinema: {_one_line(message)}", file=sys.stderr)
    sys.exit(REFUSED)


def _one_line(message: object) -> str:
    return " ".join(str(message).split())
