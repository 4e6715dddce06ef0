"""A visitor with a browser: opens the page, chooses photos, presses buttons, and looks at what is shown.

Playwright drives Chromium only, unless a browser is built for it. Firefox and WebKit follow the commands of WebDriver.
Selenium could give them, but for Firefox it needs geckodriver, which no registry that the project uses contains.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO, Protocol, TypeVar

import pytest
import requests
from playwright.sync_api import Page, sync_playwright

from scripts.programs import CHROMIUM, FIREFOX, WEBKIT, Program

T = TypeVar("T")

SECONDS = 60

CAPABILITIES = {"timeouts": {"script": 2000 * SECONDS}}

PATHS = {
    "Navigate": "url",
    "ExecuteScript": "execute/sync",
    "ExecuteAsyncScript": "execute/async",
    "FindElement": "element",
    "ElementClear": "element/{id}/clear",
    "ElementClick": "element/{id}/click",
    "ElementSendKeys": "element/{id}/value",
}
"""WebDriver's commands over HTTP."""

NOT_YET = {
    "no such element",
    "element not interactable",
    "element click intercepted",
    "stale element reference",
}
"""WebDriver's errors that end by themselves while a page is laid out: https://www.w3.org/TR/webdriver2/#errors."""

_COLLECT_PROBLEMS = """
    window.problems = [];
    const kinds = { error: "message", unhandledrejection: "reason", securitypolicyviolation: "violatedDirective" };
    for (const [kind, member] of Object.entries(kinds))
      addEventListener(kind, (event) => window.problems.push(`${kind}: ${event[member]}`));
"""

_WAIT = """new Promise((resolve) => {
    const look = () => { try { return %(expression)s } catch (error) { return String(error) } };
    const stop = performance.now() + %(ms)d;
    const repeat = () => {
      const seen = look();
      if (JSON.stringify(seen) === JSON.stringify(%(expected)s) || performance.now() > stop) resolve(seen);
      else setTimeout(repeat, 20);
    };
    repeat();
})"""
"""A promise of the value of an expression, once it is the expected one or the time is over."""


class Visitor(Protocol):
    """What a visitor does, in whichever browser."""

    def open(self, address: str) -> None:
        """Open the page."""

    def choose(self, *photos: Path) -> None:
        """Choose photos in the page's file dialog."""

    def press(self, selector: str) -> None:
        """Click on an element."""

    def follow(self, text: str) -> None:
        """Click on the link in whose text this is."""

    def write(self, selector: str, text: str) -> None:
        """Type a text into a field, instead of what is there."""

    def look(self, expression: str, expected: Any) -> Any:
        """Return the value of a JavaScript expression as soon as it is the expected one, or else after a while."""


class PlaywrightVisitor:
    def __init__(self, page: Page) -> None:
        self.page = page

    def open(self, address: str) -> None:
        self.page.goto(address)
        self.page.evaluate(_COLLECT_PROBLEMS)

    def choose(self, *photos: Path) -> None:
        self.page.locator("#file").set_input_files(photos)

    def press(self, selector: str) -> None:
        self.page.locator(selector).click()

    def follow(self, text: str) -> None:
        self.page.get_by_role("link", name=text).click()

    def write(self, selector: str, text: str) -> None:
        self.page.locator(selector).clear()
        self.page.locator(selector).press_sequentially(text)

    def look(self, expression: str, expected: Any) -> Any:
        return self.page.evaluate(waiting(expression, expected))


class RefusedError(AssertionError):
    """A browser refuses a command of WebDriver."""

    def __init__(self, answer: dict[str, str]) -> None:
        super().__init__(f"{answer['error']}: {answer['message']}")
        self.code = answer["error"]


class WebDriverVisitor:
    """Gives the commands of W3C WebDriver: https://www.w3.org/TR/webdriver2/#endpoints."""

    def __init__(self, send: Callable[..., Any]) -> None:
        """`send` sends a command, given by its name and its members, and returns the value of its answer."""
        self.send = send

    def open(self, address: str) -> None:
        self.send("Navigate", url=address)
        self.send("ExecuteScript", script=_COLLECT_PROBLEMS, args=[])

    def choose(self, *photos: Path) -> None:
        self._do("ElementSendKeys", "css selector", "#file", text="\n".join(map(str, photos)))

    def press(self, selector: str) -> None:
        self.look(f"document.querySelector({json.dumps(selector)}).matches(':not(:disabled)')", True)
        self._do("ElementClick", "css selector", selector)

    def follow(self, text: str) -> None:
        self._do("ElementClick", "partial link text", text)

    def write(self, selector: str, text: str) -> None:
        self._do("ElementClear", "css selector", selector)
        self._do("ElementSendKeys", "css selector", selector, text=text)

    def look(self, expression: str, expected: Any) -> Any:
        script = f"{waiting(expression, expected)}.then(arguments[0])"
        return self.send("ExecuteAsyncScript", script=script, args=[])

    def _do(self, command: str, strategy: str, value: str, **members: Any) -> None:
        """Do something with an element as soon as it can be reached: WebDriver does not wait, as Playwright does."""
        stop = time.monotonic() + SECONDS
        while True:
            try:
                (identifier,) = self.send("FindElement", using=strategy, value=value).values()
                self.send(command, id=identifier, **members)
            except RefusedError as error:
                if error.code not in NOT_YET or time.monotonic() > stop:
                    raise
                time.sleep(0.02)
            else:
                return


def waiting(expression: str, expected: Any) -> str:
    """Return JavaScript for a promise of the value that `Visitor.look` returns."""
    return _WAIT % {"expression": expression, "expected": json.dumps(expected), "ms": 1000 * SECONDS}


@contextmanager
def visit(browser: Program) -> Iterator[Visitor]:
    """A visitor with that browser, which is started and ended here."""
    if browser.path is None:
        pytest.fail(browser.advice)
    with STARTS[browser](browser.path) as visitor:
        yield visitor


@contextmanager
def _chromium(program: str) -> Iterator[Visitor]:
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=program, args=["--no-sandbox"]) as chromium,
    ):
        yield PlaywrightVisitor(chromium.new_page())


@contextmanager
def _firefox(program: str) -> Iterator[Visitor]:
    """Firefox listens to WebDriver's commands itself, without HTTP: each message is its length, a colon and JSON."""
    with TemporaryDirectory() as profile:
        preferences = {"marionette.port": 0, "browser.shell.checkDefaultBrowser": False}
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in preferences.items()]
        (Path(profile) / "user.js").write_text("".join(lines), encoding="utf-8")
        with _running([program, "--headless", "--marionette", "--no-remote", "--profile", profile]) as firefox:
            port = _until(firefox, (Path(profile) / "MarionetteActivePort").read_text)
            with socket.create_connection(("127.0.0.1", int(port))) as connection, connection.makefile("rb") as answers:
                _received(answers)

                def send(name: str, **members: Any) -> Any:
                    message = json.dumps([0, 1, name, members])
                    connection.sendall(f"{len(message)}:{message}".encode())
                    _, _, error, value = _received(answers)
                    if error is not None:
                        raise RefusedError(error)
                    return value.get("value", value) if isinstance(value, dict) else value

                send("WebDriver:NewSession", capabilities={"alwaysMatch": CAPABILITIES})
                yield WebDriverVisitor(lambda name, **members: send(f"WebDriver:{name}", **members))
                send("Marionette:Quit", flags=["eForceQuit"])
            firefox.wait(SECONDS)


def _received(answers: BinaryIO) -> Any:
    length = b"".join(iter(lambda: answers.read(1), b":"))
    return json.loads(answers.read(int(length)))


@contextmanager
def _webkit(program: str) -> Iterator[Visitor]:
    with _screen() as environment, socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        taken.close()
        with _running([program, "-p", str(port)], env=environment) as driver, requests.Session() as http:
            http.trust_env = False
            address = f"http://127.0.0.1:{port}"
            _until(driver, lambda: http.get(f"{address}/status", timeout=SECONDS))

            def post(path: str, members: dict) -> Any:
                answer = http.post(f"{address}/{path}", json=members, timeout=3 * SECONDS)
                value = answer.json()["value"]
                if not answer.ok:
                    raise RefusedError(value)
                return value

            session = "session/" + post("session", {"capabilities": {"alwaysMatch": CAPABILITIES}})["sessionId"]
            yield WebDriverVisitor(lambda name, **members: post(f"{session}/{PATHS[name].format(**members)}", members))
            http.delete(f"{address}/{session}", timeout=SECONDS)


@contextmanager
def _screen() -> Iterator[dict[str, str]]:
    """The environment of a screen that nobody sees, because WebKitGTK needs one. macOS has its own."""
    if sys.platform == "darwin":
        yield dict(os.environ)
        return
    if shutil.which("Xvfb") is None:
        pytest.fail(WEBKIT.advice)
    command = ["Xvfb", "-displayfd", "1", "-screen", "0", "1280x1024x24", "-nolisten", "tcp"]
    with _running(command, stdout=subprocess.PIPE, text=True) as screen:
        yield {**os.environ, "DISPLAY": f":{screen.stdout.readline().strip()}"}


@contextmanager
def _running(command: list[str], **options: Any) -> Iterator[subprocess.Popen]:
    """A process, which is ended here."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, **{**quiet, **options}) as process:
        try:
            yield process
        finally:
            process.terminate()


def _until(process: subprocess.Popen, attempt: Callable[[], T]) -> T:
    """Return what `attempt` returns as soon as it raises no OSError any more. The process must be running."""
    stop = time.monotonic() + SECONDS
    while True:
        try:
            return attempt()
        except OSError:
            assert process.poll() is None, f"{process.args} ended with {process.returncode}"
            assert time.monotonic() < stop, f"{process.args} did not start"
            time.sleep(0.02)


STARTS = {CHROMIUM: _chromium, FIREFOX: _firefox, WEBKIT: _webkit}
