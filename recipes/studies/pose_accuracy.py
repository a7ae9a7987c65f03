"""Measures how well the body pose detector finds the joints of ../shared/data/people, whose true positions are known.

    python recipes/studies/pose_accuracy.py ../shared/data/people/fashion256x176
    python recipes/studies/pose_accuracy.py ../shared/data/people/market128x64 --whole-picture

Only joints that the camera sees are counted: not hidden (``visible`` of keypoints-SPLIT.npz) and inside the picture. A
joint that the detector does not report counts as not found, and so do all joints of a person that is not found.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch

from kinema.core.types import Joints
from kinema.data.labelled.people import read_people
from kinema.people.detector import BodyPoseDetector
from kinema.people.skeleton import JOINTS, torso_length


def main() -> None:
    """Prints the fractions as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--split", default="test")
    parser.add_argument("--visibility", type=float, default=0.5)
    parser.add_argument("--whole-picture", action="store_true")
    parser.add_argument("--joints", action="store_true", help="also each joint by itself")
    options = parser.parse_args()
    people = {image.name: image for image in read_people(options.folder, options.split)}
    truth = np.load(options.folder / f"keypoints-{options.split}.npz")
    detector = BodyPoseDetector(visibility=options.visibility)
    errors = np.full((len(truth["name"]), len(JOINTS)), np.inf)  # of reported joints, in torso lengths
    counted = truth["visible"].copy()
    found, invented, seconds = 0, 0, 0.0
    for row, name in enumerate(truth["name"]):
        picture, points = people[str(name)].picture(), truth["yx"][row][:, ::-1].copy()
        counted[row] &= ((points >= -0.5) & (points <= np.array(picture.shape[1::-1]) - 0.5)).all(axis=1)
        start = time.process_time()
        persons = detector.detect(picture, whole_picture=options.whole_picture)
        seconds += time.process_time() - start
        if not persons:
            continue
        found += 1
        joints = persons[0].joints
        exact = Joints(torch.from_numpy(points)[None], torch.ones(1, len(JOINTS), dtype=torch.bool))
        distances = (joints.value[0] - exact.value[0]).norm(dim=1) / torso_length(exact)
        errors[row] = np.where(joints.present[0].numpy(), distances.numpy(), np.inf)
        invented += int((joints.present[0].numpy() & ~counted[row]).sum())
    reported = np.isfinite(errors) & counted
    report = {
        "pictures": len(errors),
        "person_found": found / len(errors),
        "joints": int(counted.sum()),
        "joints_reported": float(reported.sum() / counted.sum()),
        "within_0.1": float((errors[counted] < 0.1).mean()),
        "within_0.2": float((errors[counted] < 0.2).mean()),
        "median_error_of_reported": float(np.median(errors[reported])),
        "hidden_joints_reported": invented,
        "cpu_ms": 1000 * seconds / len(errors),
    }
    if options.joints:
        report["each"] = {
            name: [round(float((errors[counted[:, i], i] < limit).mean()), 3) for limit in (0.1, 0.2)]
            for i, name in enumerate(JOINTS)
        }
    print(json.dumps({key: round(value, 4) if isinstance(value, float) else value for key, value in report.items()}))


if __name__ == "__main__":
    main()
