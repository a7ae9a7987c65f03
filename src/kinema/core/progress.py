"""What a task tells while it works: events as plain data, which a terminal draws and a browser or a queue can carry."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar


@dataclass(frozen=True)
class Advanced:
    """A stage of the task has come so far.

    Attributes:
        stage: what is being done, such as "animating".
        done: frames, clips or steps done.
        total: of them in all, or None where unknown.
    """

    stage: str
    done: int
    total: int | None


@dataclass(frozen=True)
class Told:
    """A sentence that a person should read.

    Attributes:
        line: the sentence.
    """

    line: str


@dataclass(frozen=True)
class LeftOut:
    """Files that cannot be used.

    Attributes:
        entries: each a file with the reason.
    """

    entries: tuple[str, ...]


@dataclass(frozen=True)
class Trained:
    """One line of the training log.

    Attributes:
        step: steps done.
        total: length of the run.
        losses: name to value, averaged over processes.
        frames_per_second: samples a second over all processes since the last line.
        seconds_left: at that speed.
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
    """Takes events where nobody wants to know."""


def counted(items: Iterable[Item], stage: str, total: int | None, progress: Progress) -> Iterator[Item]:
    """The items, each told of once it has been dealt with.

    >>> seen = []
    >>> list(counted("ab", "reading", 2, seen.append)), seen[-1]
    (['a', 'b'], Advanced(stage='reading', done=2, total=2))
    """
    for done, item in enumerate(items, start=1):
        yield item
        progress(Advanced(stage, done, total))
