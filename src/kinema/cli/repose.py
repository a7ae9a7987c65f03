"""Brings the person of a photo into other poses: ``kinema repose``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kinema.cli.completion import shipped
from kinema.cli.output import Overwrite, claim


def run(
    photo: Annotated[Path, typer.Argument(help="Picture of a person, of any size.", show_default=False)],
    pose: Annotated[
        Path,
        typer.Option(
            help="Whose pose to take: a picture or video of a person, or a file of poses (OpenPose or COCO .json, "
            ".csv, a folder of .json).",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path,
        typer.Option("-o", "--output", help="Picture for one pose; video or folder for several.", show_default=False),
    ],
    photo_pose: Annotated[
        Path | None, typer.Option(help="Pose file of the photo; without it the pose is detected.", show_default=False)
    ] = None,
    person: Annotated[int, typer.Option(help="Which person of the photo: 1 is the largest.")] = 1,
    background: Annotated[
        str,
        typer.Option(
            help="fill (the photo's own, filled in where the person was), painted (by the model), a picture, or auto."
        ),
    ] = "auto",
    fit: Annotated[
        bool, typer.Option("--fit/--no-fit", help="Bring poses to the person's size and place, or take their pixels.")
    ] = True,
    smooth: Annotated[
        float | None,
        typer.Option(
            help="Average joints over about this many frames either way: 1 for detected poses, 0 for files.",
            show_default=False,
        ),
    ] = None,
    fps: Annotated[str, typer.Option(help="Frames a second of poses from a file that states none.")] = "25",
    side_by_side: Annotated[bool, typer.Option(help="Show photo, pose and result beside each other.")] = False,
    sound: Annotated[bool, typer.Option(help="Keep the pose video's sound.")] = True,
    model: Annotated[
        str,
        typer.Option(
            help="A deformable_gan model: shipped, a model folder, or folder of a run.",
            autocompletion=shipped("repose"),
        ),
    ] = "deformable_gan-people",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    overwrite: Overwrite = False,
) -> None:
    """Reads two files, writes one."""
    behind = background if background in ("auto", "fill", "painted") else Path(background)
    picture = behind if isinstance(behind, Path) else None
    claim(output, inputs=(photo, pose, photo_pose, picture), overwrite=overwrite)
    from kinema.cli.progress import Screen
    from kinema.runtime.models import Models
    from kinema.tasks.repose import ReposeRequest, repose
    from kinema.video.info import parse_frame_rate

    rate = parse_frame_rate(fps)
    request = ReposeRequest(
        photo=photo,
        pose=pose,
        output=output,
        photo_pose=photo_pose,
        person=person,
        background=behind,  # type: ignore[arg-type]
        fit=fit,
        smooth=smooth,
        frame_rate=rate,
        side_by_side=side_by_side,
        sound=sound,
        model=model,
    )
    with Screen() as screen:
        result = repose(request, Models(device=device), screen.show)
    screen.line(f"{output}: {result.frames} pose{'' if result.frames == 1 else 's'} of the person in {photo}")
