"""Fixtures: Chromium, the website on a local server, and an API whose answers the tests choose."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from collection import sort
from collection.sort_page.server import server as page_of
from scripts.programs import CHROMIUM, quick_chromium
from tests import piles
from tests.browser.fakes import API, LABELS, SiteServer, drawn_photo, reply

expect.set_options(timeout=30_000)  # as long as Playwright waits for an action: a busy machine needs more than its 5 s


@pytest.fixture(scope="module")
def running_server() -> Iterator[SiteServer]:
    with SiteServer() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def server(running_server: SiteServer) -> Iterator[SiteServer]:
    """The website's server in its initial state."""
    running_server.reset()
    yield running_server
    running_server.answering.set()  # a test that failed must not leave a request waiting


@pytest.fixture(scope="module")
def chromium(running_server: SiteServer) -> Iterator[Browser]:
    """Chromium; it is closed before the server, which waits for every connection to end."""
    program = quick_chromium()
    if program is None:
        pytest.fail(CHROMIUM.advice)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--use-fake-device-for-media-stream",  # its picture is a test pattern
                "--use-fake-ui-for-media-stream",  # every page may use it; the headless shell has no other camera
                "--host-resolver-rules=MAP visage.test 127.0.0.1",  # over HTTP, this name is not a secure context
            ],
        )
        with browser:
            yield browser


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    with chromium.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce") as context:
        context.add_init_script("Math.random = () => 0")  # the page waits a random time before it tries again
        yield context


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """An empty page. A message on its console fails the test, and so does a violated Content-Security-Policy."""
    problems: list[str] = []
    page = context.new_page()
    page.on("console", lambda message: problems.append(message.text) if is_problem(message) else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield page
    page.unroute_all(behavior="ignoreErrors")
    assert problems == []


def is_problem(message: ConsoleMessage) -> bool:
    """Ignore Chromium's own line for each failed request: the tests check what the page shows instead."""
    return message.type in {"error", "warning"} and not message.text.startswith("Failed to load resource")


@pytest.fixture
def site(page: Page, server: SiteServer) -> Page:
    """The open website. Its API is at `API`, where a test routes the requests."""
    page.route("**/config.json", lambda route: route.fulfill(json={"api": API}))
    page.route(f"{API}/labels", lambda route: reply(route, LABELS))
    page.goto(server.address)
    expect(page.locator(".languages [aria-current]")).to_be_visible()  # the words are there, and the page listens
    return page


@pytest.fixture
def answer(page: Page) -> Callable[..., None]:
    """Make the API answer every photo with the same status, body and headers."""

    def answer_with(body: dict | str, status: int = 200, headers: dict | None = None) -> None:
        page.route(f"{API}/recognize", lambda route: reply(route, body, status, headers))

    return answer_with


@pytest.fixture
def choose(page: Page) -> Callable[..., None]:
    """Choose photos, given as paths or as bytes."""

    def choose_files(*photos: Path | bytes, name: str = "photo.jpg") -> None:
        contents = [photo.read_bytes() if isinstance(photo, Path) else photo for photo in photos or [drawn_photo()]]
        files = [{"name": name, "mimeType": "image/jpeg", "buffer": content} for content in contents]
        page.locator("#file").set_input_files(files=files)

    return choose_files


@pytest.fixture
def sorted_pile(tmp_path, monkeypatch):
    """Sorted photos: three of Ann (2), four of Bob (1), and one of Cleo, who is nobody."""
    monkeypatch.setattr(sort, "find_faces", piles.find_faces)
    pile = piles.filled(tmp_path)
    pile.sort()
    return pile


@pytest.fixture
def sorted_address(sorted_pile):
    """The address of the page, which is served."""
    with page_of(sorted_pile.photos) as (running, address):
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield address
        running.shutdown()
        thread.join()
