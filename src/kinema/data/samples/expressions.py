"""Samples batches of landmark sequences, frame pairs and whole clips from labelled clips.

Every sample depends on seed, step and row only. A sequence shows a whole clip, resampled to a fixed length, as in the
papers. Landmarks are in the face's own coordinates, so that movements of the head are left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from kinema.core.checks import InputError
from kinema.core.config import Config
from kinema.data.clips.cache import CacheConfig, CachedClip, FrameCache
from kinema.data.clips.folder import Clip, Unreadable, reason_without_path
from kinema.data.labelled.expression_clips import LabelledClip, check_labels
from kinema.data.samples.augment import NUM_DRAWS, augment_pairs, no_augmentation
from kinema.data.samples.batches import LabelledFrames, LabelledLandmarks, LandmarkPair, SmileBatch
from kinema.data.samples.row_generators import row_generators
from kinema.faces.landmarks import NUM_LANDMARKS, face_frame, mirror_landmarks, to_face
from kinema.faces.window import FaceWindow
from kinema.framing.fit import fit_points
from kinema.video import probe

# Random shifts of a pair's landmarks: one of all points of a frame, and one of each point that is the same in both
# frames.
NOISE_SHAPES = ((2, 1, 2), (1, NUM_LANDMARKS, 2))


class ExpressionConfig(Config):
    """How sequences are sampled from labelled clips and augmented."""

    length: int = Field(default=32, ge=2, le=512, description="frames of a sequence, including the neutral one")
    frame_rate: float = Field(default=25.0, gt=0, le=240, description="frames per second of a written sequence")
    framing: Literal["face", "frame"] = Field(
        default="face",
        description="which part of a clip is used: the window around the face of its first frame, or the whole frame, "
        "for clips that are cropped and aligned already",
    )
    mirror: float = Field(default=0.5, ge=0, le=1, description="fraction of clips that are mirrored")
    jitter_px: float = Field(
        default=0.5,
        ge=0,
        description="landmarks of frame pairs are shifted by up to this, so that generated landmarks stay in domain",
    )
    offset_px: float = Field(
        default=0.5,
        ge=0,
        description="each point is shifted by up to this, alike in both frames: detectors place points differently",
    )
    colour: float = Field(
        default=0.2,
        ge=0,
        le=1,
        description="brightness, contrast and saturation of a pair change by up to this fraction, hue by a fifth of it",
    )


def evenly_spaced(num_frames: int, length: int) -> np.ndarray:
    """(length,) indices of frames evenly spaced over a clip, including the first and the last.

    >>> evenly_spaced(9, 5).tolist()
    [0, 2, 4, 6, 8]
    """
    return np.linspace(0, num_frames - 1, length).round().astype(int)


def landmark_sequence(clip: LabelledClip, length: int) -> Tensor:
    """Landmarks of a clip resampled to T frames, (T, 68, 2), each frame in the face's own coordinates."""
    landmarks = clip.known_landmarks()
    points = torch.from_numpy(landmarks[evenly_spaced(len(landmarks), length)])
    return to_face(points, face_frame(points))


class _Drawn:
    """Draws labelled clips by (name, seed, step, row), every label equally often."""

    def __init__(self, name: str, clips: Sequence[LabelledClip], labels: Sequence[str], seed: int) -> None:
        if not clips:
            raise InputError("no labelled clips were given; at least one is needed")
        check_labels(clips, labels)
        self._name, self._seed = name, seed
        self.labels = tuple(labels)
        rows: dict[str, list[LabelledClip]] = defaultdict(list)
        for clip in sorted(clips, key=lambda clip: clip.code):
            rows[clip.label].append(clip)
        self.of_label = [rows[label] for label in self.labels if rows[label]]

    def rows(
        self, step: int, batch_size: int, rank: int, world_size: int
    ) -> list[tuple[LabelledClip, np.random.Generator]]:
        """The clips of one process at one step, each with the random generator of its row."""
        chosen = []
        for rng in row_generators(self._name, self._seed, step, batch_size, rank=rank, world_size=world_size):
            clips = self.of_label[rng.integers(len(self.of_label))]
            chosen.append((clips[rng.integers(len(clips))], rng))
        return chosen


class LandmarkSource:
    """Samples batches of landmark sequences with their labels."""

    def __init__(
        self, clips: Sequence[LabelledClip], labels: Sequence[str], config: ExpressionConfig, seed: int
    ) -> None:
        """Takes the clips of one split, in any order; the number of a label is its index in ``labels``."""
        self.config = config
        self._drawn = _Drawn("landmarks", clips, labels, seed)
        self._sequences = {clip.code: landmark_sequence(clip, config.length) for clip in clips}

    def batch(self, step: int, batch_size: int, *, rank: int = 0, world_size: int = 1) -> LabelledLandmarks:
        """The sequences of one process at one step.

        Args:
            step: 0 or more.
            batch_size: B, sequences of this process.
            rank: this process, 0 to ``world_size`` - 1; it gets rows rank * B to (rank + 1) * B of the whole batch.
            world_size: number of processes.

        Returns:
            Landmarks (B, T, 68, 2) and labels (B,).
        """
        points, labels = [], []
        for clip, rng in self._drawn.rows(step, batch_size, rank, world_size):
            sequence = self._sequences[clip.code]
            mirrored = rng.random() < self.config.mirror
            points.append(mirror_landmarks(sequence) if mirrored else sequence)
            labels.append(self._drawn.labels.index(clip.label))
        return LabelledLandmarks(torch.stack(points), torch.tensor(labels))


class LandmarkPairSource:
    """Samples batches of the first frame and another one of a clip, with their landmarks."""

    def __init__(self, clips: DecodedClips, labels: Sequence[str], config: ExpressionConfig, seed: int) -> None:
        """Takes decoded clips; labels only decide how often a clip is drawn."""
        self.config = config
        self._frames = clips
        self._drawn = _Drawn("landmark pairs", clips.clips, labels, seed)
        strength = config.colour
        self._colours = no_augmentation().model_copy(
            update={"brightness": strength, "contrast": strength, "saturation": strength, "hue": strength / 5}
        )

    def batch(self, step: int, batch_size: int, *, rank: int = 0, world_size: int = 1) -> LandmarkPair:
        """The pairs of one process at one step, see :meth:`LandmarkSource.batch`; frames (B, 3, H, W) in [0, 1]."""
        frames, points, draws = [], [], []
        for clip, rng in self._drawn.rows(step, batch_size, rank, world_size):
            pair = [0, int(rng.integers(1, len(clip.known_landmarks())))]
            images = to_tensor(self._frames.images(clip.code)[pair])  # (2, 3, H, W)
            height, width = images.shape[2:]
            landmarks = self._frames.landmarks(clip.code)[pair]  # (2, 68, 2)
            pixel = torch.tensor([2 / (width - 1), 2 / (height - 1)])
            own, alike = (torch.from_numpy(2 * rng.random(shape, dtype=np.float32) - 1) for shape in NOISE_SHAPES)
            landmarks = landmarks + pixel * (self.config.jitter_px * own + self.config.offset_px * alike)
            if rng.random() < self.config.mirror:
                images, landmarks = images.flip(-1), mirror_landmarks(landmarks)
            frames.append(images)
            points.append(landmarks)
            draws.append(torch.from_numpy(rng.random(NUM_DRAWS, dtype=np.float32)))
        images = augment_pairs(torch.stack(frames), torch.stack(draws), self._colours)  # (B, 2, 3, H, W)
        landmarks = torch.stack(points)
        return LandmarkPair(images[:, 0].contiguous(), images[:, 1].contiguous(), landmarks[:, 0], landmarks[:, 1])


class LabelledFrameSource:
    """Samples batches of whole clips with their labels, and for each a frame of another person."""

    def __init__(self, clips: DecodedClips, labels: Sequence[str], config: ExpressionConfig, seed: int) -> None:
        """Takes decoded clips of at least two people.

        Raises:
            InputError: a label has clips of one person only.
        """
        self.config = config
        self._frames = clips
        self._drawn = _Drawn("labelled frames", clips.clips, labels, seed)
        for of_label in self._drawn.of_label:
            if len({clip.identity for clip in of_label}) < 2:
                raise InputError(
                    f"label '{of_label[0].label}' has clips of one person; two are needed to tell them apart"
                )

    def batch(self, step: int, batch_size: int, *, rank: int = 0, world_size: int = 1) -> LabelledFrames:
        """The clips of one process at one step, see :meth:`LandmarkSource.batch`; frames (B, T, 3, H, W) in [0, 1]."""
        frames, labels, strangers = [], [], []
        for clip, rng in self._drawn.rows(step, batch_size, rank, world_size):
            label = self._drawn.labels.index(clip.label)
            others = [
                other
                for of_label in self._drawn.of_label
                for other in of_label
                if other.label == clip.label and other.identity != clip.identity
            ]
            other = others[rng.integers(len(others))]
            images = self._frames.images(clip.code)
            own = to_tensor(images[evenly_spaced(len(images), self.config.length)])
            strange_images = self._frames.images(other.code)
            strange = to_tensor(strange_images[[int(rng.integers(len(strange_images)))]])[0]
            if rng.random() < self.config.mirror:
                own, strange = own.flip(-1), strange.flip(-1)
            frames.append(own)
            labels.append(label)
            strangers.append(strange)
        return LabelledFrames(torch.stack(frames), torch.tensor(labels), torch.stack(strangers))


class DecodedClips:
    """Labelled clips with decoded frames on disk, and landmarks in the coordinates of these frames.

    Attributes:
        clips: the clips that could be decoded.
        failed: the others, with reasons.
    """

    def __init__(
        self,
        clips: Sequence[LabelledClip],
        config: CacheConfig,
        on_decoding: Callable[[int, int], None] | None = None,
        *,
        framing: Literal["face", "frame"] = "frame",
    ) -> None:
        """Decodes the clips that are not in the cache.

        Args:
            clips: to decode.
            config: size and fit of the frames; every frame is kept, since each has landmarks.
            framing: see :class:`ExpressionConfig`; "face" needs clips with landmarks.
            on_decoding: called with how many are done and how many there are.

        Raises:
            InputError: no clip can be decoded, or the numbers of frames and landmarks of one differ.
        """
        probed, failed = [], []
        for clip in clips:
            try:
                probed.append(Clip(clip.code, clip.path.absolute(), None, clip.identity, probe(clip.path)))
            except (InputError, OSError) as error:
                failed.append(Unreadable(clip.path, reason_without_path(error, clip.path)))
        whole = config.model_copy(update={"frame_stride": 1, "max_frames": None})
        self._windows = {
            clip.code: FaceWindow.about(torch.from_numpy(clip.known_landmarks()[0]), config.size)
            for clip in clips
            if framing == "face"
        }
        built = FrameCache(whole, windows=self._windows).build(
            probed, None if on_decoding is None else lambda done, total, _: on_decoding(done, total)
        )
        self.failed = (*failed, *built.failed)
        self._stored: Mapping[str, CachedClip] = {stored.code: stored for stored in built.clips}
        self.clips = tuple(clip for clip in clips if clip.code in self._stored)
        if not self.clips:
            raise InputError(f"none of {len(clips)} labelled clips can be read; the first: {self.failed[0]}")
        self._landmarks = {
            clip.code: self._fitted(clip, clip.landmarks, config) for clip in self.clips if clip.landmarks is not None
        }

    def images(self, code: str) -> np.ndarray:
        """The frames of a clip, (T, H, W, 3) uint8."""
        return self._stored[code].frames()

    def landmarks(self, code: str) -> Tensor:
        """The landmarks of a clip that has some, (T, 68, 2) points (x, y) in [-1, 1] of its frames."""
        return self._landmarks[code]

    def _fitted(self, clip: LabelledClip, landmarks: np.ndarray, config: CacheConfig) -> Tensor:
        stored = self._stored[clip.code]
        if stored.shape[0] != len(landmarks):
            raise InputError(
                f"{clip.path}: has {stored.shape[0]} frames and landmarks of {len(landmarks)}; give one for each"
            )
        height, width = config.size
        window = self._windows.get(clip.code)
        if window is None:
            info = stored.clip.info
            points = torch.from_numpy(
                fit_points(landmarks.reshape(-1, 2), (info.height, info.width), config.size, config.fit)
            )
        else:
            points = window.to_frame(torch.from_numpy(landmarks)).flatten(0, 1)
        scaled = points.float() * torch.tensor([2 / (width - 1), 2 / (height - 1)]) - 1
        return scaled.unflatten(0, (len(landmarks), -1))


def to_tensor(images: np.ndarray) -> Tensor:
    """Converts (T, H, W, 3) uint8 images to (T, 3, H, W) float32 in [0, 1]."""
    return torch.from_numpy(np.array(images)).movedim(-1, 1).to(torch.float32).div_(255)


class SmileSource:
    """Samples batches of landmark sequences and frame pairs together."""

    def __init__(
        self, landmarks: LandmarkSource | None, pairs: LandmarkPairSource | None, *, sequences_per_pair: int
    ) -> None:
        """Takes one source or both."""
        self._landmarks, self._pairs, self._ratio = landmarks, pairs, sequences_per_pair

    def batch(self, step: int, batch_size: int, *, rank: int = 0, world_size: int = 1) -> SmileBatch:
        """The samples of one process at one step, see :meth:`LandmarkSource.batch`: B pairs and more sequences."""
        place = {"rank": rank, "world_size": world_size}
        rows = batch_size * self._ratio
        return SmileBatch(
            None if self._landmarks is None else self._landmarks.batch(step, rows, **place),
            None if self._pairs is None else self._pairs.batch(step, batch_size, **place),
        )
