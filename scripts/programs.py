"""Finds the programs that only tests need: browsers, and bubblewrap. `make setup` runs this to install missing ones."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Program:
    """A program that tests need: the commands that start it, of which one is enough, and how to get it."""

    name: str
    user: str
    """Who needs it."""
    commands: tuple[str, ...]
    debian: str
    """Debian's packages."""
    elsewhere: str
    """What to do on a system without them."""

    @property
    def path(self) -> str | None:
        """The command that starts it, or None if it is missing."""
        return next(filter(None, map(shutil.which, self.commands)), None)

    @property
    def advice(self) -> str:
        """How to get it on this system."""
        install = f"Run  sudo apt-get install {self.debian}" if shutil.which("apt-get") else self.elsewhere
        return f"{self.user} need {self.name}. {install}"


_WEBSITE: Final = "The website's tests"

CHROMIUM: Final = Program(
    "Chromium",
    _WEBSITE,
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


FIREFOX: Final = Program(
    "Firefox",
    _WEBSITE,
    ("firefox-esr", "firefox", "/Applications/Firefox.app/Contents/MacOS/firefox"),
    "firefox-esr",
    "Install Firefox.",
)

WEBKIT: Final = Program(
    "WebKit",
    _WEBSITE,
    ("WebKitWebDriver", "safaridriver"),
    "webkit2gtk-driver xvfb",
    "On macOS run  safaridriver --enable  once; elsewhere install WebKitGTK with its WebKitWebDriver.",
)

BROWSERS: Final = (CHROMIUM, FIREFOX, WEBKIT)

BUBBLEWRAP: Final = Program(
    "bubblewrap",
    "The tests of the function in a jail like Lambda's",
    ("bwrap",),
    "bubblewrap",
    "On Linux, install bubblewrap; other systems cannot run these tests.",
)

PROGRAMS: Final = (*BROWSERS, BUBBLEWRAP)


def main() -> None:
    """Install Debian's packages where this user may; say what to install where not. Only tests need them."""
    _install([program for program in PROGRAMS if not program.path])
    missing = [program for program in PROGRAMS if not program.path]
    for program in missing:
        print(program.advice)
    if missing:
        print("Everything else works without.")


def _install(missing: list[Program]) -> None:
    """Install one by one, because a system may have packages of some of them only."""
    if not missing or not shutil.which("apt-get") or os.geteuid() != 0:
        return
    _apt_get("update")
    for program in missing:
        print(f"Installing {program.name}. {program.user} need it.", flush=True)
        _apt_get("install", "--yes", "--no-install-recommends", *program.debian.split())


def _apt_get(*words: str) -> None:
    command = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", *words]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=False)


if __name__ == "__main__":
    main()
