"""Centroids follow the means of their actions, the same in one process and in several."""

from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from kinema.actions.centroids import ActionCentroids, CentroidConfig
from kinema.actions.joint_distribution import SmoothedJointDistribution
from kinema.losses.mutual_information import joint_distribution, mutual_information


def two_actions(rate: float = 0.5) -> ActionCentroids:
    centroids = ActionCentroids(CentroidConfig(num_actions=2, action_space=1, rate=rate))
    centroids.value.copy_(torch.tensor([[0.0], [4.0]]))
    return centroids


def test_they_move_towards_weighted_means():
    centroids = two_actions()
    centroids.update(torch.tensor([[2.0], [6.0]]), torch.tensor([[1.0, 0.0], [0.5, 0.5]]))
    # Means (2 + 3) / 1.5 and 6.
    torch.testing.assert_close(centroids.value, torch.tensor([[5 / 3], [5.0]]))
    assert centroids.mean_distance().item() == pytest.approx(5 - 5 / 3)


def test_variations_are_offsets_from_the_chosen_centroid():
    offsets = two_actions().variations(torch.tensor([[1.0], [1.0], [1.0]]), torch.tensor([[1, 0], [0, 1], [0.5, 0.5]]))
    assert offsets.flatten().tolist() == [1, -3, -1]


def test_a_point_between_two_is_the_nearer_action_with_a_variation():
    centroids = two_actions()
    assert [(action, offset.item()) for action, offset in (centroids.between(0, 1, s) for s in (0.25, 0.75))] == [
        (0, 1.0),
        (1, -1.0),
    ]


def test_the_resting_action_is_the_one_that_moves_least():
    centroids = two_actions()
    assert centroids.resting() == 0
    centroids.value.sub_(torch.tensor([[3.0], [3.0]]))
    assert centroids.resting() == 1


def test_a_running_joint_forgets_slowly():
    running, joint = SmoothedJointDistribution(2), torch.eye(2) / 2
    torch.testing.assert_close(running(joint, 0.2), 0.8 * torch.full((2, 2), 0.25) + 0.2 * joint)
    assert torch.equal(running(joint, 1.0), joint) and torch.equal(running.value, joint)


def directions() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    points = torch.randn(8, 3, 2, generator=generator)
    logits = torch.randn(2, 8, 3, 4, generator=generator)
    return points, logits[0], logits[1]


def measure(points: torch.Tensor, first: torch.Tensor, second: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Centroids after an update, mutual information, and its gradient."""
    centroids = ActionCentroids(CentroidConfig(num_actions=4, action_space=2))
    centroids.value.zero_()
    first = first.clone().requires_grad_(True)
    centroids.update(points, first.softmax(dim=-1))
    value = mutual_information(joint_distribution(first.softmax(dim=-1), second.softmax(dim=-1)))
    value.backward()
    assert first.grad is not None
    return centroids.value, value.detach(), first.grad


def work(rank: int, folder: Path) -> None:
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    rows = slice(2, 8) if rank else slice(0, 2)  # parts of different sizes
    torch.save(measure(*(tensor[rows] for tensor in directions())), folder / f"{rank}.pt")
    dist.destroy_process_group()


def test_two_processes_do_what_one_does(tmp_path: Path):
    mp.spawn(work, args=(tmp_path,), nprocs=2)
    parts = [torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2)]
    centroids, value, gradient = measure(*directions())
    for part in parts:
        torch.testing.assert_close(part[0], centroids)
        torch.testing.assert_close(part[1], value)
    # The loop takes the mean over processes of gradients that each count every process's loss.
    torch.testing.assert_close(torch.cat([part[2] for part in parts]) / 2, gradient, atol=1e-7, rtol=1e-4)
