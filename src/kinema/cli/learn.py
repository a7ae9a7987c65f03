"""``kinema learn``: a folder of raw clips becomes a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

import typer

from kinema.systems import SYSTEMS

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID

    from kinema.data.clips.folder import Unreadable
    from kinema.tasks.learn import Listener
    from kinema.train.loop import Progress


def run(
    system: Annotated[
        str,
        typer.Argument(
            help=f"What to learn: {', '.join(SYSTEMS)}.",
            show_default=False,
        ),
    ],
    folder: Annotated[
        Path,
        typer.Argument(
            help="Videos of any kind or folders of frames, an index.csv may give splits; for deformable_gan pictures "
            "and videos of people; for smile and expression_gan clips with labels in a clips.csv.",
            show_default=False,
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder of the run.", show_default=False)],
    preset: Annotated[
        str | None,
        typer.Option(
            help="Starting point of the settings. Without it the system's own small one.",
            show_default=False,
        ),
    ] = None,
    config: Annotated[Path | None, typer.Option(help="YAML or JSON of settings instead of a preset.")] = None,
    assignments: Annotated[
        list[str] | None, typer.Option("--set", help="One setting, such as train.batch_size=4. May be repeated.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run of the output folder.")] = False,
    start_from: Annotated[str | None, typer.Option(help="Model whose weights the run begins with.")] = None,
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

    from kinema.core.checks import InputError
    from kinema.systems.system import find_system
    from kinema.tasks.learn import LearnRequest, learn
    from kinema.weights.catalogue import find_model
    from kinema.weights.model_folder import read_model

    chosen = find_system(system)
    if resume:
        if not (output / "config.json").is_file():
            raise InputError(f"{output} holds no run to resume; start one without --resume")
        # A resumed run keeps its own settings; --set may still lengthen it.
        settings = chosen.config.read(output / "config.json")
    elif stage is not None:
        if start_from is None:
            raise InputError(f"--stage {stage} goes on with a finished model: name it with --start-from")
        settings = chosen.stage(stage).config(read_model(find_model(start_from)).config)
    elif config is not None:
        settings = chosen.config.read(config)
    else:
        settings = chosen.preset(preset or chosen.default_preset)
    settings = settings.override(assignments or [])
    # Without markup: file names may hold brackets.
    console = Console(stderr=True, highlight=False, markup=False)
    with _Screen(console, quiet) as screen:
        model = learn(
            LearnRequest(
                system=chosen,
                config=settings,
                folder=folder,
                run=output,
                resume=resume,
                start_from=None if start_from is None else find_model(start_from),
                features_weights=features_weights,
                device=device,
                listener=screen.listener(),
            )
        )
    console.print(f"model: {model}", soft_wrap=True)


class _Screen:
    """Shows a run as a progress bar, or line by line."""

    def __init__(self, console: Console, quiet: bool) -> None:
        from rich import progress

        self.console = console
        self.quiet = quiet or not console.is_terminal
        columns = (
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.MofNCompleteColumn(),
            progress.TextColumn("{task.fields[note]}"),
        )
        self.progress = progress.Progress(*columns, console=console, disable=self.quiet)
        self.decoding: TaskID | None = None
        self.training: TaskID | None = None

    def __enter__(self) -> Self:
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    def listener(self) -> Listener:
        """What a run tells."""
        from kinema.tasks.learn import Listener

        return Listener(
            on_line=self._line,
            on_unreadable=self._unreadable,
            on_decoding=self._decoding,
            on_progress=self._progress,
        )

    def _line(self, text: str) -> None:
        self.console.print(text, soft_wrap=True)

    def _unreadable(self, entries: tuple[Unreadable, ...]) -> None:
        for entry in entries:
            self._line(f"left out: {entry}")

    def _decoding(self, done: int, total: int) -> None:
        if self.decoding is None:
            self.decoding = self.progress.add_task("reading clips", note="")
        self.progress.update(self.decoding, completed=done, total=total)

    def _progress(self, line: Progress) -> None:
        minutes, seconds = divmod(round(line.seconds_left), 60)
        losses = " ".join(f"{name} {value:.3f}" for name, value in line.losses.items())
        note = f"{losses} | {line.frames_per_second:.1f} pairs/s, {minutes // 60}:{minutes % 60:02d}:{seconds:02d} left"
        if self.quiet:
            self._line(f"step {line.step} of {line.total}: {note}")
            return
        if self.training is None:
            self.training = self.progress.add_task("training", note="")
        self.progress.update(self.training, completed=line.step, total=line.total, note=note)
