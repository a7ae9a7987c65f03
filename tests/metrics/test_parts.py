"""Foreground IoU, its baseline and landmark regression on maps whose figures are known."""

from __future__ import annotations

import pytest
import torch

from kinema.core.checks import InputError
from kinema.metrics.parts import (
    LandmarkRegression,
    border_distance,
    choose_foreground,
    count_parts,
    merge_counts,
    part_centres,
)


def stripes(*widths: int) -> torch.Tensor:
    """(1, 4, W) labels 0, 1, 2, ... in vertical stripes."""
    row = torch.cat([torch.full((width,), label) for label, width in enumerate(widths)])
    return row.expand(1, 4, -1).clone()


def test_iou_of_unions_equals_that_of_masks():
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 4, (5, 9, 7), generator=generator)
    truth = torch.rand(5, 9, 7, generator=generator) > 0.4
    counts = count_parts(labels, truth, num_parts=4)
    for union in [(0,), (1, 3), (0, 1, 2, 3)]:
        made = torch.isin(labels, torch.tensor(union))
        expected = (made & truth).flatten(1).sum(1) / (made | truth).flatten(1).sum(1)
        torch.testing.assert_close(counts.iou(union), expected)


def test_nothing_to_find_and_nothing_found_is_right():
    labels = torch.zeros(1, 2, 2, dtype=torch.long)
    counts = count_parts(labels, labels.bool(), num_parts=2)
    assert counts.iou([1]).item() == 1
    assert counts.iou([0]).item() == 0


@pytest.mark.parametrize("parts", [4, 14])
def test_the_union_is_chosen(parts):
    labels = stripes(*([2] * parts))
    truth = torch.isin(labels, torch.tensor([1, 3]))
    assert choose_foreground(count_parts(labels, truth, num_parts=parts)) == (1, 3)


def test_the_choice_is_for_all_frames_together():
    labels = stripes(3, 3, 3)
    one = count_parts(labels, labels == 1, num_parts=3)
    two = count_parts(labels, labels == 2, num_parts=3)
    assert choose_foreground(merge_counts([one, one, two])) == (1,)
    assert merge_counts([one, two]).inside.shape == (2, 3)


def test_maps_of_other_sizes_are_refused():
    with pytest.raises(InputError, match=r"labels \(1, 4, 4\) and true foreground \(1, 4, 5\)"):
        count_parts(torch.zeros(1, 4, 4), torch.zeros(1, 4, 5), num_parts=2)


def test_border_distance_finds_what_is_off_the_background():
    frames = torch.full((1, 3, 16, 12), 0.9)
    frames[:, 0, 5:9, 4:8] = 0.4
    frames[:, :, 0, :3] = 0.0  # a few odd pixels do not move the median
    distance = border_distance(frames)
    assert distance[0, 6, 5].item() == pytest.approx(0.5)
    assert distance[0, 12, 2].item() == 0


def test_centres_of_parts():
    maps = torch.zeros(1, 3, 5, 9)
    maps[0, 0, 4, 0] = 1
    maps[0, 1, :, 6:] = 0.5
    centres = part_centres(maps)
    torch.testing.assert_close(centres[0, 0], torch.tensor([-1.0, 1.0]), atol=1e-3, rtol=0)
    torch.testing.assert_close(centres[0, 1], torch.tensor([0.75, 0.0]), atol=1e-3, rtol=0)
    torch.testing.assert_close(centres[0, 2], torch.zeros(2), atol=1e-5, rtol=0)


def test_landmarks_that_depend_linearly_are_found():
    generator = torch.Generator().manual_seed(1)
    centres = torch.rand(40, 3, 2, generator=generator, dtype=torch.float64)
    mapping = torch.rand(6, 4, generator=generator, dtype=torch.float64)
    landmarks = (centres.flatten(1) @ mapping + 7).unflatten(1, (2, 2))
    shown = landmarks.clone()
    shown[:5, 1] = torch.nan
    regression = LandmarkRegression.fit(centres[:30], shown[:30])
    assert regression.error(centres[30:], landmarks[30:]).max() < 1e-9
    moved = landmarks[30:] + torch.tensor([3.0, 0.0])
    torch.testing.assert_close(regression.error(centres[30:], moved), torch.full((10,), 1.5, dtype=torch.float64))


def test_a_part_that_is_always_absent_does_no_harm():
    centres = torch.zeros(8, 2, 2)
    centres[:, 0] = torch.rand(8, 2, generator=torch.Generator().manual_seed(2))
    landmarks = 10 * centres[:, :1] + 3
    regression = LandmarkRegression.fit(centres, landmarks)
    assert regression.error(centres, landmarks).max() < 1e-5


def test_missing_landmarks():
    centres = torch.rand(4, 1, 2)
    landmarks = torch.rand(4, 2, 2)
    landmarks[:, 1] = torch.nan
    with pytest.raises(InputError, match="landmark 1 is in none of the 4 training frames"):
        LandmarkRegression.fit(centres, landmarks)
    regression = LandmarkRegression.fit(centres, landmarks[:, :1])
    assert regression.error(centres[:1], torch.full((1, 1, 2), torch.nan)).isnan().all()
