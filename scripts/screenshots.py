"""Takes the screenshots of the website for docs/screenshots/, with sample photos, and measures its size and speed.

Start `visage demo` first, then run `python -m scripts.screenshots ADDRESS_OF_THE_SITE`. The owner's page needs a key in
VISAGE_KEY: `visage keys create screenshots --scope people --scope recognize`.
"""

import io
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

from PIL import Image, ImageFilter, ImageOps
from playwright.sync_api import Browser, FilePayload, Page, expect, sync_playwright

from model.settings import ROOT
from scripts.console import CACHE, SETTINGS
from scripts.lighthouse import PROGRAM, lighthouse, scores
from scripts.owner_screenshots import ANSWERED_MS, OwnerStates
from scripts.programs import CHROMIUM

SCREENSHOTS: Final = ROOT / "docs" / "screenshots"
SAMPLES: Final = CACHE / "samples" / "photos"

WIDTHS: Final = {360: 780, 768: 1024, 1440: 900}
_TABLET: Final = 768
"""Narrower screens are phones."""

THEMES: Final[dict[str, dict[str, Any]]] = {
    "light": {"color_scheme": "light", "forced_colors": "none"},
    "dark": {"color_scheme": "dark", "forced_colors": "none"},
    "forced-colors": {"color_scheme": "dark", "forced_colors": "active"},
}

ONE: Final = SAMPLES / "unseen" / "Barack Obama" / "obama2.jpg"
SIX: Final = SAMPLES / "strangers" / "friends.jpg"
PORTRAITS: Final = (
    ONE,
    SAMPLES / "people" / "Barack Obama" / "obama.jpg",
    SAMPLES / "people" / "Joe Biden" / "biden.jpg",
    SAMPLES / "people" / "Tom Hanks" / "Tom_Hanks_54745.png",
)

_SLOW_PHONE: Final = {"offline": False, "latency": 150, "downloadThroughput": 204_800, "uploadThroughput": 96_000}
"""Slow 4G as in Lighthouse: 150 ms per round trip, 1.6 Mbit/s down, 0.75 up, and a quarter of the processor's speed."""

_ROUNDS: Final = 5

_WEBP_QUALITY: Final = 75

_BLUR_PX: Final = 12
"""Makes the page say that the face is blurred."""


def main() -> None:
    """Write all screenshots; print the size of the website, the time until it paints, and Lighthouse's scores."""
    (site,) = sys.argv[1:]
    if not PROGRAM.exists():
        sys.exit("Lighthouse is missing. Run `make setup` first.")
    if not SETTINGS.key:
        sys.exit("Set VISAGE_KEY to a key with the scopes people and recognize.")
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    with _chromium() as browser:
        _take_all(browser, {name: partial(_visit, site, state) for name, state in STATES.items()})
        take_owners(browser, site, SETTINGS.key)
        sys.stdout.write(_figures(browser, site))
    found = scores(lighthouse(site)).items()
    sys.stdout.write("Lighthouse: " + ", ".join(f"{name} {score}" for name, score in found) + "\n")


def take_owners(browser: Browser, site: str, key: str) -> None:
    """Write the screenshots of the owner's page."""
    with Image.open(io.BytesIO(_stranger_photo())) as photo:
        blurred = _encoded(photo.convert("RGB").filter(ImageFilter.GaussianBlur(_BLUR_PX)))
    states = OwnerStates(site, key, _stranger_photo(), SIX.read_bytes(), _photo_without_face(), blurred)
    _take_all(browser, states.all, states.clean)


def _take_all(
    browser: Browser, states: dict[str, Callable[[Page], None]], clean: Callable[[Page], None] = lambda _: None
) -> None:
    for width, height in WIDTHS.items():
        for name, state in states.items():
            with _page(browser, width, height) as page:
                state(page)
                _take(page, f"{name}-{width}")
                clean(page)


@contextmanager
def _page(browser: Browser, width: int, height: int) -> Iterator[Page]:
    """An empty page, on a phone if the screen is narrow."""
    phone = width < _TABLET
    with browser.new_context(
        viewport={"width": width, "height": height},
        is_mobile=phone,
        has_touch=phone,
        reduced_motion="reduce",
        permissions=["camera"],
    ) as context:
        yield context.new_page()


def _visit(site: str, state: Callable[[Page], None], page: Page) -> None:
    """Open the website, and bring it into that state."""
    page.goto(site)
    expect(page.locator(".names li").first).to_be_visible(timeout=ANSWERED_MS)
    state(page)


def _take(page: Page, name: str) -> None:
    """Take a picture of the whole page, or of an open dialog, in each theme."""
    for theme, media in THEMES.items():
        page.emulate_media(**media)
        picture = page.screenshot(full_page=page.locator("dialog[open]").count() == 0)
        with Image.open(io.BytesIO(picture)) as opened:
            opened.convert("RGB").save(SCREENSHOTS / f"{name}-{theme}.webp", quality=_WEBP_QUALITY)


def _empty(_: Page) -> None:
    """Leave the page as it opens."""


def _working(page: Page) -> None:
    slow = {"offline": False, "latency": 10_000, "downloadThroughput": -1, "uploadThroughput": -1}
    page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", slow)
    _choose(page, ONE.read_bytes())
    expect(page.locator("body")).to_have_attribute("data-state", "working", timeout=ANSWERED_MS)
    expect(page.locator("#panel .fine")).to_be_visible(timeout=ANSWERED_MS)  # that the service may have to start


def _one(page: Page) -> None:
    _choose(page, ONE.read_bytes())
    _wait_for_answer(page)


def _six(page: Page) -> None:
    _choose(page, SIX.read_bytes())
    _wait_for_answer(page)


def _twenty(page: Page) -> None:
    _choose(page, _encoded(montage()))
    _wait_for_answer(page)


def _stranger(page: Page) -> None:
    _choose(page, _stranger_photo())
    _wait_for_answer(page)


def _blurred(page: Page) -> None:
    with Image.open(ONE) as photo:
        _choose(page, _encoded(photo.convert("RGB").filter(ImageFilter.GaussianBlur(_BLUR_PX))))
    _wait_for_answer(page)
    expect(page.get_by_text("This face is blurred.")).to_be_visible()


def _error(page: Page) -> None:
    _choose(page, _photo_without_face())
    expect(page.locator("#reason")).to_be_visible(timeout=ANSWERED_MS)


def _several(page: Page) -> None:
    _choose(page, ONE.read_bytes(), SIX.read_bytes(), _photo_without_face(), _stranger_photo())
    _wait_for_answer(page)
    finished = page.locator("#strip :is(.known, .stranger, .failed)")
    expect(finished).to_have_count(4, timeout=ANSWERED_MS)


def _camera(page: Page) -> None:
    page.locator("#shoot").click()
    expect(page.locator("#camera .shutter")).to_be_enabled(timeout=ANSWERED_MS)


STATES: Final[dict[str, Callable[[Page], None]]] = {
    "empty": _empty,
    "working": _working,
    "one-face": _one,
    "six-faces": _six,
    "twenty-faces": _twenty,
    "stranger": _stranger,
    "blurred": _blurred,
    "error": _error,
    "several-photos": _several,
    "camera": _camera,
}


def montage() -> Image.Image:
    """Return a photo of twenty faces: five rows of the portraits, every second row mirrored."""
    canvas = Image.new("RGB", (1600, 2000))
    for row in range(5):
        for column, path in enumerate(PORTRAITS):
            tile = _opened(path, (400, 400))
            canvas.paste(ImageOps.mirror(tile) if row % 2 else tile, (400 * column, 400 * row))
    return canvas


def _opened(path: Path, size: tuple[int, int]) -> Image.Image:
    """Return the upper part of a photo, in that size."""
    with Image.open(path) as photo:
        return ImageOps.fit(photo.convert("RGB"), size, centering=(0.5, 0))


def _stranger_photo() -> bytes:
    with Image.open(SIX) as photo:
        return _encoded(photo.crop((photo.width // 4, photo.height // 4, photo.width * 5 // 9, photo.height)))


def _photo_without_face() -> bytes:
    return _encoded(Image.linear_gradient("L").resize((800, 600)))


def _encoded(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def _choose(page: Page, *photos: bytes) -> None:
    page.locator("#file").set_input_files(
        files=[FilePayload(name="photo", mimeType="image/png", buffer=photo) for photo in photos]
    )


def _wait_for_answer(page: Page) -> None:
    expect(page.locator(".box").first).to_be_visible(timeout=ANSWERED_MS)


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
    """Chromium with a camera that sees the six."""
    with tempfile.TemporaryDirectory() as folder:
        film = Path(folder) / "camera.mjpeg"
        _opened(SIX, (960, 720)).save(film, "JPEG")
        camera = ["--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={film}"]
        with (
            sync_playwright() as playwright,
            playwright.chromium.launch(executable_path=CHROMIUM.path, args=["--no-sandbox", *camera]) as browser,
        ):
            yield browser


if __name__ == "__main__":
    main()
