"""Finds the 68 landmarks of a face in a picture or a video: ``kinema landmarks``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kinema.cli.output import Overwrite, claim

if TYPE_CHECKING:
    import numpy as np

# More gaps than this are counted, not listed.
_LISTED_GAPS = 4


def run(
    source: Annotated[
        Path, typer.Argument(help="Picture, video, GIF, folder of frames, or a landmark file.", show_default=False)
    ],
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            help="Landmarks: .npy, .json, .csv or .pts. Drawn: .png, .jpg, .mp4, .mov, .mkv, .webm, .avi, .gif, .webp.",
            show_default=False,
        ),
    ],
    draw: Annotated[
        Path | None, typer.Option(help="Picture or video to draw besides the landmarks of -o.", show_default=False)
    ] = None,
    face: Annotated[
        int | None,
        typer.Option(
            help="Which one, where several of like size are in the first frame: from left to right, 1 the first.",
            show_default=False,
        ),
    ] = None,
    sound: Annotated[bool, typer.Option(help="Keep the video's sound when it is drawn on.")] = True,
    overwrite: Overwrite = False,
) -> None:
    """Reads one file, writes one, or two with --draw; in a video one face is followed."""
    claim(output, draw, inputs=(source,), overwrite=overwrite)
    from kinema.cli.next_command import next_command
    from kinema.cli.progress import Screen
    from kinema.tasks.landmarks import LandmarksRequest, find_landmarks, holds_landmarks

    request = LandmarksRequest(
        source=source,
        output=output,
        draw=draw,
        face=face,
        sound=sound,
    )
    with Screen() as screen:
        result = find_landmarks(request, screen.show)
    both = f"{output}" if draw is None else f"{output} and {draw}"
    frames, found = len(result.present), int(result.present.sum())
    screen.line(f"{both}: a face in {found} of {frames} frame{'' if frames == 1 else 's'}{_missing(result.present)}")
    if frames == 1 and holds_landmarks(output) and not holds_landmarks(source):
        screen.line(next_command("smile", source, "--landmarks", output, "-o", "smiles"))


def _missing(present: np.ndarray) -> str:
    """The frames without a face, such as "; none in 3, 7 to 9"."""
    gaps: list[list[int]] = []
    for index, there in enumerate(present.tolist()):
        if not there and gaps and gaps[-1][1] == index - 1:
            gaps[-1][1] = index
        elif not there:
            gaps.append([index, index])
    shown = [f"{first}" if first == last else f"{first} to {last}" for first, last in gaps[:_LISTED_GAPS]]
    more = f" and {len(gaps) - len(shown)} more gaps" if len(gaps) > len(shown) else ""
    return f"; none in {', '.join(shown)}{more}" if shown else ""
