"""How a command ends by a signal and without its terminal: what it says, its status, and that nothing is left."""

import os
import signal
import subprocess
import sys
import termios
from contextlib import suppress
from pathlib import Path

import pytest

from dataset import workers
from model.settings import ROOT
from scripts import endings

COMMAND = """
import hashlib, sys, time
from pathlib import Path
from preprocess.temporary import temporary_folder
from scripts import command_line, endings
from scripts.__main__ import main
from scripts.console import console, progress

def command():
    with temporary_folder() as folder, temporary_folder(Path({home!r})) as beside:
        (folder / "face.jpg").write_bytes(b"a face")
        (beside / "face.jpg").write_bytes(b"a face")
        {body}

endings._CLEAN_UP_S = {patience}
command_line.application = lambda: command
main()
"""
READY = "print('ready', flush=True)"
SLEEP = f"{READY}; time.sleep(600)"
PATIENCE_S = 60
FULL = Path("/dev/full")


def heed(ignored=()):
    """Let a process receive all signals but those `ignored`. The tests may be a job that ignores some itself."""
    for number in endings.SIGNALS:
        signal.signal(number, signal.SIG_IGN if number in ignored else signal.SIG_DFL)


@pytest.fixture
def start(tmp_path):
    """Return a function that starts a command with a temporary folder and waits until it is in the midst of it."""
    running = []

    def start(body=SLEEP, patience=PATIENCE_S, ignored=(), **options):
        body = body.replace("\n", "\n        ")
        process = subprocess.Popen(
            [sys.executable, "-c", COMMAND.format(body=body, patience=patience, home=str(tmp_path))],
            cwd=ROOT,
            env=os.environ | {"TMPDIR": str(tmp_path)},
            preexec_fn=lambda: heed(ignored),  # noqa: PLW1509  # no thread runs here
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


COMPUTE = f"""{READY}
while True:
    try:
        hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)
    except BaseException:
        pass
"""
"""Ten minutes in one call of a library, which releases Python's lock (the GIL) and which no signal interrupts."""


@pytest.mark.parametrize("number", STATUS)
@pytest.mark.parametrize(
    "body",
    [f"try:\n    {SLEEP}\nexcept BaseException:\n    {SLEEP}", f"try:\n    {SLEEP}\nfinally:\n    {SLEEP}", COMPUTE],
    ids=["swallows the exception", "cleans up for ever", "computes in a library"],
)
def test_a_command_that_does_not_end_in_time_is_ended_with_its_status_and_leaves_nothing(start, tmp_path, body, number):
    command = start(body, patience=0.1)
    command.send_signal(number)
    _, said = command.communicate(timeout=PATIENCE_S)
    assert (command.returncode, said) == (STATUS[number], "Interrupted. Run the same command again to go on.\n")
    assert list(tmp_path.iterdir()) == []


def test_a_library_that_keeps_the_lock_of_python_delays_the_end_until_it_returns(start, tmp_path):
    command = start(f"{READY}; sum(range(3 * 10**7)); {SLEEP}", patience=0.1)
    command.send_signal(signal.SIGTERM)
    _, said = command.communicate(timeout=PATIENCE_S)
    assert (command.returncode, said) == (143, "Interrupted. Run the same command again to go on.\n")
    assert list(tmp_path.iterdir()) == []


def test_a_command_and_after_it_its_workers_have_less_than_5_seconds_to_end():
    assert endings._CLEAN_UP_S + workers._STOP_S < 5


@pytest.fixture(params=["terminal", "pipe"])
def unread(request):
    """Standard error that takes nothing: a terminal that was stopped with Ctrl-S, or a pipe that nobody reads."""
    ours, theirs = os.openpty() if request.param == "terminal" else os.pipe()
    if request.param == "terminal":
        termios.tcflow(theirs, termios.TCOOFF)
    else:
        os.set_blocking(theirs, False)
        with suppress(BlockingIOError):
            while True:
                os.write(theirs, bytes(512))
        os.set_blocking(theirs, True)
    yield theirs
    os.close(ours)
    os.close(theirs)


def test_a_signal_ends_a_command_whose_output_nobody_takes(start, unread, tmp_path):
    command = start(f"{READY}; console.print('Working')", patience=0.1, stderr=unread)
    command.send_signal(signal.SIGINT)
    command.communicate(timeout=PATIENCE_S)
    assert command.returncode == 130
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", STATUS)
def test_a_library_that_turns_the_exception_of_a_signal_into_its_own_does_not_hide_the_signal(start, number):
    command = start(f"try:\n    {SLEEP}\nexcept BaseException as error:\n    raise RuntimeError from error")
    command.send_signal(number)
    _, said = command.communicate(timeout=PATIENCE_S)
    assert (command.returncode, said) == (STATUS[number], "Interrupted. Run the same command again to go on.\n")


def test_a_command_that_a_signal_ends_with_success_has_status_0(start):
    """Ctrl-C is how one ends `visage demo`."""
    command = start(f"try:\n    {SLEEP}\nexcept KeyboardInterrupt:\n    pass")
    command.send_signal(signal.SIGINT)
    _, said = command.communicate(timeout=PATIENCE_S)
    assert (command.returncode, said) == (0, "")


@pytest.mark.parametrize("number", STATUS)
@pytest.mark.parametrize(
    ("module", "words"),
    [("typer", ["--help"]), ("numpy", ["prepare", "photos", "aligned"])],
    ids=["of the command line", "of a command"],
)
def test_a_signal_during_the_imports_ends_quietly(tmp_path, module, words, number):
    (tmp_path / f"{module}.py").write_text(f"import os, time; os.kill(os.getpid(), {number:d}); time.sleep(600)")
    done = subprocess.run(
        [sys.executable, "-m", "scripts", *words],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        preexec_fn=heed,  # no thread runs here
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (STATUS[number], "")
    assert done.stderr == "Interrupted. Run the same command again to go on.\n"


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
    before = {path.name for path in tmp_path.iterdir()}
    third = start(READY)
    third.wait(timeout=PATIENCE_S)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {name for name in before if f"-{lives.pid}-" in name}
    assert len(before) == 2 * len(left) == 4


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
    command = start(SHOW + "sys.stdin.readline(); print('the result')", stderr=dead_terminal)
    printed, _ = command.communicate("go on\n", timeout=PATIENCE_S)
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
