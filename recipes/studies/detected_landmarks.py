"""Compares the 68 landmarks of the extra ``face`` with dlib's (extra ``dlib``) on rendered faces, whose own are known.

usage: detected_landmarks.py DATA

DATA is shared/data. On data/faces, two frames of each test clip: how many faces are found, and the mean distance from
the exact landmarks where both find one. On the test split of data/smiles, smile-faces is given the neutral frame with
exact landmarks, the table's and dlib's, and measured against exact ones as ``kinema evaluate --protocol smile`` does.
Distances are in % of the distance of the outer eye corners:

best, mean: error of the best of three smiles for each true one, and of all three.
motion_best, motion_mean: the same of landmarks less those of the neutral frame, which leaves out where they lie.
neutral: error of the landmarks that were given.
l1: of three moments of the smile nearest in motion, from the true frames, in [0, 1].

Intervals of 95 % resample people.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

import kinema
from kinema.data.labelled.expression_clips import LabelledClip, read_labelled_clips
from kinema.faces.detector import find_faces
from kinema.faces.landmarks import face_frame, to_face
from kinema.metrics.dlib_faces import detect_landmarks
from kinema.metrics.face_motion import eye_distance
from kinema.video import open_video

Array = NDArray[np.float64]

MOMENTS = (8, 15, 24)
FRAMES = (10, 30)
GROUPS = {"jaw": range(17), "brows": range(17, 27), "nose": range(27, 36), "eyes": range(36, 48), "lips": range(48, 68)}


def images_of(path: Path) -> list[NDArray[np.uint8]]:
    """All frames of a clip."""
    with open_video(path) as reader:
        return [frame.image for frame in reader]


def by_table(image: NDArray[np.uint8]) -> Array | None:
    """(68, 2) of the largest face."""
    faces = find_faces(image)
    return faces[0].landmarks.astype(np.float64) if faces else None


def difference(table: list[float], dlib: list[float], people: list[str]) -> str:
    """Mean of table less dlib, with its interval."""
    each = np.array(table) - np.array(dlib)
    means = np.array([each[np.array(people) == person].mean() for person in sorted(set(people))])
    drawn = np.random.default_rng(0).choice(means, (2000, len(means))).mean(axis=1)
    low, high = np.percentile(drawn, [2.5, 97.5])
    return f"table - dlib {means.mean():+.4f} [{low:+.4f}, {high:+.4f}]"


def compare_places(data: Path) -> None:
    """Prints errors on data/faces."""
    answers = np.load(data / "test.npz")
    found, errors, people = {"table": 0, "dlib": 0}, defaultdict(list), []
    for code, identity, landmarks in zip(answers["code"], answers["identity"], answers["landmarks"], strict=True):
        images = images_of(data / "clips" / f"{code}.mp4")
        for number in FRAMES:
            exact = landmarks[number].astype(np.float64) - 0.5  # there the first pixel's centre is at 0.5
            seen = {"table": by_table(images[number]), "dlib": detect_landmarks(images[number])}
            for who, points in seen.items():
                found[who] += points is not None
            if all(points is not None for points in seen.values()):
                people.append(str(identity))
                for who, points in seen.items():
                    distance = np.linalg.norm(np.asarray(points) - exact, axis=1)
                    errors[who].append(100 * distance / eye_distance(exact[None])[0])
    print(f"faces: {len(FRAMES) * len(answers['code'])} frames, found {found}, compared {len(people)}")
    for who, rows in errors.items():
        parts = {name: round(float(np.stack(rows)[:, list(group)].mean()), 2) for name, group in GROUPS.items()}
        print(f"  {who}: all {np.mean(rows):.2f}, {parts}")
    table, dlib = ([float(row.mean()) for row in errors[who]] for who in ("table", "dlib"))
    print(" ", difference(table, dlib, people))


def compare_smiles(data: Path) -> None:
    """Prints the errors of smile-faces on data/smiles."""
    starts: dict[tuple[str, str], list[LabelledClip]] = defaultdict(list)
    for clip in read_labelled_clips(data, "test"):
        starts[clip.identity, clip.label].append(clip)
    model = kinema.load("smile-faces", device="cpu")
    values: dict[str, dict[str, list[float]]] = {}
    people = []
    for (identity, label), clips in sorted(starts.items()):
        videos = [images_of(clip.path) for clip in clips]
        true = [own_coordinates(clip.known_landmarks()) for clip in clips]
        image = videos[0][0]
        given = {
            "exact": clips[0].known_landmarks()[0].astype(np.float64),
            "table": by_table(image),
            "dlib": detect_landmarks(image),
        }
        if any(points is None for points in given.values()):
            print(f"{identity} {label}: left out, a face is not found")
            continue
        people.append(identity)
        for who, points in given.items():
            placed = model.in_photo(image, np.asarray(points, dtype=np.float32))
            sequences = placed.sequences(label, modes=3)
            made = [own_coordinates(np.asarray(sequence)) for sequence in sequences]
            places = np.array([[error(one, other) for one in made] for other in true])
            motions = np.array([[error(one - one[0], other - other[0]) for one in made] for other in true])
            pictures = [
                np.abs(placed.picture(sequences[int(row.argmin())][moment]).astype(float) - video[moment]).mean() / 255
                for row, video in zip(motions, videos, strict=True)
                for moment in MOMENTS
            ]
            row = {
                "best": places.min(axis=1).mean(),
                "mean": places.mean(),
                "motion_best": motions.min(axis=1).mean(),
                "motion_mean": motions.mean(),
                "neutral": error(made[0][:1], true[0][:1]),
                "l1": np.mean(pictures),
            }
            for name, value in row.items():
                values.setdefault(name, defaultdict(list))[who].append(float(value))
    print(f"smiles: {len(people)} starts of {len(set(people))} people")
    for name, by_who in values.items():
        means = ", ".join(f"{who} {np.mean(rows):.4f}" for who, rows in by_who.items())
        print(f"  {name}: {means}; {difference(by_who['table'], by_who['dlib'], people)}")


def own_coordinates(landmarks: NDArray[np.floating]) -> Array:
    """(T, 68, 2) in the face's own coordinates."""
    points = torch.from_numpy(landmarks).double()
    return to_face(points, face_frame(points)).numpy()


def error(made: Array, true: Array) -> float:
    """Mean distance in %."""
    return 100 * float(np.linalg.norm(made - true, axis=-1).mean())


if __name__ == "__main__":
    compare_places(Path(sys.argv[1]) / "faces")
    compare_smiles(Path(sys.argv[1]) / "smiles")
