"""Measures the peak memory of animating a long clip with first_order, which must not grow with the clip.

usage: memory_animate.py [--minutes 20] [--fps 25] [--preset vox_256] [--frames N N ...] [--limit-gib 1.5]

Generates a 256x256 clip, animates it with random weights in its own process, as ``kinema animate`` does, and prints the
peak of that process (Linux only). ``--frames 200 800`` measures clips of these lengths instead of one of ``--minutes``;
20 minutes of video take hours at 0.3 s per frame.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

import numpy as np

SIDE = 256


def write_clip(path: Path, frames: int, fps: int) -> None:
    """A disc on a moving gradient, generated frame by frame."""
    from kinema.video import VideoWriter

    y, x = np.mgrid[0:SIDE, 0:SIDE]
    with VideoWriter(path, frame_rate=Fraction(fps)) as writer:
        for index in range(frames):
            phase = 2 * np.pi * index / (4 * fps)
            inside = np.hypot(x - SIDE * (0.5 + 0.3 * np.cos(phase)), y - SIDE * (0.5 + 0.3 * np.sin(phase))) < SIDE / 6
            picture = np.stack([(x + index) % SIDE, (y + 2 * index) % SIDE, np.full_like(x, 90)], axis=-1)
            writer.write(np.where(inside[..., None], 230, picture).astype(np.uint8))


def write_random_model(folder: Path, preset: str) -> None:
    """A model folder with random weights."""
    import torch

    from kinema.systems.system import find_system
    from kinema.weights.model_folder import save_model

    torch.manual_seed(0)
    system = find_system("first_order")
    config = system.preset(preset)
    state = system.make_model(config).state_dict()
    save_model(folder, system=system, config=config, state=state, facts={}, card="random weights\n")


def animate_alone(folder: Path) -> None:
    """Animates in this process and prints its peaks in GiB: while loading, and while animating."""
    from kinema.runtime.load import load
    from kinema.runtime.models import Models
    from kinema.tasks.animate import AnimateRequest, animate
    from kinema.video import open_video, write_image

    with open_video(folder / "driving.mp4") as reader:
        write_image(folder / "still.png", next(iter(reader)).image)
    pipeline = load(folder / "model", device="cpu")
    loading = peak_gib()
    # Resets the peak, so that loading does not hide the memory of animating.
    Path("/proc/self/clear_refs").write_text("5")
    request = AnimateRequest(
        source=folder / "still.png",
        driving=folder / "driving.mp4",
        output=folder / "animated.mp4",
        anchor="first",
        model="given",
    )
    report = animate(request, Models(loaded={"given": pipeline}))
    print(json.dumps({"frames": report.frames, "loading": loading, "animating": peak_gib()}))


def peak_gib() -> float:
    """Largest resident memory of this process since the last reset of the peak, in GiB."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 2**20


def main() -> None:
    """Prints the peak for each length; fails if one is above the limit."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--fps", type=int, default=25)
    parser.add_argument("--preset", default="vox_256")
    parser.add_argument("--frames", type=int, nargs="+", help="lengths to measure, instead of --minutes")
    parser.add_argument("--limit-gib", type=float, default=1.5)
    parser.add_argument("--alone", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone is not None:
        animate_alone(options.alone)
        return
    peaks = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_random_model(folder / "model", options.preset)
        for frames in options.frames or [round(options.minutes * 60 * options.fps)]:
            write_clip(folder / "driving.mp4", frames, options.fps)
            command = [sys.executable, __file__, "--alone", str(folder)]
            answer = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            peaks.append(max(answer["loading"], answer["animating"]))
            print(
                f"{answer['frames']} frames ({frames / options.fps / 60:.1f} minutes): peak {peaks[-1]:.3f} GiB "
                f"(loading {answer['loading']:.3f}, animating {answer['animating']:.3f})",
                flush=True,
            )
    if max(peaks) > options.limit_gib:
        sys.exit(f"above the limit of {options.limit_gib} GiB")


if __name__ == "__main__":
    main()
