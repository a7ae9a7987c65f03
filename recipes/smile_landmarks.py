"""Trains the landmark networks of smile with both diversity objectives over several seeds, and measures them.

    python recipes/smile_landmarks.py ../shared/data/smiles /root/runs/smile_landmarks

Every run has the same budget, networks and batches; only ``objective.landmarks.diversity`` and the seed differ. Hidden
styles are read here to measure coverage, never by training. One line a run goes to OUT/report.jsonl; a run that is
there is not repeated.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from kinema.data.expressions import landmark_sequence
from kinema.data.labelled_clips import read_hidden_styles, read_labelled_clips
from kinema.metrics.landmark_sequences import (
    LabelClassifier,
    best_of,
    covered_styles,
    jitter,
    pair_distance,
    sequence_errors,
)
from kinema.runtime.learn import LearnRequest, learn
from kinema.systems.smile.config import SmileConfig
from kinema.systems.system import find_system
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


def read(folder: Path, split: str, config: SmileConfig) -> tuple[Tensor, Tensor, list[str]]:
    """Sequences (N, T, 68, 2), labels (N,) and codes of a split."""
    clips = read_labelled_clips(folder, split)
    sequences = torch.stack([landmark_sequence(clip, config.expressions.length) for clip in clips])
    labels = torch.tensor([config.labels.index(clip.label) for clip in clips])
    return sequences, labels, [clip.code for clip in clips]


def covers(made: Tensor, true: Tensor, labels: Tensor, identities: list[str], styles: Tensor) -> dict[str, float]:
    """Share of identities, and of their labels, whose true styles are all covered by some mode."""
    of_identity: dict[str, list[bool]] = {}
    for identity in sorted(set(identities)):
        for label in labels.unique():
            rows = [row for row, name in enumerate(identities) if name == identity and labels[row] == label]
            order = sorted(rows, key=lambda row: int(styles[row]))
            found = covered_styles(made[order[:1]], true[order][None])
            of_identity.setdefault(identity, []).append(bool(found.all()))
    pairs = [covered for each in of_identity.values() for covered in each]
    return {
        "identities_covered": sum(all(each) for each in of_identity.values()) / len(of_identity),
        "labels_covered": sum(pairs) / len(pairs),
    }


@torch.no_grad()
def measure(folder: Path, model: Any, split: str) -> dict[str, float]:
    """The figures of a model on the clips of a split; of test the neutral frames of an identity are one."""
    config = model.config
    true, labels, codes = read(folder, split, config)
    train, train_labels, _ = read(folder, "train", config)
    made = model(true[:, 0], labels, true.shape[1])
    classifier = LabelClassifier(train, train_labels)
    still = true[:, :1].expand_as(true)[:, None]
    mean = torch.stack([(train - train[:, :1])[train_labels == label].mean(dim=0) for label in labels.unique()])
    report = {
        "best_of": best_of(made, true).mean(),
        "mean_of": sequence_errors(made, true).mean(),
        "pair_distance": pair_distance(made).mean(),
        "neutral_repeated": best_of(still, true).mean(),
        "label_mean": best_of((true[:, :1] + mean[labels])[:, None], true).mean(),
        "label_accuracy": classifier.accuracy(made.flatten(0, 1), labels.repeat_interleave(made.shape[1])),
        "label_accuracy_of_true": classifier.accuracy(true, labels),
        "jitter": jitter(made).mean(),
        "jitter_of_true": jitter(true).mean(),
    }
    if split == "test":
        styles = read_hidden_styles(folder, split)
        # Codes are test/IDENTITY_CLIP.
        identities = [code.rpartition("_")[0] for code in codes]
        report |= covers(made, true, labels, identities, torch.tensor([styles[code] for code in codes]))
    return {name: round(float(value), 4) for name, value in report.items()}


def main() -> None:
    """Runs what is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--diversity", nargs="*", default=["balanced", "push_pull"])
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    parser.add_argument("--set", nargs="*", default=[], help="further assignments; name OUT after them")
    options = parser.parse_args()
    torch.set_num_threads(1)
    system = find_system("smile")
    options.out.mkdir(parents=True, exist_ok=True)
    report = options.out / "report.jsonl"
    done = {json.loads(line)["run"] for line in report.read_text().splitlines()} if report.exists() else set()
    for seed in options.seeds:
        for diversity in options.diversity:
            name = f"{diversity}-{seed}"
            if name in done:
                continue
            config = system.preset("small_96").override(
                [*BUDGET, f"objective.landmarks.diversity={diversity}", f"train.seed={seed}", *options.set]
            )
            began = time.process_time()
            folder = learn(LearnRequest(system, config, options.folder, options.out / name, device="cpu"))
            line = {"run": name, "cpu_seconds": round(time.process_time() - began), "set": options.set}
            model = build_model(read_model(folder))
            line |= {split: measure(options.folder, model, split) for split in ("val", "test")}
            with report.open("a") as stream:
                stream.write(json.dumps(line) + "\n")
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
