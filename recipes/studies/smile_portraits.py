"""Measures smiles of photographed people beside their own: the portraits of data/london-faces.

usage: smile_portraits.py MODEL LONDON_FACES [LABEL]

Each neutral portrait smiles; the middle frame is looked at. Landmarks are dlib's, in own coordinates, distances
in % of the eye distance; people are told apart by dlib's embedding (below 0.6 usually one person).

found: share of made pictures in which the detector finds a face.
to_neutral, to_own_smile: embedding distance of a made picture to the person's neutral and smiling photo;
    own_smile_to_neutral and stranger_to_neutral (the next person's smile): what the photos themselves have.
corners: how much further apart the mouth's corners are than in the neutral photo.
landmarks_best, landmarks_mean: mean distance of the made landmarks from those of the own smile, of the closest smile
    and of all; landmarks_neutral: of the neutral ones.
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
from kinema.faces.detector import choose_face, find_faces
from kinema.faces.landmarks import face_frame, to_face
from kinema.metrics.face import face_embedding
from kinema.video import read_image

CORNERS = (48, 54)


class Look:
    """A picture of a person: landmarks in the face's own coordinates, and what identifies them."""

    def __init__(self, image: np.ndarray, landmarks: np.ndarray) -> None:
        points = torch.from_numpy(landmarks).double()
        self.points = to_face(points, face_frame(points))
        self.embedding = face_embedding(image, landmarks.astype(np.float64))
        self.corners = 100 * float((self.points[CORNERS[1]] - self.points[CORNERS[0]]).norm())

    def distance(self, other: Look) -> float:
        """Between embeddings."""
        return float(np.linalg.norm(self.embedding - other.embedding))

    def error(self, other: Look) -> float:
        """Mean distance of landmarks in % of the eye distance."""
        return 100 * float((self.points - other.points).norm(dim=1).mean())


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
        face = choose_face(photo, what=path.name)
        neutral, smile = (
            Look(photo, face.landmarks),
            Look(smiling, choose_face(smiling, what=own.name, any_turn=True).landmarks),
        )
        people.append((neutral, smile))
        placed = model.in_photo(photo, face.landmarks)
        takes = placed.takes(label, modes=3)
        looks = []
        for take in takes:
            picture = placed.picture(take[len(take) // 2])
            found = find_faces(picture)
            values["found"].append(bool(found))
            if found:
                looks.append(Look(picture, found[0].landmarks))
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
