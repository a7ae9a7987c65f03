"""Reads and writes pose files: OpenPose JSON (a file or a folder), COCO keypoints JSON, pose-gan's CSV."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from kinema.core.atomic_output import check_parent, check_target, one_line, put_in_place, remove, temporary_beside
from kinema.core.checks import InputError
from kinema.core.json_file import read_json, stated_rate
from kinema.core.types import Joints
from kinema.people.pose_csv import MISSING, read_annotations
from kinema.people.skeleton import JOINTS, joint_indices

Form = Literal["openpose", "coco", "csv"]
_ACCEPTED = "OpenPose JSON (a file or a folder of them), COCO keypoints JSON or pose-gan's CSV"

# The index of each of our 18 joints among OpenPose's keypoints, by their number; -1 if a model has no such joint.
_OPENPOSE_ORDERS = {
    18: tuple(range(18)),  # COCO
    25: (*range(8), *range(9, 19)),  # BODY_25: also has the middle of the hips, before them, and feet, at the end
    15: (-1, *range(1, 14), -1, -1, -1, -1),  # MPI: has the top of the head instead of the nose
}
_COCO_JOINTS = (
    *("nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder"),
    *("left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip"),
    *("left_knee", "right_knee", "left_ankle", "right_ankle"),
)
_COCO_ORDER = joint_indices(*_COCO_JOINTS)
(_NECK,), _BOTH_SHOULDERS = joint_indices("neck"), joint_indices("left_shoulder", "right_shoulder")
_COCO_VISIBLE = 2
_OWN_FRAME_FILE = re.compile(r"\d{12}_keypoints\.json")

_Pose = tuple[np.ndarray, np.ndarray]  # (18, 2) points (x, y) in pixels, (18,) presence


@dataclass(frozen=True, eq=False)
class PoseTrack:
    """The poses of one person over the frames of a clip, or in several pictures.

    Attributes:
        joints: T rows, in pixels of frames of ``size``.
        size: (height, width) of the frames, or None if unknown or not the same for all.
        frame_rate: frames per second, or None if unknown.
        names: of the T frames.
    """

    joints: Joints
    size: tuple[int, int] | None
    frame_rate: Fraction | None
    names: tuple[str, ...]


def read_poses(path: str | Path) -> PoseTrack:
    """Reads the poses of a file or folder; if a frame has several people, the one whose joints span the largest area.

    Args:
        path: OpenPose JSON with 18, 25 or 15 keypoints a person (one frame, or a folder of files by name); COCO
            keypoints JSON (17 keypoints, frames by image id; the neck is the middle of the shoulders); pose-gan's
            CSV. Joints that a format marks as missing are missing, and so are all joints of a frame without people.

    Raises:
        InputError: it is none of these.
    """
    path = Path(path)
    if path.is_dir():
        return _read_openpose_folder(path)
    suffix = path.suffix.lower()
    if suffix == ".csv":
        rows = read_annotations(path)
        if not rows:
            raise InputError(f"{path}: holds no poses; give {_ACCEPTED}")
        return _track(list(rows.values()), None, None, tuple(rows))
    if suffix != ".json":
        raise InputError(f"{path}: '{suffix}' is no pose file; give {_ACCEPTED}")
    content = _load(path)
    if isinstance(content, dict) and "people" in content:
        pose, size, rate = _openpose_frame(path, content)
        return _track([pose], size, rate, (_frame_name(path),))
    if isinstance(content, dict) and {"images", "annotations"} <= content.keys():
        return _read_coco(path, content)
    raise InputError(f"{path}: has neither 'people' nor 'images' and 'annotations'; give {_ACCEPTED}")


def check_poses_target(path: Path, *, form: Form | None = None) -> None:
    """Refuses a path that :func:`write_poses` could not write, before any work is done.

    Raises:
        InputError: the suffix does not fit, the folder is missing, or a folder holds other files.
    """
    suffix = path.suffix.lower()
    if suffix == "" or path.is_dir():
        if form not in (None, "openpose"):
            raise InputError(f"{path}: a folder holds OpenPose JSON, not {form}; give a file or another form")
        check_parent(path)
        if path.exists() and not path.is_dir():
            raise InputError(f"{path}: is a file; give a folder, or a name with .json or .csv")
        others = (
            [entry.name for entry in path.iterdir() if not _OWN_FRAME_FILE.fullmatch(entry.name)]
            if path.is_dir()
            else []
        )
        if others:
            raise InputError(f"{path}: holds other files ({min(others)}); give an empty or new folder for poses")
        return
    if {".json": form in (None, "openpose", "coco"), ".csv": form in (None, "csv")}.get(suffix) is not True:
        given = f"'{suffix}'" if form is None else f"'{suffix}' as {form}"
        raise InputError(f"{path}: poses are not written to {given}; give .json, .csv or a folder (no suffix)")
    check_target(path)


def write_poses(path: str | Path, track: PoseTrack, *, form: Form | None = None) -> None:
    """Writes poses to a file or folder that appears complete or not at all.

    Args:
        path: .json, .csv (pose-gan), or a folder (no suffix) with an OpenPose file for each frame.
        track: what to write.
        form: of a .json: "openpose" (one frame) or "coco"; None writes OpenPose for one frame and COCO for several.
            COCO has no neck, so the neck is read back as the middle of the shoulders.

    Raises:
        InputError: the path cannot be written, or the form cannot hold several frames.
    """
    path = Path(path)
    check_poses_target(path, form=form)
    frames = list(zip(track.joints.value.double().numpy(), track.joints.present.numpy(), strict=True))
    is_folder = path.suffix == "" or path.is_dir()
    chosen = form or ("csv" if path.suffix.lower() == ".csv" else "openpose" if len(frames) == 1 else "coco")
    if chosen == "openpose" and not is_folder and len(frames) != 1:
        raise InputError(f"{path}: an OpenPose file is one frame, there are {len(frames)}; give a folder or use COCO")
    temporary = temporary_beside(path)
    try:
        with one_line(path):
            if is_folder:
                temporary.mkdir()
                for index, pose in enumerate(frames):
                    _dump(temporary / f"{index:012d}_keypoints.json", _openpose_content(pose, track))
            elif chosen == "csv":
                temporary.write_text(_csv_text(frames, track.names), encoding="utf-8")
            else:
                _dump(
                    temporary,
                    _openpose_content(frames[0], track) if chosen == "openpose" else _coco_content(frames, track),
                )
            put_in_place(temporary, path)
    finally:
        remove(temporary)


def _load(path: Path) -> Any:
    return read_json(path, expected=f"give {_ACCEPTED}")


def _dump(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content) + "\n", encoding="utf-8")


def _track(
    poses: Sequence[_Pose], size: tuple[int, int] | None, rate: Fraction | None, names: tuple[str, ...]
) -> PoseTrack:
    points = np.stack([points for points, _ in poses]).astype(np.float32)
    present = np.stack([present for _, present in poses])
    return PoseTrack(Joints(torch.from_numpy(points), torch.from_numpy(present)), size, rate, names)


def _largest(poses: Sequence[_Pose]) -> _Pose:
    """The pose whose joints span the largest area; a pose without joints if there is none."""
    empty = (np.zeros((len(JOINTS), 2)), np.zeros(len(JOINTS), dtype=bool))
    return max((empty, *poses), key=_area)


def _area(pose: _Pose) -> float:
    points, present = pose
    return float(np.ptp(points[present], axis=0).prod()) + 1e-6 * int(present.sum()) if present.any() else -1.0


def _triples(path: Path, values: Any, counts: Sequence[int]) -> np.ndarray:
    """(K, 3) x, y and confidence or visibility."""
    try:
        flat = np.array(values, dtype=np.float64)
    except (ValueError, TypeError, OverflowError) as error:
        raise InputError(f"{path}: keypoints are no list of numbers; give x, y, confidence of each") from error
    if flat.ndim != 1 or flat.size not in {3 * count for count in counts} or not np.isfinite(flat).all():
        wanted = " or ".join(str(count) for count in counts)
        raise InputError(f"{path}: a person has {flat.size} numbers; expected x, y, confidence of {wanted} keypoints")
    return flat.reshape(-1, 3)


_People = tuple[list[_Pose], tuple[int, int] | None, Fraction | None]


def _openpose_frame(path: Path, content: Any) -> tuple[_Pose, tuple[int, int] | None, Fraction | None]:
    """The largest person of a frame, and the frame's size and rate if our writer has stated them."""
    poses, size, rate = _openpose_people(path, content)
    return _largest(_in_pixels(path, poses, size, centred=_is_centred(poses))), size, rate


def _openpose_people(path: Path, content: Any) -> _People:
    """The people of a frame as they are stored, and the frame's size and rate if they are stated."""
    people = content.get("people") if isinstance(content, dict) else None
    if not isinstance(people, list) or not all(isinstance(person, dict) for person in people):
        raise InputError(f"{path}: has no list 'people'; give {_ACCEPTED}")
    poses = []
    for person in people:
        values = person.get("pose_keypoints_2d", person.get("pose_keypoints"))
        if not values and "pose_keypoints_2d" in person:
            continue  # a person of whom only face or hands were found
        listed = _triples(path, values, (18, 25, 15))
        rows = np.concatenate([listed, np.zeros((1, 3))])  # an index of -1 selects the zeros: a missing joint
        rows = rows[list(_OPENPOSE_ORDERS[len(listed)])]
        poses.append((rows[:, :2], rows[:, 2] > 0))
    size = _size((content.get("canvas_height"), content.get("canvas_width")))
    return poses, size, stated_rate(content.get("frame_rate"))


def _is_centred(poses: Sequence[_Pose]) -> bool:
    """Whether coordinates run from -1 to 1: one of them is negative, and none is larger."""
    present = [points[there] for points, there in poses if there.any()]
    return bool(present) and min(points.min() for points in present) < 0


def _in_pixels(path: Path, poses: list[_Pose], size: tuple[int, int] | None, *, centred: bool) -> list[_Pose]:
    """Converts poses that OpenPose has normalised to pixels (``--keypoint_scale`` 3: 0 to 1, 4: -1 to 1)."""
    present = [points[there] for points, there in poses if there.any()]
    if not present or max(len(points) for points in present) < 2:
        return poses
    seen = np.concatenate(present)
    if np.abs(seen).max() > 1:
        return poses
    if size is None:
        raise InputError(
            f"{path}: its joints lie within 0 and 1, so they are normalised, and canvas_width and canvas_height are "
            "missing; add them, or write pixels (openpose without --keypoint_scale)"
        )
    scale = np.array([size[1], size[0]], dtype=np.float64)
    return [((points + 1) / 2 * scale if centred else points * scale, there) for points, there in poses]


def _read_openpose_folder(folder: Path) -> PoseTrack:
    files = sorted(folder.glob("*.json"), key=lambda path: _natural(path.name))
    if not files:
        raise InputError(f"{folder}: holds no .json; give {_ACCEPTED}")
    read = [_openpose_people(path, _load(path)) for path in files]
    # Decided for all frames of the folder together: in a single frame all coordinates may happen to be positive.
    centred = any(_is_centred(poses) for poses, _, _ in read)
    frames = [
        (_largest(_in_pixels(path, poses, size, centred=centred)), size, rate)
        for path, (poses, size, rate) in zip(files, read, strict=True)
    ]
    sizes = {size for _, size, _ in frames}
    size = sizes.pop() if len(sizes) == 1 else None
    return _track([pose for pose, _, _ in frames], size, frames[0][2], tuple(_frame_name(path) for path in files))


def _openpose_content(pose: _Pose, track: PoseTrack) -> dict[str, Any]:
    points, present = pose
    flat = [
        [round(float(x), 3), round(float(y), 3), 1.0] if there else [0.0, 0.0, 0.0]
        for (x, y), there in zip(points, present, strict=True)
    ]
    people = (
        [{"person_id": [-1], "pose_keypoints_2d": [value for row in flat for value in row]}] if present.any() else []
    )
    content: dict[str, Any] = {"version": 1.3, "people": people}
    if track.size is not None:
        content |= {"canvas_height": track.size[0], "canvas_width": track.size[1]}
    if track.frame_rate is not None:
        content["frame_rate"] = str(track.frame_rate)
    return content


def _read_coco(path: Path, content: Mapping[str, Any]) -> PoseTrack:
    poses: dict[Any, list[_Pose]] = {}
    try:
        images = sorted(content["images"], key=lambda image: (_natural(str(image["id"])), str(image.get("file_name"))))
        for image in images:
            poses[image["id"]] = []
        for annotation in content["annotations"]:
            if annotation.get("keypoints"):
                poses[annotation["image_id"]].append(_from_coco(path, annotation["keypoints"]))
        sizes = {_size((image.get("height"), image.get("width"))) for image in images}
        names = tuple(str(image.get("file_name", image["id"])) for image in images)
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: an image has no 'id', or an annotation names no image; give {_ACCEPTED}") from error
    if not images or not any(poses.values()):
        raise InputError(f"{path}: no annotation has 'keypoints'; give {_ACCEPTED}")
    info = content.get("info")
    rate = stated_rate(info.get("frame_rate")) if isinstance(info, dict) else None
    size = sizes.pop() if len(sizes) == 1 else None
    return _track([_largest(poses[image["id"]]) for image in images], size, rate, names)


def _from_coco(path: Path, values: Any) -> _Pose:
    rows = np.zeros((len(JOINTS), 3))
    rows[list(_COCO_ORDER)] = _triples(path, values, (len(_COCO_JOINTS),))
    present = rows[:, 2] > 0
    shoulders = list(_BOTH_SHOULDERS)
    rows[_NECK], present[_NECK] = rows[shoulders].mean(axis=0), present[shoulders].all()
    return rows[:, :2], present


def _coco_content(frames: Sequence[_Pose], track: PoseTrack) -> dict[str, Any]:
    images, annotations = [], []
    for index, (points, present) in enumerate(frames):
        image: dict[str, Any] = {"id": index, "file_name": track.names[index]}
        if track.size is not None:
            image |= {"height": track.size[0], "width": track.size[1]}
        images.append(image)
        if not present.any():
            continue
        keypoints = []
        for joint in _COCO_ORDER:
            x, y = (round(float(value), 3) for value in points[joint])
            keypoints += [x, y, _COCO_VISIBLE] if present[joint] else [0, 0, 0]
        low, high = points[present].min(axis=0), points[present].max(axis=0)
        box = [round(float(value), 3) for value in (*low, *(high - low))]
        annotations.append(
            {
                "id": len(annotations) + 1,
                "image_id": index,
                "category_id": 1,
                "keypoints": keypoints,
                "num_keypoints": int(present[list(_COCO_ORDER)].sum()),
                "bbox": box,
                "area": round(box[2] * box[3], 3),
                "iscrowd": 0,
            }
        )
    category = {"id": 1, "name": "person", "keypoints": list(_COCO_JOINTS)}
    info = {} if track.frame_rate is None else {"frame_rate": str(track.frame_rate)}
    return {"info": info, "images": images, "annotations": annotations, "categories": [category]}


def _csv_text(frames: Sequence[_Pose], names: Sequence[str]) -> str:
    lines = ["name:keypoints_y:keypoints_x"]
    for (points, present), name in zip(frames, names, strict=True):
        if ":" in name or "\n" in name:
            raise InputError(
                f"a frame named '{name}' cannot stand in pose-gan's CSV, whose columns ':' divides; rename"
            )
        x, y = (
            [round(float(v), 2) if there else MISSING for v, there in zip(points[:, axis], present, strict=True)]
            for axis in (0, 1)
        )
        lines.append(f"{name}: {json.dumps(y)}: {json.dumps(x)}")
    return "\n".join(lines) + "\n"


def _size(size: tuple[Any, Any]) -> tuple[int, int] | None:
    height, width = size
    return (height, width) if isinstance(height, int) and isinstance(width, int) and min(height, width) > 0 else None


def _frame_name(path: Path) -> str:
    return path.stem.removesuffix("_keypoints")


def _natural(text: str) -> list[tuple[int, int, str]]:
    """A sort key by which frame 10 comes after frame 9."""
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", text) if part]
