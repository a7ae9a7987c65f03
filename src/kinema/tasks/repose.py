# pyright: strict
"""A photo and poses -> the person of the photo in the poses, a picture or a video; pictures are streamed.

The person is cut out where it is, painted by the network at the network's own size, and laid back over the photo, whose
other pixels stay. Of a clip of poses the joints are held, 160 bytes a frame, and no pictures.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from kinema.core.atomic_output import check_parent
from kinema.core.checks import InputError
from kinema.core.progress import Advanced, Progress, ignore
from kinema.core.request import Request
from kinema.core.types import Joints
from kinema.framing.fit import fit_image
from kinema.people.detector import BodyPoseDetector
from kinema.people.follow import MOST_PEOPLE, JointRows, PersonTrack
from kinema.people.overlay import draw_skeleton
from kinema.people.paste import paste
from kinema.people.pose_files import read_poses
from kinema.people.removal import CLEAR, FAINT, remove_person
from kinema.people.track import complete_from, fill_gaps, fit_to_person, smooth_joints
from kinema.people.window import PersonWindow, window_about, window_height
from kinema.runtime.models import Models
from kinema.systems.abilities import PosePipeline
from kinema.tasks.pose import holds_poses
from kinema.video import VideoWriter, open_video, read_image, side_by_side, write_image
from kinema.video.writing.picture_or_video import STILL_SUFFIXES

# Frames over which a detector may lose a joint before it counts as gone.
LONGEST_GAP = 12
DETECTED_SMOOTHING = 1.0
DEFAULT_RATE = Fraction(25)
PAINTED_FADE = 1 / 10

Background = Literal["auto", "fill", "painted"] | Path


class ReposeRequest(Request):
    """Whom to move, and how.

    Attributes:
        photo: picture file of a person of any size, anywhere in it.
        pose: picture, video or pose file (.json, .csv, folder of .json) whose poses are taken.
        output: file to write: a picture for one pose, else a video or a folder.
        photo_pose: pose file of the photo; None detects it.
        person: whom of the photo, 1 the largest.
        background: "fill" makes the photo's own new where the person was, "painted" takes what the network paints about
            the person, a path is another picture; "auto" is "fill" where the model has a matte.
        fit: bring the poses to the person's size and place, joints that no pose shows staying as in the photo; False
            takes them as pixels of the photo.
        smooth: of the joints over time, standard deviation in frames; None is 1 for detected poses, 0 for files.
        frame_rate: of poses from a file that does not state one.
        side_by_side: show photo, pose and result beside each other.
        sound: keep the sound of a pose video.
        model: a deformable_gan model: shipped, a model folder, or the folder of a run.
    """

    photo: Path
    pose: Path
    output: Path
    photo_pose: Path | None = None
    person: int = 1
    background: Background = "auto"
    fit: bool = True
    smooth: float | None = None
    frame_rate: Fraction = DEFAULT_RATE
    side_by_side: bool = False
    sound: bool = True
    model: str = "deformable_gan-people"


@dataclass(frozen=True)
class ReposeResult:
    """What was made.

    Attributes:
        path: of the file.
        frames: written, of the photo's size, one a pose.
    """

    path: Path
    frames: int


@dataclass(frozen=True)
class _Poses:
    """Poses over time; times None for frames 1 / frame_rate apart."""

    joints: Joints
    times: tuple[Fraction, ...] | None
    frame_rate: Fraction
    sound: Path | None


def repose(request: ReposeRequest, models: Models, progress: Progress = ignore) -> ReposeResult:
    """Brings a person into other poses.

    Args:
        request: what to do.
        models: where the model comes from.
        progress: told of the frames searched for poses, and of those generated.

    Returns:
        What was made; the output appears whole or not at all.

    Raises:
        InputError: a file cannot be read or written, nobody is found, or options and output disagree.
        MissingExtraError: a pose has to be detected and the extra ``pose`` is not installed.
    """
    if request.smooth is not None and not request.smooth >= 0:
        raise InputError(f"--smooth {request.smooth}: give 0 (none) or a number of frames above it")
    check_parent(request.output)  # before a long look for poses
    pipeline = models.poses(request.model)
    photo = read_image(request.photo)
    source = _photo_pose(request, photo)
    poses = _poses(request, progress)
    is_still = request.output.suffix.lower() in STILL_SUFFIXES and "%" not in request.output.name
    if is_still and len(poses.joints.value) != 1:
        raise InputError(
            f"{request.output}: is one picture, {request.pose} has {len(poses.joints.value)} poses; "
            "give .mp4, .gif or a folder"
        )
    track = poses.joints
    if request.fit:
        try:
            track = complete_from(source, fit_to_person(source, track))
        except InputError as error:
            raise InputError(f"{request.pose}: {error}") from error
    images = _Scene(pipeline, request, photo, source, track).images()
    if is_still:
        write_image(request.output, next(images))
        return ReposeResult(request.output, 1)
    count = 0
    with VideoWriter(request.output, frame_rate=poses.frame_rate, audio_from=poses.sound) as writer:
        for image in images:
            writer.write(image, None if poses.times is None else poses.times[count])
            count += 1
            progress(Advanced("reposing", count, len(track.value)))
    return ReposeResult(request.output, count)


def _photo_pose(request: ReposeRequest, photo: np.ndarray) -> Joints:
    """The pose of the photo's person, one row in pixels of the photo."""
    if request.photo_pose is not None:
        joints = read_poses(request.photo_pose).joints
        if len(joints.value) != 1:
            raise InputError(f"{request.photo_pose}: has {len(joints.value)} poses; --photo-pose is one, of the photo")
    else:
        found = BodyPoseDetector().detect(photo, max_people=max(request.person, 1))
        if not found:
            raise InputError(
                f"{request.photo}: nobody is found in it; give a photo that shows a person whole, or its pose with "
                "--photo-pose"
            )
        if not 1 <= request.person <= len(found):
            raise InputError(f"--person {request.person}: {len(found)} found in {request.photo}; 1 is the largest")
        joints = found[request.person - 1].joints
    if joints.present.sum() < 2:
        raise InputError(
            f"{request.photo}: its pose has fewer than two joints; give a photo that shows more of a person"
        )
    return joints


def _poses(request: ReposeRequest, progress: Progress) -> _Poses:
    """The poses to take, gaps filled and smoothed."""
    if holds_poses(request.pose):
        track = read_poses(request.pose)
        joints, default = track.joints, 0.0
        read = _Poses(joints, None, track.frame_rate or request.frame_rate, None)
    else:
        read, default = _detected(request, progress), DETECTED_SMOOTHING
    joints = fill_gaps(read.joints, LONGEST_GAP)
    joints = smooth_joints(joints, default if request.smooth is None else request.smooth)
    return _Poses(joints, read.times, read.frame_rate, read.sound)


def _detected(request: ReposeRequest, progress: Progress) -> _Poses:
    detector = BodyPoseDetector()
    track, rows = PersonTrack(), JointRows()
    times: list[Fraction] = []
    with open_video(request.pose) as reader:
        info = reader.info
        for frame in reader:
            person = track.step(detector.detect(frame.image, max_people=MOST_PEOPLE))
            rows.append(None if person is None else person.joints)
            times.append(frame.time_seconds)
            progress(Advanced("finding poses", len(rows), info.num_frames))
    joints = rows.joints()
    if not joints.present.any():
        raise InputError(f"{request.pose}: nobody is found in it; give a picture or video that shows a person whole")
    sound = request.pose if request.sound and info.has_audio else None
    return _Poses(joints, tuple(times), info.frame_rate, sound)


class _Scene:
    """A photo with its person encoded once, and what is behind it."""

    def __init__(
        self, pipeline: PosePipeline, request: ReposeRequest, photo: np.ndarray, source: Joints, track: Joints
    ) -> None:
        self.pipeline, self.request, self.photo, self.source, self.track = pipeline, request, photo, source, track
        height, width = pipeline.size
        self.aspect = width / height
        seen = track[track.present.sum(dim=1) > 1]
        together = Joints(torch.cat([source.value, seen.value]), torch.cat([source.present, seen.present]))
        self.height = window_height(together, self.aspect)
        self.window = window_about(source, self.height, self.aspect)
        self.person = pipeline.prepare(self.window.cut(photo), self.window.inside(source))
        self.paints = self._paints()
        self.background = self._background()

    def images(self) -> Iterator[np.ndarray]:
        """Pictures uint8 (H, W, 3) in order."""
        for index in range(len(self.track.value)):
            joints = self.track[index]
            image = self._apply(joints)
            if self.request.side_by_side:
                shown = draw_skeleton(np.zeros_like(self.photo), joints.value[0].numpy(), joints.present[0].numpy())
                image = side_by_side([self.photo, shown, image])
            yield image

    def _apply(self, joints: Joints) -> np.ndarray:
        if joints.present.sum() < 2:
            return self.background  # the pose video shows nobody here
        window = window_about(joints, self.height, self.aspect)
        behind = window.cut(self.background) if self.pipeline.sees_background else None
        made, matte = self.person.step_with_matte(window.inside(joints), background=behind)
        share = _faded(window) if self.paints or matte is None else ((matte - FAINT) / (CLEAR - FAINT)).clamp(0, 1)
        return paste(window, self.background, made, share)

    def _paints(self) -> bool:
        """Whether the network's own background is shown."""
        wanted = self.request.background
        if wanted == "auto":
            return not self.pipeline.has_matte
        if wanted != "painted" and not (self.pipeline.has_matte or self.pipeline.sees_background):
            raise InputError(
                f"--background {wanted}: this model does not say which pixels are the person; use --background painted"
            )
        return wanted == "painted" or not self.pipeline.has_matte

    def _background(self) -> np.ndarray:
        """uint8 (H, W, 3), the photo without the person, or another picture at its size."""
        wanted = self.request.background
        if isinstance(wanted, Path):
            return fit_image(read_image(wanted), (self.photo.shape[0], self.photo.shape[1]), "crop")
        if self.paints and not self.pipeline.sees_background:
            return self.photo
        return remove_person(self.photo, self.window, self._old_place())

    def _old_place(self) -> Tensor:
        """(1, 1, h, w) in [0, 1] of the window, 1 where the person of the photo is."""
        if self.pipeline.has_matte:
            _, matte = self.person.step_with_matte(self.window.inside(self.source))
            assert matte is not None
            return matte
        return torch.ones(1, 1, *self.window.size)


def _faded(window: PersonWindow) -> Tensor:
    """(1, 1, h, w): 1 inside a window, falling to 0 at its edges."""
    fade = max(1.0, PAINTED_FADE * window.size[0])
    down, across = (
        ((torch.arange(side) + 0.5).minimum(side - torch.arange(side) - 0.5) / fade).clamp(max=1)
        for side in window.size
    )
    return (down[:, None] * across)[None, None]
