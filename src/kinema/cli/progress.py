"""Shows on standard error how far a command is: bars on a terminal, lines where the output goes to a file."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from kinema.core.progress import Advanced, Event, LeftOut, Told

LINE_SECONDS = 10.0


@dataclass
class _Stage:
    """When a stage was first heard of, how far it was then and is now, and when a line last told of it."""

    began: float
    first: int
    done: int
    told: float


class ProgressLines:
    """Tells of stages in lines, at most one in ``LINE_SECONDS`` for each; what is done sooner is not told of."""

    def __init__(self, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        """Takes what shows a line, and a clock in seconds."""
        self._say, self._clock = say, clock
        self._stages: dict[str, _Stage] = {}

    def advance(self, event: Advanced) -> None:
        """Shows a line such as "animating: 48 of 250, 4.8 a second, 0:00:42 left" where one is due."""
        now = self._clock()
        stage = self._stages.get(event.stage)
        if stage is None or event.done <= stage.done:
            # A stage that falls back is gone through once more, with another file.
            self._stages[event.stage] = _Stage(now, event.done, event.done, now if stage is None else stage.told)
            return
        stage.done = event.done
        if now - stage.told < LINE_SECONDS:
            return
        stage.told = now
        rate = (event.done - stage.first) / (now - stage.began)
        told = f"{event.stage}: {event.done}"
        if event.total is not None:
            told += f" of {event.total}"
        told += f", {rate:.3g} a second"
        if event.total is not None:
            told += f", {clock_time((event.total - event.done) / rate)} left"
        self._say(told)


def clock_time(seconds: float) -> str:
    """Hours, minutes and seconds.

    >>> clock_time(3725.4)
    '1:02:05'
    """
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


class Screen:
    """Bars that vanish when the work is done; a context manager. Without a terminal lines take their place."""

    def __init__(self) -> None:
        # Without markup: file names may hold brackets.
        self._console = Console(stderr=True, highlight=False, markup=False)
        self._stages: dict[str, Callable[[int, int | None], None]] = {}
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._progress = Progress(
            *columns, console=self._console, transient=True, disable=not self._console.is_terminal
        )
        self._lines = ProgressLines(self.line)

    def bar(self, text: str) -> Callable[[int, int | None], None]:
        """A bar that appears with its first news: steps done, and steps in all or None where unknown."""
        if not self._console.is_terminal:
            return lambda done, total: self._lines.advance(Advanced(text, done, total))
        task = self._progress.add_task(text, total=None, visible=False)
        return lambda done, total: self._progress.update(task, completed=done, total=total, visible=True)

    def show(self, event: Event) -> None:
        """Draws what a task tells: a bar a stage, sentences as lines, a line for each file that is left out."""
        if isinstance(event, Advanced):
            if event.stage not in self._stages:
                self._stages[event.stage] = self.bar(event.stage)
            self._stages[event.stage](event.done, event.total)
        elif isinstance(event, Told):
            self.line(event.line)
        elif isinstance(event, LeftOut):
            for entry in event.entries:
                self.line(f"left out: {entry}")

    def line(self, text: str) -> None:
        """A line that stays."""
        self._console.print(text, soft_wrap=True)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()
