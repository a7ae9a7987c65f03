"""What every test gets: no network, a fixed seed, reproducible hypothesis, and skips that name the missing extra."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

# Before anything imports huggingface_hub, which reads it once.
os.environ["HF_HUB_OFFLINE"] = "1"

import pytest
import torch
from hypothesis import settings

settings.register_profile("local", deadline=None, max_examples=25)
settings.register_profile("ci", deadline=None, max_examples=25, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")

# What `make test` installed. A module of these that is absent is a broken installation, not a reason to skip.
INSTALLED_EXTRAS = set(filter(None, os.environ.get("KINEMA_EXTRAS", "").split(",")))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Carries out ``@pytest.mark.extra("face", "dlib")``."""
    for mark in item.iter_markers("extra"):
        name, *modules = mark.args
        missing = [module for module in modules if importlib.util.find_spec(module) is None]
        if missing and name in INSTALLED_EXTRAS:
            pytest.fail(f"the extra '{name}' was installed, yet these modules are missing: {', '.join(missing)}")
        if missing:
            pytest.skip(f"needs the extra '{name}' ({', '.join(missing)}): pip install 'kinema[{name}]'")


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """Networks without weights start alike in every run and in any order of tests."""
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def assets() -> Path:
    """The folder of small clips that tests read."""
    return Path(__file__).parent / "assets"
