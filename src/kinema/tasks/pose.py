# pyright: strict
"""Finds one person's poses in a picture or video and writes or draws them; frames are streamed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kinema.core.checks import InputError
from kinema.core.progress import Advanced, Progress, ignore
from kinema.core.request import Request
from kinema.core.types import Joints
from kinema.people.detector import BodyPoseDetector
from kinema.people.follow import MOST_PEOPLE, JointRows, PersonTrack
from kinema.people.overlay import draw_skeleton
from kinema.people.pose_files import Form, PoseTrack, check_poses_target, read_poses, write_poses
from kinema.people.skeleton import no_joints
from kinema.video import VideoInfo, open_video
from kinema.video.info import DEFAULT_FRAME_RATE, Image, check_exists, check_size
from kinema.video.writing.picture_or_video import drawing, size_around

POSE_SUFFIXES = (".json", ".csv")


class PoseRequest(Request):
    """Where to look for a person, and what to write.

    Attributes:
        source: picture, video, animated picture, folder of frames, or poses, which are drawn or written anew.
        output: .json, .csv or a folder for poses; a picture or video for the drawing.
        draw: a picture or video to draw as well, where ``output`` takes poses.
        form: of poses in a .json, see :func:`kinema.people.pose_files.write_poses`.
        person: which one by size, 1 the largest, of the first frame that shows so many; it is followed from there.
        visibility: from which on a joint counts as there, 0 to 1.
        whole_picture: where no person is found take the whole frame for a person.
        sound: keep the sound in a drawn video.
    """

    source: Path
    output: Path
    draw: Path | None = None
    form: Form | None = None
    person: int = 1
    visibility: float = 0.5
    whole_picture: bool = False
    sound: bool = True


@dataclass(frozen=True)
class PoseResult:
    """What was found.

    Attributes:
        paths: of the files.
        frames: looked at.
        found: of them with the person.
        doubtful: of those in which it may be a drawing, an animal or a hand that was taken for a person.
    """

    paths: tuple[Path, ...]
    frames: int
    found: int
    doubtful: int = 0


def holds_poses(path: Path) -> bool:
    """Whether a path is one of poses: by its suffix, or a folder with a .json in it."""
    return path.suffix.lower() in POSE_SUFFIXES or (path.is_dir() and any(path.glob("*.json")))


def find_poses(request: PoseRequest, progress: Progress = ignore) -> PoseResult:
    """Finds one person's joints in every frame, writes or draws them.

    Args:
        request: what to do.
        progress: told of the frames.

    Returns:
        What was found. Every output appears whole or not at all.

    Raises:
        InputError: a file cannot be read or written, no person is found in any frame, or outputs disagree.
        MissingExtraError: the extra ``pose`` is not installed.
    """
    poses_to, drawn_to = _outputs(request)
    if request.person < 1:
        raise InputError(f"--person {request.person}: give 'largest', or a number from 1 (the largest) on")
    if poses_to is not None:
        check_poses_target(poses_to, form=request.form)
    check_exists(request.source)
    doubtful = 0
    if holds_poses(request.source):
        track = _from_poses(request, drawn_to)
    else:
        track, doubtful = _from_frames(request, drawn_to, progress)
    if poses_to is not None:
        write_poses(poses_to, track, form=request.form)
    present = track.joints.present
    paths = tuple(path for path in (poses_to, drawn_to) if path is not None)
    return PoseResult(paths, len(present), int(present.any(dim=1).sum()), doubtful)


def _outputs(request: PoseRequest) -> tuple[Path | None, Path | None]:
    """Where poses go and where the drawing goes."""
    suffix = request.output.suffix.lower()
    if suffix in POSE_SUFFIXES or suffix == "":
        if request.draw is not None and (
            request.draw.suffix.lower() in POSE_SUFFIXES or request.draw == request.output
        ):
            raise InputError(f"--draw {request.draw}: is no picture or video; give .png, .jpg, .mp4, .gif or a folder")
        return request.output, request.draw
    if request.draw is not None:
        raise InputError(
            f"--draw {request.draw}: -o {request.output} is the drawing already; give -o .json, .csv or a folder"
        )
    if request.form is not None:
        raise InputError(f"--format {request.form}: is of poses in a .json, and {request.output} is a drawing")
    return None, request.output


def _from_frames(request: PoseRequest, drawn_to: Path | None, progress: Progress) -> tuple[PoseTrack, int]:
    """The poses of a picture or video, and in how many frames it is doubtful that they are a person's."""
    detector = BodyPoseDetector(visibility=request.visibility)
    track, rows = PersonTrack(request.person), JointRows()
    doubtful = 0
    whole_picture = request.whole_picture and request.person == 1
    with open_video(request.source) as reader:
        info = reader.info
        with drawing(drawn_to, info, _drawn, sound=request.sound) as draw:
            for frame in reader:
                person = track.step(detector.detect(frame.image, max_people=MOST_PEOPLE, whole_picture=whole_picture))
                joints = no_joints() if person is None else person.joints
                rows.append(joints)
                doubtful += person is not None and person.is_doubtful
                draw(frame.image, joints, frame.time_seconds)
                progress(Advanced("finding poses", len(rows), info.num_frames))
            found = rows.joints()
            if not found.present.any():
                raise InputError(_no_person_found(request, len(rows)))
    is_still = len(rows) == 1
    names = (request.source.name,) if is_still else tuple(f"{index:05d}.png" for index in range(len(rows)))
    return PoseTrack(found, (info.height, info.width), None if is_still else info.frame_rate, names), doubtful


def _from_poses(request: PoseRequest, drawn_to: Path | None) -> PoseTrack:
    """Poses that a file holds, drawn on black."""
    track = read_poses(request.source)
    if not track.joints.present.any():
        raise InputError(f"{request.source}: every joint is missing in it; give a file with poses")
    if drawn_to is not None:
        height, width = track.size or size_around(
            track.joints.value[track.joints.present].numpy(), request.source, what="joints"
        )
        check_size(request.source, height=height, width=width)
        canvas = np.zeros((height, width, 3), dtype=np.uint8)
        count = len(track.names)
        rate = track.frame_rate or DEFAULT_FRAME_RATE
        info = VideoInfo(request.source, height, width, rate, None, count, False, "poses")
        with drawing(drawn_to, info, _drawn) as draw:
            for row in range(count):
                draw(canvas, track.joints[row], None)
    return track


def _drawn(image: Image, joints: Joints) -> Image:
    return draw_skeleton(image, joints.value[0].numpy(), joints.present[0].numpy())


def _no_person_found(request: PoseRequest, frames: int) -> str:
    where = "it" if frames == 1 else f"any of its {frames} frames"
    who = "no person" if request.person == 1 else f"no person number {request.person} by size"
    advice = "a lower --visibility or --whole-picture" if request.person == 1 else "a lower --person"
    return f"{request.source}: {who} was found in {where}; give a picture of a whole person, or try {advice}"
