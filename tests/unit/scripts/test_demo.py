"""`visage demo` runs the commands that a user would type, explains the answers, and always ends its local AWS."""

import json
import signal
import subprocess
import sys

import pytest

from scripts import demo
from scripts.errors import CommandError

FACE = {"predictions": [{"label": "Ann", "probability": 0.98}], "similarity": 0.81, "known": True}
STRANGER = {"predictions": [{"label": "Ann", "probability": 0.4}], "similarity": 0.2, "known": False}


class Programs:
    """Stands in for the programs that the demo runs: `visage`, and curl with the answers of an API."""

    def __init__(self):
        self.asked = []
        self.failing = None
        self.keys = set()
        self.people = []

    def run(self, command, *, read, key=None):
        words = command[3:] if command[0] == sys.executable else [command[0], command[-1].rpartition("/")[2]]
        self.asked.append(" ".join(words[:2]) if words[0] in {"local", "curl", "keys", "people"} else words[0])
        self.keys.add((words[0], key))
        return int(self.asked[-1] == self.failing), json.dumps(self._answer(command)) if read else ""

    def _answer(self, command):
        if "deploy" in command:
            return {"api": "http://api.test", "site": "http://site.test"}
        if "keys" in command:
            return {"key": "visage_local_key"}
        if "people" in command:
            return {"people": self.people}
        if command[-1].endswith("/labels"):
            return {"labels": ["Ann"]}
        photo = command[-2]
        return {"detail": "no photo"} if photo.endswith("not-a-photo.jpg") else {"faces": [FACE, STRANGER]}

    def default(self, _settings):
        """Stand in for the local AWS."""
        return self

    def check(self):
        self.asked.append("look for a free port")

    def stop(self):
        self.asked.append("local down")


@pytest.fixture
def programs(monkeypatch, tmp_path):
    programs = Programs()
    monkeypatch.setattr(demo, "_run", programs.run)
    monkeypatch.setattr(demo, "local", programs)
    monkeypatch.setattr(demo.stack, "check_tools", lambda _: None)
    monkeypatch.setattr(demo.shutil, "which", lambda name, **_: f"/usr/bin/{name}")
    monkeypatch.setattr(demo, "CACHE", tmp_path)
    monkeypatch.setattr(demo, "_NO_PHOTO", tmp_path / "not-a-photo.jpg")
    return programs


def test_it_goes_from_photos_to_answers_and_ends_what_it_started(programs, capsys):
    demo.demo(once=True)
    steps = ["look for a free port", "samples", "prepare", "train", "export", "local up", "deploy"]
    questions = ["curl labels", *["curl recognize"] * 3]
    adding = ["keys create", "people list", "people add", "recognize", "keys revoke"]
    assert programs.asked == [*steps, *questions, "batch", *adding, "local down"]
    assert {command for command, key in programs.keys if key == "visage_local_key"} == {"people", "recognize"}
    shown = capsys.readouterr()
    assert "the fine-tuned head says Ann (98%)" in shown.err
    assert "pretrained head is 0.20, so the face is unknown" in " ".join(shown.err.split())
    assert "The website: http://site.test" in shown.err
    assert '{"detail": "no photo"}' in shown.out


def test_whom_a_former_demo_added_is_removed_first(programs):
    programs.people = [{"id": "aaaaaaaaaaaa"}]
    demo.demo(once=True)
    assert programs.asked[-6:-1] == ["people list", "people remove", "people add", "recognize", "keys revoke"]


def test_the_key_is_revoked_whatever_fails(programs):
    programs.failing = "people add"
    with pytest.raises(CommandError, match="`visage people` failed"):
        demo.demo(once=True)
    assert programs.asked[-2:] == ["keys revoke", "local down"]


def test_the_website_stays_until_ctrl_c(programs, monkeypatch, capsys):
    def interrupt(_):
        assert "local down" not in programs.asked
        raise KeyboardInterrupt

    monkeypatch.setattr(demo.time, "sleep", interrupt)
    demo.demo()
    assert programs.asked[-1] == "local down"
    assert "Press Ctrl-C to end the demo" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("failing", "sentence"),
    [
        ("train", r"`visage train` failed\. The reason is above\. Run `make demo` again"),
        ("deploy", "`visage deploy` failed"),
        ("curl recognize", "The API cannot be reached"),
    ],
)
def test_a_step_that_fails_ends_the_demo_with_a_sentence(programs, failing, sentence):
    programs.failing = failing
    with pytest.raises(CommandError, match=sentence):
        demo.demo(once=True)
    assert ("local up" in programs.asked) == ("local down" in programs.asked)


def test_without_curl_it_says_what_to_install(programs, monkeypatch):
    monkeypatch.setattr(demo.shutil, "which", lambda name, **_: None)
    with pytest.raises(CommandError, match="Install curl"):
        demo.demo(once=True)
    assert programs.asked == []


def test_a_program_that_it_runs_ends_with_it(monkeypatch):
    started = []

    def interrupt(program):
        started.append(program)
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess.Popen, "communicate", interrupt)
    with pytest.raises(KeyboardInterrupt):
        demo._run([sys.executable, "-c", "import time; time.sleep(600)"], read=False)
    assert [program.returncode for program in started] == [-signal.SIGTERM]
