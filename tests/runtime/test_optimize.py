"""The fast path computes what the networks compute; in float64 the two agree to the last digits."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from kinema.blocks.conv import DownBlock, ResBlock, SameBlock, UpBlock
from kinema.blocks.leaky_conv import ConditionedConv2d, LeakyResBlock, LeakyUpBlock
from kinema.runtime import optimize as fast_module
from kinema.runtime.fused_leaky_conv import FoldedLeakyResBlock, FoldedLeakyUpBlock, FrozenConditionedConv2d
from kinema.runtime.optimize import (
    FewChannelConv,
    FoldedBlock,
    FoldedResBlock,
    RowByRow,
    SubPixelBlock,
    prepare_for_inference,
)
from kinema.runtime.winograd_conv import FrozenConv2d
from kinema.systems.system import find_system

EXACT = 1e-10

SMALL = [
    "frames.size=[64, 96]",
    "keypoints.block_expansion=4",
    "keypoints.max_features=16",
    "keypoints.num_blocks=3",
    "motion.num_blocks=3",
    "motion.block_expansion=4",
    "motion.max_features=16",
    "generator.block_expansion=8",
    "generator.max_features=16",
    "generator.num_bottleneck_blocks=2",
]


def train_a_little(net: nn.Module) -> nn.Module:
    """Statistics and affine parts as a trained network has them, none at its starting value."""
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None and module.running_var is not None
            nn.init.normal_(module.running_mean, std=0.5)
            nn.init.uniform_(module.running_var, 0.3, 2)
            nn.init.uniform_(module.weight, -1.5, 1.5)
            nn.init.normal_(module.bias, std=0.5)
    return net.double().eval()


@pytest.mark.parametrize("size", [(8, 12), (5, 7), (2, 3)])
@pytest.mark.parametrize(
    ("block", "kind"),
    [
        (SameBlock(3, 5, kernel_size=7), FoldedBlock),
        (SameBlock(4, 6, groups=2), FoldedBlock),
        (DownBlock(3, 5), FoldedBlock),
        (UpBlock(3, 5), SubPixelBlock),
        (UpBlock(1024, 512), FoldedBlock),
        (ResBlock(4), FoldedResBlock),
        (LeakyResBlock(4, 4), FoldedLeakyResBlock),
        (LeakyResBlock(3, 5, halve=True), FoldedLeakyResBlock),
        (LeakyUpBlock(3, 5), FoldedLeakyUpBlock),
        (nn.Conv2d(6, 3, 7, padding=3), FewChannelConv),
        (nn.Conv2d(6, 4, 5, padding=2, bias=False), FewChannelConv),
        (nn.Conv2d(6, 3, 7), nn.Conv2d),
        (nn.Conv2d(6, 5, 7, padding=3), nn.Conv2d),
    ],
    ids=[
        "same",
        "groups",
        "down",
        "up",
        "wide-up",
        "res",
        "leaky",
        "leaky-down",
        "leaky-up",
        "few",
        "few-no-bias",
        "unpadded",
        "many",
    ],
)
def test_a_block_keeps_its_outputs(block: nn.Module, kind: type, size: tuple[int, int]) -> None:
    net = nn.Sequential(train_a_little(block))
    if isinstance(block, nn.Conv2d) and block.padding == (0, 0):
        size = (size[0] + 6, size[1] + 6)
    fast = prepare_for_inference(net)
    assert type(fast[0]) is kind
    channels = next(m for m in block.modules() if isinstance(m, nn.Conv2d)).weight.shape[1]
    groups = next(m for m in block.modules() if isinstance(m, nn.Conv2d)).groups
    features = torch.randn(2, channels * groups, *size, dtype=torch.float64)
    before = features.clone()
    torch.testing.assert_close(fast(features), net(features), rtol=0, atol=EXACT)
    assert torch.equal(features, before)


@pytest.mark.parametrize("preset", ["vox_256", "small_64"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_first_order_keeps_its_frames(preset: str, dtype: torch.dtype) -> None:
    system = find_system("first_order")
    model = train_a_little(system.make_model(system.preset(preset).override(SMALL))).to(dtype)
    fast = prepare_for_inference(model)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in fast.modules())
    assert any(isinstance(module, SubPixelBlock) for module in fast.modules())
    assert isinstance(fast.generator.final, FewChannelConv)
    source, driving = torch.rand(1, 3, 64, 96, dtype=dtype), torch.rand(3, 3, 64, 96, dtype=dtype)
    with torch.no_grad():
        made, motion = fast.animate(fast.encode(source), fast.keypoints(driving))
        expected, expected_motion = model.animate(model.encode(source), model.keypoints(driving))
    assert expected.std() > 0.01
    tolerance = 1e-4 if dtype == torch.float32 else EXACT
    torch.testing.assert_close(made, expected, rtol=0, atol=tolerance)
    torch.testing.assert_close(motion.deformation, expected_motion.deformation, rtol=0, atol=tolerance)


OTHERS = {
    "monkey_net": [
        "frames.size=[64, 64]",
        "keypoints.block_expansion=4",
        "keypoints.max_features=16",
        "keypoints.num_blocks=3",
        "motion.block_expansion=4",
        "motion.max_features=16",
        "motion.num_blocks=3",
        "generator.num_blocks=4",
        "generator.block_expansion=8",
        "generator.max_features=16",
    ],
    "co_part": [
        "frames.size=[64, 64]",
        "keypoints.block_expansion=4",
        "keypoints.max_features=16",
        "keypoints.num_blocks=3",
        "generator.block_expansion=8",
        "generator.max_features=16",
    ],
}


@pytest.mark.parametrize(("name", "preset"), [("monkey_net", "vox"), ("co_part", "vox_5"), ("co_part", "small_128")])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_the_other_systems_keep_their_frames(name: str, preset: str, dtype: torch.dtype) -> None:
    system = find_system(name)
    model = train_a_little(system.make_model(system.preset(preset).override(OTHERS[name]))).to(dtype)
    fast = prepare_for_inference(model)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in fast.modules())
    source, driving = torch.rand(1, 3, 64, 64, dtype=dtype), torch.rand(3, 3, 64, 64, dtype=dtype)
    with torch.no_grad():
        made, motion = fast.animate(fast.encode(source), fast.keypoints(driving))
        expected, expected_motion = model.animate(model.encode(source), model.keypoints(driving))
        assert expected.std() > 0.01
        tolerance = 1e-4 if dtype == torch.float32 else EXACT
        torch.testing.assert_close(made, expected, rtol=0, atol=tolerance)
        torch.testing.assert_close(motion.deformation, expected_motion.deformation, rtol=0, atol=tolerance)
        if name == "co_part":
            swapped, expected = (net.swap(net.encode(source), driving, [1, 3]) for net in (fast, model))
            torch.testing.assert_close(swapped, expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("stack", [1, 2])
def test_playable_keeps_its_frames(stack: int) -> None:
    system = find_system("playable")
    narrow = [f"{part}.state_features=8" for part in ("representation", "actions", "dynamics")]
    narrow += [f"{part}.hidden_features=8" for part in ("dynamics", "renderer")]
    config = system.preset("breakout").override([*narrow, f"representation.stack={stack}"])
    model = train_a_little(system.make_model(config))
    fast = prepare_for_inference(model)
    observation, actions = torch.rand(2, 3 * stack, 64, 96, dtype=torch.float64), torch.tensor([[0, 2, 2], [1, 1, 0]])
    with torch.no_grad():
        made, expected = fast(observation, actions), model(observation, actions)
        clips = observation.unsqueeze(1).expand(-1, 3, -1, -1, -1)
        seen, seen_before = fast.recognise(clips).logits, model.recognise(clips).logits
    assert expected.std() > 0.01
    torch.testing.assert_close(made, expected, rtol=0, atol=EXACT)
    torch.testing.assert_close(seen, seen_before, rtol=0, atol=EXACT)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_a_large_batch_goes_row_by_row(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    chain = train_a_little(nn.Sequential(ResBlock(4), ResBlock(4)))
    fast = prepare_for_inference(nn.Sequential(chain))[0]
    assert type(fast) is RowByRow
    features = torch.randn(3, 4, 6, 5, dtype=torch.float64)
    seen: list[int] = []
    fast[0].register_forward_pre_hook(lambda _, inputs: seen.append(len(inputs[0])))
    if dtype == torch.bfloat16:
        fast, features = fast.float(), features.float()
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=dtype == torch.bfloat16):
        whole = fast(features)
        monkeypatch.setattr(fast_module, "REUSED_BYTES", features.nbytes)
        rows = fast(features)
    assert seen == [3, 1, 1, 1]
    assert rows.dtype == whole.dtype
    torch.testing.assert_close(rows.double(), whole.double(), rtol=0, atol=EXACT if dtype == torch.float64 else 0.1)


@pytest.mark.parametrize("size", [(32, 48), (33, 35)])
@pytest.mark.parametrize(
    "block",
    [SameBlock(128, 64), ResBlock(128), LeakyResBlock(128, 128, halve=True), LeakyUpBlock(128, 64)],
    ids=["same", "res", "leaky", "leaky-up"],
)
def test_wide_blocks_take_fewer_products_in_float32(block: nn.Module, size: tuple[int, int]) -> None:
    exact = train_a_little(block)
    features = torch.randn(2, 128, *size, dtype=torch.float64)
    fast = prepare_for_inference(nn.Sequential(exact).float())
    with torch.no_grad():
        made = fast(features.float())
        expected = exact.double()(features)
    # Only what was used has its turned kernel.
    assert any(module._transformed is not None for module in fast.modules() if isinstance(module, FrozenConv2d))
    assert expected.std() > 0.1
    torch.testing.assert_close(made.double(), expected, rtol=0, atol=1e-4 * expected.abs().max().item())


@pytest.mark.parametrize("halve", [False, True])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_a_convolution_told_a_vector_keeps_its_outputs(halve: bool, dtype: torch.dtype) -> None:
    conditioned = ConditionedConv2d(130, 3, 64, bias=not halve, halve=halve).to(dtype)
    fast = prepare_for_inference(nn.ModuleList([conditioned]))[0]
    assert type(fast) is FrozenConditionedConv2d
    features, vector = torch.randn(2, 130, 16, 18, dtype=dtype), torch.randn(2, 3, dtype=dtype)
    with torch.no_grad():
        made, expected = fast(features, vector), conditioned(features, vector)
    assert (fast.conv._transformed is not None) == (dtype == torch.float32 and not halve)
    torch.testing.assert_close(made, expected, rtol=0, atol=3e-5 if dtype == torch.float32 else EXACT)


def test_the_network_stays_as_it_is() -> None:
    net = train_a_little(nn.Sequential(UpBlock(3, 4), ResBlock(4), nn.Conv2d(4, 3, 7, padding=3))).train()
    state = {name: value.clone() for name, value in net.state_dict().items()}
    fast = prepare_for_inference(net)
    fast(torch.randn(1, 3, 4, 4, dtype=torch.float64))
    assert net.training and all(parameter.requires_grad for parameter in net.parameters())
    assert not fast.training and not any(parameter.requires_grad for parameter in fast.parameters())
    assert state.keys() == net.state_dict().keys()
    assert all(torch.equal(value, net.state_dict()[name]) for name, value in state.items())


def test_it_runs_in_bfloat16() -> None:
    net = train_a_little(nn.Sequential(UpBlock(3, 4), ResBlock(4), nn.Conv2d(4, 3, 7, padding=3))).float()
    features = torch.randn(1, 3, 6, 4)
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        made = prepare_for_inference(net)(features)
    expected = net(features)
    assert made.dtype == torch.bfloat16
    assert (made.float() - expected).abs().max() < 0.05 * expected.abs().max()
