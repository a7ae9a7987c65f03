"""Measures a model on a folder of clips, beside "repeat the source frame", and names its worst clips.

usage: 04_measure_clips.py FOLDER [MODEL]
"""

from __future__ import annotations

import sys

import kinema


def main(folder: str, model_name: str = "first_order-emoji") -> None:
    """Prints the table and the three worst clips."""
    report = kinema.evaluate(model_name, folder, perceptual="none")
    print(f"{report['clips']} clips, {report['frames']} frames, split {report['split']}")
    for name, value in report["metrics"].items():
        baseline = report["baselines"]["repeat_source"][name]["mean"]
        print(f"{name:18} {value['mean']:8.4f}   repeating the source: {baseline:8.4f}")
    worst = sorted(report["per_clip"], key=lambda row: row["model"]["l1"], reverse=True)[:3]
    for row in worst:
        print(f"{row['code']}: L1 {row['model']['l1']:.4f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
