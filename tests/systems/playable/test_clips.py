"""What playable learns from: stretches of a person's own films, which may have cuts."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest

from kinema.framing.fit import fit_image
from kinema.systems.playable.config import PlayableConfig
from kinema.systems.playable.presets import breakout
from kinema.systems.playable.system import read_clips
from kinema.video import VideoWriter, open_video

ASSETS = Path(__file__).parents[2] / "assets"
SMALL = (
    "frames.size=[64, 64]",
    "dynamics.size=[8, 8]",
    "schedule.length_start=5",
    "schedule.length_end=5",
    *(f"{part}.state_features=8" for part in ("representation", "actions", "dynamics")),
    *(f"{part}.hidden_features=8" for part in ("dynamics", "renderer")),
    "objective.pretraining.perceptual=[]",
    "objective.full.perceptual=[]",
    "train.steps=1",
    "train.batch_size=2",
)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """A folder with one video: a person who signs, four frames of an emoji, the person again."""
    parts = []
    for name in ("walk", "emoji_1f31d"):
        with open_video(ASSETS / f"{name}.mp4") as frames:
            parts.append([fit_image(frame.image, (64, 64), "crop") for frame in frames])
    (tmp_path / "clips").mkdir()
    with VideoWriter(tmp_path / "clips" / "film.mp4", frame_rate=Fraction(10), lossless=True) as writer:
        for image in (*parts[0], *parts[1][:4], *parts[0]):
            writer.write(image)
    return tmp_path / "clips"


def largest_step(folder: Path, config: PlayableConfig) -> float:
    drawn = read_clips(folder, config).source.batch(0, 64).observations
    return float((drawn[:, 1:] - drawn[:, :-1]).abs().mean(dim=(2, 3, 4)).max())


def test_stretches_of_a_film_never_cross_its_cuts(film: Path):
    config = breakout().override([*SMALL])
    examples = read_clips(film, config)
    assert dict(examples.facts) == {"clips": 1, "shots": 3} and examples.count == 3
    assert largest_step(film, config) < 0.1
    uncut = config.override(["shots.cut_threshold=null"])
    assert dict(read_clips(film, uncut).facts) == {"clips": 1}
    assert largest_step(film, uncut) > 0.2


def test_learn_says_how_many_shots_it_found(film: Path, kinema, tmp_path: Path):
    settings = [word for setting in SMALL for word in ("--set", setting)]
    code, _, err = kinema("learn", "playable", film, "-o", tmp_path / "run", "--preset", "breakout", *settings)
    assert code == 0, err
    assert "1 clips, 3 shots from" in err
    assert "| shots | 3 |" in (tmp_path / "run" / "model" / "README.md").read_text()


def test_configs_from_before_there_were_shots_are_read(tmp_path: Path):
    values = breakout().model_dump(mode="json")
    del values["shots"]
    (tmp_path / "config.json").write_text(json.dumps(values))
    assert PlayableConfig.read(tmp_path / "config.json") == breakout()
