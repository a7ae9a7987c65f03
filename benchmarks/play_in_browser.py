"""Measures the frame rate that a headless Chromium on the same machine shows while it holds a key.

usage: play_in_browser.py [MODEL ...] [--presets breakout bair] [--threads 2] [--seconds 10]

MODEL is a model folder or a shipped model; presets have random weights. Server and browser share the machine's cores.
Needs the extras play and browser, and the programs chromium and chromedriver. The allocator's settings are those of
``kinema play``.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import threading
import time
from typing import Any

import torch

from kinema.core.checks import require_extra
from kinema.play.session import Playable, load_playable
from kinema.web.play.server import PlayServer
from play import load_random

STEP = "return Number(document.getElementById('canvas').dataset.step)"
FASTEST = "const fps = document.getElementById('fps'); fps.value = fps.max; fps.oninput()"


def open_browser(profile: str) -> Any:
    """A Chromium without a screen."""
    webdriver = require_extra("selenium.webdriver", extra="browser", purpose="this benchmark")
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"):
        options.add_argument(flag)
    service = require_extra("selenium.webdriver.chrome.service", extra="browser", purpose="this benchmark")
    return webdriver.Chrome(options=options, service=service.Service(shutil.which("chromedriver")))


def measure(playable: Playable, seconds: float) -> float:
    """Frames shown a second, with key 1 held."""
    chains = require_extra("selenium.webdriver.common.action_chains", extra="browser", purpose="this benchmark")
    server = PlayServer(playable, port=0)
    thread = threading.Thread(target=server.run)
    thread.start()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        driver = open_browser(profile)
        try:
            driver.get(server.address)
            while not driver.execute_script("return document.getElementById('curtain').hidden"):
                time.sleep(0.1)
            driver.execute_script(FASTEST)
            chains.ActionChains(driver).key_down("1").perform()
            while driver.execute_script(STEP) < 3:
                time.sleep(0.1)
            first, began = driver.execute_script(STEP), time.perf_counter()
            time.sleep(seconds)
            shown, took = driver.execute_script(STEP) - first, time.perf_counter() - began
        finally:
            driver.quit()
            server.stop()
            thread.join()
    return shown / took


def main() -> None:
    """Prints a line for each model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--presets", nargs="*", default=["breakout", "bair"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=10)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    loaded = [load_playable(model) for model in options.models] + [load_random(preset) for preset in options.presets]
    for playable in loaded:
        height, width = playable.pipeline.size
        rate = measure(playable, options.seconds)
        print(
            f"{playable.name} {height}x{width}, {options.threads} threads: {rate:.1f} frames/s in Chromium", flush=True
        )


if __name__ == "__main__":
    main()
