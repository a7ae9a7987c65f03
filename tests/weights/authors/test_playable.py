"""Files of CADDY's authors that cannot be read say why; those that can are compared in tests/parity."""

import pytest
import torch

from kinema.core.checks import InputError
from kinema.weights.authors.playable import convert_playable_config, rename_playable

CENTROIDS = {"centroid_estimator.estimated_centroids": torch.zeros(3, 1)}
CELL = "dynamics_network.recurrent_layers_blocks.0.0.cell."


def test_gates_are_joined_in_our_order_and_the_action_taken_out():
    # State 2, action 3 + 1, memory 5.
    gates = {f"{CELL}{gate}_gate": float(index) for index, gate in enumerate(("cell", "forget", "input", "output"))}
    state = {f"{name}.weight": torch.full((5, 2 + 4 + 5, 3, 3), value) for name, value in gates.items()}
    state |= {f"{name}.bias": torch.full((5,), value) for name, value in gates.items()}
    for channel in range(11):
        state[f"{CELL}input_gate.weight"][:, channel] = channel
    renamed = {name: value for name, (_, value) in rename_playable(CENTROIDS | state).items()}
    assert renamed["dynamics.fine.gates.weight"].shape == (20, 7, 3, 3)
    assert renamed["dynamics.fine.gates.weight"][0, :, 0, 0].tolist() == [0, 1, 6, 7, 8, 9, 10]
    assert renamed["dynamics.fine.gates.vector_weight"][0, :, 0, 0].tolist() == [2, 3, 4, 5]
    assert renamed["dynamics.fine.gates.bias"][::5].tolist() == [2, 1, 3, 0]


def test_what_is_missing_is_named():
    with pytest.raises(InputError, match="has no centroid_estimator"):
        rename_playable({})
    with pytest.raises(InputError, match=r"dynamics\.fine has no forget_gate\.bias"):
        rename_playable(CENTROIDS | {f"{CELL}input_gate.bias": torch.zeros(5)})
    with pytest.raises(InputError, match="has 3 input channels, too few for 4 of the action"):
        rename_playable(CENTROIDS | {"dynamics_network.non_recurrent_blocks.0.conv1.weight": torch.zeros(5, 3, 3, 3)})
    with pytest.raises(InputError, match="lacks 'model'"):
        convert_playable_config({})
