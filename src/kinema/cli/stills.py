"""Defines the option ``--stills``: each picture of a folder is taken for itself, not as a frame of one clip."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from kinema.core.checks import InputError

Stills = Annotated[
    bool, typer.Option("--stills", help="Take each picture of a folder for itself, not as a frame of one clip.")
]


def pictures_of(folder: Path) -> list[Path]:
    """The pictures of a folder in natural order; their names without suffix differ, as results are named by them.

    Raises:
        InputError: it is no folder, holds no pictures, or two have one name.
    """
    from kinema.video.reading.frame_folder import list_frames

    if not folder.is_dir():
        raise InputError(f"{folder}: is a file; --stills takes the pictures of a folder, leave it out")
    pictures = list_frames(folder)
    check_names(pictures)
    return pictures


def check_names(sources: Sequence[Path]) -> None:
    """Refuses sources whose results would have one name.

    Raises:
        InputError: two are called the same.
    """
    names = [source.stem for source in sources]
    if twice := {name for name in names if names.count(name) > 1}:
        raise InputError(f"two sources are called {min(twice)}: their results would have one name; rename one")


def folder_for(output: Path) -> Path:
    """The folder that several results go into; it is made where it does not exist.

    Raises:
        InputError: the name has a suffix, or a file is in its place.
    """
    if output.suffix:
        raise InputError(f"{output}: several sources go into a folder; give a name without a suffix")
    try:
        output.mkdir(exist_ok=True)
    except OSError as error:
        raise InputError(f"{output}: cannot be made ({error.strerror}); give another folder") from error
    return output


def each(pictures: Sequence[Path], work: Callable[[Path], None], say: Callable[[str], None]) -> None:
    """Does the work for each picture; one that cannot be used is told of and left out.

    Args:
        pictures: to work on.
        work: what is done with one.
        say: shows a line.

    Raises:
        InputError: none could be used; the message is the last one's.
    """
    failed = 0
    for picture in pictures:
        try:
            work(picture)
        except InputError as error:
            failed += 1
            if failed == len(pictures):
                raise
            say(f"left out: {error}")


@contextmanager
def naming_the_option(*folders: Path) -> Iterator[None]:
    """Where one of the folders turns out to be no clip, the refusal names ``--stills`` too."""
    from kinema.video.reading.frame_folder import NoClipError

    try:
        yield
    except NoClipError as error:
        if error.folder not in folders:
            raise
        raise InputError(f"{error}; or take each picture for itself with --stills") from error
