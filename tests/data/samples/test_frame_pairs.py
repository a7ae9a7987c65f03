import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
import torch

from kinema.core.checks import InputError
from kinema.data.clips.synthetic import moving_shapes
from kinema.data.samples.augment import AugmentConfig, no_augmentation
from kinema.data.samples.frame_pairs import ArrayClip, PairConfig, PairSource

STRONG = AugmentConfig(rotation_degrees=20, resize=(0.9, 1.2), crop=True)
PLAIN = PairConfig(augment=no_augmentation())


def numbered(code, num_frames, base):
    """A clip whose frame t holds the value base + t everywhere, so that a batch tells what was drawn."""
    values = (base + np.arange(num_frames, dtype=np.uint8))[:, None, None, None]
    return ArrayClip(code, np.broadcast_to(values, (num_frames, 4, 6, 3)))


def values(images):
    return (images[:, 0, 0, 0] * 255).round().int().tolist()


@pytest.fixture(scope="module")
def source():
    arrays = {f"clip{n}": clip for n, clip in enumerate(moving_shapes(3, 6, (16, 24), seed=1))}
    return PairSource.from_arrays(arrays, PairConfig(augment=STRONG), seed=3, groups={"clip0": "g"})


def test_batches_are_float_frames_in_range(source):
    batch = source.batch(step=0, batch_size=5)
    assert source.size == (16, 24) and len(source) == 3
    for images in (batch.source, batch.driving):
        assert images.shape == (5, 3, 16, 24) and images.dtype == torch.float32 and images.is_contiguous()
        assert images.min() >= 0 and images.max() <= 1
    assert not torch.equal(batch.source, batch.driving)


def test_a_step_is_the_same_whenever_it_is_asked_for(source):
    later = source.batch(7, 4)
    source.batch(2, 3)
    again = source.batch(7, 4)
    assert torch.equal(later.source, again.source) and torch.equal(later.driving, again.driving)
    assert not torch.equal(later.source, source.batch(8, 4).source)


@pytest.mark.parametrize("world_size", [2, 3])
def test_processes_share_the_batch_of_one(source, world_size):
    whole = source.batch(4, 6)
    parts = [source.batch(4, 6 // world_size, rank=rank, world_size=world_size) for rank in range(world_size)]
    assert torch.equal(torch.cat([part.source for part in parts]), whole.source)
    assert torch.equal(torch.cat([part.driving for part in parts]), whole.driving)


def test_another_process_draws_the_same(source):
    program = (
        "import torch; from kinema.data.samples.frame_pairs import *;"
        "from kinema.data.samples.augment import AugmentConfig;"
        "from kinema.data.clips.synthetic import moving_shapes;"
        "clips = moving_shapes(3, 6, (16, 24), seed=1);"
        "arrays = {f'clip{n}': clips[n] for n in (2, 0, 1)};"
        "config = PairConfig(augment=AugmentConfig(rotation_degrees=20, resize=(0.9, 1.2), crop=True));"
        "batch = PairSource.from_arrays(arrays, config, 3, groups={'clip0': 'g'}).batch(9, 2);"
        "print(batch.source.double().sum().item(), batch.driving.double().sum().item())"
    )
    printed = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    batch = source.batch(9, 2)
    assert [float(word) for word in printed.split()] == [
        batch.source.double().sum().item(),
        batch.driving.double().sum().item(),
    ]


def test_frames_differ_and_come_from_one_clip_uniformly():
    source = PairSource([numbered("a", 5, 0), numbered("b", 5, 100)], PLAIN, seed=0)
    batch = source.batch(0, 2000)
    pairs = Counter(zip(values(batch.source), values(batch.driving), strict=True))
    assert all(first != second and first // 100 == second // 100 for first, second in pairs)
    assert len(pairs) == 2 * 5 * 4
    assert min(pairs.values()) > 25 and max(pairs.values()) < 85


def test_max_gap_bounds_the_distance_and_one_frame_is_its_own_pair():
    clips = [numbered("long", 40, 0), numbered("still", 1, 200)]
    source = PairSource(clips, PairConfig(augment=no_augmentation(), max_gap=3), seed=0)
    batch = source.batch(0, 1000)
    gaps = Counter(abs(a - b) for a, b in zip(values(batch.source), values(batch.driving), strict=True))
    stills = sum(value == 200 for value in values(batch.source))
    assert set(gaps) == {0, 1, 2, 3} and gaps[0] == stills > 400
    assert {0, 39} <= set(values(batch.source)) and {0, 39} <= set(values(batch.driving))


def test_groups_are_drawn_alike_however_many_clips_they_have():
    arrays = {str(n): numbered(str(n), 2, 10 * n).array for n in range(10)}
    groups = {str(n): "many" for n in range(9)}
    balanced = PairSource.from_arrays(arrays, PLAIN, seed=0, groups=groups).batch(0, 1000)
    share = np.mean([value >= 90 for value in values(balanced.source)])
    assert 0.45 < share < 0.55
    config = PairConfig(augment=no_augmentation(), balance_groups=False)
    plain = PairSource.from_arrays(arrays, config, seed=0, groups=groups).batch(0, 1000)
    assert 0.06 < np.mean([value >= 90 for value in values(plain.source)]) < 0.14


@pytest.mark.parametrize(
    ("clips", "message"),
    [
        ([], "no clips were given"),
        ([numbered("a", 2, 0), numbered("a", 3, 0)], "clip 'a': given twice"),
        ([numbered("a", 2, 0), ArrayClip("b", np.zeros((2, 4, 8, 3), np.uint8))], "clip 'b': frames of 4x8"),
        ([ArrayClip("a", np.zeros((2, 4, 8), np.uint8))], "clip 'a': has shape"),
    ],
)
def test_refuses_clips_that_do_not_fit(clips, message):
    with pytest.raises(InputError, match=message):
        PairSource(clips, PLAIN, seed=0)
