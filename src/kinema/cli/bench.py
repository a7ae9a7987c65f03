"""Measures how fast a system animates on this machine: ``kinema bench``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kinema.cli.completion import one_of, presets
from kinema.cli.output import Overwrite, claim
from kinema.systems import LEARNED


def run(
    system: Annotated[
        str,
        typer.Argument(
            help="What to measure: first_order, monkey_net, co_part, deformable_gan, smile, expression_gan, playable.",
            autocompletion=one_of(*LEARNED),
            show_default=False,
        ),
    ],
    preset: Annotated[
        str | None,
        typer.Option(
            help="Of its networks, whose weights are random; the authors' unless given.", autocompletion=presets
        ),
    ] = None,
    json: Annotated[Path | None, typer.Option("--json", help="File for all figures.")] = None,
    threads: Annotated[int | None, typer.Option(help="CPU threads; as many as torch chooses unless given.")] = None,
    repeats: Annotated[int, typer.Option(help="Batches measured.")] = 10,
    overwrite: Overwrite = False,
) -> None:
    """Prints a table, writes JSON."""
    claim(json, overwrite=overwrite)
    from rich.console import Console
    from rich.table import Table

    from kinema.core.json_report import write_report
    from kinema.tasks.bench import BenchRequest, bench

    with Console(stderr=True).status("measuring"):
        report = bench(BenchRequest(system=system, preset=preset, threads=threads, repeats=repeats))
    height, width = report["frame_size"]
    machine, peak = report["machine"], report["peak_gflops"]
    table = Table(
        title=f"{system} {report['preset']}, {width}x{height}, float32, {machine['threads']} threads",
        title_justify="left",
        show_header=False,
    )
    table.add_column()
    table.add_column(justify="right")
    for label, key in (("a frame", "ms_per_frame"), ("a frame, CPU time", "cpu_ms_per_frame"), ("source", "encode_ms")):
        spread = report[key]
        quartiles = f"{spread['quartile_low']:.1f} to {spread['quartile_high']:.1f}"
        table.add_row(label, f"{spread['median']:.1f} ms (half of all: {quartiles})")
    table.add_row("products a frame", f"{report['gmacs_per_frame']:.1f} G")
    table.add_row("speed", f"{report['gflops']:.0f} GFLOP/s, {report['share_of_float32_peak']:.0%} of the peak")
    table.add_row("peak of this machine", f"{peak['float32']:.0f} float32, {peak['bfloat16']:.0f} bfloat16 GFLOP/s")
    table.add_row("machine", f"{machine['processor']}, {machine['instructions']}, torch {machine['torch']}")
    Console().print(table)
    if json is not None:
        write_report(json, report)
