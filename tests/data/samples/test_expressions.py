"""Samples of labelled clips depend on seed, step and row alone; landmarks fit the frames."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from kinema.core.checks import InputError
from kinema.data.clips.cache import CacheConfig
from kinema.data.labelled.expression_clips import LabelledClip
from kinema.data.samples.expressions import (
    DecodedClips,
    ExpressionConfig,
    LabelledFrameSource,
    LandmarkPairSource,
    LandmarkSource,
    landmark_sequence,
)
from kinema.faces.landmarks import MEAN_FACE, FaceFrame, from_face, mirror_landmarks
from kinema.faces.window import EYES
from kinema.video import VideoWriter

from ...faces.faces import smiles

LABELS = ("fast", "slow")


def make_clips(folder: Path, *, frames: int = 6, videos: bool = False) -> list[LabelledClip]:
    """Four clips of 32x48, in each of which a white dot follows the tip of the chin."""
    batch = smiles([0, 0, 1, 1], [0, 1, 2, 0], length=frames)
    clips = []
    for row in range(4):
        points = (batch.landmarks[row].numpy() + [1.2, 1]) * 15
        points += np.arange(frames)[:, None, None] * [0.8, 0.3]  # the head moves
        path = folder / f"{row}.mp4"
        if videos:
            with VideoWriter(path, frame_rate=25) as writer:
                for landmarks in points:
                    image = np.zeros((32, 48, 3), dtype=np.uint8)
                    x, y = landmarks[8].round().astype(int)
                    image[y - 1 : y + 2, x - 1 : x + 2] = 255
                    writer.write(image)
        clips.append(LabelledClip(str(row), path, LABELS[row // 2], f"p{row}", points.astype(np.float32)))
    return clips


def test_sequences_are_in_the_faces_own_coordinates(tmp_path: Path):
    clips = make_clips(tmp_path, frames=9)
    source = LandmarkSource(clips, LABELS, ExpressionConfig(length=5, mirror=0), seed=0)
    batch = source.batch(0, 16)
    assert batch.landmarks.shape == (16, 5, 68, 2) and batch.label.dtype == torch.int64
    torch.testing.assert_close(
        batch.landmarks[:, :, 45] - batch.landmarks[:, :, 36], torch.tensor([1.0, 0]).expand(16, 5, 2)
    )
    known = torch.stack([landmark_sequence(clip, 5) for clip in clips])
    for row, label in zip(batch.landmarks, batch.label, strict=True):
        which = int((known - row).flatten(1).abs().sum(dim=1).argmin())
        assert torch.equal(known[which], row) and which // 2 == label
    assert set(batch.label.tolist()) == {0, 1}
    mirrored = LandmarkSource(clips, LABELS, ExpressionConfig(length=5, mirror=1), seed=0).batch(0, 16)
    torch.testing.assert_close(mirrored.landmarks, mirror_landmarks(batch.landmarks))


def test_processes_and_order_do_not_matter(tmp_path: Path):
    clips, config = make_clips(tmp_path), ExpressionConfig(length=4)
    whole = LandmarkSource(clips, LABELS, config, seed=1).batch(3, 4)
    other = LandmarkSource(clips[::-1], LABELS, config, seed=1)
    parts = [other.batch(3, 2, rank=rank, world_size=2) for rank in (1, 0)]
    assert torch.equal(whole.landmarks, torch.cat([parts[1].landmarks, parts[0].landmarks]))
    assert not torch.equal(whole.landmarks, LandmarkSource(clips, LABELS, config, seed=2).batch(3, 4).landmarks)
    with pytest.raises(ValueError, match="is not a batch"):
        other.batch(0, 0)


def test_unknown_labels_and_nothing_are_refused(tmp_path: Path):
    with pytest.raises(InputError, match="no labelled clips"):
        LandmarkSource([], LABELS, ExpressionConfig(), seed=0)
    with pytest.raises(InputError, match="labelled 'slow', this config knows fast"):
        LandmarkSource(make_clips(tmp_path), ("fast",), ExpressionConfig(), seed=0)


def test_landmarks_lie_on_the_frames(tmp_path: Path):
    decoded = DecodedClips(make_clips(tmp_path, videos=True), CacheConfig(size=(16, 24)))
    config = ExpressionConfig(mirror=0.5, jitter_px=0, offset_px=0, colour=0)
    batch = LandmarkPairSource(decoded, LABELS, config, seed=0).batch(0, 8)
    assert batch.source.shape == (8, 3, 16, 24) and 0 <= batch.source.min() and batch.source.max() <= 1
    for frames, points in ((batch.source, batch.landmarks_source), (batch.driving, batch.landmarks_driving)):
        flat = frames.mean(dim=1).flatten(1).argmax(dim=1)
        found = torch.stack([flat % 24, flat // 24], dim=1).float()
        wanted = (points[:, 8] + 1) * torch.tensor([23 / 2, 15 / 2])
        assert (found - wanted).abs().max() < 1
    assert (batch.source - batch.driving).abs().max() > 0
    jittered = LandmarkPairSource(
        decoded, LABELS, ExpressionConfig(mirror=0.5, jitter_px=1, offset_px=0, colour=0), seed=0
    ).batch(0, 8)
    moved = (jittered.landmarks_driving - batch.landmarks_driving) * torch.tensor([23 / 2, 15 / 2])
    assert 0.05 < moved.abs().max() <= 1.001
    torch.testing.assert_close(moved, moved[:, :1].expand_as(moved), atol=1e-4, rtol=0)


def test_whole_clips_come_with_a_stranger(tmp_path: Path):
    clips = make_clips(tmp_path, videos=True)
    decoded = DecodedClips(clips, CacheConfig(size=(16, 24)))
    batch = LabelledFrameSource(decoded, LABELS, ExpressionConfig(length=3, mirror=0), seed=0).batch(0, 4)
    assert batch.frames.shape == (4, 3, 3, 16, 24) and batch.stranger.shape == (4, 3, 16, 24)
    alone = [replace(clip, identity="same") for clip in clips]
    with pytest.raises(InputError, match="label 'fast' has clips of one person"):
        LabelledFrameSource(DecodedClips(alone, CacheConfig(size=(16, 24))), LABELS, ExpressionConfig(), seed=0)


def test_clips_that_do_not_fit_their_landmarks_are_refused(tmp_path: Path):
    clips = make_clips(tmp_path, videos=True)
    short = replace(clips[0], landmarks=clips[0].landmarks[:-1])
    with pytest.raises(InputError, match="has 6 frames and landmarks of 5"):
        DecodedClips([short], CacheConfig(size=(16, 24)))
    missing = replace(clips[0], path=tmp_path / "no.mp4")
    decoded = DecodedClips([missing, clips[1]], CacheConfig(size=(16, 24)))
    assert [clip.code for clip in decoded.clips] == ["1"] and len(decoded.failed) == 1
    with pytest.raises(InputError, match="none of 1 labelled clips can be read"):
        DecodedClips([missing], CacheConfig(size=(16, 24)))


def test_a_face_anywhere_in_large_frames_is_framed(tmp_path: Path):
    # A white dot marks point 30 of a face that takes up a tenth of the frame, moving; it is where the landmarks say.
    count, points = 4, []
    with VideoWriter(tmp_path / "far.mp4", frame_rate=Fraction(25), crf=4) as writer:
        for moment in range(count):
            frame = FaceFrame(torch.tensor([200.0 + moment, 80.0]), torch.tensor([40.0, 6.0]))
            landmarks = from_face(torch.tensor(MEAN_FACE), frame)
            image = np.full((160, 320, 3), 40, dtype=np.uint8)
            x, y = landmarks[30].round().int().tolist()
            image[y - 2 : y + 3, x - 2 : x + 3] = 255
            writer.write(image)
            points.append(landmarks)
    clip = LabelledClip("far", tmp_path / "far.mp4", "fast", "ann", torch.stack(points).numpy())
    decoded = DecodedClips([clip], CacheConfig(size=(64, 64)), framing="face")
    images, seen = decoded.images("far"), decoded.landmarks("far")
    assert images.shape == (count, 64, 64, 3)
    pixels = (seen + 1) * 31.5
    torch.testing.assert_close(pixels[0, 45] - pixels[0, 36], torch.tensor([EYES * 64, 0.0]), atol=1e-3, rtol=0)
    for image, landmarks in zip(images, pixels, strict=True):
        rows, columns = np.nonzero(image[..., 1] > 150)
        assert abs(columns.mean() - landmarks[30, 0]) < 0.7 and abs(rows.mean() - landmarks[30, 1]) < 0.7
    # The whole frame is another entry of the cache.
    whole = DecodedClips([clip], CacheConfig(size=(64, 64)))
    assert not np.array_equal(whole.images("far"), images) and (whole.landmarks("far") - seen).abs().max() > 0.1
