"""What a person sees while a command works: progress bars and lines on standard error."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from kinema.core.progress import Advanced, Event, LeftOut, Told


class Screen:
    """Bars that vanish when the work is done; a context manager. Without a terminal only lines are shown."""

    def __init__(self) -> None:
        # Without markup: file names may hold brackets.
        self._console = Console(stderr=True, highlight=False, markup=False)
        self._stages: dict[str, Callable[[int, int | None], None]] = {}
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._progress = Progress(
            *columns, console=self._console, transient=True, disable=not self._console.is_terminal
        )

    def bar(self, text: str) -> Callable[[int, int | None], None]:
        """A bar that appears with its first news: steps done, and steps in all or None where unknown."""
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
