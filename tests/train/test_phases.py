"""When phases are due, and what processes draw."""

import pytest
import torch

from kinema.core.random import torch_generator
from kinema.ops.thin_plate import random_transform
from kinema.train.phases import Phase, Turn


def test_a_phase_is_due_from_its_start_at_its_pace():
    phase = Phase("x", {}, lambda batch, turn: {}, start=3, every=4)
    assert [step for step in range(16) if phase.is_due(step)] == [3, 7, 11, 15]
    assert all(Phase("x", {}, lambda batch, turn: {}).is_due(step) for step in range(5))


def turn(rank: int = 0, world_size: int = 1) -> Turn:
    return Turn(5, torch_generator("turn", 0, 5), rank=rank, world_size=world_size)


@pytest.mark.parametrize("world_size", [2, 3])
def test_processes_draw_the_rows_of_the_whole_batch(world_size):
    def noise(rows: int, generator: torch.Generator) -> torch.Tensor:
        return torch.randn(rows, 3, generator=generator)

    whole = turn()
    parts = [turn(rank, world_size) for rank in range(world_size)]
    for _ in range(2):  # the second draw of a step agrees too
        expected = whole.draw(6, noise)
        drawn = [part.draw(6 // world_size, noise) for part in parts]
        assert expected.shape == (6, 3) and torch.equal(torch.cat(drawn), expected)


def test_transforms_are_drawn_alike():
    def transform(rows: int, generator: torch.Generator):
        return random_transform(rows, sigma_affine=0.1, sigma_thin_plate=0.1, grid_points=3, generator=generator)

    points = torch.rand(4, 5, 2)
    whole = turn().draw(4, transform).warp_points(points)
    second = turn(1, 2).draw(2, transform).warp_points(points[2:])
    torch.testing.assert_close(second, whole[2:])


def test_a_phase_takes_its_turns_between_its_steps():
    phase = Phase("late", {}, lambda batch, turn: {}, start=2, every=3, end=9)
    assert [step for step in range(12) if phase.is_due(step)] == [2, 5, 8]
    assert Phase("always", {}, lambda batch, turn: {}).is_due(10**9)
