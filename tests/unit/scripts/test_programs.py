"""`make setup` installs the programs of the tests that are missing where it may, and otherwise says how to."""

import pytest

from scripts import programs
from scripts.programs import BROWSERS, BUBBLEWRAP, PROGRAMS

DEBIAN = {
    "chromium": "chromium",
    "firefox-esr": "firefox-esr",
    "webkit2gtk-driver": "WebKitWebDriver",
    "xvfb": "Xvfb",
    "bubblewrap": "bwrap",
}


class System:
    """A system with some programs. Its apt-get, if it has one, brings the program of each package that it knows."""

    def __init__(self, *programs, packages=None, root=True):
        self.programs = {*programs, *(["apt-get"] if packages is not None else [])}
        self.packages = packages or {}
        self.user = 0 if root else 1000
        self.installed = []

    def which(self, name):
        return name if name in self.programs else None

    def run(self, command, **_):
        self.installed += [word for word in command if word in self.packages]
        self.programs |= {self.packages[word] for word in command if word in self.packages}


@pytest.fixture
def setup(monkeypatch, capsys):
    """Set up the programs on a system; return what is printed."""

    def setup(system):
        monkeypatch.setattr(programs.shutil, "which", system.which)
        monkeypatch.setattr(programs.subprocess, "run", system.run)
        monkeypatch.setattr(programs.os, "geteuid", lambda: system.user)
        programs.main()
        return capsys.readouterr().out

    return setup


def test_what_is_missing_is_installed_and_what_is_there_is_left_alone(setup):
    system = System("chromium", packages=DEBIAN)
    setup(system)
    assert all(program.path for program in PROGRAMS)
    assert "chromium" not in system.installed
    assert setup(system) == ""


def test_a_package_that_the_system_lacks_does_not_keep_the_others_away(setup):
    packages = {name: program for name, program in DEBIAN.items() if name != "firefox-esr"}
    out = setup(System(packages=packages))
    assert [program.name for program in PROGRAMS if program.path] == ["Chromium", "WebKit", "bubblewrap"]
    assert "need Firefox. Run  sudo apt-get install firefox-esr\n" in out


@pytest.mark.parametrize(
    ("system", "advice"),
    [
        (System(packages=DEBIAN, root=False), "need Firefox. Run  sudo apt-get install firefox-esr\n"),
        (System(), "need Firefox. Install Firefox.\n"),
    ],
    ids=["a user who may not install", "a system without apt-get"],
)
def test_where_nothing_can_be_installed_each_program_has_its_advice(setup, system, advice):
    out = setup(system)
    assert system.installed == []
    assert advice in out
    assert out.count("The website's tests need") == len(BROWSERS)
    assert out.count(BUBBLEWRAP.advice) == 1
    assert out.endswith("Everything else works without.\n")


def test_macs_have_browsers_where_macos_puts_them(setup):
    applications = (
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "/Applications/Firefox.app/Contents/MacOS/firefox",
    )
    setup(System(*applications, "safaridriver"))
    assert all(browser.path for browser in BROWSERS)
