"""``kinema animate``: a still moves as a driving video does."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

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
    seed: Annotated[int, typer.Option(help="Random seed; animation draws no random numbers.")] = 0,
    overwrite: Overwrite = False,
) -> None:
    """Reads two files, writes one."""
    claim(output, inputs=(source, driving), overwrite=overwrite)
    from kinema.cli.progress import Screen
    from kinema.core.checks import InputError
    from kinema.framing.window import parse_crop
    from kinema.runtime.models import Models
    from kinema.tasks.animate import AnimateRequest, animate

    if anchor not in ("auto", "first") and not anchor.isdigit():
        raise InputError(f"--anchor {anchor}: expected auto, first, or a frame number from 0")
    request = AnimateRequest(
        source=source,
        driving=driving,
        output=output,
        relative=relative,
        adapt_scale=adapt_scale,
        adapt_variance=adapt_variance,
        clip_mean=clip_mean,
        anchor=int(anchor) if anchor.isdigit() else anchor,  # type: ignore[arg-type]
        crop=parse_crop(crop),
        crop_driving=None if crop_driving is None else parse_crop(crop_driving),
        side_by_side=side_by_side,
        sound=sound,
        lock_background=lock_background,
        parts_model=parts_model,
        model=model,
    )
    with Screen() as screen:
        result = animate(request, Models(device=device, precision=precision), screen.show)  # type: ignore[arg-type]
    height, width = result.size
    rate = f"{float(result.frame_rate):g}"
    note = "" if result.anchor is None else f", anchor: driving frame {result.anchor}"
    screen.line(f"{output}: {result.frames} frames of {width}x{height} at {rate} a second{note}")
