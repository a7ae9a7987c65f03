"""Learns a model from a folder of raw clips: ``kinema learn``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

import typer

from kinema.cli.completion import one_of, presets, shipped
from kinema.core.progress import Advanced, Event, LeftOut, Told, Trained
from kinema.systems import LEARNED

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID


def run(
    system: Annotated[
        str,
        typer.Argument(
            help=f"What to learn: {', '.join(LEARNED)}.",
            autocompletion=one_of(*LEARNED),
            show_default=False,
        ),
    ],
    folder: Annotated[
        Path,
        typer.Argument(
            help="Videos of any kind or folders of frames; an index.csv or sub-folders train and test may give splits. "
            "For deformable_gan pictures and videos of people; for smile and expression_gan clips with labels in a "
            "clips.csv.",
            show_default=False,
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder of the run.", show_default=False)],
    preset: Annotated[
        str | None,
        typer.Option(
            help="Starting point of the settings. Without it the system's own small one.",
            autocompletion=presets,
            show_default=False,
        ),
    ] = None,
    config: Annotated[Path | None, typer.Option(help="YAML or JSON of settings instead of a preset.")] = None,
    assignments: Annotated[
        list[str] | None, typer.Option("--set", help="One setting, such as train.batch_size=4. May be repeated.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run of the output folder.")] = False,
    start_from: Annotated[
        str | None, typer.Option(help="Model whose weights the run begins with.", autocompletion=shipped())
    ] = None,
    stage: Annotated[
        str | None, typer.Option(help="Further training of the --start-from model: predictor (monkey_net).")
    ] = None,
    features_weights: Annotated[Path | None, typer.Option(help="Weight file of the perceptual network.")] = None,
    device: Annotated[str, typer.Option(help="auto or cpu.")] = "auto",
    quiet: Annotated[
        bool, typer.Option("--quiet", help="No progress bar, one line for each entry of the log.")
    ] = False,
) -> None:
    """Trains, shows progress, leaves RUN/model."""
    from rich.console import Console

    from kinema.cli.next_command import use_of
    from kinema.tasks.learn import LearnRequest, learn

    request = LearnRequest(
        system=system,
        folder=folder,
        output=output,
        preset=preset,
        config=config,
        assignments=tuple(assignments or ()),
        resume=resume,
        start_from=start_from,
        stage=stage,
        features_weights=features_weights,
        device=device,  # type: ignore[arg-type]
    )
    # Without markup: file names may hold brackets.
    console = Console(stderr=True, highlight=False, markup=False)
    with _Screen(console, quiet) as screen:
        result = learn(request, screen.show)
    console.print(f"model: {result.path}", soft_wrap=True)
    console.print(use_of(system, result.run), soft_wrap=True)


class _Screen:
    """Shows a run as a progress bar, or line by line."""

    def __init__(self, console: Console, quiet: bool) -> None:
        from rich import progress

        from kinema.cli.progress import ProgressLines

        self.console = console
        self.quiet = quiet or not console.is_terminal
        columns = (
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.MofNCompleteColumn(),
            progress.TextColumn("{task.fields[note]}"),
        )
        self.progress = progress.Progress(*columns, console=console, disable=self.quiet)
        self.lines = ProgressLines(self._line)
        self.reading: TaskID | None = None
        self.training: TaskID | None = None

    def __enter__(self) -> Self:
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    def show(self, event: Event) -> None:
        """Draws what a run tells."""
        if isinstance(event, Told):
            self._line(event.line)
        elif isinstance(event, LeftOut):
            for entry in event.entries:
                self._line(f"left out: {entry}")
        elif isinstance(event, Advanced):
            self._read(event)
        else:
            self._trained(event)

    def _line(self, text: str) -> None:
        self.console.print(text, soft_wrap=True)

    def _read(self, event: Advanced) -> None:
        if self.quiet:
            self.lines.advance(event)
            return
        if self.reading is None:
            self.reading = self.progress.add_task(event.stage, note="")
        self.progress.update(self.reading, completed=event.done, total=event.total)

    def _trained(self, line: Trained) -> None:
        from kinema.cli.progress import clock_time

        losses = " ".join(f"{name} {value:.3f}" for name, value in line.losses.items())
        note = f"{losses} | {line.frames_per_second:.1f} pairs/s, {clock_time(line.seconds_left)} left"
        if self.quiet:
            self._line(f"step {line.step} of {line.total}: {note}")
            return
        if self.training is None:
            self.training = self.progress.add_task("training", note="")
        self.progress.update(self.training, completed=line.step, total=line.total, note=note)
