"""Every command as a user runs it: exit statuses, `--json`, wrong arguments, missing folders, and Ctrl-C."""

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
from scripts import __main__ as main
from scripts import samples as sample_photos
from tests.processes import exit_code
from training.run import CHECKPOINT

WEIGHTS = ("--pretrained", "casia-webface")
INTERRUPT_SECONDS = 120


def visage(*words, cwd=ROOT):
    """Run a command in a process of its own."""
    command = [sys.executable, "-m", "scripts", *map(str, words)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def result(*words):
    """Run a command with `--json`; return what it printed, which must be JSON and nothing else."""
    done = visage(*words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def ended(monkeypatch, capfd):
    """Run a command in this process, which saves its imports; return its exit status and its error output."""

    def ended(*words):
        monkeypatch.setattr(sys, "argv", ["visage", *map(str, words)])
        return exit_code() or 0, capfd.readouterr().err

    return ended


def interrupted(ready, *words):
    """Run a command, press Ctrl-C as soon as the file `ready` has content, and return what it printed."""
    command = [sys.executable, "-m", "scripts", *map(str, words)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True) as running:
        deadline = time.monotonic() + INTERRUPT_SECONDS
        while not (ready.exists() and ready.stat().st_size):
            assert running.poll() is None, running.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        os.killpg(running.pid, signal.SIGINT)  # a terminal sends it to all processes of the command
        return running.wait(), running.stderr.read()


def test_prepare_goes_on_after_ctrl_c(samples, weights, tmp_path):
    words = ["prepare", samples / sample_photos.PEOPLE, tmp_path / "aligned", *WEIGHTS, "--workers", "1"]
    status, printed = interrupted(tmp_path / "aligned" / OUTPUT / JOURNAL, *words)
    assert status == 130
    assert "Interrupted. Run the same command again to go on." in printed
    assert "Traceback" not in printed
    journal = tmp_path / "aligned" / OUTPUT / JOURNAL
    before = journal.read_text(encoding="utf-8")
    assert result(*words)["photos"]
    assert journal.read_text(encoding="utf-8").startswith(before)


def test_train_goes_on_after_ctrl_c(aligned, weights, tmp_path):
    words = ["train", aligned, tmp_path / "run", *WEIGHTS]
    status, printed = interrupted(tmp_path / "run" / CHECKPOINT, *words)
    assert status == 130
    assert "Interrupted. Run the same command again to go on." in printed
    assert "Traceback" not in printed
    assert [epoch["number"] for epoch in result(*words)["epochs"]] == list(range(1, 16))


def test_a_run_is_exported_and_its_bundle_evaluated(run, samples, tmp_path):
    exported = result("export", run, tmp_path / "bundle")
    assert set(exported["labels"]) == {folder.name for folder in (samples / sample_photos.PEOPLE).iterdir()}
    assert visage("export", run, tmp_path / "bundle").returncode == 1
    people = samples / sample_photos.PEOPLE
    figures = result("evaluate", tmp_path / "bundle", people, "--output", tmp_path / "report")
    assert figures["photos"] == sum(1 for path in people.rglob("*") if path.is_file())
    assert list((tmp_path / "report").glob("*.html"))


def test_a_person_is_forgotten_and_enrolled_again_and_recognised(bundle, samples, tmp_path):
    forgotten = result("forget", bundle, "Barack Obama", "--output", tmp_path / "forgotten")
    assert "Barack Obama" not in forgotten["labels"]
    people = tmp_path / "people"
    shutil.copytree(samples / sample_photos.PEOPLE / "Barack Obama", people / "Barack Obama")
    enrolled = result("enroll", tmp_path / "forgotten", people, "--output", tmp_path / "enrolled")
    assert list(enrolled["enrolled"]) == ["Barack Obama"]
    photo, diary = samples / sample_photos.UNSEEN, tmp_path / "diary.txt"
    diary.write_text("Dear diary")
    done = visage("recognize", diary, photo, "--bundle", tmp_path / "enrolled", "--json")
    assert done.returncode == 1
    assert "1 of 2 photos have no answer." in done.stderr
    answers = json.loads(done.stdout)
    assert "detail" in answers[str(diary)]
    assert answers[str(photo)]["faces"][0]["label"] == "Barack Obama"


def test_samples_names_every_photo_it_has_put_there(samples, tmp_path):
    shutil.copytree(samples, tmp_path / "photos")
    photos = result("samples", tmp_path / "photos")
    assert len(photos) == len(sample_photos.SAMPLES)


def test_the_status_of_the_local_aws_is_json():
    assert set(result("local", "status")) == {"running", "endpoint", "log"}


@pytest.mark.parametrize("command", main.COMMANDS)
def test_every_command_has_a_help(ended, command):
    assert ended(command, "--help")[0] == 0


@pytest.mark.parametrize("command", [name for name in main.COMMANDS if name not in {"deploy", "demo"}])
def test_a_command_without_its_arguments_is_status_2(ended, command):
    status, printed = ended(command)
    assert status == 2
    assert "Traceback" not in printed


@pytest.mark.parametrize("command", main.COMMANDS)
def test_an_unknown_option_is_status_2_with_its_name(ended, command):
    status, printed = ended(command, "--nonsense")
    assert status == 2
    assert "--nonsense" in printed


@pytest.mark.parametrize(
    "words",
    [
        ["prepare", "{missing}", "{new}"],
        ["train", "{missing}", "{new}"],
        ["evaluate", "{missing}", "{missing}", "--output", "{new}"],
        ["export", "{missing}", "{new}"],
        ["enroll", "{missing}", "{missing}"],
        ["forget", "{missing}", "Ann"],
        ["publish", "{missing}", "s3://bucket/prefix"],
        ["recognize", "{missing}", "--bundle", "{missing}"],
        ["recognize", "{missing}", "--url", "http://127.0.0.1:9"],
        ["deploy", "--bundle", "{missing}"],
    ],
    ids=lambda words: " ".join(words[:1] + words[-2:-1]),
)
def test_a_missing_folder_is_one_line_and_status_1(ended, weights, tmp_path, words):
    given = [word.format(missing=tmp_path / "missing", new=tmp_path / "new") for word in words]
    status, printed = ended(*given, *(WEIGHTS if words[0] == "prepare" else ()))
    assert status == 1
    assert "Traceback" not in printed
    assert [line for line in printed.splitlines() if "Error:" in line] == printed.splitlines()[-1:]
    assert list(tmp_path.iterdir()) == []
