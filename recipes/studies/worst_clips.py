"""Shows the ten test clips with the largest reconstruction L1, at their worst frame.

usage: worst_clips.py MODEL FOLDER REPORT.json SHEET.png
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

import kinema
from kinema.framing.pixels import to_frames, to_images
from kinema.metrics.image_quality import l1
from kinema.video import contact_sheet, open_video, write_image

SHOWN = 10


def main() -> None:
    """Prints a Markdown table and writes a sheet: source, driving (the truth) and generated frame of each clip."""
    model, folder, report, sheet = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4])
    pipeline = kinema.load(model)
    rows = sorted(json.loads(report.read_text())["per_clip"], key=lambda row: -row["model"]["l1"])[:SHOWN]
    pictures: list[list[np.ndarray]] = []
    print("| clip | L1 | repeat source | frame shown |\n|---|---|---|---|")
    for row in rows:
        with open_video(folder / "clips" / f"{row['code']}.mp4") as reader:
            clip = to_frames(np.stack([frame.image for frame in reader]))
        animation = pipeline.prepare(clip[:1], relative=False)
        generated = animation.step(clip)
        worst = int(l1(generated, clip).argmax())
        pictures.append([to_images(clip[:1])[0], to_images(clip[worst][None])[0], to_images(generated[worst][None])[0]])
        baseline = row["repeat_source"]["l1"]
        print(f"| {row['code']} | {row['model']['l1']:.4f} | {baseline:.4f} | {worst} |")
    # Two clips beside each other.
    half = SHOWN // 2
    beside = [left + right for left, right in zip(pictures[:half], pictures[half:], strict=True)]
    write_image(sheet, contact_sheet(beside))


if __name__ == "__main__":
    main()
