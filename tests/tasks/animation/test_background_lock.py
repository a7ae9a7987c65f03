"""Away from the object a locked frame is the source, to the bit."""

from __future__ import annotations

import numpy as np
import torch

from kinema.tasks.animate import AnimateRequest, animate
from kinema.tasks.animation.background_lock import BackgroundLock, soft_mask
from kinema.video import open_video, read_image, write_image

from ...loaded import given


def test_the_mask_is_one_on_the_object_and_zero_far_away():
    foreground = torch.zeros(1, 1, 64, 96)
    foreground[:, :, 20:30, 40:50] = 1
    mask = soft_mask(foreground)
    assert (mask[:, :, 20:30, 40:50] == 1).all() and mask.max() == 1
    assert (mask[:, :, :10] == 0).all() and (mask[:, :, :, :30] == 0).all() and (mask[:, :, :, 62:] == 0).all()
    edge = mask[0, 0, 25, 50:60]
    assert ((edge[:-1] - edge[1:]) >= 0).all() and ((edge > 0) & (edge < 1)).any()


def test_faint_parts_do_not_tint_the_background():
    assert (soft_mask(torch.full((1, 1, 32, 32), 0.2)) == 0).all()
    assert (soft_mask(torch.full((1, 1, 32, 32), 0.7)) == 1).all()


# Rows from 16 on are compared: the frame is blurred before it is shrunk, and beyond its corner lies black.
def half_red(seed: int, size: tuple[int, int] = (64, 64)) -> np.ndarray:
    image = np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)
    image[:, : size[1] // 2, 0], image[:, size[1] // 2 :, 0] = 255, 0
    return image


def test_only_the_object_changes(red_is_a_part):
    still, made = half_red(0), np.stack([half_red(seed) for seed in (1, 2, 3)])
    locked = BackgroundLock(red_is_a_part, still).apply(made)
    assert (locked[:, :, 44:] == still[:, 44:]).all() and (locked[:, 16:, :28] == made[:, 16:, :28]).all()


def test_where_the_object_was_the_frame_is_drawn(red_is_a_part):
    """Made frames without any red: the source's object has gone, and what stood behind it must be the made one's."""
    still, made = half_red(0), np.full((1, 64, 64, 3), 9, dtype=np.uint8)
    made[..., 0] = 0
    locked = BackgroundLock(red_is_a_part, still).apply(made)
    assert (locked[:, 16:, :28] == made[:, 16:, :28]).all() and (locked[:, :, 44:] == still[:, 44:]).all()


def test_any_system_may_be_locked(pipeline, red_is_a_part, make_clip, tmp_path):
    driving, still = make_clip("driving.mp4", (48, 64), 3), tmp_path / "still.png"
    write_image(still, half_red(0, (32, 32)))
    request = AnimateRequest(
        source=still,
        driving=driving,
        output=tmp_path / "locked",
        crop="none",
        lock_background=True,
        parts_model="red",
        model="given",
    )
    animate(request, given(pipeline, red=red_is_a_part))
    shown = read_image(still)
    with open_video(tmp_path / "locked") as reader:
        frames = [frame.image for frame in reader]
    assert len(frames) == 3 and all((frame[:, 24:] == shown[:, 24:]).all() for frame in frames)
    assert any((frame[:, :10] != shown[:, :10]).any() for frame in frames)
