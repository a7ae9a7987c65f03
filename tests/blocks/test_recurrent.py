"""Memory enters and leaves; the cell itself keeps nothing."""

import torch

from kinema.blocks.recurrent import ConvLstm


def test_games_do_not_meet_in_the_cell():
    cell = ConvLstm(3, 2, 4, (6, 8))
    for parameter in cell.parameters():
        parameter.data.normal_()
    features, vector = torch.randn(3, 5, 3, 6, 8), torch.randn(3, 5, 2)
    memory = cell.start(3)
    alone = [cell.start(1) for _ in range(3)]
    for moment in range(5):
        memory = cell(features[:, moment], vector[:, moment], memory)
        for row in (2, 0, 1):
            alone[row] = cell(features[row : row + 1, moment], vector[row : row + 1, moment], alone[row])
    torch.testing.assert_close(memory.hidden, torch.cat([one.hidden for one in alone]), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(memory[1].cell, alone[1].cell, atol=1e-5, rtol=1e-4)
    assert memory.hidden.abs().max() <= 1


def test_the_first_memory_is_learned_and_fits_other_sizes():
    cell = ConvLstm(3, 2, 4, (4, 4))
    cell.initial_cell.data.fill_(2.0)
    start = cell.start(2, (6, 10))
    assert start.hidden.shape == (2, 4, 6, 10)
    torch.testing.assert_close(start.cell, torch.full((2, 4, 6, 10), 2.0))
    cell(torch.randn(2, 3, 6, 10), torch.randn(2, 2), start).hidden.sum().backward()
    assert cell.initial_cell.grad is not None and cell.initial_cell.grad.abs().sum() > 0
