"""Names the command that most people run after the one that has just ended; words in capitals stand for their files."""

from __future__ import annotations

import shlex
from pathlib import Path

from kinema.systems import ABILITIES

# Verb -> what comes before and after the model's folder in a first use of a model.
_FIRST_USES = {
    "animate": ("STILL", "CLIP", "-o", "animated.mp4", "--model"),
    "repose": ("PHOTO", "--pose", "POSES", "-o", "reposed.mp4", "--model"),
    "smile": ("FACE", "-o", "smiles", "--model"),
    "play": (),
}


def next_command(*words: object) -> str:
    """A line that names a command.

    Args:
        words: after `kinema`.

    >>> next_command("play", Path("my runs/robot"))
    "next: kinema play 'my runs/robot'"
    """
    return f"next: kinema {shlex.join(map(str, words))}"


def use_of(system: str, model: Path) -> str:
    """A line that names the first thing to do with a model that was just made.

    Args:
        system: of the model, a key of ``SYSTEMS``.
        model: folder of the model or of its run.
    """
    verb = ABILITIES[system][0]
    return next_command(verb, *_FIRST_USES[verb], model)


def learning_from(clips: Path, preset: str | None) -> str:
    """A line that names how a game is learned from a folder of clips that was just made.

    Args:
        clips: the folder.
        preset: whose frames have the size of the clips; None for the system's own.
    """
    system = next(name for name, verbs in ABILITIES.items() if "play" in verbs)
    chosen = () if preset is None else ("--preset", preset)
    return next_command("learn", system, clips, "-o", Path("runs") / clips.name, *chosen)


def learning_motion_from(clips: Path) -> str:
    """A line that names how a model that animates is learned from a folder of clips that was just made.

    Args:
        clips: the folder.
    """
    system = next(name for name, verbs in ABILITIES.items() if "animate" in verbs)
    return next_command("learn", system, clips, "-o", Path("runs") / clips.name)
