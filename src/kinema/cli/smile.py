"""Makes a neutral face smile in several variations: ``kinema smile``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kinema.cli.completion import shipped
from kinema.cli.output import Overwrite, claim
from kinema.cli.stills import Stills, each, folder_for, naming_the_option, pictures_of

Face = Annotated[
    Path,
    typer.Argument(
        help="Picture with a neutral face, of any size; with --stills a folder of them.", show_default=False
    ),
]
Output = Annotated[
    Path,
    typer.Option(
        "-o",
        "--output",
        help="Folder for a video of each smile and a contact sheet; or one video that shows them side by side.",
        show_default=False,
    ),
]
Seed = Annotated[
    int | None, typer.Option(help="A variation of each smile; without it the most likely one.", show_default=False)
]
LandmarkFile = Annotated[
    Path | None,
    typer.Option(
        help="File of the face's 68 landmarks (.npy, .json, .csv, .pts); without it they are detected.",
        show_default=False,
    ),
]
Number = Annotated[
    int | None,
    typer.Option("--face", min=1, help="Which of several faces, from left to right.", show_default=False),
]
FullSize = Annotated[bool, typer.Option("--full-size", help="Videos as large as the photo, not 1280 pixels at most.")]
Length = Annotated[
    int | None, typer.Option(help="Frames; without it as many as the model learned.", show_default=False)
]
FrameRate = Annotated[
    str | None, typer.Option(help="Frames a second; without it as the model learned.", show_default=False)
]
Form = Annotated[str, typer.Option("--format", help="Of a folder's videos: mp4, mov, mkv, webm, avi, gif, webp.")]
Model = Annotated[
    str,
    typer.Option(
        help="A smile or expression_gan model: shipped, a model folder, or folder of a run.",
        autocompletion=shipped("smile"),
    ),
]


def run(
    face: Face,
    output: Output,
    label: Annotated[str, typer.Option(help="Kind of smile: spontaneous or posed.")] = "spontaneous",
    modes: Annotated[int, typer.Option(help="How many smiles; beyond the model's own they are variations.")] = 3,
    intensity: Annotated[float, typer.Option(help="How far the face moves: 0 to 3, 1 as the model learned.")] = 1.0,
    seed: Seed = None,
    landmarks: LandmarkFile = None,
    number: Number = None,
    any_turn: Annotated[bool, typer.Option("--any-turn", help="Also take a face that looks aside.")] = False,
    full_size: FullSize = False,
    length: Length = None,
    fps: FrameRate = None,
    form: Form = "mp4",
    model: Model = "smile-faces",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    stills: Stills = False,
    overwrite: Overwrite = False,
) -> None:
    """Reads a picture, writes videos."""
    claim(output, inputs=(face, landmarks), overwrite=overwrite)
    from kinema.cli.progress import Screen
    from kinema.core.checks import InputError
    from kinema.runtime.models import Models
    from kinema.tasks.smile import SmileRequest, smile
    from kinema.video.info import parse_frame_rate

    rate = None if fps is None else parse_frame_rate(fps)
    request = SmileRequest(
        photo=face,
        output=output,
        label=label,
        modes=modes,
        intensity=intensity,
        seed=seed,
        length=length,
        frame_rate=rate,
        landmarks=landmarks,
        face=number,
        any_turn=any_turn,
        full_size=full_size,
        form=form,
        model=model,
    )
    models = Models(device=device)
    with Screen() as screen:

        def work(photo: Path, target: Path) -> None:
            with naming_the_option(photo):
                result = smile(request.replace(photo=photo, output=target), models, screen.show)
            if result.remark is not None:
                screen.line(result.remark)
            screen.line(f"{target}: {modes} smile{'' if modes == 1 else 's'} of {result.frames} frames")

        if not stills:
            work(face, output)
            return
        if landmarks is not None:
            raise InputError(f"--landmarks {landmarks}: is of one photo; --stills finds the landmarks of each")
        pictures, folder = pictures_of(face), folder_for(output)
        each(pictures, lambda picture: work(picture, folder / picture.stem), screen.line)
