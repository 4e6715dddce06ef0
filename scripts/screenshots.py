"""Takes the screenshots of the website for docs/screenshots/, with sample photos, and measures its size and speed.

Start `visage demo` first, then run `python -m scripts.screenshots ADDRESS_OF_THE_SITE`.
"""

import io
import shutil
import statistics
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from PIL import Image
from playwright.sync_api import Browser, FilePayload, Page, expect, sync_playwright

from model.settings import ROOT
from scripts.console import CACHE

SCREENSHOTS: Final = ROOT / "docs" / "screenshots"
SAMPLES: Final = CACHE / "samples" / "photos"
CHROMIUM: Final = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

WIDTHS: Final = {360: 780, 768: 1024, 1440: 900}
SCHEMES: Final = ("light", "dark")

ONE: Final = SAMPLES / "unseen" / "Barack Obama" / "obama2.jpg"
SIX: Final = SAMPLES / "strangers" / "friends.jpg"

_SLOW_PHONE: Final = {"offline": False, "latency": 150, "downloadThroughput": 204_800, "uploadThroughput": 96_000}
"""Slow 4G as in Lighthouse: 150 ms per round trip, 1.6 Mbit/s down, 0.75 up, and a quarter of the processor's speed."""

ANSWERED_MS: Final = 30_000

_ROUNDS: Final = 5


def main() -> None:
    """Write all screenshots, and print the size of the website and the time until it paints."""
    (site,) = sys.argv[1:]
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    with _chromium() as browser:
        for scheme in SCHEMES:
            for width, height in WIDTHS.items():
                for name, state in STATES.items():
                    with browser.new_context(
                        viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce"
                    ) as context:
                        page = context.new_page()
                        page.goto(site)
                        expect(page.locator(".names li").first).to_be_visible(timeout=ANSWERED_MS)
                        state(page)
                        path = SCREENSHOTS / f"{name}-{width}-{scheme}.jpg"
                        page.screenshot(path=path, type="jpeg", quality=82, full_page=name == "empty")
        sys.stdout.write(_figures(browser, site))


def _empty(_: Page) -> None:
    """Leave the page as it opens."""


def _working(page: Page) -> None:
    slow = {"offline": False, "latency": 10_000, "downloadThroughput": -1, "uploadThroughput": -1}
    page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", slow)
    _choose(page, ONE.read_bytes())
    expect(page.get_by_text("Waking the service")).to_be_visible(timeout=ANSWERED_MS)


def _one(page: Page) -> None:
    _choose(page, ONE.read_bytes())
    _wait_for_answer(page)


def _six(page: Page) -> None:
    _choose(page, SIX.read_bytes())
    _wait_for_answer(page)


def _stranger(page: Page) -> None:
    file = io.BytesIO()
    with Image.open(SIX) as photo:
        photo.crop((photo.width // 4, photo.height // 4, photo.width * 5 // 9, photo.height)).save(file, "PNG")
    _choose(page, file.getvalue())
    _wait_for_answer(page)


def _error(page: Page) -> None:
    file = io.BytesIO()
    Image.linear_gradient("L").resize((800, 600)).save(file, "PNG")
    _choose(page, file.getvalue())
    expect(page.locator("#reason")).to_be_visible(timeout=ANSWERED_MS)


STATES: Final[dict[str, Callable[[Page], None]]] = {
    "empty": _empty,
    "working": _working,
    "one-face": _one,
    "six-faces": _six,
    "stranger": _stranger,
    "error": _error,
}


def _choose(page: Page, photo: bytes) -> None:
    file = FilePayload(name="photo", mimeType="image/png", buffer=photo)
    page.get_by_label("Choose").set_input_files(files=[file])


def _wait_for_answer(page: Page) -> None:
    expect(page.locator(".box").first).to_be_visible(timeout=ANSWERED_MS)
    page.wait_for_timeout(300)  # until the transitions of the page have ended


def _figures(browser: Browser, site: str) -> str:
    found = [_measure(browser, site) for _ in range(_ROUNDS)]
    painted, interactive, kilobytes = (statistics.median(values) for values in zip(*found, strict=True))
    return f"first paint {painted:.0f} ms, interactive {interactive:.0f} ms, {kilobytes:.1f} kB in total\n"


def _measure(browser: Browser, site: str) -> tuple[float, float, float]:
    """Open the website as on a slow phone; return ms to the first paint and to the last module, and kB loaded."""
    with browser.new_context(viewport={"width": 360, "height": 780}) as context:
        page = context.new_page()
        chromium = context.new_cdp_session(page)
        chromium.send("Network.enable")
        chromium.send("Emulation.setCPUThrottlingRate", {"rate": 4})
        chromium.send("Network.emulateNetworkConditions", _SLOW_PHONE)
        received: list[float] = []
        chromium.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
        page.goto(site)
        expect(page.locator(".names li").first).to_be_visible(timeout=ANSWERED_MS)
        times: dict[str, Any] = page.evaluate(
            """() => ({
              painted: performance.getEntriesByName("first-contentful-paint")[0].startTime,
              interactive: performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd,
            })"""
        )
    return times["painted"], times["interactive"], sum(received) / 1000


@contextmanager
def _chromium() -> Iterator[Browser]:
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"]) as browser,
    ):
        yield browser


if __name__ == "__main__":
    main()
