"""How a command ends by a signal and without its terminal: what it says, its status, and that nothing is left."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from model.settings import ROOT

COMMAND = """
import sys, time
from pathlib import Path
from preprocess.temporary import temporary_folder
from scripts import __main__ as main
from scripts.console import console, progress

def command():
    with temporary_folder() as folder:
        (folder / "face.jpg").write_bytes(b"a face")
        {body}

main._CLEAN_UP_S = {patience}
main.application = lambda: command
main.main()
"""
READY = "print('ready', flush=True)"
SLEEP = f"{READY}; time.sleep(600)"
PATIENCE_S = 60
FULL = Path("/dev/full")


@pytest.fixture
def start(tmp_path):
    """Return a function that starts a command with a temporary folder and waits until it is in the midst of it."""
    running = []

    def start(body=SLEEP, patience=PATIENCE_S, ignored=(), **options):
        def ignore():
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN if number in ignored else signal.SIG_DFL)

        process = subprocess.Popen(
            [sys.executable, "-c", COMMAND.format(body=body.replace("\n", "\n        "), patience=patience)],
            cwd=ROOT,
            env=os.environ | {"TMPDIR": str(tmp_path)},
            preexec_fn=ignore,  # noqa: PLW1509  # no thread runs here
            text=True,
            **{"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options,
        )
        running.append(process)
        if process.stdout:
            assert process.stdout.readline() == "ready\n"
        return process

    yield start
    for process in running:
        process.kill()
        process.communicate()


STATUS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


@pytest.mark.parametrize("number", STATUS)
def test_a_signal_ends_a_command_with_its_status_the_way_on_and_nothing_left(start, tmp_path, number):
    command = start()
    command.send_signal(number)
    _, said = command.communicate(timeout=PATIENCE_S)
    assert (command.returncode, said) == (STATUS[number], "Interrupted. Run the same command again to go on.\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("second", STATUS)
@pytest.mark.parametrize("first", STATUS)
def test_a_second_signal_does_not_disturb_the_clean_up(start, tmp_path, first, second):
    command = start(f"try:\n    {SLEEP}\nfinally:\n    print('cleaning', flush=True)\n    sys.stdin.readline()")
    command.send_signal(first)
    assert command.stdout.readline() == "cleaning\n"
    command.send_signal(second)
    _, said = command.communicate("go on\n", timeout=PATIENCE_S)
    assert (command.returncode, "Traceback" in said) == (STATUS[first], False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "body", [f"try:\n    {SLEEP}\nexcept BaseException:\n    {SLEEP}", f"try:\n    {SLEEP}\nfinally:\n    {SLEEP}"]
)
def test_a_command_that_does_not_end_in_time_is_ended_and_leaves_nothing(start, tmp_path, body):
    command = start(body, patience=0.1)
    command.send_signal(signal.SIGTERM)
    assert command.wait(timeout=PATIENCE_S) == 143
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT])
def test_a_signal_that_was_ignored_from_the_start_stays_ignored(start, number):
    """`nohup` lets a command ignore SIGHUP, and a shell lets those in the background ignore SIGINT."""
    command = start(f"{READY}; print(sys.stdin.readline())", ignored=[number])
    command.send_signal(number)
    printed, _ = command.communicate("still here\n", timeout=PATIENCE_S)
    assert (command.returncode, printed.strip()) == (0, "still here")


def test_what_a_killed_command_has_left_goes_with_the_next_command(start, tmp_path):
    killed, lives = start(), start()
    killed.kill()
    killed.wait()
    assert len(list(tmp_path.iterdir())) == 2
    third = start(READY)
    third.wait(timeout=PATIENCE_S)
    (left,) = tmp_path.iterdir()
    assert f"-{lives.pid}-" in left.name


SHOW = f"""{READY}
with progress() as bar:
    for _ in bar.track(range(3), description="Working"):
        console.print("a remark")
"""


@pytest.fixture
def dead_terminal():
    """A terminal that was closed: whoever writes to it gets an error."""
    ours, theirs = os.openpty()
    os.close(ours)
    yield theirs
    os.close(theirs)


def test_progress_on_a_terminal_that_is_gone_does_not_stop_the_work(start, dead_terminal):
    command = start(SHOW + "print('the result')", stderr=dead_terminal)
    printed, _ = command.communicate(timeout=PATIENCE_S)
    assert (command.returncode, printed) == (0, "the result\n")


@pytest.mark.parametrize("number", STATUS)
def test_a_signal_on_a_terminal_that_is_gone_has_its_status(start, dead_terminal, tmp_path, number):
    command = start(SLEEP, stderr=dead_terminal)
    command.send_signal(number)
    command.communicate(timeout=PATIENCE_S)
    assert command.returncode == STATUS[number]
    assert list(tmp_path.iterdir()) == []


def test_a_result_on_a_terminal_that_is_gone_is_status_1(dead_terminal):
    done = version_to(dead_terminal)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith("Error: ")


@pytest.mark.skipif(not FULL.exists(), reason=f"only Linux has {FULL}, a disk that is always full")
def test_a_result_on_a_full_disk_is_status_1_with_the_reason():
    with FULL.open("w") as full:
        done = version_to(full)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith("Error: The disk is full.")


def version_to(stdout):
    command = [sys.executable, "-m", "scripts", "--version"]
    return subprocess.run(command, cwd=ROOT, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False)
