"""Real commands that a signal ends leave nothing, and called again they make what an undisturbed command makes."""

import json
import os
import shutil
import signal
import subprocess
import time

import numpy as np
import pytest

from dataset.aligned import JOURNAL, OUTPUT
from model import bundle as bundles
from model.roster_storage import beside, of_bundle
from scripts import samples as sample_photos
from tests.processes import started
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
        environment = os.environ | {"TMPDIR": str(temporary)}
        return started(["-m", "scripts", *words], env=environment, stdout=subprocess.DEVNULL)

    return visage


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


def nothing_is_left(folder):
    return not [path for path in folder.rglob("*") if "visage-" in path.name or path.suffix == ".part"]


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def chips(aligned):
    return {path: content for path, content in contents(aligned).items() if path.suffix == ".jpg"}


def figures(run):
    """Return what `visage train` has made, without the times that it took."""
    epochs = json.loads((run / METRICS).read_text(encoding="utf-8"))["epochs"]
    return [(run / name).read_bytes() for name in (NETWORK, SAMPLES)], [{**epoch, "seconds": 0} for epoch in epochs]


def version_of(bundle):
    return bundles.load(str(bundle), files=()).manifest.version


def test_commands_that_were_interrupted_and_called_again_make_the_bundle_of_an_undisturbed_run(
    visage, ended, samples, weights, aligned, run, bundle, tmp_path, temporary
):
    """Each command goes on with what the one before it has made. One signal after the other is sent."""
    faces, training, made = (tmp_path / name for name in ("aligned", "run", "bundle"))
    journal = faces / OUTPUT / JOURNAL

    words = ("prepare", samples / sample_photos.PEOPLE, faces, *WEIGHTS, "--workers", "1")
    assert ended(signal.SIGINT, journal.parent, JOURNAL, *words) == 130
    assert nothing_is_left(tmp_path)
    before = journal.read_text(encoding="utf-8")
    finish(visage(*words))
    assert journal.read_text(encoding="utf-8").startswith(before)
    assert contents(faces).keys() == contents(aligned).keys()
    assert chips(faces) == chips(aligned)

    words = ("train", faces, training, *WEIGHTS)
    assert ended(signal.SIGHUP, training, CHECKPOINT, *words) == 129
    assert nothing_is_left(tmp_path)
    finish(visage(*words))
    assert figures(training) == figures(run)

    words = ("export", training, made)
    assert ended(signal.SIGTERM, tmp_path, ".visage-*/bundle/*", *words) == 143
    assert nothing_is_left(tmp_path)
    assert not made.exists()
    finish(visage(*words))
    assert version_of(made) == version_of(bundle)


def test_enroll_that_was_interrupted_leaves_no_face_and_called_again_enrols_as_an_undisturbed_run_does(
    visage, ended, bundle, samples, tmp_path
):
    photo = samples / sample_photos.PEOPLE / "Joe Biden" / "biden.jpg"
    for number in range(4):
        (tmp_path / "people" / "Ann").mkdir(parents=True, exist_ok=True)
        shutil.copyfile(photo, tmp_path / "people" / "Ann" / f"{number}.jpg")
    mine = shutil.copytree(bundle, tmp_path / "bundle")
    undisturbed = shutil.copytree(bundle, tmp_path / "undisturbed")
    words = ("enroll", mine, tmp_path / "people")
    finish(visage("enroll", undisturbed, tmp_path / "people"))
    assert ended(signal.SIGTERM, tmp_path / "temporary", f"visage-*/{JOURNAL}", *words) == 143
    assert nothing_is_left(tmp_path)
    assert contents(mine) == contents(bundle)
    assert not beside(mine).exists()
    finish(visage(*words))
    rosters = [of_bundle(bundles.load(str(folder), files=())).read()[0] for folder in (mine, undisturbed)]
    assert [person.name for person in rosters[0].people] == ["Ann"]
    np.testing.assert_array_equal(*(roster.embeddings for roster in rosters))
