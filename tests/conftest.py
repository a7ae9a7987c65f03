"""What every test gets: no network, a fixed seed, reproducible hypothesis, and skips that name the missing extra."""

from __future__ import annotations

import importlib.util
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

# Before anything imports huggingface_hub, which reads it once.
os.environ["HF_HUB_OFFLINE"] = "1"

import av
import numpy as np
import pytest
import torch
from hypothesis import settings

from kinema.data.clips.synthetic import moving_shapes
from kinema.play.session import Playable, load_playable
from kinema.runtime.load import load
from kinema.video import VideoWriter, write_image

# A shell starts what it puts in the background with Ctrl+C ignored, and commands that tests start would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("local", deadline=None, max_examples=25)
settings.register_profile("ci", deadline=None, max_examples=25, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")

# What `make test` installed. A module of these that is absent is a broken installation, not a reason to skip.
INSTALLED_EXTRAS = set(filter(None, os.environ.get("KINEMA_EXTRAS", "").split(",")))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Carries out ``@pytest.mark.extra("dlib", "dlib")``."""
    for mark in item.iter_markers("extra"):
        name, *modules = mark.args
        missing = [module for module in modules if importlib.util.find_spec(module) is None]
        if missing and name in INSTALLED_EXTRAS:
            pytest.fail(f"the extra '{name}' was installed, yet these modules are missing: {', '.join(missing)}")
        if missing:
            pytest.skip(f"needs the extra '{name}' ({', '.join(missing)}): pip install 'kinema[{name}]'")


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any]) -> None:
    """Fixtures of wider scope are made before ``_seeded`` of the first test that asks for them."""
    if fixturedef.scope != "function":
        torch.manual_seed(0)


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """Networks without weights start alike in every run and in any order of tests."""
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def assets() -> Path:
    """The folder of small clips that tests read."""
    return Path(__file__).parent / "assets"


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Decoded frames of a test session do not land in the home folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KINEMA_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


# first_order at 32x32 in a few thousand weights. Sharp heatmaps: random weights then move their points visibly.
TINY = (
    "frames.size=[32, 32]",
    "keypoints.num_kp=4",
    "motion.num_kp=4",
    "keypoints.num_blocks=2",
    "motion.num_blocks=2",
    "keypoints.block_expansion=4",
    "motion.block_expansion=4",
    "generator.block_expansion=4",
    "keypoints.max_features=8",
    "motion.max_features=8",
    "generator.max_features=8",
    "generator.num_bottleneck_blocks=1",
    "keypoints.temperature=0.01",
    "objective.perceptual=[]",
    "train.steps=2",
    "train.batch_size=2",
)


# The other systems at 32x32 in a few thousand weights.
TINY_OTHERS = {
    "monkey_net": (
        "frames.size=[32, 32]",
        *(f"{part}.num_kp=4" for part in ("keypoints", "motion", "generator", "discriminator")),
        *(f"{part}.block_expansion=4" for part in ("keypoints", "motion", "generator")),
        *(f"{part}.max_features=8" for part in ("keypoints", "motion", "generator")),
        *(f"{part}.num_blocks=2" for part in ("keypoints", "motion", "generator")),
        "keypoints.temperature=0.01",
    ),
    "co_part": (
        "frames.size=[32, 32]",
        "keypoints.num_parts=4",
        *(f"{part}.block_expansion=4" for part in ("keypoints", "generator")),
        *(f"{part}.max_features=8" for part in ("keypoints", "generator")),
        "keypoints.num_blocks=2",
        "generator.num_bottleneck_blocks=1",
        "keypoints.temperature=0.01",
    ),
    "deformable_gan": (
        "frames.size=[64, 64]",
        "discriminator.size=[64, 64]",
        *(f"{part}.block_expansion=4" for part in ("generator", "discriminator")),
        *(f"{part}.max_features=8" for part in ("generator", "discriminator")),
    ),
    "smile": (
        "frames.size=[32, 32]",
        *(f"translator.{part}.block_expansion=4" for part in ("motion", "generator")),
        *(f"translator.{part}.max_features=8" for part in ("motion", "generator")),
        "translator.motion.num_blocks=2",
        "translator.motion.scale_factor=0.5",
        "translator.generator.num_bottleneck_blocks=1",
        "landmarks.embedding.num_features=16",
        "landmarks.num_features=8",
        "landmarks.mode_features=8",
    ),
    "expression_gan": (
        "frames.size=[32, 32]",
        "image.inner_side=2",
        "image.block_expansion=4",
        "image.max_features=8",
        "sequence.num_features=8",
    ),
    "playable": (
        "frames.size=[64, 64]",
        "dynamics.size=[8, 8]",
        "representation.stack=1",
        *(f"{part}.state_features=8" for part in ("representation", "actions", "dynamics")),
        *(f"{part}.hidden_features=8" for part in ("dynamics", "renderer")),
        *(f"{part}.num_actions=3" for part in ("actions", "centroids", "dynamics")),
        "objective.pretraining.perceptual=[]",
        "objective.full.perceptual=[]",
    ),
}
# Presets that are no small_128.
TINY_PRESETS = {"first_order": "small_64", "playable": "breakout"}


@pytest.fixture(scope="session")
def tiny() -> tuple[str, ...]:
    """What ``--set`` makes of small_64: networks of a few thousand weights that learn two steps."""
    return TINY


@pytest.fixture(scope="session")
def make_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Writes the model folder of a tiny system with random weights; further assignments change its config."""
    from kinema.systems.system import find_system
    from kinema.weights.model_folder import save_model

    def make(*assignments: str, system: str = "first_order") -> Path:
        chosen, tiny = find_system(system), TINY_OTHERS.get(system, TINY)
        preset = TINY_PRESETS.get(system, chosen.default_preset)
        config = chosen.preset(preset).override([*tiny, *assignments])
        torch.manual_seed(1)
        state = chosen.make_model(config).state_dict()
        if system == "playable":
            # Norms that no batch has passed shrink what they let through, and there are thirty in a row.
            state = {name: value.fill_(0.1) if name.endswith("running_var") else value for name, value in state.items()}
        folder = tmp_path_factory.mktemp("model") / "tiny"
        save_model(folder, system=chosen, config=config, state=state, facts={"steps": 0}, card="# tiny\n")
        return folder

    return make


@pytest.fixture(scope="session")
def tiny_model(make_model: Callable[..., Path]) -> Path:
    """Folder of a tiny first_order."""
    return make_model()


Answer = tuple[int, str, str]


@pytest.fixture
def kinema(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Answer]:
    """Runs a command in this process; gives status, stdout and stderr, each as a user would see them."""
    import warnings

    from kinema.cli.main import main

    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)  # main replaces it; this puts it back

    def run(*words: object) -> Answer:
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main([str(word) for word in words])
        output = capsys.readouterr()
        code = left.value.code
        return code if isinstance(code, int) else int(code is not None), output.out, output.err

    return run


MakeClip = Callable[..., Path]


@pytest.fixture(scope="session")
def pipeline(tiny_model: Path) -> Any:
    """The tiny model, loaded as a user loads it."""
    return load(tiny_model, device="cpu")


@pytest.fixture
def make_clip(tmp_path: Path) -> MakeClip:
    """Writes shapes that move: name, (height, width), number of frames or their times."""

    def make(
        name: str,
        size: tuple[int, int] = (48, 64),
        frames: int = 6,
        *,
        rate: Fraction = Fraction(10),
        times: Sequence[Fraction] | None = None,
        sound: Path | None = None,
        seed: int = 1,
    ) -> Path:
        path = tmp_path / name
        count = frames if times is None else len(times)
        with VideoWriter(path, frame_rate=rate, audio_from=sound, preset="ultrafast") as writer:
            for index, image in enumerate(moving_shapes(1, count, size, seed=seed)[0]):
                writer.write(image, None if times is None else times[index])
        return path

    return make


@pytest.fixture
def still(tmp_path: Path) -> Path:
    """A picture of 40x60 (height x width) pixels."""
    path = tmp_path / "still.png"
    write_image(path, moving_shapes(1, 1, (40, 60), seed=9)[0, 0])
    return path


@pytest.fixture
def read_all() -> Callable[[Path], tuple[np.ndarray, list[Fraction]]]:
    """A clip as (T, H, W, 3) uint8 and its times."""
    from kinema.video import open_video

    def read(path: Path) -> tuple[np.ndarray, list[Fraction]]:
        with open_video(path) as reader:
            frames = list(reader)
        return np.stack([frame.image for frame in frames]), [frame.time_seconds for frame in frames]

    return read


@pytest.fixture(scope="session")
def parts_model(make_model: Callable[..., Path]) -> Path:
    """Folder of a tiny co_part of four parts, all of which random weights show."""
    return make_model("keypoints.background_init=0", system="co_part")


@pytest.fixture(scope="session")
def parts_pipeline(parts_model: Path) -> Any:
    """A tiny co_part, loaded as a user loads it."""
    return load(parts_model, device="cpu")


@pytest.fixture(scope="session")
def predictor_model(make_model: Callable[..., Path]) -> Path:
    """Folder of a tiny monkey_net with a predictor."""
    predictor = "{num_kp: 4, num_features: 8, covariance: false, residual: true, noise: 2}"
    return make_model(f"predictor={predictor}", system="monkey_net")


@pytest.fixture(scope="session")
def tone() -> Callable[[Path, float], Path]:
    """Writes a file with nothing but AAC sound of so many seconds."""

    def write(path: Path, seconds: float) -> Path:
        """A file with nothing but AAC sound."""
        with av.open(str(path), "w") as container:
            stream = container.add_stream("aac", rate=48000, layout="mono")
            samples = (np.sin(np.arange(round(48000 * seconds)) / 20) * 8000).astype(np.int16)[None]
            for start in range(0, samples.shape[1], 1024):
                part = np.ascontiguousarray(samples[:, start : start + 1024])
                frame = av.AudioFrame.from_ndarray(part, format="s16", layout="mono")
                frame.sample_rate, frame.pts = 48000, start
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path

    return write


@pytest.fixture
def sound_file(tone: Callable[[Path, float], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of sound."""
    return tone(tmp_path_factory.mktemp("sound") / "tone.m4a", 1.0)


@pytest.fixture
def red_is_a_part(parts_model: Path) -> Any:
    """A tiny co_part whose last layer says part 1 where a pixel is red: the hourglass hands the frame on."""
    pipeline = load(parts_model, device="cpu")
    head = pipeline.model.keypoints.segmentation_head
    torch.nn.init.zeros_(head.weight)
    torch.nn.init.zeros_(head.bias)
    head.weight[1, -3, 3, 3], head.bias[1] = 200, -100
    head.bias[2:] = -1000
    return pipeline


@pytest.fixture(scope="session")
def game_model(make_model: Callable[..., Path]) -> Path:
    """Folder of a model with the starts "circle" and "square"."""
    folder = make_model(system="playable")
    (folder / "starts").mkdir()
    for name, frame in zip(("circle", "square"), moving_shapes(2, 1, 64, seed=3)[:, 0], strict=True):
        write_image(folder / "starts" / f"{name}.png", frame)
    return folder


@pytest.fixture(scope="session")
def playable(game_model: Path) -> Playable:
    """The same, loaded once."""
    return load_playable(game_model, device="cpu")
