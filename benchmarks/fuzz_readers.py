"""Feeds mutated files to every reader; each file must be read, or refused in one line, quickly and in little memory.

usage: fuzz_readers.py [--seconds 60] [--seed 0]

Seeds are small files of every kind that the project writes itself. A mutation flips, cuts, repeats or swaps bytes, or
replaces numbers by extreme ones. Each file is read in a worker process that is watched: a traceback, a line break in a
refusal, more than 20 s or more than 2 GiB is a fault, and the file is kept in the folder that is printed.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import queue
import random
import resource
import shutil
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LONGEST_SECONDS, MOST_BYTES = 20.0, 2 * 2**30
EXTREMES = (b"0", b"-1", b"1e308", b"NaN", b"999999999999999999999", b"null", b"[[[[", b"1e300000000", b"\xff\xfe", b"")
MAX_FRAMES = 200


def make_seeds(folder: Path) -> list[Path]:
    """Small files of every kind that a reader accepts."""
    import numpy as np
    import torch
    from PIL import Image
    from safetensors.torch import save_file

    from kinema.core.types import Joints
    from kinema.data.clips.synthetic import moving_shapes
    from kinema.faces.landmark_files import LandmarkTrack, write_landmarks
    from kinema.people.pose_files import PoseTrack, write_poses
    from kinema.video import VideoWriter

    images = moving_shapes(1, 5, (48, 64), seed=0)[0]
    for name in ("a.mp4", "a.mkv", "a.webm", "a.avi", "a.mov", "a.gif", "a.webp"):
        with VideoWriter(folder / name, frame_rate=Fraction(10)) as writer:
            for image in images:
                writer.write(image)
    for name in ("a.png", "a.jpg", "a.bmp", "a.tif", "a.avif", "still.webp"):
        Image.fromarray(images[0]).save(folder / name)
    Image.fromarray(images[0]).convert("P").save(folder / "mask.png")
    points = np.random.default_rng(0).uniform(5, 40, (3, 68, 2)).astype(np.float32)
    for name in ("l.npy", "l.json", "l.csv"):
        write_landmarks(folder / name, LandmarkTrack(points, (48, 64), Fraction(10)))
    write_landmarks(folder / "l.pts", LandmarkTrack(points[:1]))
    joints = Joints(torch.from_numpy(points[:, :18]), torch.ones(3, 18, dtype=torch.bool))
    track = PoseTrack(joints, (48, 64), Fraction(10), ("0.png", "1.png", "2.png"))
    write_poses(folder / "p.csv", track)
    write_poses(folder / "p.json", track, form="coco")
    (folder / "c.yaml").write_text(
        "train: {steps: 10, batch_size: 4}\nframes: {size: [64, 64]}\nname: &a [1, 2]\nb: *a\n"
    )
    (folder / "index.csv").write_text("file,split\na.mp4,train\nb.mp4,test\n")
    save_file({"w": torch.ones(3, 3)}, folder / "w.safetensors")
    torch.save({"generator": {"w": torch.ones(3, 3)}, "epoch": 3}, folder / "w.pth.tar")
    return sorted(path for path in folder.iterdir() if path.is_file())


def readers(path: Path) -> list[Callable[[Path], object]]:
    """The reader for files of this suffix."""
    from kinema.core.config import read_mapping
    from kinema.core.json_file import read_json
    from kinema.data.clips.index import read_index
    from kinema.faces.landmark_files import read_landmarks
    from kinema.people.pose_files import read_poses
    from kinema.video import open_video, read_image, read_mask
    from kinema.weights.authors.checkpoint import read_checkpoint

    def frames(path: Path) -> None:
        with open_video(path) as reader:
            for number, _ in enumerate(reader):
                if number >= MAX_FRAMES:
                    return

    by_name: dict[str, list[Callable[[Path], object]]] = {
        "mask.png": [read_mask, read_image],
        "index.csv": [lambda path: read_index(path.parent)],
        "l.json": [read_landmarks, lambda path: read_json(path, expected="give JSON")],
    }
    by_suffix: dict[str, list[Callable[[Path], object]]] = {
        **dict.fromkeys((".npy", ".pts"), [read_landmarks]),
        ".csv": [read_landmarks, read_poses],
        ".json": [read_poses],
        ".yaml": [read_mapping],
        ".tar": [read_checkpoint],
        ".safetensors": [frames],
    }
    return by_name.get(path.name) or by_suffix.get(path.suffix) or [read_image, frames]


def mutate(content: bytes, draw: random.Random) -> bytes:
    """The bytes with one to four faults."""
    data = bytearray(content)
    for _ in range(draw.randint(1, 4)):
        if not data:
            break
        at = draw.randrange(len(data))
        kind = draw.randrange(6)
        if kind == 0:
            for _ in range(draw.randint(1, 16)):
                data[draw.randrange(len(data))] = draw.randrange(256)
        elif kind == 1:
            del data[at:]
        elif kind == 2:
            del data[at : at + draw.randint(1, 64)]
        elif kind == 3:
            data[at:at] = data[max(0, at - 200) : at] * draw.randint(1, 3)
        elif kind == 4:
            data[at : at + draw.randint(1, 8)] = draw.choice(EXTREMES)
        else:
            other = draw.randrange(len(data))
            data[at], data[other] = data[other], data[at]
    return bytes(data)


def work(folder: Path, seeds: list[Path], seed: int, seconds: float, reports: multiprocessing.Queue) -> None:
    """Reads mutated files and reports the start and end of each."""
    from kinema.core.checks import InputError

    resource.setrlimit(resource.RLIMIT_AS, (24 * 2**30, 24 * 2**30))
    warnings.simplefilter("ignore")
    draw = random.Random(seed)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        original = draw.choice(seeds)
        place = folder / "case"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        path = place / original.name
        path.write_bytes(mutate(original.read_bytes(), draw))
        for read in readers(path):
            reports.put(("begin", original.name, time.monotonic()))
            try:
                read(path)
                outcome = "read"
            except InputError as error:
                outcome = "refused" if "\n" not in str(error) else "MULTILINE"
            except Exception as error:  # noqa: BLE001 - every error of a reader is a result
                outcome = f"TRACEBACK {type(error).__name__}: {str(error)[:120]}"
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
            reports.put(("end", outcome if peak < MOST_BYTES else f"MEMORY {peak >> 20} MiB", time.monotonic()))
            if outcome.isupper() or " " in outcome:
                shutil.copy(path, folder / f"fault-{draw.randrange(10**9)}-{path.name}")
    reports.put(("done", "", 0.0))


def main() -> int:
    """Prints the figures; the exit status is 1 where there was a fault."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="kinema-fuzz-"))
    (folder / "seeds").mkdir()
    seeds = make_seeds(folder / "seeds")
    outcomes: Counter[str] = Counter()
    slowest, began, name = 0.0, 0.0, ""
    end = time.monotonic() + options.seconds
    number = options.seed
    while time.monotonic() < end:
        reports: multiprocessing.Queue = multiprocessing.Queue()
        arguments = (folder, seeds, number, end - time.monotonic(), reports)
        worker = multiprocessing.Process(target=work, args=arguments)
        worker.start()
        running = False
        while True:
            try:
                what, outcome_name, at = reports.get(timeout=LONGEST_SECONDS if running else 120)
            except queue.Empty:
                outcomes[f"HANG OR CRASH {name}"] += 1
                worker.kill()
                break
            if what == "done":
                break
            if what == "begin":
                name, began, running = outcome_name, at, True
            else:
                outcomes[outcome_name] += 1
                slowest, running = max(slowest, at - began), False
        worker.join()
        number += 1
    faults = {
        outcome_name: count for outcome_name, count in outcomes.items() if outcome_name not in ("read", "refused")
    }
    figures = {"reads": sum(outcomes.values()), "read": outcomes["read"], "refused": outcomes["refused"]}
    print(json.dumps(figures | {"slowest_seconds": round(slowest, 2), "faults": faults}))
    if not faults:
        shutil.rmtree(folder)
    else:
        print(f"files with faults: {folder}", file=sys.stderr)
    return int(bool(faults))


if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    sys.exit(main())
