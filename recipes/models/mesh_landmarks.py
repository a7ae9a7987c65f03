"""Makes the table of ``kinema.faces.mesh_landmarks``: each of the 68 landmarks as a blend of three of the 478 points.

usage: mesh_landmarks.py DATA CACHE

DATA is shared/data/portraits, whose exact landmarks are known. Weights are fitted on train, triples of points are
chosen on val, and both sides of the face share theirs. Printed are the table, and the errors on test beside those of
dlib: mean distance in percent of the distance of the eyes' centres. Points are kept in CACHE. Needs the extras ``head``
and ``dlib``.

The exact landmarks were drawn from photographs in which dlib had found them, which is in dlib's favour. On 320 frames
of test, the table (and dlib): all 2.86 (2.84), jaw 4.73 (5.07), brows 2.77 (1.99), nose 2.38 (2.16), eyes 1.53 (1.44),
lips 2.32 (2.52).
"""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kinema.faces.landmarks import MIRRORED
from kinema.faces.mesh import NUM_SURFACE_POINTS, canonical_mesh
from kinema.faces.mesh_landmarks import landmarks_of_mesh
from kinema.faces.mesh_tracker import MeshTracker
from kinema.metrics.dlib_faces import detect_landmarks
from kinema.video import open_video

Array = NDArray[np.float64]

# Every how many frames one is taken: neighbours are alike.
EVERY = {"train": 8, "val": 4, "test": 4}
GROUPS = {"jaw": range(17), "brows": range(17, 27), "nose": range(27, 36), "eyes": range(36, 48), "lips": range(48, 68)}
# Triples are made of so many points that are nearest on average, weights kept within bounds for other faces' sake.
# Errors on val: 4.22 with the nearest point alone, 2.79 so, 2.76 with weights from -1.25 on, 2.77 with twelve points.
NEAREST, WEIGHTS, RIDGE = 9, (-0.3, 1.25), 1e-4


def read(data: Path, split: str, cache: Path) -> tuple[Array, Array, Array]:
    """Points (N, 478, 2), dlib's landmarks (N, 68, 2) (of test alone) and exact landmarks (N, 68, 2), in pixels."""
    stored = cache / f"{split}.npz"
    if stored.is_file():
        kept = np.load(stored)
        return kept["points"], kept["dlib"], kept["exact"]
    answers = np.load(data / f"{split}.npz")
    tracker = MeshTracker()
    points, dlib, exact = [], [], []
    for code, landmarks in zip(answers["code"], answers["landmarks"], strict=True):
        face = None
        with open_video(data / "clips" / f"{code}.mp4") as reader:
            for number, frame in enumerate(reader):
                if number % EVERY[split]:
                    continue
                face = tracker.track(frame.image, face)
                other = detect_landmarks(frame.image) if split == "test" else landmarks[number]
                if face is None or other is None:
                    print(f"{code} {number}: mesh {face is not None}, dlib {other is not None}")
                    continue
                points.append(face.points[:, :2])
                dlib.append(other)
                exact.append(landmarks[number].astype(np.float64) - 0.5)  # there the first pixel's centre is at 0.5
    kept = np.stack(points), np.stack(dlib), np.stack(exact)
    cache.mkdir(parents=True, exist_ok=True)
    np.savez(stored, points=kept[0], dlib=kept[1], exact=kept[2])
    return kept


def eye_distance(landmarks: Array) -> Array:
    """(N,) between the centres of the eyes."""
    return np.linalg.norm(landmarks[:, 36:42].mean(axis=1) - landmarks[:, 42:48].mean(axis=1), axis=1)


def with_mirrored(points: Array, exact: Array, other: NDArray[np.int64]) -> tuple[Array, Array]:
    """Surface points and landmarks in distances of the eyes, and once more as in a mirror."""
    scale = eye_distance(exact)[:, None, None]
    points, exact = points[:, :NUM_SURFACE_POINTS] / scale, exact / scale
    flip = np.array([-1.0, 1.0])
    return (
        np.concatenate([points, points[:, other] * flip]),
        np.concatenate([exact, exact[:, list(MIRRORED)] * flip]),
    )


def fit(three: Array, goal: Array) -> Array:
    """(3,) weights of sum 1 that bring (N, 3, 2) points to (N, 2) by least squares, drawn a little towards thirds."""
    sides = (three[:, :2] - three[:, 2:]).swapaxes(1, 2).reshape(-1, 2)
    offsets = (goal - three[:, 2]).reshape(-1)
    pull = RIDGE * len(sides)
    weights = np.linalg.solve(sides.T @ sides + pull * np.eye(2), sides.T @ offsets + pull / 3)
    return np.array([*weights, 1 - weights.sum()])


def error(three: Array, weights: Array, goal: Array) -> float:
    """Mean distance."""
    return float(np.linalg.norm(np.einsum("nkc,k->nc", three, weights) - goal, axis=1).mean())


def main(data: Path, cache: Path) -> None:
    """Prints table and figures."""
    surface = canonical_mesh().points
    other = np.linalg.norm((surface * [-1, 1, 1])[:, None] - surface, axis=2).argmin(axis=1)
    known = {split: read(data, split, cache) for split in ("train", "val")}
    train, val = (with_mirrored(points, exact, other) for points, _, exact in known.values())
    rows: dict[int, tuple[tuple[int, ...], Array]] = {}
    for landmark in range(68):
        twin = MIRRORED[landmark]
        if twin in rows:
            three, weights = rows[twin]
            rows[landmark] = tuple(int(other[index]) for index in three), weights
            continue
        distance = np.linalg.norm(train[0] - train[1][:, landmark, None], axis=2).mean(axis=0)
        if twin == landmark:
            distance[other != np.arange(len(other))] = np.inf  # else it would lean to one side
        best = (np.inf, (), np.zeros(3))
        for three in itertools.combinations(np.argsort(distance)[:NEAREST].tolist(), 3):
            weights = fit(train[0][:, three], train[1][:, landmark]).round(3)
            weights[2] = 1 - weights[:2].sum()
            if weights.min() >= WEIGHTS[0] and weights.max() <= WEIGHTS[1]:
                best = min(
                    best, (error(val[0][:, three], weights, val[1][:, landmark]), three, weights), key=lambda b: b[0]
                )
        rows[landmark] = best[1], best[2]
    for landmark in range(68):
        three, weights = rows[landmark]
        print(f"    ({', '.join(map(str, three))}, {weights[0]:.3f}, {weights[1]:.3f}),")
    points, dlib, exact = read(data, "test", cache)
    scale = eye_distance(exact)[:, None]
    fitted = [
        np.tensordot(weights, points[:, list(three)], axes=(0, 1)) for three, weights in (rows[k] for k in range(68))
    ]
    for name, found in (("fitted", np.stack(fitted, axis=1)), ("table", landmarks_of_mesh(points)), ("dlib", dlib)):
        wrong = 100 * np.linalg.norm(found - exact, axis=2) / scale
        parts = " ".join(f"{group} {wrong[:, list(part)].mean():.2f}" for group, part in GROUPS.items())
        print(f"{name}, {len(exact)} frames: all {wrong.mean():.2f} {parts}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
