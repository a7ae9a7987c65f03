import gc
import threading
import time

import numpy as np
import pytest
import torch

from kinema.data.clips.synthetic import moving_shapes
from kinema.data.samples.frame_pairs import ArrayClip, PairConfig, PairSource
from kinema.data.samples.prefetch import prefetch


@pytest.fixture(scope="module")
def source():
    arrays = {f"clip{n}": clip for n, clip in enumerate(moving_shapes(2, 4, 16, seed=1))}
    return PairSource.from_arrays(arrays, PairConfig(), seed=3)


def prefetch_threads():
    return [thread for thread in threading.enumerate() if thread.name == "kinema-prefetch"]


def wait_for_no_threads():
    limit = time.monotonic() + 5
    while prefetch_threads() and time.monotonic() < limit:
        time.sleep(0.01)
    return not prefetch_threads()


def test_gives_the_batches_of_consecutive_steps_and_ends(source):
    with prefetch(source, 5, 3, stop_step=9, rank=1, world_size=2) as stream:
        batches = list(stream)
        assert next(stream, None) is None
    assert len(batches) == 4
    for step, batch in enumerate(batches, start=5):
        assert torch.equal(batch.source, source.batch(step, 3, rank=1, world_size=2).source)
    assert not prefetch_threads()


def test_leaving_early_stops_the_thread(source):
    with prefetch(source, 0, 2) as stream:
        next(stream)
        assert prefetch_threads()
    assert not prefetch_threads()
    assert next(stream, None) is None
    stream.close()


def test_a_forgotten_stream_stops_too(source):
    stream = prefetch(source, 0, 2)
    next(stream)
    del stream
    gc.collect()
    assert wait_for_no_threads()


def test_errors_reach_the_one_who_asks():
    # One frame fewer than its shape says, as when a cached file is cut while it is in use.
    class CutClip(ArrayClip):
        @property
        def shape(self):
            return (9, 8, 8, 3)

    source = PairSource([CutClip("a", np.zeros((1, 8, 8, 3), np.uint8))], PairConfig(), seed=0)
    with prefetch(source, 0, 4) as stream:
        with pytest.raises(IndexError):
            next(stream)
        assert next(stream, None) is None
    assert not prefetch_threads()


def test_no_more_than_depth_batches_wait():
    made = []

    class CountedClip(ArrayClip):
        def frames(self):
            made.append(1)
            return self.array

    source = PairSource([CountedClip("a", np.zeros((3, 8, 8, 3), np.uint8))], PairConfig(), seed=0)
    with prefetch(source, 0, 1, depth=2) as stream:
        limit = time.monotonic() + 5
        while len(made) < 3 and time.monotonic() < limit:
            time.sleep(0.01)
        time.sleep(0.2)
        assert len(made) == 3  # two that wait and one in the hand of the thread
        next(stream)
