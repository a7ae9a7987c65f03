"""Measures the frame rate of a playable model: of the step alone, and through the real server to a client.

usage: play.py [--presets breakout bair] [--threads 2] [--frames 30] [--players 1]

Weights are random. The client runs in this process, so its decoding counts. CPU milliseconds are those of the whole
process; on a busy machine compare runs with one thread, as threads that wait for each other use CPU time.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import statistics
import threading
import time
from pathlib import Path
from typing import cast

import numpy as np
import torch
from PIL import Image
from torch import nn

from kinema.core.checks import require_extra
from kinema.core.types import TensorGroup
from kinema.play.action_names import ActionNames
from kinema.play.session import Playable
from kinema.play.starts import Start
from kinema.runtime.optimize import prepare_for_inference
from kinema.systems.abilities import GamePipeline
from kinema.systems.system import find_system
from kinema.web.play.messages import FRAME_HEADER
from kinema.web.play.server import PlayServer


def load_random(preset: str) -> Playable:
    """An untrained model of a preset."""
    system = find_system("playable")
    torch.manual_seed(0)
    model = system.make_model(system.preset(preset))
    for norm in model.modules():
        if isinstance(norm, nn.BatchNorm2d) and norm.running_var is not None:
            norm.running_var.fill_(0.1)  # otherwise activations shrink to denormal numbers, which are slow
    pipeline = cast(GamePipeline[TensorGroup], system.make_pipeline(prepare_for_inference(model)))
    names = ActionNames(names=tuple(str(number + 1) for number in range(pipeline.num_actions)))
    frame = np.random.default_rng(0).integers(0, 256, (1, *pipeline.size, 3), dtype=np.uint8)
    digest = hashlib.sha256(preset.encode()).hexdigest()
    return Playable(pipeline, Path(preset), preset, digest, names, (Start("noise", frame),))


def time_steps(playable: Playable, frames: int) -> tuple[float, float]:
    """Median wall and mean CPU milliseconds of ``pipeline.step``."""
    game = playable.pipeline.start(playable.starts[0].frames)
    walls = []
    for number in range(frames + 2):
        if number == 2:
            began = time.process_time()
        start = time.perf_counter()
        _, game = playable.pipeline.step(game, number % playable.pipeline.num_actions)
        walls.append(time.perf_counter() - start)
    return 1e3 * statistics.median(walls[2:]), 1e3 * (time.process_time() - began) / frames


def play(address: str, frames: int, results: list[tuple[float, float]]) -> None:
    """One player who holds a key; appends frames per second and milliseconds of decoding."""
    client = require_extra("websockets.sync.client", extra="play", purpose="this benchmark")
    with client.connect(address.replace("http:", "ws:") + "play", max_size=None) as socket:
        socket.send(json.dumps({"do": "settings", "fps": 60, "idle": "wait", "format": "jpeg"}))
        socket.send(json.dumps({"do": "hold", "action": 0, "key": 1}))
        arrived, decoding = [], []
        while len(arrived) < frames + 3:
            data = socket.recv()
            if isinstance(data, str):
                continue
            start = time.perf_counter()
            np.asarray(Image.open(io.BytesIO(data[FRAME_HEADER.size :])))
            serial = FRAME_HEADER.unpack_from(data)[3]
            socket.send(json.dumps({"do": "seen", "serial": serial}))
            arrived.append(time.perf_counter())
            decoding.append(arrived[-1] - start)
    results.append(((frames - 1) / (arrived[-1] - arrived[3]), 1e3 * statistics.median(decoding)))


def time_server(playable: Playable, frames: int, players: int) -> tuple[float, float, float]:
    """Frames a second of all players together, CPU milliseconds per frame, milliseconds of decoding."""
    server = PlayServer(playable, port=0)
    thread = threading.Thread(target=server.run)
    thread.start()
    results: list[tuple[float, float]] = []
    began = time.process_time()
    clients = [threading.Thread(target=play, args=(server.address, frames, results)) for _ in range(players)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    cpu = 1e3 * (time.process_time() - began) / (players * (frames + 3))
    server.stop()
    thread.join()
    return sum(rate for rate, _ in results), cpu, statistics.median(decode for _, decode in results)


def main() -> None:
    """Prints a line for each preset."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--presets", nargs="+", default=["breakout", "bair"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--frames", type=int, default=30)
    parser.add_argument("--players", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    for preset in options.presets:
        playable = load_random(preset)
        wall, cpu = time_steps(playable, options.frames)
        rate, whole_cpu, decoding = time_server(playable, options.frames, options.players)
        height, width = playable.pipeline.size
        print(
            f"{preset} {height}x{width}, {options.threads} threads, {options.players} players: step {wall:.1f} ms, CPU "
            f"{cpu:.1f} ms; end to end {rate:.1f} frames/s, CPU {whole_cpu:.1f} ms a frame, decoding {decoding:.1f} ms"
        )


if __name__ == "__main__":
    main()
