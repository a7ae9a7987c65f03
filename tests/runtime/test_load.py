"""A name or a folder becomes a pipeline, or one line says why not."""

from __future__ import annotations

import shutil

import pytest
import torch

import kinema
from kinema.core.checks import InputError
from kinema.runtime.load import find_device, load
from kinema.systems.first_order.pipeline import FirstOrderPipeline
from kinema.weights.model_folder import build_model, read_model


def test_a_folder_becomes_a_pipeline_of_its_system(tiny_model):
    pipeline = kinema.load(tiny_model, device="cpu")
    assert isinstance(pipeline, FirstOrderPipeline) and pipeline.size == (32, 32)
    assert pipeline.device == torch.device("cpu") and pipeline.precision == torch.float32


def test_loaded_networks_compute_what_the_stored_ones_do(tiny_model):
    pipeline, stored = load(tiny_model, device="cpu"), build_model(read_model(tiny_model))
    source, driving = torch.rand(2, 2, 3, 32, 32)
    expected = stored(source, driving)
    torch.testing.assert_close(
        pipeline.prepare(source[:1], relative=False).step(driving[:1]), expected[:1], atol=1e-4, rtol=0
    )


def test_the_folder_of_a_run_is_enough(tiny_model, tmp_path):
    shutil.copytree(tiny_model, tmp_path / "run" / "model")
    assert load(tmp_path / "run", device="cpu").size == (32, 32)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"precision": "float16"}, "precision 'float16' is unknown; accepted: float32, bfloat16"),
        ({"device": "gpu"}, "device 'gpu' cannot be used .*; accepted: auto, cpu, cuda, cuda:N, mps"),
        ({"device": "cuda:99"}, "device 'cuda:99' cannot be used"),
    ],
)
def test_what_is_not_there_is_refused_in_one_line(tiny_model, options, says):
    with pytest.raises(InputError, match=says) as caught:
        load(tiny_model, **options)
    assert "\n" not in str(caught.value)


def test_auto_finds_a_device_that_computes():
    assert torch.ones(2, device=find_device("auto")).sum().item() == 2
