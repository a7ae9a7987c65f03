"""Which actions were seen from a place, and which action is assigned where one was not."""

from __future__ import annotations

import torch

from kinema.actions.seen_actions import SeenActions, UnseenNoise, hold_unseen, rest_unseen


def test_an_action_is_not_seen_from_the_edge_that_it_leads_over():
    """A walk between 0 and 10 by steps of -1, 0 and 1 that never leaves."""
    generator = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    network = SeenActions(3, 1)
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    for _ in range(400):
        places = torch.rand(64, 1, generator=generator) * 10
        possible = torch.cat([places > 1, torch.ones(64, 1, dtype=torch.bool), places < 9], dim=1).float()
        taken = torch.multinomial(possible, 1, generator=generator).squeeze(1)
        network.remember(places, torch.nn.functional.one_hot(taken, 3).float())
        optimizer.zero_grad()
        network.loss().backward()
        optimizer.step()
    with torch.no_grad():
        low, middle, high = torch.softmax(network(torch.tensor([[0.3], [5.0], [9.7]])), dim=-1)
    assert low[0] < 0.06 < low[1:].min() and high[2] < 0.06 < high[:2].min() and middle.min() > 0.2


def test_what_is_remembered_is_the_latest():
    network = SeenActions(2, 1)
    for value in range(5):
        network.remember(torch.full((1000, 1), float(value)), torch.full((1000, 2), 0.5))
    assert int(network.filled) == 4096
    assert network.places[:1000].eq(4).all() and network.places[-96:].eq(0).all()


def test_clips_are_held_at_a_moment_from_which_the_action_is_not_seen():
    shares = torch.full((4, 6, 3), 1 / 3)
    shares[0, 2] = torch.tensor([0.5, 0.5, 0.0])
    shares[1, 5] = torch.tensor([0.0, 0.5, 0.5])  # from the last moment no step follows
    shares[2, 1] = shares[2, 3] = torch.tensor([0.01, 0.01, 0.98])
    shares[3, 0] = torch.tensor([0.0, 0.5, 0.5])
    noise = UnseenNoise(
        torch.tensor([[0.1, 0.9, 0.5, 0.2], [0.1, 0.0, 0.0, 0.0], [0.1, 0.9, 0.99, 0.9], [0.9, 0.0, 0.0, 0.0]])
    )
    hold = hold_unseen(shares, noise, below=0.05, fraction=0.8, longest=3)
    assert hold.time_steps.tolist() == [[0, 1, 2, 2, 2, 3], [0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 3, 3], [0, 1, 2, 3, 4, 5]]
    assert hold.assigned.tolist()[0] == [False, False, True, True, False]
    assert hold.assigned.tolist()[2] == [False, False, False, True, True]
    assert not hold.assigned[[1, 3]].any()
    assert hold.actions[0, 2:4].tolist() == [2, 2] and hold.actions[2, 3:].tolist() == [1, 1]
    clips = torch.arange(6).repeat(4, 1)
    assert hold.apply(clips).tolist() == hold.time_steps.tolist()


def test_at_rest_an_unseen_action_is_told_and_the_clip_goes_on():
    shares = torch.full((3, 5, 3), 1 / 3)
    shares[:, 1] = torch.tensor([0.5, 0.5, 0.0])
    shares[:, 3] = torch.tensor([0.0, 1.0, 0.0])
    taken = torch.tensor([[1, 1, 1, 1], [1, 0, 1, 1], [1, 1, 1, 1]])
    noise = UnseenNoise(torch.tensor([[0.1, 0.0, 0.0, 0.9], [0.1, 0.0, 0.0, 0.0], [0.6, 0.0, 0.0, 0.0]]))
    rest = rest_unseen(shares, taken, noise, resting=1, below=0.05, fraction=0.5)
    assert rest.assigned.tolist() == [[False, True, False, True], [False, False, False, True], [False] * 4]
    assert rest.actions.tolist() == [[0, 2, 0, 2], [0, 0, 0, 0], [0, 0, 0, 0]]
    clips = torch.rand(3, 5, 2)
    assert rest.apply(clips).equal(clips)
