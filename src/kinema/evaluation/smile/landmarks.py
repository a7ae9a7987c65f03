"""Measures the landmark sequences of a smile model and of simple baselines.

No frames are used. Sequences are in the coordinates of the face, so head motion has no effect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from kinema.core.checks import InputError
from kinema.data.labelled.clip_landmarks import with_landmarks
from kinema.data.labelled.expression_clips import check_labels, read_labelled_clips
from kinema.data.samples.expressions import landmark_sequence
from kinema.evaluation.request import REPEAT
from kinema.evaluation.smile.conditions import Rows, Start, add
from kinema.metrics.landmark_sequences import (
    LabelClassifier,
    covered_styles,
    jitter,
    pair_distance,
    sequence_errors,
)
from kinema.sequences.landmark_embedding import CoordinateEmbedding

LABEL_MEAN, SINGLE, REAL = "label_mean", "single", "real"
LANDMARK_BASELINES = (REPEAT, LABEL_MEAN, SINGLE, REAL)
COVERAGE = "coverage"


@dataclass(frozen=True, eq=False)
class TrueDynamics:
    """Statistics of the labels in the true clips of the training split.

    Attributes:
        labels: names, in the order of their numbers.
        mean: (L, T, 68, 2) mean movement of the landmarks of a label since the neutral frame; NaN if it has no clip.
        classifier: recognises labels by landmark velocities.
    """

    labels: tuple[str, ...]
    mean: Tensor
    classifier: LabelClassifier


def true_dynamics(folder: Path, labels: Sequence[str], length: int) -> TrueDynamics:
    """Reads the training split of a folder of labelled clips.

    Raises:
        InputError: there is no training split, or it has a label that is not among ``labels``.
    """
    clips = read_labelled_clips(folder, "train")
    check_labels(clips, labels)
    clips, _ = with_landmarks(clips)
    sequences = torch.stack([landmark_sequence(clip, length) for clip in clips])
    numbers = torch.tensor([labels.index(clip.label) for clip in clips])
    moved = sequences - sequences[:, :1]
    mean = torch.stack([moved[numbers == number].mean(dim=0) for number in range(len(labels))])
    return TrueDynamics(tuple(labels), mean, LabelClassifier(sequences, numbers))


@dataclass(frozen=True, eq=False)
class Sequences:
    """Recorded and generated sequences of S starts.

    Attributes:
        starts: S starts.
        true: for each start the landmarks (N, T, 68, 2) of its clips.
        generated: method to (S, K, T, 68, 2); K is 1 for baselines.
    """

    starts: tuple[Start, ...]
    true: tuple[Tensor, ...]
    generated: dict[str, Tensor]

    def errors(self, method: str) -> list[Tensor]:
        """Distances (N, K) of the K sequences from the N clips of each start, in % of the eye distance."""
        return [
            sequence_errors(generated[None].expand(len(true), -1, -1, -1, -1), true)
            for generated, true in zip(self.generated[method], self.true, strict=True)
        ]


def check_points(model: Any) -> None:
    """Refuses a model whose landmarks are drawings.

    Raises:
        InputError: its landmarks are drawings.
    """
    if not isinstance(model.embedding, CoordinateEmbedding):
        raise InputError(
            "the protocol smile measures landmark points and the frames generated from them, but this model generates "
            "drawings of landmarks; evaluate one with landmarks.embedding.representation=coordinates"
        )


@torch.no_grad()
def generate_sequences(model: Any, starts: Sequence[Start], dynamics: TrueDynamics) -> Sequences:
    """The sequences of a smile model and of its baselines.

    ``single`` is the model's own sequence of the label, before the modes: K = 1.

    Args:
        model: a model whose networks embed coordinates.
        starts: S starts, with labels that the model knows.
        dynamics: of the training split, as long as the model's own sequences.

    Raises:
        InputError: the model generates drawings, or the training split lacks a label.
    """
    check_points(model)
    length = dynamics.mean.shape[1]
    true = tuple(torch.stack([landmark_sequence(clip, length) for clip in start.clips]) for start in starts)
    labels = torch.tensor([dynamics.labels.index(start.label) for start in starts])
    moved = dynamics.mean[labels]
    if moved.isnan().any():
        lacking = next(start.label for start, row in zip(starts, moved, strict=True) if row.isnan().any())
        raise InputError(f"the train split has no clip of label '{lacking}', which the test split has; add some")
    neutral = torch.stack([sequences[0, 0] for sequences in true])
    device = next(model.parameters()).device
    face = model.embedding.neutral(neutral.to(device))
    shared, codes = model.codes(face, labels.to(device), length - 1)
    modes = model.decode_modes(codes, face)
    single = model.embedding.decode(shared, face)[:, None]
    first = neutral[:, None, None]
    generated = {
        "model": torch.cat([first.expand(-1, modes.shape[1], -1, -1, -1), modes.float().cpu()], dim=2),
        SINGLE: torch.cat([first, single.float().cpu()], dim=2),
        REPEAT: first.expand(-1, -1, length, -1, -1),
        LABEL_MEAN: (neutral[:, None] + moved)[:, None],
    }
    return Sequences(tuple(starts), true, generated)


def landmark_rows(sequences: Sequences, dynamics: TrueDynamics, styles: Mapping[str, int]) -> Rows:
    """The landmark figures, which ``kinema.evaluation.smile.protocol`` defines.

    Args:
        sequences: of the model and its baselines.
        dynamics: of the training split.
        styles: code of a clip to its true style; empty if the data state none.
    """
    rows = Rows.of(sequences.starts)
    for method, generated in sequences.generated.items():
        errors = sequences.errors(method)
        for (row, clip_rows), own, error in zip(rows.by_start(), generated, errors, strict=True):
            for clip_row, each in zip(clip_rows, error, strict=True):
                add(clip_row, method, best_of_error=float(each.min()), mean_error=float(each.mean()))
                if method == "model":
                    clip_row["mode"] = int(each.argmin())
            add(row, method, jitter=float(jitter(own).mean()))
            if method != REPEAT:
                add(row, method, label_accuracy=_accuracy(dynamics, own, row["label"]))
            if len(own) > 1:
                add(row, method, pair_distance=float(pair_distance(own[None])))
    for (row, clip_rows), true in zip(rows.by_start(), sequences.true, strict=True):
        for clip_row, each in zip(clip_rows, true, strict=True):
            accuracy = _accuracy(dynamics, each[None], row["label"])
            add(clip_row, REAL, jitter=float(jitter(each)), label_accuracy=accuracy)
    _add_coverage(rows, sequences, styles)
    return rows


def _accuracy(dynamics: TrueDynamics, sequences: Tensor, label: str) -> float:
    number = torch.tensor(dynamics.labels.index(label))
    return dynamics.classifier.accuracy(sequences, number.expand(len(sequences)))


def _add_coverage(rows: Rows, sequences: Sequences, styles: Mapping[str, int]) -> None:
    """Adds the coverage of starts with one clip of each style, and of identities with only such starts."""
    every = sorted({styles[clip.code] for start in sequences.starts for clip in start.clips if clip.code in styles})
    if len(every) < 2:
        return
    covered: dict[str, list[bool | None]] = {}
    for row, start, true, generated in zip(
        rows.starts, sequences.starts, sequences.true, sequences.generated["model"], strict=True
    ):
        shown = sorted(styles[clip.code] for clip in start.clips if clip.code in styles)
        found = bool(covered_styles(generated[None], true[None]).all()) if shown == every else None
        covered.setdefault(start.identity, []).append(found)
        if found is not None:
            add(row, "model", **{f"{COVERAGE}_{start.label}": float(found)})
    for identity in rows.identities:
        known = covered[identity["identity"]]
        if None not in known:
            add(identity, "model", **{COVERAGE: float(all(known))})
