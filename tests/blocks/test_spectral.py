"""The weight's largest singular value becomes one."""

import torch

from kinema.blocks.spectral import SpectralConv2d


def test_the_norm_converges_to_one():
    conv = SpectralConv2d(3, 8, 3)
    frames = torch.randn(1, 3, 6, 6)
    for _ in range(60):
        out = conv(frames)
    true_norm = torch.linalg.matrix_norm(conv.weight.flatten(1), ord=2)
    plain = torch.nn.functional.conv2d(frames, conv.weight / true_norm, conv.bias)
    torch.testing.assert_close(out, plain, atol=1e-4, rtol=1e-3)


def test_only_training_moves_the_estimate():
    conv = SpectralConv2d(3, 8, 3)
    frames = torch.randn(1, 3, 6, 6)
    before = conv.weight_u
    conv.eval()
    assert torch.equal(conv(frames), conv(frames)) and conv.weight_u is before
    conv.train()(frames)
    assert not torch.equal(conv.weight_u, before)
    assert set(conv.state_dict()) == {"weight", "bias", "weight_u", "weight_v"}


def test_two_passes_of_one_step_can_be_differentiated_together():
    conv = SpectralConv2d(2, 4, 3)
    (conv(torch.randn(1, 2, 5, 5)).sum() + conv(torch.randn(1, 2, 5, 5)).square().sum()).backward()
    assert conv.weight.grad is not None and conv.weight.grad.abs().min() > 0


def test_a_scaled_weight_gives_the_same_answer():
    conv = SpectralConv2d(3, 8, 3).eval()
    frames = torch.randn(1, 3, 6, 6)
    before = conv(frames)
    conv.weight.data *= 7
    torch.testing.assert_close(conv(frames), before)


def test_autocast_leaves_the_estimate_in_float32():
    conv = SpectralConv2d(3, 8, 3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert conv(torch.randn(1, 3, 6, 6)).dtype == torch.bfloat16
    assert conv.weight_u.dtype == conv.weight_v.dtype == torch.float32
