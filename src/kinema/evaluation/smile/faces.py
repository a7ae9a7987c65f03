"""Measures the identity and the visible label of faces in videos, with dlib's networks (extra ``dlib``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from kinema.data.clips.cache import CacheConfig
from kinema.data.labelled.clip_landmarks import with_landmarks
from kinema.data.labelled.expression_clips import LabelledClip, read_labelled_clips
from kinema.data.samples.expressions import DecodedClips, ExpressionConfig
from kinema.evaluation.request import REPEAT
from kinema.evaluation.smile.conditions import Row, Rows, add
from kinema.evaluation.smile.landmarks import REAL
from kinema.evaluation.smile.videos import TRANSLATION, Video, compared_video, true_video
from kinema.faces.landmarks import face_frame, to_face
from kinema.metrics.dlib_faces import detect_landmarks
from kinema.metrics.face import face_embedding
from kinema.metrics.landmark_sequences import LabelClassifier

# Number of true training clips to which the classifier of detected landmarks is fitted.
SEEN_CLIPS = 160
# A video in which faces are found in a smaller fraction of the frames has no label.
ENOUGH_FACES = 0.5
STRANGER, TO_NEUTRAL, TO_TRUE = "stranger", "identity_to_neutral", "identity_to_true"


def embed_faces(video: Video) -> np.ndarray:
    """(T', 128) embeddings of every second frame of the video; faces are cut out by its landmarks."""
    chosen = range(1, len(video.images), 2) if len(video.images) > 1 else range(1)
    return np.stack(
        [face_embedding(np.ascontiguousarray(video.images[row]), video.landmarks[row].numpy()) for row in chosen]
    )


def embedding_distance(faces_a: np.ndarray, faces_b: np.ndarray) -> float:
    """Mean Euclidean distance of embeddings (T, 128) from others of (T, 128) or (1, 128)."""
    return float(np.linalg.norm(faces_a - faces_b, axis=1).mean())


@dataclass(frozen=True, eq=False)
class SeenFaces:
    """The faces that the detector finds in a video.

    Attributes:
        found: fraction of the frames in which it finds a face.
        sequence: (T, 68, 2) in the face's own coordinates, gaps filled from the nearest frame; None if too many.
    """

    found: float
    sequence: Tensor | None


def see_faces(images: np.ndarray) -> SeenFaces:
    """Detects landmarks in (T, H, W, 3) uint8 pictures."""
    points = [detect_landmarks(np.ascontiguousarray(image)) for image in images]
    known = np.array([row for row, each in enumerate(points) if each is not None])
    found = len(known) / len(points)
    if found < ENOUGH_FACES:
        return SeenFaces(found, None)
    nearest = [points[known[np.abs(known - row).argmin()]] for row in range(len(points))]
    landmarks = torch.from_numpy(np.stack([each for each in nearest if each is not None])).float()
    return SeenFaces(found, to_face(landmarks, face_frame(landmarks)))


@dataclass(frozen=True, eq=False)
class SeenLabels:
    """Recognises labels by the landmarks that the detector finds.

    Attributes:
        labels: names, in the order of their numbers.
        classifier: fitted to true clips of the training split.
        clips: number of these clips.
    """

    labels: tuple[str, ...]
    classifier: LabelClassifier
    clips: int

    def accuracy(self, seen: Sequence[SeenFaces], label: str) -> float | None:
        """Fraction of the videos whose label is recognised; None if no video shows enough faces."""
        known = [each.sequence for each in seen if each.sequence is not None]
        if not known:
            return None
        number = torch.tensor(self.labels.index(label))
        return self.classifier.accuracy(torch.stack(known), number.expand(len(known)))


def learn_seen_labels(
    folder: Path, labels: Sequence[str], frames: CacheConfig, expressions: ExpressionConfig
) -> SeenLabels | None:
    """Fits the classifier to true clips, with the size and the frames at which videos are measured.

    Args:
        folder: of labelled clips with a training split.
        labels: in the order of their numbers.
        frames: size and fit of the frames.
        expressions: framing of the clips and length of the sequences.

    Returns:
        The classifier; None if the detector finds no faces in the clips of a label, or a sequence has only one frame.
    """
    chosen, _ = with_landmarks(spread_clips(read_labelled_clips(folder, "train"), labels, SEEN_CLIPS))
    decoded = DecodedClips(chosen, frames, framing=expressions.framing)
    length = expressions.length
    seen = [(clip, see_faces(true_video(decoded, clip.code, length).images).sequence) for clip in decoded.clips]
    known = [(sequence, labels.index(clip.label)) for clip, sequence in seen if sequence is not None]
    if {number for _, number in known} != set(range(len(labels))) or len(known[0][0]) < 2:
        return None
    sequences = torch.stack([sequence for sequence, _ in known])
    numbers = torch.tensor([number for _, number in known])
    return SeenLabels(tuple(labels), LabelClassifier(sequences, numbers), len(known))


def spread_clips(clips: Sequence[LabelledClip], labels: Sequence[str], count: int) -> list[LabelledClip]:
    """About ``count`` clips, equally many of each label, spread evenly over its identities."""
    chosen = []
    for label in labels:
        own = [clip for clip in sorted(clips, key=lambda clip: (clip.identity, clip.code)) if clip.label == label]
        wanted = min(len(own), max(1, count // len(labels)))
        chosen += [own[index * len(own) // wanted] for index in range(wanted)]
    return chosen


@dataclass(frozen=True, eq=False)
class _KnownFaces:
    """Embeddings of a start: (1, 128) of its neutral frame, (T, 128) of each of its clips."""

    neutral: np.ndarray
    true: list[np.ndarray]


class FaceFigures:
    """Collects the figures of ``--face``, which ``kinema.evaluation.smile.protocol`` defines, start by start."""

    def __init__(self, rows: Rows, seen_labels: SeenLabels | None) -> None:
        self._rows = rows
        self._seen_labels = seen_labels
        self._known: list[_KnownFaces] = []

    def measure(self, row: Row, clip_rows: Sequence[Row], neutral: Video, videos: Mapping[str, list[Video]]) -> None:
        """Adds figures to the row of a start and those of its clips; call it for the starts in their order.

        Args:
            row: of the start.
            clip_rows: of its N clips, in their order.
            neutral: the neutral frame of the start.
            videos: from :func:`kinema.evaluation.smile.videos.start_videos`.
        """
        known = _KnownFaces(embed_faces(neutral), [embed_faces(video) for video in videos[REAL]])
        self._known.append(known)
        for method, shown in videos.items():
            if method != REPEAT:
                self._identify(method, clip_rows, known, shown)
                self._see(method, row, clip_rows, shown)

    def compare_strangers(self) -> None:
        """Adds the distances of each clip from the next identity to its row; call it after all starts are measured."""
        names = [row["identity"] for row in self._rows.identities]
        if len(names) < 2:
            return
        following = dict(zip(names, [*names[1:], names[0]], strict=True))
        for index, (row, clip_rows) in enumerate(self._rows.by_start()):
            others = [
                (other["label"] != row["label"], place)
                for place, other in enumerate(self._rows.starts)
                if other["identity"] == following[row["identity"]]
            ]
            stranger = self._known[min(others)[1]]
            for place, (clip_row, true) in enumerate(zip(clip_rows, self._known[index].true, strict=True)):
                distances = {
                    TO_NEUTRAL: embedding_distance(true, stranger.neutral),
                    TO_TRUE: embedding_distance(true, stranger.true[place % len(stranger.true)]),
                }
                add(clip_row, STRANGER, **distances)

    def _identify(self, method: str, clip_rows: Sequence[Row], known: _KnownFaces, shown: list[Video]) -> None:
        embedded: dict[int, np.ndarray] = dict(enumerate(known.true)) if method == REAL else {}
        for place, clip_row in enumerate(clip_rows):
            chosen = compared_video(method, clip_row, place)
            if chosen not in embedded:
                embedded[chosen] = embed_faces(shown[chosen])
            add(clip_row, method, **{TO_NEUTRAL: embedding_distance(embedded[chosen], known.neutral)})
            if method != REAL:
                add(clip_row, method, **{TO_TRUE: embedding_distance(embedded[chosen], known.true[place])})

    def _see(self, method: str, row: Row, clip_rows: Sequence[Row], shown: list[Video]) -> None:
        seen = [see_faces(video.images) for video in shown]
        # One video for each clip, or the videos of the start.
        groups = (
            zip(clip_rows, ([each] for each in seen), strict=True) if method in (TRANSLATION, REAL) else [(row, seen)]
        )
        for target, group in groups:
            add(target, method, face_found=float(np.mean([each.found for each in group])))
            if self._seen_labels is not None:
                add(target, method, seen_label_accuracy=self._seen_labels.accuracy(group, row["label"]))
