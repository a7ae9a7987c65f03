"""What a user installs: the wheel's files, the top-level names, the pinned versions."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from email import message_from_string
from pathlib import Path

import pytest

import kinema

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
INSTALLED_BY_MAKE = (
    "dev",
    "train",
    "perceptual",
    "face",
    "dlib",
    "onnx",
    "keras",
    "pose",
    "head",
    "data",
    "play",
    "gym",
    "browser",
)


def plain(requirement: str) -> str:
    """ "ray[data]>=2.40" to "ray"."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=!~; ]", requirement)[0]).lower()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=300)
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def test_the_wheel_holds_the_package_and_its_weights(wheel: zipfile.ZipFile) -> None:
    inside = {name for name in wheel.namelist() if ".dist-info/" not in name}
    package = ROOT / "src/kinema"
    wanted = {
        f"kinema/{path.relative_to(package).as_posix()}"
        for path in package.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert inside == wanted


def test_the_wheel_carries_its_licence(wheel: zipfile.ZipFile) -> None:
    metadata_file = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    metadata = message_from_string(wheel.read(metadata_file).decode())
    assert metadata["License-Expression"] == "Apache-2.0"
    folder = metadata_file.removesuffix("METADATA") + "licenses/"
    for name in ("LICENSE", "NOTICE"):
        assert wheel.read(folder + name) == (ROOT / name).read_bytes()


def test_every_requirement_is_pinned() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    asked = [*PROJECT["dependencies"], *(line for extra in PROJECT["optional-dependencies"].values() for line in extra)]
    assert {plain(requirement) for requirement in asked} <= pins.keys()
    assert pins["torch"] == "2.13.0"
    assert not {name for name in pins if name.startswith(("torchvision", "nvidia-", "triton"))}


def test_make_installs_the_extras_that_tests_may_use() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert f"EXTRAS := {','.join(INSTALLED_BY_MAKE)}\n" in makefile
    assert set(INSTALLED_BY_MAKE) <= PROJECT["optional-dependencies"].keys()


@pytest.mark.parametrize("name", sorted(set(kinema.__all__) - {"__version__"}))
def test_top_level_names_are_there(name: str) -> None:
    assert callable(getattr(kinema, name))
    assert name in dir(kinema)


def test_an_unknown_top_level_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(AttributeError, match="no attribute 'animated'; it has: InputError, .*load"):
        _ = kinema.animated  # type: ignore[attr-defined]


def test_importing_the_package_and_its_light_modules_imports_no_torch() -> None:
    code = "import kinema, kinema.core.checks, kinema.core.config, sys; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "False\n"
