"""Splits the training clips of shared/data/emoji by look instead of motion, to test a predictor on known motions.

usage: look_split.py DATA FOLDER

Of every motion with three looks, the last one is a test clip, so its motion occurs in training.
"""

from __future__ import annotations

import csv
import os
import sys
from collections import defaultdict
from pathlib import Path


def main() -> None:
    """Writes FOLDER/index.csv and FOLDER/clips, links to DATA/clips."""
    data, folder = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    with (data / "index.csv").open() as stream:
        rows = [row for row in csv.DictReader(stream) if row["split"] == "train"]
    looks: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        looks[row["motion_group"]].append(row["code"])
    tested = {sorted(codes)[-1] for codes in looks.values() if len(codes) >= 3}
    (folder / "clips").mkdir(parents=True)
    for row in rows:
        os.symlink(data / "clips" / f"{row['code']}.mp4", folder / "clips" / f"{row['code']}.mp4")
    lines = [f"{row['code']},{row['motion_group']},{'test' if row['code'] in tested else 'train'}" for row in rows]
    (folder / "index.csv").write_text("\n".join(["code,motion_group,split", *lines]) + "\n")
    print(f"{folder}: {len(rows) - len(tested)} clips for training, {len(tested)} for testing")


if __name__ == "__main__":
    main()
