"""Debian's Chromium without a screen, driven by selenium; offline and with an empty profile."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# As https://peter.sh/experiments/chromium-command-line-switches says; without them it calls its maker's servers.
FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage --hide-scrollbars --force-device-scale-factor=1"
).split()


def missing() -> str | None:
    """What there is not, or None where a browser can run."""
    if importlib.util.find_spec("selenium") is None:
        return "the extra 'browser' (selenium)"
    for program in ("chromium", "chromedriver"):
        if shutil.which(program) is None:
            return f"the program {program}: apt-get install chromium chromium-driver"
    return None


@contextmanager
def chromium(profile: Path, *, width: int, height: int, phone: bool = False) -> Iterator[Any]:
    """A driver; with ``phone`` it touches and reports the width exactly."""
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    options = ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in (*FLAGS, f"--user-data-dir={profile}", f"--window-size={width},{height}"):
        options.add_argument(flag)
    if phone:
        metrics = {"width": width, "height": height, "pixelRatio": 2.0, "touch": True}
        options.add_experimental_option("mobileEmulation", {"deviceMetrics": metrics})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    os.environ.setdefault("SE_OFFLINE", "true")  # selenium's manager looks for drivers in the net
    driver = Chrome(options=options, service=Service(shutil.which("chromedriver")))
    driver.set_page_load_timeout(120)
    try:
        yield driver
    finally:
        driver.quit()
