"""Real commands that a signal ends in the midst of their work: nothing is left, and the same command goes on."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from dataset.aligned import JOURNAL, OUTPUT
from model.settings import ROOT
from scripts import samples as sample_photos
from training.run import CHECKPOINT, METRICS, NETWORK, SAMPLES

PATIENCE_S = 300
WEIGHTS = ("--pretrained", "casia-webface")


@pytest.fixture
def temporary(tmp_path):
    """The commands' temporary directory."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


@pytest.fixture
def visage(temporary):
    """Start a command in a process group of its own, as a terminal does."""

    def visage(*words):
        return subprocess.Popen(
            [sys.executable, "-m", "scripts", *map(str, words)],
            cwd=ROOT,
            env=os.environ | {"TMPDIR": str(temporary)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=heed_signals,  # noqa: PLW1509  # no thread runs here
        )

    return visage


def heed_signals():
    """Receive Ctrl-C. Background jobs of a shell ignore it, and the tests may be such a job."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


@pytest.fixture
def ended(visage):
    """Send a signal to a command when a file that matches a pattern has content; return its status and what it said.

    Its workers write to the same pipe, which ends when the last of them does.
    """

    def ended(number, folder, pattern, *words):
        with visage(*words) as command:
            deadline = time.monotonic() + PATIENCE_S
            while not any(path.is_file() and path.stat().st_size for path in folder.glob(pattern)):
                assert command.poll() is None, command.stderr.read()
                assert time.monotonic() < deadline
                time.sleep(0.01)
            os.killpg(command.pid, number)
            _, said = command.communicate(timeout=PATIENCE_S)
        assert said.splitlines()[-1] == "Interrupted. Run the same command again to go on."
        assert "Traceback" not in said
        return command.returncode

    return ended


def finish(command):
    with command:
        _, said = command.communicate(timeout=PATIENCE_S)
    assert command.returncode == 0, said


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_prepare_goes_on_after_ctrl_c_to_the_same_faces(visage, ended, aligned, samples, weights, tmp_path, temporary):
    words = ("prepare", samples / sample_photos.PEOPLE, tmp_path / "aligned", *WEIGHTS, "--workers", "1")
    journal = tmp_path / "aligned" / OUTPUT / JOURNAL
    assert ended(signal.SIGINT, journal.parent, JOURNAL, *words) == 130
    assert (list(temporary.glob("visage-*")), list(tmp_path.rglob("*.part"))) == ([], [])
    before = journal.read_text(encoding="utf-8")
    finish(visage(*words))
    assert journal.read_text(encoding="utf-8").startswith(before)
    found, expected = contents(tmp_path / "aligned"), contents(aligned)
    assert found.keys() == expected.keys()
    assert all(found[path] == expected[path] for path in found if path.suffix == ".jpg")


def test_train_goes_on_after_its_terminal_was_closed_to_the_same_network(visage, ended, aligned, run, tmp_path):
    words = ("train", aligned, tmp_path / "run", *WEIGHTS)
    assert ended(signal.SIGHUP, tmp_path / "run", CHECKPOINT, *words) == 129
    assert list(tmp_path.rglob("*.part")) == []
    finish(visage(*words))
    for name in (NETWORK, SAMPLES):
        assert (tmp_path / "run" / name).read_bytes() == (run / name).read_bytes()
    found, expected = (json.loads((folder / METRICS).read_text())["epochs"] for folder in (tmp_path / "run", run))
    assert [{**epoch, "seconds": 0} for epoch in found] == [{**epoch, "seconds": 0} for epoch in expected]


def test_export_leaves_nothing_after_sigterm(ended, run, tmp_path, temporary):
    home = tmp_path / "home"
    assert ended(signal.SIGTERM, home, ".visage-*/bundle/*", "export", run, home / "bundle") == 143
    assert (list(home.iterdir()), list(temporary.glob("visage-*"))) == ([], [])


def test_enroll_leaves_no_face_and_the_bundle_as_it_was_after_sigterm(ended, bundle, samples, tmp_path, temporary):
    photo = samples / sample_photos.PEOPLE / "Joe Biden" / "biden.jpg"
    for number in range(8):
        (tmp_path / "people" / "Ann").mkdir(parents=True, exist_ok=True)
        shutil.copyfile(photo, tmp_path / "people" / "Ann" / f"{number}.jpg")
    before = contents(bundle)
    assert ended(signal.SIGTERM, temporary, f"visage-*/{JOURNAL}", "enroll", bundle, tmp_path / "people") == 143
    assert list(temporary.glob("visage-*")) == []
    assert contents(bundle) == before
