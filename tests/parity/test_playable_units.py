"""The parts of our playable one by one against the authors' CADDY: losses, centroids, schedules, metrics."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from kinema.actions.centroids import ActionCentroids, CentroidConfig
from kinema.actions.joint_distribution import SmoothedJointDistribution
from kinema.blocks.recurrent import ConvLstm
from kinema.losses.distributions import (
    entropy,
    entropy_of_logits,
    kl_between_logits,
    kl_from_standard_normal,
    kl_of_means,
)
from kinema.losses.multi_resolution import motion_weights, pixel_distances
from kinema.losses.mutual_information import joint_distribution, mutual_information
from kinema.metrics.action_movement import delta_accuracy, delta_mse, movements_by_action
from kinema.metrics.image_quality import frame_differences, mse, psnr
from kinema.metrics.object_position import compare_detections
from kinema.ops.gumbel import gumbel_softmax
from kinema.systems.playable.config import PlayableScheduleConfig
from kinema.weights.authors.playable import rename_playable

from .fixture import GRADIENT, INFERENCE, LOSS, Case, case_parameters, load

CASES = pytest.mark.parametrize("path", case_parameters("caddy/units*.json"))


def same(ours: Any, theirs: Any, *, absolute: float = INFERENCE, relative: float = 1e-6) -> None:
    ours, theirs = (torch.as_tensor(value).detach().double() for value in (ours, theirs))
    torch.testing.assert_close(ours, theirs, atol=absolute, rtol=relative)


def rounds(case: Case, prefix: str) -> list[str]:
    found = sorted({name.removeprefix(prefix).split("/")[0] for name in case.tensors if name.startswith(prefix)})
    return [f"{prefix}{name}/" for name in found if name.isdigit()]


@CASES
def test_centroids(path: Path) -> None:
    case = load(path)
    number, space = case["centroid/init"].shape
    centroids = ActionCentroids(CentroidConfig(num_actions=number, action_space=space, rate=0.1))
    centroids.value.copy_(case["centroid/init"])
    same(centroids.mean_distance(), case["avg_centroid_distance"])
    for group in rounds(case, "centroid/"):
        shares = case[f"{group}assignments"]
        centroids.update(case[f"{group}points_priors"][:, 0], shares)
        same(centroids.value, case[f"{group}after"])
        same(centroids.variations(case[f"{group}points"], shares), case[f"{group}variations"])


@CASES
def test_gumbel_softmax(path: Path) -> None:
    case = load(path)
    names = [name.split("/")[1] for name in case.tensors if name.startswith("gumbel/") and name.endswith("/y")]
    assert names
    for name in names:
        kind, temperature = name.split("_T")
        logs = case["gumbel/log_probs"].clone().requires_grad_(True)
        chosen = gumbel_softmax(logs, case["gumbel/U"], temperature=float(temperature), hard=kind == "hard")
        same(chosen, case[f"gumbel/{name}/y"])
        (chosen * torch.linspace(-1, 1, chosen.shape[-1])).sum().backward()
        same(logs.grad, next(value for key, value in case.below(f"gumbel/{name}/grad").items()), absolute=1e-5)


@CASES
def test_recurrent_cell(path: Path) -> None:
    case = load(path)
    told = case["convlstm/0/in_vec"].shape[1]
    prefix = "dynamics_network.recurrent_layers_blocks.0.0."
    state = {prefix + name: value for name, value in case.below("convlstm/state_dict/").items()}
    # Its shape says how many numbers the vector has.
    state["centroid_estimator.estimated_centroids"] = torch.zeros(1, told - 1) if told > 2 else torch.zeros(1, 1)
    weights = {name.removeprefix("dynamics.fine."): value for name, (_, value) in rename_playable(state).items()}
    hidden, *size = case["convlstm/state_dict/initial_hidden_state"].shape
    cell = ConvLstm(case["convlstm/0/in_map"].shape[1], told, hidden, (size[0], size[1]))
    cell.load_state_dict({name: value for name, value in weights.items() if not name.startswith("centroids")})
    memory = cell.start(len(case["convlstm/0/in_map"]))
    for group in rounds(case, "convlstm/"):
        memory = cell(case[f"{group}in_map"], case[f"{group}in_vec"], memory)
        same(memory.hidden, case[f"{group}h"])
        same(memory.cell, case[f"{group}c"])


@CASES
def test_entropies_and_divergences(path: Path) -> None:
    case = load(path)
    first, second = case["loss/logits1"], case["loss/logits2"]
    same(entropy_of_logits(first), case["loss/entropy_logit(logits1)"], relative=LOSS)
    same(entropy(first.softmax(dim=-1)), case["loss/entropy_prob(softmax logits1)"], relative=LOSS)
    same(kl_between_logits(first, second), case["loss/kl(input=logits1,target=logits2)"], relative=LOSS)
    mean, variance = case["loss/dist1"].unbind(dim=-2)
    same(kl_from_standard_normal(mean, variance), case["loss/kl_gauss(dist1)"], relative=LOSS)
    given = case["loss/dist1"].clone().requires_grad_(True)
    distance = kl_of_means(*given.unbind(dim=-2), *case["loss/dist2"].unbind(dim=-2), least_variance=0.05)
    same(distance, case["loss/kl_general(dist1,ref=dist2,eps=0.05)"], relative=LOSS)
    distance.backward()
    same(given.grad, case["loss/kl_general_grad_dist1"], relative=GRADIENT)


@CASES
def test_mutual_information(path: Path) -> None:
    case = load(path)
    shares = [case[f"loss/logits{index}"].softmax(dim=-1) for index in (1, 2)]
    plain = [name for name in case.tensors if name.startswith("loss/mi_lamb")]
    assert plain
    for name in plain:
        weight = float(name.removeprefix("loss/mi_lamb"))
        same(-mutual_information(joint_distribution(*shares), marginal_entropy=weight), case[name], relative=LOSS)
    running = SmoothedJointDistribution(shares[0].shape[-1])
    for group in rounds(case, "loss/smooth_mi/"):
        logits = case[f"{group}logits1"].clone().requires_grad_(True)
        joint = joint_distribution(logits.softmax(dim=-1), case[f"{group}logits2"].softmax(dim=-1))
        value = -mutual_information(running(joint, 0.2))
        same(value, case[f"{group}value"], absolute=1e-6, relative=LOSS)
        same(running.value, case[f"{group}matrix_after"], absolute=1e-7)
        value.backward()
        same(logits.grad, case[f"{group}grad_logits1"], absolute=1e-6, relative=GRADIENT)


@CASES
def test_distances_of_frames(path: Path) -> None:
    case = load(path)
    real = case["loss/obs_2stack"][:, :, :3]
    low, full = case["loss/rec_lowres_Tminus1"], case["loss/rec_fullres_Tminus1"]
    later = real[:, -low.shape[1] :].flatten(0, 1)
    same(pixel_distances([low.flatten(0, 1)], later)[0], case["loss/observations"], relative=LOSS)
    name = next(name for name in case.tensors if name.startswith("loss/motion_weight_mask"))
    bias = float(name.split("bias=")[1].rstrip(")"))
    same(motion_weights(real, full, bias=bias), case[name])
    hidden = case["loss/hidden_target(T)"], case["loss/hidden_pred(T-1)"]
    same((hidden[0][:, 1:] - hidden[1]).square().mean(), case["loss/hidden_states"], relative=LOSS)


@CASES
def test_schedules(path: Path) -> None:
    scalars = load(path).facts["scalars"]
    bair = PlayableScheduleConfig()
    for step, real, temperature, length in scalars["schedule_bair[step,gt_obs,gumbel_T,obs_count]"]:
        assert (bair.real_frames(step), bair.length(step)) == (real, length)
        assert bair.temperature(step) == pytest.approx(temperature, abs=1e-12)
    name = next(name for name in scalars if name.startswith("schedule_gt_obs"))
    start, end, steps = (int("".join(filter(str.isdigit, word))) for word in name.split()[1:])
    fewer = PlayableScheduleConfig(real_start=start, real_end=end, real_steps=steps)
    for step, real in scalars[name]:
        assert fewer.real_frames(step) == real


@CASES
def test_movements(path: Path) -> None:
    case = load(path)
    actions, movements = case["metric/actions"], case["metric/movements"]
    facts = case.facts["scalars"]["action_variance"]
    found = movements_by_action(actions, movements)
    told = {int(name.rsplit("/", 1)[1]) for name in facts if name.rsplit("/", 1)[1].isdigit()}
    assert found.keys() == told
    for action, part in found.items():
        ours = {"mean_vector": part.mean, "variance_vector": part.variance, "kurtosis": part.kurtosis}
        ours |= {"quantiles": part.deciles, "avg_variance": part.variance.mean(), "frequency": part.fraction}
        for name, value in ours.items():
            same(value, facts[f"action_variance/{name}/{action}"], absolute=1e-9)
    share = facts["action_variance/avg_variance/mean"] / facts["action_variance/avg_variance/global"]
    assert delta_mse(actions, movements) == pytest.approx(share, abs=1e-9)
    assert share == pytest.approx(case.facts["scalars"]["delta_mse_candidates"]["mean_over_actions/global"], abs=1e-9)
    accuracy = case.facts["scalars"]["action_classification"]["linear/action_accuracy"]
    assert delta_accuracy(actions, movements) == pytest.approx(accuracy, abs=1e-9)


def points(detections: Tensor) -> Tensor:
    """Theirs, -1 where nothing was found, as our (B, T, d)."""
    found = detections if detections.ndim == 3 else detections[..., None]
    return torch.where(found[..., :1] == -1, torch.nan, found)


@CASES
@pytest.mark.parametrize("axes", [1, 2])
def test_detections(path: Path, axes: int) -> None:
    case = load(path)
    facts = case.facts["scalars"][f"detection_{axes}d"]
    errors = compare_detections(points(case[f"metric/det{axes}d_ref"]), points(case[f"metric/det{axes}d_gen"]))
    for moment in range(len(errors.both)):
        assert facts[f"detection/successful_detections/{moment}"] == errors.both[moment]
        assert facts[f"detection/missed_detections/{moment}"] == errors.missed[moment]
        distance = facts[f"detection/center_distance/{moment}"]
        if errors.both[moment]:
            assert float(errors.distance[moment] / errors.both[moment]) == pytest.approx(distance, abs=1e-9)
    assert errors.average_distance == pytest.approx(facts["detection/center_distance/global"], abs=1e-9)
    whole = facts["detection/missed_detections/global"], facts["detection/reference_detections/global"]
    assert errors.missed_rate == pytest.approx(whole[0] / whole[1], abs=1e-12)


@CASES
def test_frame_metrics(path: Path) -> None:
    case = load(path)
    real, made = case["metric/ref_video"], case["metric/gen_video"]
    flat, shape = (real.flatten(0, 1), made.flatten(0, 1)), real.shape[:2]
    same(mse(*flat).unflatten(0, shape), case["metric/mse"])
    same(psnr(*flat).unflatten(0, shape), case["metric/psnr"], absolute=1e-4)
    masked = mse(*flat, frame_differences(real).flatten(0, 1))
    same(masked.unflatten(0, shape), case["metric/motion_masked_mse"])
