"""Measures a model on a folder of clips: ``kinema evaluate``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kinema.cli.completion import one_of, shipped
from kinema.cli.output import Overwrite, claim

if TYPE_CHECKING:
    from rich.table import Table


def run(
    model: Annotated[
        str,
        typer.Argument(
            help="Shipped model, model folder, or folder of a run.", autocompletion=shipped(), show_default=False
        ),
    ],
    folder: Annotated[
        Path,
        typer.Argument(
            help="Clips, people for repose, labelled clips for smile; where splits are stated, the test split.",
            show_default=False,
        ),
    ],
    protocol: Annotated[
        str,
        typer.Option(
            help="reconstruction, cross_look, prediction (monkey_net), parts (co_part), repose (deformable_gan), "
            "smile (smile, expression_gan), play (playable) or head (head).",
            autocompletion=one_of(
                *("reconstruction", "cross_look", "prediction", "parts", "repose", "smile", "play", "head")
            ),
        ),
    ] = "reconstruction",
    json: Annotated[Path | None, typer.Option("--json", "-o", help="File for all figures.")] = None,
    perceptual: Annotated[
        str, typer.Option(help="Network of the perceptual distance: efficientnet_lite0, vgg19 or none.")
    ] = "efficientnet_lite0",
    face: Annotated[bool, typer.Option("--face", help="Also what dlib's networks see in faces (extra dlib).")] = False,
    poses: Annotated[bool, typer.Option("--poses", help="In repose also joints found by a pose detector.")] = False,
    beside: Annotated[
        str | None,
        typer.Option(
            help="Another model on the same frames: in smile one that predicts, in head one that animates.",
            autocompletion=shipped("animate"),
            show_default=False,
        ),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most this many clips or pairs.")] = None,
    seed: Annotated[int, typer.Option(help="Of the bootstrap, of drawn pairs and of random actions.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    overwrite: Overwrite = False,
) -> None:
    """Prints a table, writes JSON."""
    claim(json, inputs=(folder,), overwrite=overwrite)
    from rich.console import Console

    from kinema.cli.progress import Screen
    from kinema.core.json_report import check_report, write_report
    from kinema.evaluation.protocols import EvaluateRequest, evaluate
    from kinema.runtime.models import Models

    if json is not None:
        check_report(json)
    request = EvaluateRequest(
        model=model,
        folder=folder,
        protocol=protocol,  # type: ignore[arg-type]
        perceptual=perceptual,  # type: ignore[arg-type]
        face=face,
        poses=poses,
        seed=seed,
        limit=limit,
        beside=beside,
    )
    with Screen() as screen:
        report = evaluate(request, Models(device=device), screen.show)
    for entry in report["left_out"]:
        screen.line(f"left out: {entry}")
    shown = Console(highlight=False, markup=False)
    counted = report.get("counted", f"{report['clips']} clips, {report['frames']} frames")
    shown.print(f"{model}, {protocol}, {counted}", soft_wrap=True)
    for table in _tables(report["metrics"], report["baselines"], shown.width):
        shown.print(table)
    for line in report.get("notes", []):
        shown.print(line, soft_wrap=True)
    if json is not None:
        write_report(json, report)


def _tables(metrics: dict[str, Any], baselines: dict[str, Any], width: int) -> Iterator[Table]:
    """A row for each metric; baselines that do not fit beside the model follow in further tables."""
    from rich.table import Table

    columns = [["model", *(_number(value["mean"]) for value in metrics.values())]]
    columns.append(["95 % interval", *(_interval(value) for value in metrics.values())])
    for who, figures in baselines.items():
        cells = (_number(figures[name]["mean"]) if name in figures else "" for name in metrics)
        columns.append([who.replace("_", " "), *cells])
    names = ["metric", *metrics]
    while columns:
        taken, left = [], width - 1 - _needed(names)
        while columns and (not taken or left >= _needed(columns[0])):
            left -= _needed(columns[0])
            taken.append(columns.pop(0))
        table = Table()
        table.add_column(names[0])
        for column in taken:
            table.add_column(column[0], justify="right")
        for row, name in enumerate(names[1:], start=1):
            cells = [column[row] for column in taken]
            if any(cells):
                table.add_row(name, *cells)
        yield table


def _needed(column: list[str]) -> int:
    """Characters that a column takes, its frame included."""
    return max(map(len, column)) + 3


def _interval(value: dict[str, Any]) -> str:
    return "" if value["low"] is None else f"{value['low']:.4f} to {value['high']:.4f}"


def _number(value: float | None) -> str:
    return "none found" if value is None else f"{value:.4f}"
