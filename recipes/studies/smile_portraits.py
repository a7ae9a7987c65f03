"""Measures generated smiles of photographed people beside their real ones, on the portraits of data/london-faces.

usage: smile_portraits.py MODEL LONDON_FACES [LABEL]

Each neutral portrait is made to smile, and the middle frame is measured, by landmarks that dlib finds (extra ``dlib``;
the model is given those of the extra ``face``). They are in the coordinates of the face, and distances in % of the eye
distance; identity is measured by dlib's embedding (a distance below 0.6 usually means one person).

found: fraction of generated pictures in which the detector finds a face.
to_neutral, to_own_smile: embedding distance of a generated picture from the person's neutral and smiling photo;
    own_smile_to_neutral and stranger_to_neutral (the next person's smile) are the distances between the photos.
corners: how much further apart the corners of the mouth are than in the neutral photo.
landmarks_best, landmarks_mean: mean distance of the generated landmarks from those of the real smile, for the closest
    smile and for all; landmarks_neutral: the same for the neutral landmarks.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

import kinema
from kinema.faces.detector import choose_face
from kinema.faces.landmarks import face_frame, to_face
from kinema.metrics.dlib_faces import detect_landmarks
from kinema.metrics.face import face_embedding
from kinema.video import read_image

CORNERS = (48, 54)


class Look:
    """A picture of a person: landmarks in the face's own coordinates, and the embedding of the face."""

    def __init__(self, image: np.ndarray, landmarks: np.ndarray) -> None:
        points = torch.from_numpy(landmarks).double()
        self.points = to_face(points, face_frame(points))
        self.embedding = face_embedding(image, landmarks.astype(np.float64))
        self.corners = 100 * float((self.points[CORNERS[1]] - self.points[CORNERS[0]]).norm())

    def distance(self, other: Look) -> float:
        """Distance of the embeddings."""
        return float(np.linalg.norm(self.embedding - other.embedding))

    def error(self, other: Look) -> float:
        """Mean distance of landmarks in % of the eye distance."""
        return 100 * float((self.points - other.points).norm(dim=1).mean())


def look(image: np.ndarray) -> Look | None:
    """What dlib sees; None where it finds no face."""
    landmarks = detect_landmarks(image)
    return None if landmarks is None else Look(image, landmarks)


def main() -> None:
    """Prints means as JSON."""
    model, folder = kinema.load(sys.argv[1]), Path(sys.argv[2])
    label = sys.argv[3] if len(sys.argv) > 3 else "spontaneous"
    values: dict[str, list[Any]] = defaultdict(list)
    people = []
    for path in sorted((folder / "neutral_front").glob("*.jpg")):
        own = folder / "smiling_front" / path.name.replace("_03", "_08")
        if not own.is_file():
            continue
        photo, smiling = read_image(path), read_image(own)
        neutral, smile = look(photo), look(smiling)
        if neutral is None or smile is None:
            print(f"{path.name}: left out, dlib finds no face in it or in {own.name}", file=sys.stderr)
            continue
        people.append((neutral, smile))
        placed = model.in_photo(photo, choose_face(photo, what=path.name).landmarks)
        sequences = placed.sequences(label, modes=3)
        looks = []
        for sequence in sequences:
            seen = look(placed.picture(sequence[len(sequence) // 2]))
            values["found"].append(seen is not None)
            if seen is not None:
                looks.append(seen)
        values["to_neutral"] += [look.distance(neutral) for look in looks]
        values["to_own_smile"] += [look.distance(smile) for look in looks]
        values["corners"] += [look.corners - neutral.corners for look in looks]
        errors = [look.error(smile) for look in looks]
        values["landmarks_best"].append(min(errors))
        values["landmarks_mean"] += errors
        values["landmarks_neutral"].append(neutral.error(smile))
        values["own_smile_to_neutral"].append(smile.distance(neutral))
        values["own_corners"].append(smile.corners - neutral.corners)
    for place, (neutral, _) in enumerate(people):
        values["stranger_to_neutral"].append(people[(place + 1) % len(people)][1].distance(neutral))
    means = {name: round(float(np.mean(column)), 4) for name, column in values.items()}
    print(json.dumps({"people": len(people), "label": label, **means}))


if __name__ == "__main__":
    main()
