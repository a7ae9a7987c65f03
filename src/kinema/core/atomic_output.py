"""Writes output that appears complete or not at all: under a hidden name beside the target, then renamed."""

from __future__ import annotations

import ctypes
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from av.error import FFmpegError

from kinema.core.checks import InputError
from kinema.core.output_guard import check_name
from kinema.core.process_mark import process_has_ended, process_mark

_NUMBERED_PNG = re.compile(r"\d+\.png", re.IGNORECASE)
_NAME_BYTES = 255
# Of fcntl.h and linux/fs.h.
_HERE, _RENAME_EXCHANGE = -100, 2
_HIDDEN = re.compile(r"\.(?P<target>.+)\.(?P<maker>[0-9a-f]{8}-\d+-\d+)-[0-9a-f]{8}\.(?P<kind>part|old)", re.DOTALL)
_swept: set[Path] = set()


def temporary_beside(target: Path) -> Path:
    """A hidden, unused name in the target's folder, since renaming within one folder is atomic.

    The name tells which process created it. The first time that this process writes into the folder, it also removes
    what killed processes left there.
    """
    _remove_leftovers(target.parent)
    return _hidden_beside(target, "part")


def _hidden_beside(target: Path, kind: str) -> Path:
    end = f".{process_mark()}-{secrets.token_hex(4)}.{kind}"
    # A long name is shortened to leave room for the suffix, but never within a character.
    start = os.fsencode(target.name)[: _NAME_BYTES - len(end) - 1].decode(errors="ignore")
    return target.with_name(f".{start}{end}")


def _remove_leftovers(folder: Path) -> None:
    """Removes the unfinished output of processes of this machine that have ended."""
    if folder.absolute() in _swept:
        return
    _swept.add(folder.absolute())
    with suppress(OSError):
        for name in os.listdir(folder):
            found = _HIDDEN.fullmatch(name)
            if found is None or not process_has_ended(found["maker"]):
                continue
            # A folder that was set aside is the only copy if the new one was never put in its place.
            if found["kind"] == "part" or (folder / found["target"]).exists():
                remove(folder / name)


def check_target(target: Path) -> None:
    """Refuses a target that cannot be written, before any work is done.

    Raises:
        InputError: its folder is missing or not writable, or it is a folder itself.
    """
    check_name(target)
    if target.is_dir():
        raise InputError(f"{target}: is a folder; give a file name")
    check_parent(target)


def check_parent(target: Path) -> None:
    """Refuses a target whose folder is missing or not writable.

    Raises:
        InputError: the message says which.
    """
    check_name(target)
    parent = target.parent
    if not parent.is_dir():
        raise InputError(f"{target}: the folder {parent} does not exist; create it or give another path")
    if not os.access(parent, os.W_OK):
        raise InputError(f"{target}: the folder {parent} is not writable; give another path")


def check_folder_target(target: Path) -> None:
    """Refuses a folder that holds anything but numbered PNG files of an earlier run.

    Raises:
        InputError: the message names what it holds.
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
    """Moves a file or folder to the target's name; a replaced folder is removed only after the new one is in place.

    On systems that can exchange two names, there is a folder at the target at all times.
    """
    if not target.is_dir():
        os.replace(temporary, target)
        return
    if _exchange(temporary, target):
        shutil.rmtree(temporary)
        return
    replaced = _hidden_beside(target, "old")
    os.replace(target, replaced)
    os.replace(temporary, target)
    shutil.rmtree(replaced)


def _exchange(one: Path, other: Path) -> bool:
    """Exchanges the names of two existing files or folders at once; False if the system cannot."""
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError, TypeError):
        return False  # not Linux, or an old C library
    return renameat2(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _RENAME_EXCHANGE) == 0


def replace_files(temporary: Path, folder: Path, ours: re.Pattern[str]) -> None:
    """Moves the files of a folder into another and removes files of the same kind that an earlier run left there.

    Args:
        temporary: folder of files; it is empty afterwards, or renamed to ``folder`` if that did not exist.
        folder: may hold files of other kinds, which are kept.
        ours: the names of the files of this kind.
    """
    if not folder.is_dir():
        os.replace(temporary, folder)
        return
    new = sorted(entry.name for entry in temporary.iterdir())
    for name in new:
        os.replace(temporary / name, folder / name)
    for entry in list(folder.iterdir()):
        if ours.fullmatch(entry.name) and entry.name not in new and entry.is_file():
            entry.unlink()


def remove(temporary: Path) -> None:
    """Removes a temporary file or folder if it exists; never fails, so as not to hide the error before it."""
    with suppress(OSError):
        if temporary.is_dir():
            shutil.rmtree(temporary, ignore_errors=True)
        else:
            temporary.unlink(missing_ok=True)


@contextmanager
def one_line(target: Path) -> Iterator[None]:
    """Turns errors of the operating system and of FFmpeg into a one-line error for the user.

    Raises:
        InputError: the message names the target and the reason.
    """
    try:
        yield
    except InputError:
        raise
    except (OSError, FFmpegError) as error:
        reason = error.strerror or str(error)
        raise InputError(f"{target}: could not be written ({reason}); free space or give another path") from error
