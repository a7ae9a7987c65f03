"""Kills a command at random times, and checks that nothing is broken or lost.

usage: kill_soak.py learn|animate|evaluate [--kills 15] [--seed 0] [--folder DIR]

`learn`: a tiny run is killed and resumed until it is finished. It must then be equal, to the bit, to a run without
kills: checkpoints, model, samples and log. After every kill the model must be complete and the checkpoints readable.
`animate` and `evaluate`: after every kill the output is the complete old one, the complete new one, or missing; the
next run leaves the new one and no other file. Kill times are drawn over the duration of a run without kills. The last
line has the figures; the exit status is 1 if anything was wrong. A busy machine only changes where the kills fall.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from kinema.core.checks import InputError
from kinema.core.random import numpy_generator
from kinema.data.clips.synthetic import moving_shapes
from kinema.video import VideoWriter, write_image
from kinema.weights.model_folder import read_model

NARROW = ("keypoints", "motion", "generator", "discriminator")
SETTINGS = (
    "frames.size=[32, 32]",
    *(f"{net}.block_expansion=4" for net in NARROW),
    *(f"{net}.max_features=8" for net in NARROW),
    "keypoints.num_blocks=2",
    "motion.num_blocks=2",
    "discriminator.num_blocks=2",
    "generator.num_bottleneck_blocks=1",
    "objective.perceptual=[]",
    "train.average_decay=0.9",
    "train.batch_size=2",
    "train.steps=60",
    "train.checkpoint_every_steps=4",
    "train.sample_every_steps=6",
    "train.log_every_steps=1",
)
# Most kills before a run may finish, as each costs the time of a start.
KILLS_A_RUN = 4
TIMES = ("frames_per_second",)


@dataclass
class Soak:
    """A command that is killed again and again.

    Attributes:
        folder: of everything; the cache and the clips lie in it.
        random: generator of the kill times.
        kills: so far.
        faults: what was wrong, in words.
        seconds: that the undisturbed command takes.
        phases: what the folder held when the kill came, and how often.
    """

    folder: Path
    random: np.random.Generator
    kills: int = 0
    faults: list[str] = field(default_factory=list)
    seconds: float = 0.0
    phases: dict[str, int] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """One thread, so that sums have one order."""
        return os.environ | {"KINEMA_CACHE": str(self.folder / "cache"), "OMP_NUM_THREADS": "1"}

    def finish(self, words: list[str]) -> float:
        """Runs a command, which must succeed; returns the seconds."""
        began = time.monotonic()
        done = subprocess.run(words, env=self.environment, capture_output=True, text=True, check=False)
        if done.returncode:
            self.fault(f"status {done.returncode}: {' '.join(done.stderr.split())[-300:]}")
        return time.monotonic() - began

    def kill(self, words: list[str]) -> bool:
        """Starts a command and kills it at a random time; returns False if it had finished before."""
        # Later times more often, as the first seconds of a command are imports.
        delay = self.seconds * self.random.uniform() ** 0.5
        process = subprocess.Popen(words, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            _, output = process.communicate(timeout=delay)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            self.kills += 1
            return True
        if process.returncode:
            self.fault(f"status {process.returncode}: {' '.join(output.decode(errors='replace').split())[-300:]}")
        return False

    def fault(self, what: str) -> None:
        """Records and prints a fault."""
        self.faults.append(what)
        print(f"FAULT after {self.kills} kills: {what}", flush=True)

    def note(self, phase: str) -> None:
        """Counts a kill by the phase of the command."""
        self.phases[phase] = self.phases.get(phase, 0) + 1
        print(f"kill {self.kills}: {phase}", flush=True)


def main() -> None:
    """Kills and prints the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("verb", choices=("learn", "animate", "evaluate"))
    parser.add_argument("--kills", type=int, default=15)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="for everything; a temporary one if not given")
    given = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as temporary:
        soak = Soak(given.folder or Path(temporary), numpy_generator("kill_soak", given.verb, given.seed))
        make_inputs(soak.folder)
        rounds = soak_learn(soak, given.kills) if given.verb == "learn" else soak_output(soak, given.verb, given.kills)
    found = ", ".join(f"{number} {phase}" for phase, number in sorted(soak.phases.items()))
    print(
        f"{given.verb}: seed {given.seed}, {soak.kills} kills ({found}), {rounds} times to the end, "
        f"{len(soak.faults)} faults; undisturbed {soak.seconds:.1f} s, in all {time.monotonic() - began:.0f} s"
    )
    sys.exit(bool(soak.faults))


def make_inputs(folder: Path) -> None:
    """Three small clips, a long one and a still."""
    (folder / "clips").mkdir(parents=True)
    clips = {f"clips/{number}.mp4": frames for number, frames in enumerate(moving_shapes(3, 24, (48, 64), seed=1))}
    clips["driving.mp4"] = np.tile(moving_shapes(1, 100, (96, 128), seed=3)[0], (6, 1, 1, 1))
    for name, frames in clips.items():
        with VideoWriter(folder / name, frame_rate=Fraction(10)) as writer:
            for image in frames:
                writer.write(image)
    write_image(folder / "still.png", moving_shapes(1, 1, (48, 64), seed=2)[0, 0])


def kinema(*words: object) -> list[str]:
    """A command in a process of its own."""
    return [sys.executable, "-m", "kinema", *map(str, words)]


def learning(soak: Soak, run: Path) -> list[str]:
    """The command that starts or resumes the run."""
    words = kinema("learn", "first_order", soak.folder / "clips", "-o", run, "--device", "cpu", "--quiet")
    if (run / "config.json").exists():
        return [*words, "--resume"]
    return [*words, "--preset", "small_64", *(word for one in SETTINGS for word in ("--set", one))]


def soak_learn(soak: Soak, kills: int) -> int:
    """Kills runs; returns how many were finished."""
    undisturbed = soak.folder / "undisturbed" / "run"
    soak.seconds = soak.finish(learning(soak, undisturbed))
    expected, runs = contents_of_run(undisturbed), 0
    while soak.kills < kills:
        run = soak.folder / f"killed-{runs}" / "run"
        before = soak.kills
        if runs % 2:
            shutil.rmtree(soak.folder / "cache", ignore_errors=True)  # so that decoding clips is killed too
        while soak.kills < min(kills, before + KILLS_A_RUN) and soak.kill(learning(soak, run)):
            check_run(soak, run)
        soak.finish(learning(soak, run))
        differing = sorted({name for name, _ in contents_of_run(run).items() ^ expected.items()})
        if differing:
            soak.fault(f"{run.parent.name} differs in {len(differing)} things: {', '.join(differing[:3])} ...")
        runs += 1
    check_cache(soak)
    return runs


def contents_of_run(run: Path) -> dict[str, bytes]:
    """Name to bytes of everything in a run folder that does not depend on time."""
    found = {}
    for path in run.rglob("*"):
        name = path.relative_to(run).as_posix()
        if not path.is_file() or name.startswith("tensorboard/") or name == "starts.jsonl":
            continue
        if name == "log.jsonl":
            entries = [json.loads(line) for line in path.read_text().splitlines()]
            found[name] = json.dumps([{k: v for k, v in one.items() if k not in TIMES} for one in entries]).encode()
        elif path.suffix == ".safetensors":
            found |= {f"{name} {key}": value for key, value in contents_of_tensors(path).items()}
        else:
            found[name] = path.read_bytes()
    return found


def contents_of_tensors(path: Path) -> dict[str, bytes]:
    """Name to bytes of the tensors and of the metadata, whose order in the file may differ."""
    with safe_open(path, framework="np") as handle:
        metadata = json.dumps(handle.metadata(), sort_keys=True).encode()
        return {"metadata": metadata} | {name: handle.get_tensor(name).tobytes() for name in handle.keys()}


def check_run(soak: Soak, run: Path) -> None:
    """Checks that the files of a killed run are complete."""
    checkpoints = sorted((run / "checkpoints").glob("step-*.safetensors"))
    phase = "between steps and checkpoints"
    if not (run / "config.json").exists():
        phase = "before the run began"
    elif not checkpoints:
        phase = "before the first checkpoint"
    elif any(path.name.startswith(".model") for path in run.iterdir()):
        phase = "while the model was written"
    soak.note(phase)
    for path in checkpoints:
        try:
            contents_of_tensors(path)
        except (SafetensorError, OSError) as error:
            soak.fault(f"{path.name} is not complete: {error}")
    if (run / "model").exists():
        try:
            read_model(run / "model")
        except InputError as error:
            soak.fault(f"the model is not complete: {error}")


def soak_output(soak: Soak, verb: str, kills: int) -> int:
    """Kills a command that writes one file; returns how often it finished."""
    run, place = soak.folder / "run", soak.folder / "out"
    soak.finish([*learning(soak, run), "--set", "train.steps=4"])
    place.mkdir()
    if verb == "animate":
        output = place / "moved.mp4"
        words = kinema("animate", soak.folder / "still.png", soak.folder / "driving.mp4", "--model", run)
    else:
        output = place / "figures.json"
        words = kinema("evaluate", run, soak.folder / "clips", "--perceptual", "none", "--limit", 2)
    words += ["-o", str(output), "-y", "--device", "cpu"]
    soak.seconds = soak.finish(words)
    new, finished = output.read_bytes(), 0
    for old in states(soak.random):
        if soak.kills >= kills:
            break
        output.unlink(missing_ok=True)
        if old is not None:
            output.write_bytes(old)
        if soak.kill(words):
            left = output.read_bytes() if output.exists() else None
            phase = "before the output stood" if left == old else "after it stood"
            soak.note(phase + (", half written beside it" if len(os.listdir(place)) > (left is not None) else ""))
            if left not in (old, new):
                soak.fault("the output is neither the old one nor the new one")
        if soak.kills % 3 == 0:
            soak.finish(words)
            finished += 1
            if output.read_bytes() != new:
                soak.fault("an undisturbed run after a kill wrote a different output")
            if os.listdir(place) != [output.name]:
                soak.fault(f"left over: {sorted(set(os.listdir(place)) - {output.name})}")
    soak.finish(words)
    if os.listdir(place) != [output.name]:
        soak.fault(f"left over: {sorted(set(os.listdir(place)) - {output.name})}")
    check_cache(soak)
    return finished + 1


def states(random: np.random.Generator) -> Iterator[bytes | None]:
    """The output before a run: nothing, or an older file."""
    while True:
        yield None if random.random() < 0.5 else b"older"


def check_cache(soak: Soak) -> None:
    """Checks that no partly decoded clip is left."""
    is_half: Callable[[Path], bool] = lambda path: path.is_file() and path.suffix in {".tmp", ".part"}  # noqa: E731
    left = [path.name for path in (soak.folder / "cache").rglob("*") if is_half(path)]
    if left:
        soak.fault(f"left over in the cache: {left}")


if __name__ == "__main__":
    main()
