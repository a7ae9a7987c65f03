"""The report of a benchmark holds together; a small preset stands for the large ones."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch

from kinema.core.checks import InputError
from kinema.systems import SYSTEMS
from kinema.systems.system import find_system
from kinema.tasks.bench import BenchRequest, bench
from kinema.tasks.machine_peak import describe_machine, matmul_gflops


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    return bench(
        BenchRequest(system="first_order", preset="small_64", threads=1, repeats=3, batch_frames=2, peak_seconds=0)
    )


def test_figures_agree_with_each_other(report: dict[str, Any]) -> None:
    frame = report["ms_per_frame"]
    assert 0 < frame["best"] <= frame["median"]
    assert frame["quartile_low"] <= frame["median"] <= frame["quartile_high"]
    assert report["gflops"] == pytest.approx(2e3 * report["gmacs_per_frame"] / frame["median"], rel=0.02)
    peak = report["peak_gflops"]["float32"]
    # Both are rounded to a tenth, which shows on a busy machine.
    assert report["share_of_float32_peak"] == pytest.approx(report["gflops"] / peak, abs=1e-3 + 0.1 / peak)
    # Some processors compute products of bfloat16 a hundred times as slowly as of float32.
    assert set(report["peak_gflops"]) == {"float32", "bfloat16"} and min(report["peak_gflops"].values()) > 0
    assert report["frame_size"] == [64, 64] and report["machine"]["threads"] == 1


def test_products_are_those_of_a_frame_of_a_clip(report: dict[str, Any]) -> None:
    """Not the encoder of the source, and one frame of the batch; bounds from the shapes of the config."""
    # Four bottleneck blocks of two 3x3 convolutions on 64 channels at 16x16.
    bottleneck = 8 * 9 * 64 * 64 * 16 * 16 / 1e9
    assert bottleneck < report["gmacs_per_frame"] < 0.5


def test_it_can_be_written_as_json(report: dict[str, Any]) -> None:
    assert json.loads(json.dumps(report, allow_nan=False)) == report


@pytest.mark.parametrize(
    ("system", "preset", "side"),
    [
        ("monkey_net", "shapes", 64),
        ("co_part", "small_128", 128),
        ("smile", "small_64", 64),
        ("expression_gan", "small_64", 64),
    ],
)
def test_the_other_systems_are_measured(system: str, preset: str, side: int) -> None:
    report = bench(BenchRequest(system=system, preset=preset, threads=1, repeats=1, batch_frames=1, peak_seconds=0))
    assert report["preset"] == preset and report["frame_size"] == [side, side]
    assert 0 < report["ms_per_frame"]["median"] and 0 < report["encode_ms"]["median"]
    assert 0.01 < report["gmacs_per_frame"] < 2


def test_without_a_preset_the_authors_networks_are_measured() -> None:
    sizes = {"deformable_gan": (128, 64), "smile": (64, 64), "expression_gan": (64, 64)}
    for name in SYSTEMS:
        timed = find_system(name).bench
        if timed is None:
            with pytest.raises(InputError, match=r"is not timed on random pictures; benchmarks/live\.py"):
                bench(BenchRequest(system=name))
            continue
        preset = timed.preset
        size = sizes.get(name, (256, 256))
        assert preset.startswith(("vox", "market", "paper", "bair"))
        assert find_system(name).preset(preset).size == size  # type: ignore[attr-defined]


def test_steps_of_a_game_are_measured_one_by_one() -> None:
    report = bench(
        BenchRequest(system="playable", preset="breakout", threads=1, repeats=1, batch_frames=4, peak_seconds=0)
    )
    assert report["batch_frames"] == 1 and report["frame_size"] == [208, 160]
    assert 1 < report["gmacs_per_frame"] < 2


def test_poses_are_measured_one_by_one() -> None:
    report = bench(
        BenchRequest(system="deformable_gan", preset="small_128", threads=1, repeats=1, batch_frames=4, peak_seconds=0)
    )
    assert report["batch_frames"] == 1 and report["frame_size"] == [128, 64]
    assert 0 < report["ms_per_frame"]["median"] and 0 < report["encode_ms"]["median"]
    assert 0.1 < report["gmacs_per_frame"] < 2


def test_the_default_preset_is_in_the_report() -> None:
    report = bench(BenchRequest(system="smile", threads=1, repeats=1, batch_frames=1, peak_seconds=0))
    assert report["preset"] == "paper_64" and report["frame_size"] == [64, 64]


def test_threads_are_put_back() -> None:
    before = torch.get_num_threads()
    bench(
        BenchRequest(
            system="first_order", preset="small_64", threads=before + 1, repeats=1, batch_frames=1, peak_seconds=0
        )
    )
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"system": "first_order", "preset": "small_64", "repeats": 0}, "'repeats' with value 0"),
        ({"system": "first_order", "preset": "small_64", "threads": 0}, "'threads' with value 0"),
        ({"system": "first_order", "preset": "vox"}, "preset 'vox'"),
        ({"system": "second_order", "preset": "vox_256"}, "system 'second_order'"),
    ],
)
def test_wrong_requests_are_refused(values: dict[str, Any], named: str) -> None:
    with pytest.raises(InputError, match=named):
        bench(BenchRequest(**values))


def test_peak_and_machine() -> None:
    assert 0.1 < matmul_gflops(torch.float32, seconds=0) < 1e5
    machine = describe_machine()
    assert machine["torch"] == torch.__version__ and machine["processor"]
