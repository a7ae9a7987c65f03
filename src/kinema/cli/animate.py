"""``kinema animate``: a still moves as a driving video does."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from kinema.cli.output import Overwrite, claim

Source = Annotated[Path, typer.Argument(help="Picture to animate (or a video: its first frame).", show_default=False)]
Driving = Annotated[
    Path, typer.Argument(help="Video, GIF or folder of frames that gives the motion.", show_default=False)
]
Output = Annotated[
    Path,
    typer.Option(
        "-o",
        "--output",
        help="File to write: .mp4, .mov, .mkv, .webm, .avi, .gif, .webp, or a folder.",
        show_default=False,
    ),
]


def run(
    source: Source,
    driving: Driving,
    output: Output,
    model: Annotated[str, typer.Option(help="Shipped model, model folder, or folder of a run.")] = "first_order-emoji",
    relative: Annotated[
        bool, typer.Option("--relative/--absolute", help="Add the movement to the source's pose, or take the pose.")
    ] = True,
    adapt_scale: Annotated[bool, typer.Option(help="Fit movements to the size of the source's object.")] = False,
    adapt_variance: Annotated[
        bool, typer.Option("--adapt-variance", help="monkey_net: carry the keypoints' change of shape over too.")
    ] = False,
    clip_mean: Annotated[
        bool, typer.Option("--clip-mean", help="monkey_net: keep moved keypoints inside the frame.")
    ] = False,
    anchor: Annotated[
        str, typer.Option(help="Driving frame posed like the source: auto, first, or its number from 0.")
    ] = "auto",
    crop: Annotated[
        str,
        typer.Option(help="Part of the source that is animated: auto (around the object), none, or X,Y,WIDTH,HEIGHT."),
    ] = "auto",
    crop_driving: Annotated[
        str | None, typer.Option(help="The same for the driving clip; auto unless --crop is none.", show_default=False)
    ] = None,
    lock_background: Annotated[
        bool,
        typer.Option("--lock-background", help="Keep the source's own pixels outside the moving object, by its parts."),
    ] = False,
    parts_model: Annotated[
        str, typer.Option(help="co_part model that finds the object, where --model has no parts of its own.")
    ] = "co_part-emoji",
    side_by_side: Annotated[bool, typer.Option(help="Show source, driving and result beside each other.")] = False,
    sound: Annotated[bool, typer.Option(help="Keep the driving video's sound.")] = True,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    precision: Annotated[str, typer.Option(help="float32 or bfloat16.")] = "float32",
    seed: Annotated[int, typer.Option(help="Of random numbers; animation itself draws none.")] = 0,
    overwrite: Overwrite = False,
) -> None:
    """Reads two files, writes one."""
    claim(output, inputs=(source, driving), overwrite=overwrite)
    import torch

    from kinema.cli.progress import Screen
    from kinema.core.checks import InputError
    from kinema.runtime.animate import AnimateRequest, animate
    from kinema.runtime.load import load_for
    from kinema.systems.framing import parse_crop

    if anchor not in ("auto", "first") and not anchor.isdigit():
        raise InputError(f"--anchor {anchor}: expected auto, first, or a frame number from 0")
    torch.manual_seed(seed)
    pipeline = load_for("animate", model, device=device, precision=precision)  # type: ignore[arg-type]
    _switch_on(pipeline, model, adapt_variance=adapt_variance, clip_mean=clip_mean)
    background = None
    if lock_background:
        background = pipeline if pipeline.has_parts else load_for("parts", parts_model, device=device)
    with Screen() as screen:
        report = animate(
            pipeline,
            AnimateRequest(
                source=source,
                driving=driving,
                output=output,
                relative=relative,
                adapt_scale=adapt_scale,
                anchor=int(anchor) if anchor.isdigit() else anchor,  # type: ignore[arg-type]
                crop=parse_crop(crop),
                crop_driving=None if crop_driving is None else parse_crop(crop_driving),
                side_by_side=side_by_side,
                sound=sound,
                lock_background=background,
                on_search=screen.bar("finding the anchor"),
                on_progress=screen.bar("animating"),
            ),
        )
    height, width = report.size
    rate = f"{float(report.frame_rate):g}"
    note = "" if report.anchor is None else f", anchor: driving frame {report.anchor}"
    screen.line(f"{output}: {report.frames} frames of {width}x{height} at {rate} a second{note}")


def _switch_on(pipeline: Any, model: str, **options: bool) -> None:
    """Sets options of the transfer that only some systems have."""
    from kinema.core.checks import InputError

    for name in (name for name, wanted in options.items() if wanted):
        if not hasattr(pipeline, name):
            raise InputError(f"--{name.replace('_', '-')} is for models of monkey_net, which {model} is not")
        setattr(pipeline, name, True)
