# pyright: strict
"""Measures how fast this machine animates with a system's networks, which get random weights, and how fast it could."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from pydantic import Field
from torch.utils.flop_counter import FlopCounterMode

from kinema.core.checks import InputError
from kinema.core.random import torch_generator
from kinema.core.request import Request
from kinema.runtime.optimize import prepare_for_inference
from kinema.systems.inference_work import InferenceWork
from kinema.systems.system import find_system
from kinema.tasks.machine_peak import describe_machine, matmul_gflops
from kinema.video.frame_batches import BATCH_FRAMES


class BenchRequest(Request):
    """What to measure.

    Attributes:
        system: name of the system.
        preset: of its networks; the authors' unless given.
        threads: of the CPU; None keeps torch's choice.
        repeats: batches measured, after one that warms up.
        batch_frames: frames moved at once; as many as ``kinema animate`` does unless given. Poses and moves in a
            game go one by one.
        peak_seconds: spent on each dtype's matrix products.
    """

    system: str
    preset: str | None = None
    threads: int | None = Field(default=None, ge=1)
    repeats: int = Field(default=10, ge=1)
    batch_frames: int = Field(default=BATCH_FRAMES, ge=1)
    peak_seconds: float = Field(default=1.0, ge=0)


def bench(request: BenchRequest) -> dict[str, Any]:
    """Measures inference as ``kinema animate`` does it.

    The source is encoded once; keypoints of the driving frames, transfer, dense motion and generator are the cost of
    a frame. Of smile the K landmark sequences count with the source, the translator is the cost of a frame.

    Args:
        request: what to measure.

    Returns:
        JSON values: ``ms_per_frame`` and ``cpu_ms_per_frame`` (median, best, quartiles), ``encode_ms``,
        ``gmacs_per_frame`` (multiply-adds that the fast path computes, fewer than the networks' plain form has),
        ``gflops`` achieved, ``peak_gflops`` of matrix products, ``machine``.

    Raises:
        InputError: there is no such system or preset, or a number is below 1.
    """
    system = find_system(request.system)
    if system.bench is None:
        raise InputError(f"{system.name} is not timed on random pictures; benchmarks/live.py times it on a clip")
    preset = request.preset or system.bench.preset
    config: Any = system.preset(preset)
    before = torch.get_num_threads()
    torch.set_num_threads(request.threads or before)
    try:
        model = system.make_model(config).eval()
        generator = torch_generator("bench")
        source = torch.rand(1, 3, *config.size, generator=generator)
        frames = request.batch_frames if system.bench.batched else 1
        driving = torch.rand(frames, 3, *config.size, generator=generator)
        pipeline = system.make_pipeline(prepare_for_inference(model))
        work = system.bench.work(pipeline, source, driving)
        figures = _measure(request.repeats, frames, work)
        gmacs = _gmacs(work.step)
        gflops = 2 * gmacs / (figures["ms_per_frame"]["median"] / 1e3)
        peak = {
            str(dtype).removeprefix("torch."): round(matmul_gflops(dtype, seconds=request.peak_seconds), 3)
            for dtype in (torch.float32, torch.bfloat16)
        }
        return {
            "system": request.system,
            "preset": preset,
            "frame_size": list(config.size),
            "batch_frames": frames,
            "repeats": request.repeats,
            "precision": "float32",
            **figures,
            "gmacs_per_frame": round(gmacs, 3),
            "gflops": round(gflops, 1),
            "peak_gflops": peak,
            "share_of_float32_peak": round(gflops / peak["float32"], 3),
            "machine": describe_machine(),
        }
    finally:
        torch.set_num_threads(before)


def _measure(repeats: int, frames: int, work: InferenceWork) -> dict[str, Any]:
    encoding = _timed(work.encode, max(3, repeats // 3))
    steps = _timed(lambda: work.step(frames), repeats)
    wall, cpu = ([value / frames for value in column] for column in zip(*steps, strict=True))
    return {
        "ms_per_frame": _spread(wall),
        "cpu_ms_per_frame": _spread(cpu),
        "encode_ms": _spread([pair[0] for pair in encoding]),
        "encode_cpu_ms": _spread([pair[1] for pair in encoding]),
    }


def _timed(work: Callable[[], object], repeats: int) -> list[tuple[float, float]]:
    """Milliseconds of wall time and of CPU time for each repeat, after one that warms up."""
    work()
    times: list[tuple[float, float]] = []
    for _ in range(repeats):
        began = time.perf_counter(), time.process_time()
        work()
        times.append(((time.perf_counter() - began[0]) * 1e3, (time.process_time() - began[1]) * 1e3))
    return times


def _spread(values: list[float]) -> dict[str, float]:
    low, _, high = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3
    figures = {"median": statistics.median(values), "best": min(values), "quartile_low": low, "quartile_high": high}
    return {name: round(value, 3) for name, value in figures.items()}


def _gmacs(step: Callable[[int], object]) -> float:
    """10^9 multiply-adds of convolutions and matrix products for one more frame."""
    with FlopCounterMode(display=False) as counter:
        step(1)
    return counter.get_total_flops() / 2 / 1e9
