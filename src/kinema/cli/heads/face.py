"""``kinema face``: the face of a photo shows something else, as a picture or a video."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kinema.cli.output import Overwrite, claim

FaceNumber = Annotated[
    int | None, typer.Option("--face", min=1, help="Which of several faces, from left to right.", show_default=False)
]
LockBackground = Annotated[
    bool, typer.Option("--lock-background/--move-background", help="Keep what is behind the person in place.")
]
_MOUTH, _EYES, _HEAD = "Mouth and brows", "Eyes", "Head"


def _slider(text: str, panel: str) -> typer.models.OptionInfo:
    return typer.Option(help=text, show_default=False, rich_help_panel=panel)


def run(
    photo: Annotated[Path, typer.Argument(help="Picture with a face, of any size.", show_default=False)],
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            help="Picture (.png, .jpg, .webp), or video (.mp4, .gif, ...): a pose in a video goes there and back.",
            show_default=False,
        ),
    ],
    smile: Annotated[float, _slider("Corners of the mouth up: -1 to 1.5.", _MOUTH)] = 0.0,
    jaw: Annotated[float, _slider("Mouth open: -0.5 to 1.5.", _MOUTH)] = 0.0,
    pucker: Annotated[float, _slider("Lips forward, as in a kiss: -1 to 1.5.", _MOUTH)] = 0.0,
    funnel: Annotated[float, _slider("Lips round, as in 'oh': -1 to 1.5.", _MOUTH)] = 0.0,
    brows: Annotated[float, _slider("Brows up: -1 to 1.5.", _MOUTH)] = 0.0,
    frown: Annotated[float, _slider("Brows and corners of the mouth down: -1 to 1.5.", _MOUTH)] = 0.0,
    squint: Annotated[float, _slider("Lower lids and cheeks up: -1 to 1.5.", _EYES)] = 0.0,
    blink_left: Annotated[float, _slider("The person's left eye: -0.4 (wide) to 1 (shut).", _EYES)] = 0.0,
    blink_right: Annotated[float, _slider("The person's right eye: -0.4 to 1.", _EYES)] = 0.0,
    gaze_x: Annotated[float, _slider("Look to the right of the photo: -1 to 1.", _EYES)] = 0.0,
    gaze_y: Annotated[float, _slider("Look down: -1 to 1.", _EYES)] = 0.0,
    yaw: Annotated[float, _slider("Degrees to the right of the photo: -40 to 40.", _HEAD)] = 0.0,
    pitch: Annotated[float, _slider("Degrees down: -30 to 30.", _HEAD)] = 0.0,
    roll: Annotated[float, _slider("Degrees clockwise: -45 to 45.", _HEAD)] = 0.0,
    zoom: Annotated[float, _slider("Size of the head: 0.7 to 1.4, 1 as in the photo.", _HEAD)] = 1.0,
    keys: Annotated[
        Path | None,
        typer.Option(help="File of moments and sliders, .json or .csv: a video.", show_default=False),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            help="smile, surprise, wink, kiss, frown, blink; or, as videos only, nod, shake, look-around.",
            show_default=False,
        ),
    ] = None,
    turntable: Annotated[
        bool, typer.Option("--turntable", help="A video that goes around the head and loops.")
    ] = False,
    seconds: Annotated[
        float | None, typer.Option(help="Length of a movement; without it its own.", show_default=False)
    ] = None,
    fps: Annotated[str, typer.Option(help="Frames a second: a whole number or a fraction.")] = "25",
    number: FaceNumber = None,
    lock_background: LockBackground = True,
    model: Annotated[str, typer.Option(help="A head model: shipped, or a model folder.")] = "head",
    overwrite: Overwrite = False,
) -> None:
    """Reads a picture, writes a picture or a video."""
    given = dict(locals())
    claim(output, inputs=(photo, keys), overwrite=overwrite)
    from kinema.cli.progress import Screen
    from kinema.faces.face_pose import FacePose
    from kinema.runtime.models import Models
    from kinema.tasks.heads.face import FaceRequest, face
    from kinema.video.info import parse_frame_rate

    request = FaceRequest(
        photo=photo,
        output=output,
        pose=FacePose.parse({name: given[name] for name in FacePose.model_fields}, origin="sliders"),
        key_file=keys,
        preset=preset,
        turntable=turntable,
        seconds=seconds,
        frame_rate=parse_frame_rate(fps),
        face=number,
        lock_background=lock_background,
        model=model,
    )
    with Screen() as screen:
        result = face(request, Models(device="cpu"), screen.show)
        for remark in result.remarks:
            screen.line(f"{photo}: {remark}")
    height, width = result.size
    what = "a picture" if result.frames == 1 else f"{result.frames} frames"
    screen.line(f"{output}: {what} of {width}x{height}, marked as synthetic")
