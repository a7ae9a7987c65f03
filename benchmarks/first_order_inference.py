"""Time of a frame of first_order at 256x256: ours as ``kinema animate`` computes it, and the authors', in turns.

usage: first_order_inference.py [--authors FOLDER] [--preset vox_256] [--threads 2] [--repeats 5] [--frames 4]

Random weights. What is computed once for a source is left out on both sides. Compare CPU seconds where the machine is
busy with other work.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import authors_code
import torch

from kinema.core.random import torch_generator
from kinema.runtime.fast import prepare_for_inference
from kinema.systems.framing import to_images
from kinema.systems.system import find_system
from kinema.train.allocator import keep_freed_memory

Measure = Callable[[], object]


def ours(preset: str, source: torch.Tensor, driving: torch.Tensor) -> Measure:
    """A function that animates all driving frames."""
    system = find_system("first_order")
    model = prepare_for_inference(system.make_model(system.preset(preset)))
    animation = system.make_pipeline(model).prepare(source, anchor=driving[:1])
    return lambda: to_images(animation.step(driving))


def theirs(folder: Path, preset: str, source: torch.Tensor, driving: torch.Tensor) -> Measure:
    """The same with the authors' code, which takes one frame at a time."""
    networks = authors_code.load_networks(folder, preset)
    networks.kp_detector.eval()
    networks.generator.eval()
    with torch.no_grad():
        kp_source, kp_first = networks.kp_detector(source), networks.kp_detector(driving[:1])

    def measure() -> None:
        with torch.no_grad():
            for frame in driving:
                authors_code.animate(networks, source, kp_source, kp_first, frame[None])

    return measure


def main() -> None:
    """Prints milliseconds a frame and ratios."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--authors", type=Path, help="checkout of AliaksandrSiarohin/first-order-model")
    parser.add_argument("--preset", default="vox_256")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--frames", type=int, default=4, help="of the clip; ours takes them as one batch")
    parser.add_argument("--keep-freed-memory", action="store_true", help="allocator as in training, for both sides")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.keep_freed_memory:
        print(keep_freed_memory())
    generator = torch_generator("benchmark")
    size = find_system("first_order").preset(options.preset).size  # type: ignore[attr-defined]
    source = torch.rand(1, 3, *size, generator=generator)
    driving = torch.rand(options.frames, 3, *size, generator=generator)
    sides = {"ours": ours(options.preset, source, driving)}
    if options.authors is not None:
        sides["authors"] = theirs(options.authors, options.preset, source, driving)
    wall: dict[str, list[float]] = {name: [] for name in sides}
    cpu: dict[str, list[float]] = {name: [] for name in sides}
    for repeat in range(options.repeats + 1):
        for name, measure in sides.items():
            began = time.perf_counter(), time.process_time()
            measure()
            if repeat > 0:  # the first one warms up
                wall[name].append((time.perf_counter() - began[0]) / options.frames * 1e3)
                cpu[name].append((time.process_time() - began[1]) / options.frames * 1e3)
    for name in sides:
        print(
            f"{name:8} wall {statistics.median(wall[name]):7.1f} ms a frame (best {min(wall[name]):.1f}), "
            f"CPU {statistics.median(cpu[name]):7.1f} ms (best {min(cpu[name]):.1f})"
        )
    if "authors" in sides:
        for what, figures in (("wall", wall), ("CPU", cpu)):
            ratio = statistics.median(figures["ours"]) / statistics.median(figures["authors"])
            print(f"ratio of medians, {what}: {ratio:.3f}")


if __name__ == "__main__":
    main()
