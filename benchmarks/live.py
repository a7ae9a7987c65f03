"""A clip as camera -> what `kinema live` takes: milliseconds of each stage, frames a second, latency, JSON.

usage: live.py PHOTO CLIP [--sizes 256 512 1024] [--seconds 10] [--json FILE]

The photo is brought to each size (longer side), tracking, drawing and JPEG encoding run as in `kinema live`, the clip
plays at its own rate and begins again. Each stage is also run alone, one thread, for its CPU time a frame, which other
work on the machine changes little. Bars on two idle cores: 30 frames a second at 512, 20 at 1024, 60 ms of latency at
512; below the rate of the clip itself no machine gets.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from kinema.runtime.models import Models
from kinema.tasks.heads.live import LiveHead, encode_jpeg
from kinema.video import open_video, read_image, resize
from kinema.video.camera import clip_shots
from kinema.video.info import Image

# Size -> least frames a second and most milliseconds of latency (median) on two idle cores.
BARS = {512: (30.0, 60.0), 1024: (20.0, None)}
FRAMES_ALONE = 40


def quantiles(seconds: list[float]) -> dict[str, float]:
    """Median and 95th percentile in milliseconds."""
    median, late = np.percentile(seconds, [50, 95]).tolist()
    return {"median": round(1000 * median, 2), "p95": round(1000 * late, 2)}


def cpu_of(work: Callable[[], Any]) -> tuple[float, Any]:
    """CPU seconds of the whole process, and what comes out."""
    began = time.process_time()
    result = work()
    return time.process_time() - began, result


def alone(pipeline: Any, portrait: Any, frames: list[Image]) -> dict[str, float]:
    """CPU milliseconds a frame of each stage, median, one after the other."""
    driver, mesh = pipeline.driver(portrait), None
    spent: dict[str, list[float]] = {"track": [], "motion": [], "draw": [], "encode": []}
    for number, frame in enumerate(frames):
        seconds, mesh = cpu_of(lambda frame=frame, mesh=mesh: pipeline.tracker.track(frame, mesh))
        spent["track"].append(seconds)
        seconds, motion = cpu_of(lambda mesh=mesh, number=number, frame=frame: driver.step(mesh, number / 30, frame))
        spent["motion"].append(seconds)
        seconds, image = cpu_of(lambda motion=motion: portrait.draw(motion))
        spent["draw"].append(seconds)
        spent["encode"].append(cpu_of(lambda image=image: encode_jpeg(image))[0])
    return {stage: round(1000 * float(np.median(values[2:])), 2) for stage, values in spent.items()}


def measure(pipeline: Any, photo: Image, clip: Path, seconds: float, frames: list[Image]) -> dict[str, Any]:
    """What one size takes."""
    portrait = pipeline.prepare(photo)
    cpu = alone(pipeline, portrait, frames)
    live = LiveHead(pipeline, portrait, jpeg=True)
    timer = threading.Timer(seconds, live.stop)
    stages: dict[str, list[float]] = {"track": [], "draw": [], "encode": [], "latency": []}
    began = time.process_time()
    for count, frame in enumerate(live.frames(clip_shots(clip, repeat=True))):
        if count == 0:
            timer.start()
        for stage, values in stages.items():
            values.append(getattr(frame, stage))
    summary = live.summary()
    return {
        "frames": summary.frames,
        "dropped": summary.dropped,
        "frames_a_second": round(summary.rate, 1),
        "ms": {stage: quantiles(values) for stage, values in stages.items()},
        "cpu_ms_alone": cpu,
        "cpu_ms_a_frame_together": round(1000 * (time.process_time() - began) / max(summary.frames, 1), 2),
    }


def verdict(size: int, result: dict[str, Any]) -> str:
    """Whether the bars of a size are held."""
    if size not in BARS:
        return ""
    rate, latency = BARS[size]
    holds = result["frames_a_second"] >= rate and (latency is None or result["ms"]["latency"]["median"] <= latency)
    asked = f"{rate:g} frames a second" + ("" if latency is None else f" and {latency:g} ms")
    return f"  bar of {asked}: {'held' if holds else 'not held'}"


def main() -> None:
    """Prints a block for each size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photo", type=Path)
    parser.add_argument("clip", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 512, 1024])
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    pipeline = Models(device="cpu").heads("head")
    photo = read_image(arguments.photo)
    with open_video(arguments.clip) as reader:
        rate = float(reader.info.frame_rate)
        frames = [frame.image for frame in itertools.islice(reader, FRAMES_ALONE)]
    report: dict[str, Any] = {
        "machine": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "load": [round(value, 1) for value in os.getloadavg()],
        "clip": {"frames_a_second": rate, "size": frames[0].shape[:2]},
        "sizes": {},
    }
    print(f"{report['cores']} cores, load {report['load'][0]}; the clip has {rate:g} frames a second")
    for size in arguments.sizes:
        scale = size / max(photo.shape[:2])
        sized = resize(photo, (round(photo.shape[0] * scale), round(photo.shape[1] * scale)))
        result = report["sizes"][str(size)] = measure(pipeline, sized, arguments.clip, arguments.seconds, frames)
        print(f"{size}: {result['frames_a_second']} frames a second, {result['dropped']} dropped")
        for stage, values in result["ms"].items():
            cpu = result["cpu_ms_alone"].get(stage)
            shown = "" if cpu is None else f", CPU alone {cpu:.1f}"
            print(f"  {stage}: {values['median']:.1f} ms (95 %: {values['p95']:.1f}{shown})")
        print(f"  CPU together: {result['cpu_ms_a_frame_together']:.1f} ms a frame")
        print(verdict(size, result) or "  no bar")
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
