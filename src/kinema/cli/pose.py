"""Finds a person's joints in a picture or a video: ``kinema pose``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kinema.cli.output import Overwrite, claim
from kinema.cli.stills import Stills, each, folder_for, naming_the_option, pictures_of

if TYPE_CHECKING:
    from kinema.tasks.pose import PoseRequest

DOUBT = (
    "what was found may be no person but a drawing, an animal or a hand, which the detector also finds; look at it "
    "with --draw or -o drawn.png"
)


def run(
    source: Annotated[
        Path, typer.Argument(help="Picture, video, GIF, folder of frames, or a pose file.", show_default=False)
    ],
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            help="Poses: .json, .csv or a folder (OpenPose). "
            "Drawn: .png, .jpg, .mp4, .mov, .mkv, .webm, .avi, .gif, .webp.",
            show_default=False,
        ),
    ],
    draw: Annotated[
        Path | None, typer.Option(help="Picture or video to draw besides the poses of -o.", show_default=False)
    ] = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="Of a .json: openpose (one frame) or coco. Without it openpose for a picture, coco for a video.",
            show_default=False,
        ),
    ] = None,
    person: Annotated[str, typer.Option(help="Person to follow: largest, or a rank by size.")] = "largest",
    visibility: Annotated[float, typer.Option(help="A joint less visible than this is missing, 0 to 1.")] = 0.5,
    whole_picture: Annotated[
        bool,
        typer.Option("--whole-picture", help="Where no person is found, treat the whole frame as one person."),
    ] = False,
    sound: Annotated[bool, typer.Option(help="Keep the video's sound when it is drawn on.")] = True,
    stills: Stills = False,
    overwrite: Overwrite = False,
) -> None:
    """Reads one file, writes one, or two with --draw."""
    claim(output, draw, inputs=(source,), overwrite=overwrite)
    from kinema.cli.next_command import next_command
    from kinema.cli.progress import Screen
    from kinema.core.checks import InputError
    from kinema.tasks.pose import PoseRequest, find_poses, holds_poses

    if person != "largest" and not person.isdecimal():
        raise InputError(f"--person {person}: give 'largest', or a number from 1 (the largest) on")
    if form not in (None, "openpose", "coco", "csv"):
        raise InputError(f"--format {form}: give openpose or coco")
    request = PoseRequest(
        source=source,
        output=output,
        draw=draw,
        form=form,  # type: ignore[arg-type]
        person=1 if person == "largest" else int(person),
        visibility=visibility,
        whole_picture=whole_picture,
        sound=sound,
    )
    if stills:
        _each_still(request)
        return
    with Screen() as screen, naming_the_option(source):
        result = find_poses(request, screen.show)
    if 2 * result.doubtful > result.found:
        screen.line(f"{source}: {DOUBT}")
    both = f"{output}" if draw is None else f"{output} and {draw}"
    screen.line(f"{both}: a person in {result.found} of {result.frames} frame{'' if result.frames == 1 else 's'}")
    if holds_poses(output):
        made = "reposed.png" if result.frames == 1 else "reposed.mp4"
        screen.line(next_command("repose", "PHOTO", "--pose", output, "-o", made))


def _each_still(request: PoseRequest) -> None:
    """A pose file for each picture of a folder, and with --draw a drawing."""
    from kinema.cli.progress import Screen
    from kinema.core.progress import Advanced
    from kinema.tasks.pose import find_poses

    pictures, poses = pictures_of(request.source), folder_for(request.output)
    drawn = None if request.draw is None else folder_for(request.draw)
    suffix = ".csv" if request.form == "csv" else ".json"
    done = found = 0
    with Screen() as screen:

        def work(picture: Path) -> None:
            nonlocal done, found
            done += 1
            draw = None if drawn is None else drawn / f"{picture.stem}.png"
            result = find_poses(request.replace(source=picture, output=poses / f"{picture.stem}{suffix}", draw=draw))
            if result.doubtful:
                screen.line(f"{picture}: {DOUBT}")
            found += 1
            screen.show(Advanced("finding poses", done, len(pictures)))

        each(pictures, work, screen.line)
    both = f"{poses}" if drawn is None else f"{poses} and {drawn}"
    screen.line(f"{both}: a person in {found} of {len(pictures)} pictures")
