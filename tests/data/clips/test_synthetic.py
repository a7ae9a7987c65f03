import numpy as np

from kinema.data.clips.synthetic import moving_shapes


def test_same_seed_gives_the_same_clips_however_many_are_asked_for():
    clips = moving_shapes(num_clips=3, num_frames=4, size=(16, 24), seed=5)
    assert clips.shape == (3, 4, 16, 24, 3) and clips.dtype == np.uint8
    np.testing.assert_array_equal(moving_shapes(1, 4, (16, 24), 5), clips[:1])
    assert not np.array_equal(moving_shapes(1, 4, (16, 24), 6), clips[:1])
    assert not np.array_equal(clips[0], clips[1])


def test_something_moves_over_a_background_that_stays():
    clips = moving_shapes(num_clips=4, num_frames=8, size=32, seed=0).astype(int)
    spread = np.ptp(clips, axis=1).max(axis=-1)  # (N, H, W)
    assert ((spread > 20).mean(axis=(1, 2)) > 0.1).all()
    assert ((spread == 0).mean(axis=(1, 2)) > 0.05).all()
    assert clips.std() > 20
