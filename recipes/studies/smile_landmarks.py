"""Trains the landmark networks of smile with both diversity objectives and several seeds, and measures them.

    python recipes/studies/smile_landmarks.py ../shared/data/smiles /root/runs/smile_landmarks

Every run has the same number of steps, networks and batches; only ``objective.landmarks.diversity`` and the seed
differ. Hidden styles are read here to measure coverage, never by training. OUT/report.jsonl gets one line per run; a
run that has a line already is not repeated.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import torch

import kinema
from kinema.data.labelled.expression_clips import read_hidden_styles, read_labelled_clips
from kinema.evaluation.smile.conditions import find_starts
from kinema.evaluation.smile.landmarks import LANDMARK_BASELINES, generate_sequences, landmark_rows, true_dynamics
from kinema.weights.model_folder import build_model, read_model

BUDGET = (
    "objective.lr_translator=0",
    "objective.perceptual=[]",
    "objective.landmarks.sequence_step=300",
    "objective.landmarks.modes_step=700",
    "objective.landmarks.tune_step=1500",
    "objective.landmarks.end_step=1800",
    "objective.landmarks.tune_rate=1e-3",
    "train.steps=1800",
    "train.batch_size=8",
    "train.average_decay=0",
    "train.channels_last=false",
    "train.lr_warmup_steps=0",
    "train.log_every_steps=100",
    "train.checkpoint_every_steps=1800",
    "train.sample_every_steps=1800",
)


def measure(folder: Path, model: Any, split: str) -> dict[str, dict[str, float]]:
    """The landmark figures of ``kinema evaluate --protocol smile`` on a split, of the model and of baselines."""
    dynamics = true_dynamics(folder, model.config.labels, model.config.expressions.length)
    sequences = generate_sequences(model, find_starts(read_labelled_clips(folder, split)), dynamics)
    rows = landmark_rows(sequences, dynamics, read_hidden_styles(folder, split))
    return {
        who: {name: round(value["mean"], 4) for name, value in rows.summary(who, seed=0).items()}
        for who in ("model", *LANDMARK_BASELINES)
    }


def main() -> None:
    """Trains and measures the runs that are missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--diversity", nargs="*", default=["balanced", "push_pull"])
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    parser.add_argument("--set", nargs="*", default=[], help="further assignments; name OUT after them")
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    report = options.out / "report.jsonl"
    done = {json.loads(line)["run"] for line in report.read_text().splitlines()} if report.exists() else set()
    for seed in options.seeds:
        for diversity in options.diversity:
            name = f"{diversity}-{seed}"
            if name in done:
                continue
            settings = (*BUDGET, f"objective.landmarks.diversity={diversity}", f"train.seed={seed}", *options.set)
            began = time.process_time()
            folder = kinema.learn(
                "smile", options.folder, options.out / name, preset="small_96", assignments=settings, device="cpu"
            ).path
            line = {"run": name, "cpu_seconds": round(time.process_time() - began), "set": options.set}
            model = build_model(read_model(folder))
            line |= {split: measure(options.folder, model, split) for split in ("val", "test")}
            with report.open("a") as stream:
                stream.write(json.dumps(line) + "\n")
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
