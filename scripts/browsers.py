"""Finds the browsers in which the website is tested. `make setup` runs this to install those that are missing."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Browser:
    """A browser: its programs, of which one is enough, and how to get it."""

    name: str
    programs: tuple[str, ...]
    debian: str
    """Debian's packages."""
    elsewhere: str
    """What to do on a system without them."""

    @property
    def path(self) -> str | None:
        """The program that is started, or None if the browser is missing."""
        return next(filter(None, map(shutil.which, self.programs)), None)

    @property
    def advice(self) -> str:
        """How to get this browser on this system."""
        install = f"Run  sudo apt-get install {self.debian}" if shutil.which("apt-get") else self.elsewhere
        return f"The website's tests need {self.name}. {install}"


CHROMIUM: Final = Browser(
    "Chromium",
    (
        "chromium",
        "chromium-browser",
        "google-chrome",
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
    ),
    "chromium chromium-headless-shell fonts-liberation fonts-lohit-deva",
    "Install Chromium or Chrome.",
)


def quick_chromium() -> str | None:
    """Return Chromium's headless shell, which opens a page in a third of Chromium's time; else Chromium."""
    return shutil.which("chromium-headless-shell") or CHROMIUM.path


FIREFOX: Final = Browser(
    "Firefox",
    ("firefox-esr", "firefox", "/Applications/Firefox.app/Contents/MacOS/firefox"),
    "firefox-esr",
    "Install Firefox.",
)

WEBKIT: Final = Browser(
    "WebKit",
    ("WebKitWebDriver", "safaridriver"),
    "webkit2gtk-driver xvfb",
    "On macOS run  safaridriver --enable  once; elsewhere install WebKitGTK with its WebKitWebDriver.",
)

BROWSERS: Final = (CHROMIUM, FIREFOX, WEBKIT)


def main() -> None:
    """Install Debian's browsers where this user may; say what to install where not. Only tests need them."""
    _install([browser for browser in BROWSERS if not browser.path])
    missing = [browser for browser in BROWSERS if not browser.path]
    for browser in missing:
        print(browser.advice)
    if missing:
        print("Everything else works without.")


def _install(missing: list[Browser]) -> None:
    """Install one by one, because a system may have packages of some of them only."""
    if not missing or not shutil.which("apt-get") or os.geteuid() != 0:
        return
    _apt_get("update")
    for browser in missing:
        print(f"Installing {browser.name} for the website's tests.", flush=True)
        _apt_get("install", "--yes", "--no-install-recommends", *browser.debian.split())


def _apt_get(*words: str) -> None:
    command = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", *words]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=False)


if __name__ == "__main__":
    main()
