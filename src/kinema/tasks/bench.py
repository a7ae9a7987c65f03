"""A system's networks with random weights -> how fast this machine animates with them, and how fast it could."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from kinema.core.checks import InputError
from kinema.core.random import torch_generator
from kinema.core.types import Joints
from kinema.faces.landmarks import MEAN_FACE
from kinema.framing.pixels import to_images
from kinema.runtime.optimize import prepare_for_inference
from kinema.systems.expression_gan.pipeline import ExpressionGanPipeline
from kinema.systems.smile.pipeline import SmilePipeline
from kinema.systems.system import find_system
from kinema.tasks.machine_peak import describe_machine, matmul_gflops
from kinema.video.frame_batches import BATCH_FRAMES

# The authors' networks, for faces or a robot at 256x256, faces at 64x64 or people at 128x64, unless another is given.
PRESETS = {
    "first_order": "vox_256",
    "monkey_net": "vox",
    "co_part": "vox_5",
    "deformable_gan": "market_full",
    "smile": "paper_64",
    "expression_gan": "paper_64",
    "playable": "bair",
}
# Poses and actions come one after the other.
ONE_BY_ONE = ("deformable_gan", "playable")
# A person who stands upright and fills the frame, (x, y) as shares of its sides, in the order of the skeleton.
UPRIGHT = (
    *((0.50, 0.13), (0.50, 0.22)),
    *((0.34, 0.22), (0.28, 0.34), (0.25, 0.47), (0.66, 0.22), (0.72, 0.34), (0.75, 0.47)),
    *((0.41, 0.50), (0.41, 0.69), (0.38, 0.88), (0.59, 0.50), (0.59, 0.69), (0.62, 0.88)),
    *((0.47, 0.11), (0.53, 0.11), (0.41, 0.13), (0.59, 0.13)),
)


@dataclass(frozen=True)
class BenchRequest:
    """What to measure.

    Attributes:
        system: name of the system.
        preset: of its networks; that of ``PRESETS`` unless given.
        threads: of the CPU; None keeps torch's choice.
        repeats: batches measured, after one that warms up.
        batch_frames: frames moved at once; as many as ``kinema animate`` does unless given. Poses and moves in a
            game go one by one.
        peak_seconds: spent on each dtype's matrix products.
    """

    system: str
    preset: str | None = None
    threads: int | None = None
    repeats: int = 10
    batch_frames: int = BATCH_FRAMES
    peak_seconds: float = 1.0


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
    for name in ("threads", "repeats", "batch_frames"):
        value = getattr(request, name)
        if value is not None and value < 1:
            raise InputError(f"{name} {value}: expected a whole number from 1")
    system = find_system(request.system)
    if system.name not in PRESETS:
        raise InputError(f"{system.name} cannot be measured yet; known: {', '.join(PRESETS)}")
    preset = request.preset or PRESETS[system.name]
    config: Any = system.preset(preset)
    before = torch.get_num_threads()
    torch.set_num_threads(request.threads or before)
    try:
        model = system.make_model(config).eval()
        generator = torch_generator("bench")
        source = torch.rand(1, 3, *config.size, generator=generator)
        frames = 1 if system.name in ONE_BY_ONE else request.batch_frames
        driving = torch.rand(frames, 3, *config.size, generator=generator)
        pipeline = system.make_pipeline(prepare_for_inference(model))
        works: dict[str, Callable[[Any, Tensor], Work]] = {
            "deformable_gan": _reposing,
            "smile": _smiling,
            "expression_gan": _recurring,
            "playable": _playing,
        }
        work_of = works.get(system.name)
        work = _animating(pipeline, source, driving) if work_of is None else work_of(pipeline, source)
        figures = _measure(request.repeats, frames, *work)
        gmacs = _gmacs(work[1])
        gflops = 2 * gmacs / (figures["ms_per_frame"]["median"] / 1e3)
        peak = {
            str(dtype).removeprefix("torch."): round(matmul_gflops(dtype, seconds=request.peak_seconds), 1)
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


Work = tuple[Callable[[], object], Callable[[int], object]]


def _animating(pipeline: Any, source: Tensor, driving: Tensor) -> Work:
    """What encodes a source, and what animates a number of frames of (N, 3, H, W) driving ones."""
    animation = pipeline.prepare(source, anchor=driving[:1])
    return (
        lambda: pipeline.prepare(source, anchor=driving[:1]),
        lambda frames: to_images(animation.step(driving[:frames])),
    )


def _reposing(pipeline: Any, source: Tensor) -> Work:
    """The same for a model that takes poses instead of frames; source (1, 3, H, W)."""
    size = (source.shape[2], source.shape[3])
    value = torch.tensor([UPRIGHT]) * torch.tensor([size[1], size[0]])
    joints = Joints(value, torch.ones(1, len(UPRIGHT), dtype=torch.bool))
    moved = Joints(value + value.new_tensor([0.02 * size[1], 0]), joints.present)
    model = pipeline.model

    def encode() -> Any:
        with torch.no_grad():
            return model.encode(source, joints)

    person = encode()

    def step(frames: int) -> np.ndarray:
        poses = Joints(moved.value.expand(frames, -1, -1), moved.present.expand(frames, -1))
        with torch.no_grad():
            return to_images(model.repose(person, poses))

    return encode, step


def _smiling(pipeline: SmilePipeline, source: Tensor) -> Work:
    """The same for landmarks: what a face needs once, its sequences included, and frames of other landmarks."""
    model = pipeline.model
    neutral = torch.tensor(MEAN_FACE)[None]
    label = torch.zeros(1, dtype=torch.int64)
    points = neutral - torch.tensor([0.0, 0.5])  # the face fills most of the frame

    def encode() -> Any:
        with torch.no_grad():
            model(neutral, label, model.config.expressions.length)
            return model.encode(source, points)

    face = encode()

    def step(frames: int) -> np.ndarray:
        with torch.no_grad():
            return to_images(model.translator(face, (1.02 * points).expand(frames, -1, -1)).frame)

    return encode, step


def _recurring(pipeline: ExpressionGanPipeline, source: Tensor) -> Work:
    """The same for a model that makes one code after the other."""
    model = pipeline.model
    label = torch.zeros(1, dtype=torch.int64)

    def encode() -> Any:
        with torch.no_grad():
            return model.encode(source)

    face = encode()

    def step(frames: int) -> np.ndarray:
        with torch.no_grad():
            return to_images(model.decode(model.sequence(face.mean, label, frames), face)[0])

    return encode, step


def _playing(pipeline: Any, source: Tensor) -> Work:
    """The same for a game, which starts from a (1, 3, H, W) frame and takes one action after the other."""
    first = to_images(source)
    game = pipeline.start(first)

    def step(frames: int) -> np.ndarray:
        now = game
        for number in range(frames):
            frame, now = pipeline.step(now, number % pipeline.num_actions)
        return frame

    return lambda: pipeline.start(first), step


def _measure(repeats: int, frames: int, encode: Callable[[], object], step: Callable[[int], object]) -> dict[str, Any]:
    encoding = _timed(encode, max(3, repeats // 3))
    steps = _timed(lambda: step(frames), repeats)
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
    times = []
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
