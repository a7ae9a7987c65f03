"""Reads an ``index.csv``, which lists the clips of a folder, their splits and their groups of the same motion."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from kinema.core.checks import InputError
from kinema.data.clips.names import composed, split_name

INDEX_NAME = "index.csv"
# The first of these columns in the header is used: emoji has both, and its "group" is a topic, not a motion.
GROUP_COLUMNS = ("motion_group", "group")


@dataclass(frozen=True)
class IndexRow:
    """One row of an index.

    Attributes:
        line: line of the file, the header being line 1.
        code: unique name of the clip.
        file: path below the folder (or below its ``clips``), or None if only the code is given.
        split: "train", "val", "test" or any other word in lower case, or None if the index states none.
        group: the same for all clips of the same motion, or None.
    """

    line: int
    code: str
    file: str | None
    split: str | None
    group: str | None


def read_index(folder: Path) -> tuple[IndexRow, ...] | None:
    """Reads ``folder/index.csv``; ignores rows without content, which remain when cells are cleared.

    Returns:
        Its rows in file order, or None when the folder has no index.

    Raises:
        InputError: the file is not CSV text, has neither a ``code`` nor a ``file`` column, no rows, a row
            without a code, a ``file`` that is not a file name, or a code twice.
    """
    path = folder / INDEX_NAME
    if not path.is_file():
        return None
    try:
        # utf-8-sig: spreadsheets begin the file with a byte order mark, which would become part of the first name.
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            columns = tuple(name.strip().lower() for name in reader.fieldnames or ())
            reader.fieldnames = columns
            if "code" not in columns and "file" not in columns:
                raise InputError(
                    f"{path}: its columns are {', '.join(columns) or 'none'}; one must be 'code' (FOLDER/CODE.* or "
                    f"FOLDER/clips/CODE.*) or 'file', separated by commas"
                )
            rows = tuple(_index_row(path, reader.line_num, cells, columns) for cells in reader if has_content(cells))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); make it readable or remove it") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not a CSV file in UTF-8 ({error}); save it as such or remove it") from error
    if not rows:
        raise InputError(f"{path}: has no rows below its header; list the clips or remove the file to use all")
    _refuse_duplicates(path, rows)
    return rows


def has_content(cells: Mapping[str, str | list[str] | None]) -> bool:
    """Whether a row of ``csv.DictReader`` holds anything but blanks."""
    return any("".join(cell or "").strip() for cell in cells.values())


def _index_row(path: Path, line: int, cells: dict[str, str | None], columns: tuple[str, ...]) -> IndexRow:
    def cell(name: str | None) -> str | None:
        return ((cells.get(name) or "").strip() or None) if name else None

    file = cell("file")
    if file is not None and not PurePosixPath(file).name:
        raise InputError(f"{path}: line {line} has '{file}' for a file; name one below the folder")
    code = cell("code") or (PurePosixPath(file).with_suffix("").as_posix() if file else None)
    if code is None:
        raise InputError(f"{path}: line {line} has neither a code nor a file; fill it in or remove the line")
    group = cell(next((name for name in GROUP_COLUMNS if name in columns), None))
    split = cell("split")
    return IndexRow(line, composed(code), file, split and split_name(split), group)


def _refuse_duplicates(path: Path, rows: Iterable[IndexRow]) -> None:
    first_lines: dict[str, int] = {}
    for row in rows:
        if row.code in first_lines:
            raise InputError(
                f"{path}: code '{row.code}' is in lines {first_lines[row.code]} and {row.line}; "
                f"codes must differ, rename or remove one"
            )
        first_lines[row.code] = row.line
