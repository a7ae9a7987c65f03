"""Agreement of actions that a hand can count, and assignments that trying all of them finds."""

from itertools import permutations

import numpy as np
import pytest
import torch

from kinema.core.checks import InputError
from kinema.metrics.action_agreement import (
    agreeing_share,
    best_assignment,
    commonest_share,
    count_pairs,
    entropy_bits,
    mutual_information_bits,
)


def test_other_numbers_for_the_same_actions_agree_completely():
    true = torch.tensor([0, 1, 2, 0, 1, 2, 3, 3])
    counts = count_pairs(torch.tensor([2, 0, 3, 1])[true], true, 4, 4)
    assert best_assignment(counts) == (1, 3, 0, 2)
    assert agreeing_share(counts, best_assignment(counts)) == 1 and commonest_share(counts) == 0.25
    assert mutual_information_bits(counts) == pytest.approx(2) == pytest.approx(entropy_bits(counts.sum(dim=0)))


def test_actions_that_say_nothing_carry_no_information():
    true, recognised = torch.arange(4).repeat(6), torch.arange(3).repeat_interleave(8)
    counts = count_pairs(recognised, true, 3, 4)
    assert counts.tolist() == [[2] * 4] * 3 and mutual_information_bits(counts) == pytest.approx(0, abs=1e-12)
    assert agreeing_share(counts, best_assignment(counts)) == 6 / 24 == commonest_share(counts)


def test_half_of_the_information():
    # Action 1 is either of two that are equally likely: one bit of the two is left.
    counts = count_pairs(torch.tensor([0, 0, 1, 1]), torch.tensor([0, 1, 2, 3]), 2, 4)
    assert mutual_information_bits(counts) == pytest.approx(1)
    assert agreeing_share(counts, best_assignment(counts)) == 0.5


def test_actions_left_over_mean_nothing():
    counts = torch.tensor([[9, 0], [0, 1], [0, 8]])
    assert best_assignment(counts) == (0, None, 1) and agreeing_share(counts, (0, None, 1)) == 17 / 18
    assert best_assignment(counts.T) == (0, 2)
    assert best_assignment(torch.tensor([[0, 0], [3, 0]])) == (None, 0)


@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (4, 6), (6, 4), (5, 5)])
def test_the_assignment_is_the_best_of_all(shape: tuple[int, int]):
    rng = np.random.default_rng(sum(shape))
    for _ in range(20):
        counts = torch.from_numpy(rng.integers(1, 12, shape))
        table = counts.numpy() if shape[0] <= shape[1] else counts.numpy().T
        best = max(
            table[range(len(table)), list(chosen)].sum() for chosen in permutations(range(table.shape[1]), len(table))
        )
        found = [(row, column) for row, column in enumerate(best_assignment(counts)) if column is not None]
        assert len({column for _, column in found}) == len(found) == min(shape)
        assert sum(int(counts[pair]) for pair in found) == best


def test_steps_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="do not fit"):
        count_pairs(torch.tensor([0, 1]), torch.tensor([0]), 2, 2)
    with pytest.raises(InputError, match="accepted: 0 to 1"):
        count_pairs(torch.tensor([0, 2]), torch.tensor([0, 1]), 2, 2)
