"""Shows what the keys of a playable model do, as a played clip and sheets of pictures.

usage: playable_pictures.py MODEL FOLDER [--start start-01] [--keys right6,stay2,left6] [--held 6] [--scale 4]

FOLDER/played.webp: a game from the start with these keys, with the key's name below; without --keys, each key is held.
FOLDER/keys.png: a row for each start, with the start and the frame after each action is held.
FOLDER/long.png: a row for each start, with frames 0, 25, 50 ... 200 of random actions, each held for 3 to 6 steps.
FOLDER/session.json: the played clip as a session that ``kinema play MODEL --replay`` can replay.
"""

from __future__ import annotations

import argparse
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

import kinema
from kinema.play.session import load_playable
from kinema.video import write_image

STEPS, EVERY = 200, 25


def enlarge(frame: np.ndarray, scale: int) -> np.ndarray:
    """(H, W, 3) with each pixel as a square."""
    return frame.repeat(scale, axis=0).repeat(scale, axis=1)


def captioned(frame: np.ndarray, text: str) -> np.ndarray:
    """The frame with a line of text below it."""
    picture = Image.new("RGB", (frame.shape[1], frame.shape[0] + 16))
    picture.paste(Image.fromarray(frame))
    ImageDraw.Draw(picture).text((4, frame.shape[0] + 2), text, fill="white")
    return np.asarray(picture)


def seeded_actions(count: int, num_actions: int, seed: int) -> list[int]:
    """Actions that are each held 3 to 6 steps."""
    generator, actions = np.random.default_rng(seed), []
    while len(actions) < count:
        actions += [int(generator.integers(num_actions))] * int(generator.integers(3, 7))
    return actions[:count]


def pressed(keys: str, names: tuple[str, ...], held: int) -> list[int]:
    """The actions of "right6,stay2"; of "" each held in turn."""
    if not keys:
        return [action for action in range(len(names)) for _ in range(held)]
    runs = [re.fullmatch(r"(.+?)(\d+)", key) for key in keys.split(",")]
    return [names.index(run[1]) for run in runs if run is not None for _ in range(int(run[2]))]


def main() -> None:
    """Writes the three pictures and the session."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--start", default="")
    parser.add_argument("--keys", default="")
    parser.add_argument("--held", type=int, default=6)
    parser.add_argument("--scale", type=int, default=4)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    playable = load_playable(options.model)
    game = kinema.open_game(playable)
    game.fps = 12.0
    names, count = playable.names.names, game.num_actions

    with kinema.VideoWriter(options.folder / "played.webp", frame_rate=Fraction(12)) as out:
        out.write(captioned(enlarge(game.reset(options.start), options.scale), "start"))
        for action in pressed(options.keys, names, options.held):
            out.write(captioned(enlarge(game.step(action), options.scale), names[action]))
    game.record().write(options.folder / "session.json")

    keys, long = [], []
    for start in playable.starts:
        row = [game.reset(start)]
        for action in range(count):
            game.reset(start)
            row.append([game.step(action) for _ in range(options.held)][-1])
        keys.append(np.concatenate([enlarge(frame, options.scale) for frame in row], axis=1))
        shown = [game.reset(start)]
        for step, action in enumerate(seeded_actions(STEPS, count, 1), 1):
            frame = game.step(action)
            if step % EVERY == 0:
                shown.append(frame)
        long.append(np.concatenate([enlarge(frame, options.scale) for frame in shown], axis=1))
    titles = ("start", *(f"{name}, {options.held} steps" for name in names))
    header = np.concatenate(
        [captioned(np.zeros((0, game.size[1] * options.scale, 3), np.uint8), title) for title in titles], axis=1
    )
    write_image(options.folder / "keys.png", np.concatenate([header, *keys]))
    write_image(options.folder / "long.png", np.concatenate(long))


if __name__ == "__main__":
    main()
