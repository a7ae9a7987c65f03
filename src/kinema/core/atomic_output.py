"""Output that appears whole or not at all: written under a hidden name beside the target, then renamed."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from av.error import FFmpegError

from kinema.core.checks import InputError

_NUMBERED_PNG = re.compile(r"\d+\.png", re.IGNORECASE)


def temporary_beside(target: Path) -> Path:
    """A hidden unused name in the target's folder: renaming within one folder is atomic."""
    return target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")


def check_target(target: Path) -> None:
    """Refuses a target that cannot be written, before any work is done.

    Raises:
        InputError: its folder is missing or not writable, or it is a folder itself.
    """
    if target.is_dir():
        raise InputError(f"{target}: is a folder; give a file name")
    check_parent(target)


def check_parent(target: Path) -> None:
    """Refuses a target whose folder is missing or not writable.

    Raises:
        InputError: says which.
    """
    parent = target.parent
    if not parent.is_dir():
        raise InputError(f"{target}: the folder {parent} does not exist; create it or give another path")
    if not os.access(parent, os.W_OK):
        raise InputError(f"{target}: the folder {parent} is not writable; give another path")


def check_folder_target(target: Path) -> None:
    """Refuses a folder that holds anything but numbered PNG files of an earlier run.

    Raises:
        InputError: names what it holds.
    """
    check_parent(target)
    if not target.exists():
        return
    if not target.is_dir():
        raise InputError(f"{target}: is a file; PNG frames go to a folder or a pattern such as frames/%05d.png")
    for entry in target.iterdir():
        if not _NUMBERED_PNG.fullmatch(entry.name):
            raise InputError(f"{target}: holds other files ({entry.name}); give an empty or new folder for PNG frames")


def put_in_place(temporary: Path, target: Path) -> None:
    """Renames over the target, whether file or folder; a replaced folder is removed only once the new one stands."""
    if not target.is_dir():
        os.replace(temporary, target)
        return
    replaced = temporary_beside(target)
    os.replace(target, replaced)
    os.replace(temporary, target)
    shutil.rmtree(replaced)


def remove(temporary: Path) -> None:
    """Removes a temporary file or folder, if it is there."""
    if temporary.is_dir():
        shutil.rmtree(temporary, ignore_errors=True)
    else:
        temporary.unlink(missing_ok=True)


@contextmanager
def one_line(target: Path) -> Iterator[None]:
    """Turns failures of the operating system and of FFmpeg into the one line that a person sees.

    Raises:
        InputError: names the target and the reason.
    """
    try:
        yield
    except InputError:
        raise
    except (OSError, FFmpegError) as error:
        reason = error.strerror or str(error)
        raise InputError(f"{target}: could not be written ({reason}); free space or give another path") from error
