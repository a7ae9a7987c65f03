"""A real browser presses keys and sees the picture change."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kinema.play.session import Playable
from kinema.video import read_image
from kinema.web.play.room import Limits

from .browser import chromium, missing
from .client import SECONDS, serving, status

pytestmark = [
    pytest.mark.extra("play", "fastapi", "uvicorn", "websockets"),
    pytest.mark.skipif(missing() is not None, reason=f"needs {missing()}"),
]

PIXELS = """
const canvas = document.getElementById("canvas");
return [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data];
"""


@pytest.fixture(scope="module")
def server(playable: Playable):
    with serving(playable) as running:
        yield running


def until(driver: Any, question: str, holds: Callable[[Any], bool] = bool) -> Any:
    """The answer of a script, once it is as wanted."""
    end = time.monotonic() + SECONDS
    while not holds(answer := driver.execute_script(f"return {question}")):
        assert time.monotonic() < end, (question, answer)
        time.sleep(0.05)
    return answer


def pixels(driver: Any) -> np.ndarray:
    return np.array(driver.execute_script(PIXELS), dtype=np.int64)


def test_keys_change_the_picture(server, tmp_path: Path):
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.by import By

    with chromium(tmp_path / "profile", width=1280, height=800) as driver:
        driver.get(server.address)
        until(driver, "document.getElementById('curtain').hidden")
        step = "Number(document.getElementById('canvas').dataset.step)"
        first = pixels(driver)
        ActionChains(driver).key_down("2").perform()
        until(driver, step, lambda now: now >= 3)
        assert driver.find_element(By.CSS_SELECTOR, "#actions button.held").text.split() == ["2", "action", "2"]
        ActionChains(driver).key_up("2").perform()
        until(driver, "document.querySelectorAll('#actions button.held').length === 0")
        time.sleep(0.5)
        played = driver.execute_script(f"return {step}")
        assert abs(pixels(driver) - first).mean() > 1
        assert "ms" in driver.find_element(By.ID, "latency").text
        driver.save_screenshot(str(tmp_path / "page.png"))
        picture = read_image(tmp_path / "page.png")
        assert picture.shape[1] == 1280 and picture.std() > 20
        time.sleep(0.5)
        assert driver.execute_script(f"return {step}") == played, "without a key the game waits"
        ActionChains(driver).send_keys("r").perform()
        until(driver, step, lambda now: now == 0)
        assert (pixels(driver) == first).all()
        assert status(server)["players"] == 1
        assert [entry for entry in driver.get_log("browser") if entry["level"] == "SEVERE"] == []
    end = time.monotonic() + SECONDS
    while status(server)["players"]:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_phone_plays_by_touch_and_saves(server, tmp_path: Path):
    from selenium.webdriver.common.by import By

    with chromium(tmp_path / "profile", width=390, height=844, phone=True) as driver:
        driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
        driver.get(server.address)
        until(driver, "document.getElementById('curtain').hidden")
        assert driver.execute_script("return document.documentElement.scrollWidth <= innerWidth")
        driver.find_element(By.CSS_SELECTOR, "[data-start=square]").click()
        until(driver, "document.querySelector('.chosen').dataset.start", lambda name: name == "square")
        driver.find_element(By.CSS_SELECTOR, "[data-action='0']").click()
        until(driver, "Number(document.getElementById('canvas').dataset.step)", lambda now: now >= 1)
        driver.find_element(By.ID, "save").click()
        end = time.monotonic() + SECONDS
        while not (tmp_path / "tiny-session.json").is_file():
            assert time.monotonic() < end
            time.sleep(0.05)
        saved = json.loads((tmp_path / "tiny-session.json").read_text())
        assert saved["start"]["name"] == "square" and {action for action, _ in saved["actions"]} == {0}
        driver.save_screenshot(str(tmp_path / "phone.png"))


def test_the_token_leaves_the_address_and_a_link_from_another_site_works(playable: Playable, tmp_path: Path):
    from selenium.webdriver.common.by import By

    with serving(playable, host="0.0.0.0") as own, chromium(tmp_path / "profile", width=900, height=700) as driver:
        plain, _, token = own.address.partition("?token=")
        driver.get(plain)
        assert "needs its token" in driver.find_element(By.TAG_NAME, "body").text
        driver.get(f"data:text/html,<a id=link href='{own.address}'>play</a>")
        driver.find_element(By.ID, "link").click()
        until(driver, "document.getElementById('curtain')?.hidden === true")
        assert driver.current_url == plain
        assert driver.execute_script("return document.cookie") == "", "no script reads it"
        kept = driver.get_cookie(f"kinema-{plain.rstrip('/').rpartition(':')[2]}")
        assert kept is not None and (kept["value"], kept["httpOnly"], kept["sameSite"]) == (token, True, "Strict")
        driver.refresh()
        until(driver, "document.getElementById('curtain')?.hidden === true")
        driver.delete_all_cookies()
        driver.get(plain)
        driver.find_element(By.NAME, "token").send_keys(token)
        driver.find_element(By.TAG_NAME, "button").click()
        until(driver, "document.getElementById('curtain')?.hidden === true")
        driver.delete_all_cookies()
        own.room.limits = Limits(idle_seconds=0.5)
        driver.execute_script("document.getElementById('reset').click()")
        until(driver, "document.getElementById('curtain-text').textContent", lambda text: "No key was" in text)
        driver.execute_script("document.getElementById('again').click()")
        until(driver, "document.getElementById('curtain-text').textContent", lambda text: "needs its token" in text)


def test_the_page_says_why_the_server_has_closed(playable: Playable, tmp_path: Path):
    text = "document.getElementById('curtain-text').textContent"
    with serving(playable) as own, chromium(tmp_path / "profile", width=900, height=700) as driver:
        driver.get(own.address)
        until(driver, "document.getElementById('curtain').hidden")
        own.room.limits = Limits(players=1, idle_seconds=1)
        driver.execute_script("document.getElementById('reset').click()")
        until(driver, text, lambda told: told == "No key was pressed for 1 second")
        own.room.limits = Limits(players=1)
        driver.execute_script("document.getElementById('again').click()")
        until(driver, "document.getElementById('curtain').hidden")
        driver.switch_to.new_window("tab")
        driver.get(own.address)
        until(driver, text, lambda told: told == "All 1 places are taken; try again later")


def test_no_script_or_style_that_got_into_the_page_runs(server, tmp_path: Path):
    with chromium(tmp_path / "profile", width=900, height=700) as driver:
        driver.get(server.address)
        until(driver, "document.getElementById('curtain').hidden")
        driver.execute_script(
            """
            const link = document.createElement("a");
            link.href = "javascript:window.ran = 1";
            document.body.append(link);
            link.click();
            const added = document.createElement("style");
            added.textContent = "body { --ran: 1 }";
            document.head.append(added);
            try { document.body.insertAdjacentHTML("beforeend", "<img src=x onerror='window.ran = 1'>"); } catch {}
            try {
              const script = document.createElement("script");
              script.textContent = "window.ran = 1";
              document.body.append(script);
            } catch {}
            """
        )
        time.sleep(0.3)
        assert driver.execute_script("return window.ran") is None
        style = "return getComputedStyle(document.body).getPropertyValue('--ran')"
        assert driver.execute_script(style) == ""
