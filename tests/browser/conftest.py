"""A real Chromium, and the website served from its folder for the answers that no healthy API gives."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from scripts.screenshots import CHROMIUM
from tests.browser.fakes import API, LABELS, SiteServer, drawn_photo, reply


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.fail("The browser tests need Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--use-fake-device-for-media-stream",  # a camera that films a test pattern
                "--host-resolver-rules=MAP visage.test 127.0.0.1",  # a name that is no secure context
            ],
        )
        yield browser
        browser.close()


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """An empty page; any complaint of it, also of a violated Content-Security-Policy, fails the test."""
    complaints: list[str] = []
    page = context.new_page()
    page.on("console", lambda message: complaints.append(message.text) if is_complaint(message) else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    page.unroute_all(behavior="ignoreErrors")
    assert complaints == []


def is_complaint(message: ConsoleMessage) -> bool:
    """Chromium itself writes a line for every failed request; what the page makes of it is what is tested."""
    return message.type in {"error", "warning"} and not message.text.startswith("Failed to load resource")


@pytest.fixture(scope="module")
def server() -> Iterator[SiteServer]:
    with SiteServer() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def site(page: Page, server: SiteServer) -> Page:
    """The website, opened, with an API that a test routes as it likes."""
    page.route("**/config.json", lambda route: route.fulfill(json={"api": API}))
    page.route(f"{API}/labels", lambda route: reply(route, LABELS))
    page.goto(server.address)
    expect(page.get_by_role("heading", name="Who is this?")).to_be_visible()
    return page


@pytest.fixture
def answer(page: Page) -> Callable[..., None]:
    """Make the API answer every photo with the same status, body and headers."""

    def answer_with(body: dict | str, status: int = 200, headers: dict | None = None) -> None:
        page.route(f"{API}/recognize", lambda route: reply(route, body, status, headers))

    return answer_with


@pytest.fixture
def choose(page: Page) -> Callable[..., None]:
    """Choose photos, by their paths or their bytes."""

    def choose_files(*photos: Path | bytes, name: str = "photo.jpg") -> None:
        contents = [photo.read_bytes() if isinstance(photo, Path) else photo for photo in photos or [drawn_photo()]]
        files = [{"name": name, "mimeType": "image/jpeg", "buffer": content} for content in contents]
        page.get_by_label("Choose").set_input_files(files=files)

    return choose_files
