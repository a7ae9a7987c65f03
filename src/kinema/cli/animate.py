"""Animates a still with the motion of a driving video: ``kinema animate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from kinema.cli.completion import shipped
from kinema.cli.output import Overwrite, claim
from kinema.cli.stills import Stills, check_names, folder_for, naming_the_option, pictures_of

Files = Annotated[
    list[Path],
    typer.Argument(
        help="Picture to animate (or a video: its first frame), then the video, GIF, folder of frames or motion "
        "template that gives the motion. With --driving all of them are pictures to animate.",
        show_default=False,
        metavar="SOURCE... DRIVING",
    ),
]
Output = Annotated[
    Path,
    typer.Option(
        "-o",
        "--output",
        help="File to write: .mp4, .mov, .mkv, .webm, .avi, .gif, .webp, or a folder of PNG frames. Faces keep the "
        "photo's size; other models give frames as large as those they learned from (first_order-emoji: 128x128). "
        "With --driving a folder that gets one .mp4 a source, or with --alpha one .webm.",
        show_default=False,
    ),
]
DrivingOption = Annotated[
    Path | None, typer.Option(help="What gives the motion to several sources.", show_default=False)
]
Model = Annotated[
    str,
    typer.Option(
        help="Shipped model, model folder, or folder of a run; auto: head if both sides show a face (extra head).",
        autocompletion=shipped("animate"),
    ),
]
Relative = Annotated[
    bool, typer.Option("--relative/--absolute", help="Add the movement to the source's pose, or take the pose.")
]
AdaptScale = Annotated[bool, typer.Option(help="Fit movements to the size of the source's object.")]
AdaptVariance = Annotated[
    bool, typer.Option("--adapt-variance", help="monkey_net: carry the keypoints' change of shape over too.")
]
ClipMean = Annotated[bool, typer.Option("--clip-mean", help="monkey_net: keep moved keypoints inside the frame.")]
Anchor = Annotated[str, typer.Option(help="Driving frame posed like the source: auto, first, or its number from 0.")]
Crop = Annotated[
    str,
    typer.Option(help="Part of the source that is animated: auto (around the object), none, or X,Y,WIDTH,HEIGHT."),
]
CropDriving = Annotated[
    str | None, typer.Option(help="The same for the driving clip; auto unless --crop is none.", show_default=False)
]
Motion = Annotated[float, typer.Option(help="How far the source moves, 0 to 4: 1 as far as the clip.")]
Start = Annotated[str, typer.Option(help="Second of the driving clip to begin at, such as 1.5.")]
End = Annotated[str | None, typer.Option(help="Second of the driving clip to end at.", show_default=False)]
MaxFrames = Annotated[int | None, typer.Option(help="At most so many driving frames.", show_default=False)]
Preview = Annotated[
    bool, typer.Option("--preview", help="Every tenth frame at half the size, to see quickly what comes.")
]
SaveMotion = Annotated[
    Path | None,
    typer.Option(
        help="Motion template (.json) to write: the clip's keypoints, which may drive other stills in its place.",
        show_default=False,
    ),
]
Alpha = Annotated[
    bool,
    typer.Option("--alpha", help="Transparent background, by the object's parts: .webm, .mov, .webp or a folder."),
]
LockBackground = Annotated[
    bool | None,
    typer.Option(
        "--lock-background/--no-lock-background",
        help="Keep the source's own pixels outside the moving object. Without either only head does.",
        show_default=False,
    ),
]
PartsModel = Annotated[
    str,
    typer.Option(
        help="co_part model that finds the object, where --model has no parts of its own.",
        autocompletion=shipped("parts"),
    ),
]
SideBySide = Annotated[bool, typer.Option(help="Show source, driving and result beside each other.")]
Sound = Annotated[bool, typer.Option(help="Keep the driving video's sound.")]
Expression = Annotated[float, typer.Option(help="head: strength of the expression, 0 to 3.")]
Pose = Annotated[float, typer.Option(help="head: strength of the head's turns, 0 to 3.")]
Shift = Annotated[float, typer.Option(help="head: strength of the head's movement in the picture, 0 to 3.")]
Mouth = Annotated[str, typer.Option(help="head: inside of the mouth: borrow (the driver's) or paint.")]
Face = Annotated[
    str | None,
    typer.Option(help="head: which face of the source, from left to right from 1, or all.", show_default=False),
]
DrivingFaceOption = Annotated[
    int | None,
    typer.Option("--driving-face", help="head: which face of the clip's first frame drives.", show_default=False),
]
Smooth = Annotated[bool, typer.Option("--smooth/--no-smooth", help="head: remove the tracker's trembling.")]
OntoVideo = Annotated[
    bool,
    typer.Option("--onto-video", help="head: the source is a clip that keeps its motion and takes the expression."),
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")]
Precision = Annotated[str, typer.Option(help="float32 or bfloat16.")]
Seed = Annotated[int, typer.Option(help="Random seed; animation draws no random numbers.")]


def run(
    files: Files,
    output: Output,
    driving: DrivingOption = None,
    model: Model = "auto",
    relative: Relative = True,
    adapt_scale: AdaptScale = False,
    adapt_variance: AdaptVariance = False,
    clip_mean: ClipMean = False,
    anchor: Anchor = "auto",
    crop: Crop = "auto",
    crop_driving: CropDriving = None,
    motion: Motion = 1.0,
    start: Start = "0",
    end: End = None,
    max_frames: MaxFrames = None,
    preview: Preview = False,
    save_motion: SaveMotion = None,
    alpha: Alpha = False,
    lock_background: LockBackground = None,
    parts_model: PartsModel = "co_part-emoji",
    side_by_side: SideBySide = False,
    sound: Sound = True,
    expression: Expression = 1.0,
    pose: Pose = 1.0,
    shift: Shift = 1.0,
    mouth: Mouth = "borrow",
    face: Face = None,
    driving_face: DrivingFaceOption = None,
    smooth: Smooth = True,
    onto_video: OntoVideo = False,
    device: Device = "auto",
    precision: Precision = "float32",
    seed: Seed = 0,
    stills: Stills = False,
    overwrite: Overwrite = False,
) -> None:
    """Reads two files, writes one; or several sources and --driving, and writes one file a source."""
    options = dict(locals())
    from kinema.core.checks import InputError

    sources = _spread(files, driving) if stills else files
    jobs = _jobs(sources, driving, output, ".webm" if alpha else ".mp4")
    claim(output, save_motion, inputs=(*files, *sources, driving), overwrite=overwrite)
    if anchor not in ("auto", "first") and not anchor.isdigit():
        raise InputError(f"--anchor {anchor}: expected auto, first, or a frame number from 0")
    from kinema.cli.progress import Screen
    from kinema.framing.window import parse_crop
    from kinema.runtime.models import Models
    from kinema.tasks.animate import AnimateRequest, animate
    from kinema.video.info import parse_seconds

    parsed = {
        "source": jobs[0][0],
        "driving": jobs[0][1],
        "output": jobs[0][2],
        "anchor": int(anchor) if anchor.isdigit() else anchor,
        "crop": parse_crop(crop),
        "crop_driving": None if crop_driving is None else parse_crop(crop_driving),
        "start": parse_seconds(start),
        "end": None if end is None else parse_seconds(end),
        "face": _face(face),
    }
    # The other options have the request's own names.
    named = {name: value for name, value in options.items() if name in AnimateRequest.model_fields}
    request = AnimateRequest.of(**(named | parsed))
    models = Models(device=device, precision=precision)  # type: ignore[arg-type]
    if driving is not None:
        folder_for(output)
    for source, _, target in jobs:
        with Screen() as screen, naming_the_option(source):
            result = animate(request.replace(source=source, output=target), models, screen.show)
        height, width = result.size
        rate = f"{float(result.frame_rate):g}"
        note = "" if result.anchor is None else f", anchor: driving frame {result.anchor}"
        screen.line(f"{target}: {result.frames} frames of {width}x{height} at {rate} a second{note}")
        if preview:
            screen.line("next: the same without --preview gives every frame at full size")


def _face(given: str | None) -> int | Literal["all"] | None:
    from kinema.core.checks import InputError

    if given is None or given == "all":
        return given
    if not given.isdigit() or int(given) < 1:
        raise InputError(f"--face {given}: give a number from 1 (faces are counted from left to right), or all")
    return int(given)


def _spread(files: list[Path], driving: Path | None) -> list[Path]:
    """The sources with each folder in place of which its pictures stand."""
    from kinema.core.checks import InputError

    if driving is None:
        raise InputError("--stills: name the folder of pictures as the source, and what drives them with --driving")
    return [picture for path in files for picture in (pictures_of(path) if path.is_dir() else [path])]


def _jobs(files: list[Path], driving: Path | None, output: Path, suffix: str) -> list[tuple[Path, Path, Path]]:
    """(source, driving, output) of each still; several results are files of one kind."""
    from kinema.core.checks import InputError

    if driving is None:
        if len(files) != 2:
            raise InputError(
                f"{len(files)} file{'' if len(files) == 1 else 's'} given: name a source and what drives it, "
                "or several sources and --driving"
            )
        return [(files[0], files[1], output)]
    if output.suffix:
        raise InputError(f"{output}: several sources go into a folder; give a name without a suffix")
    check_names(files)
    return [(source, driving, output / f"{source.stem}{suffix}") for source in files]
