"""Defines the progress events of tasks: plain data that a terminal can show and a browser or a queue can carry."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar


@dataclass(frozen=True)
class Advanced:
    """How far a stage of the task has come.

    Attributes:
        stage: what is being done, such as "animating".
        done: frames, clips or steps done.
        total: how many there are in all, or None if unknown.
    """

    stage: str
    done: int
    total: int | None


@dataclass(frozen=True)
class Told:
    """A message for the user.

    Attributes:
        line: the message, one line.
    """

    line: str


@dataclass(frozen=True)
class LeftOut:
    """Files that cannot be used.

    Attributes:
        entries: each names a file and the reason.
    """

    entries: tuple[str, ...]


@dataclass(frozen=True)
class Trained:
    """One line of the training log.

    Attributes:
        step: training steps done.
        total: training steps of the whole run.
        losses: name to value, averaged over processes.
        frames_per_second: samples per second of all processes since the last line.
        seconds_left: time to the end of the run at that speed.
    """

    step: int
    total: int
    losses: dict[str, float]
    frames_per_second: float
    seconds_left: float


Event = Advanced | Told | LeftOut | Trained
Progress = Callable[[Event], None]

Item = TypeVar("Item")


def ignore(event: Event) -> None:
    """Ignores an event; the default where no progress is wanted."""


def counted(items: Iterable[Item], stage: str, total: int | None, progress: Progress) -> Iterator[Item]:
    """Yields the items and reports each as an event after it has been processed.

    >>> seen = []
    >>> list(counted("ab", "reading", 2, seen.append)), seen[-1]
    (['a', 'b'], Advanced(stage='reading', done=2, total=2))
    """
    for done, item in enumerate(items, start=1):
        yield item
        progress(Advanced(stage, done, total))
