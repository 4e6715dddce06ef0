"""Work in several processes: results in order, one core each, and no process stays behind."""

import operator
import os
import signal
import subprocess
from contextlib import ExitStack

import pytest
import torch
from threadpoolctl import threadpool_info

from dataset.errors import WorkerKilledError
from dataset.workers import WAITING, parallel_map, parallel_stream
from model.settings import ROOT
from tests.processes import started

PATIENCE_S = 60


def results(function, tasks, workers):
    with parallel_map(function, tasks, workers) as found:
        return list(found)


def test_results_come_in_the_tasks_order():
    assert results(abs, [-3, -1, -2], 2) == [3, 1, 2]


def test_without_tasks_no_process_starts():
    assert results(abs, [], 2) == []


def test_a_stream_of_tasks_is_taken_as_it_is_wanted():
    taken = []

    def tasks():
        for number in range(-50, 0):
            taken.append(number)
            yield number

    with parallel_stream(abs, tasks(), 2) as found:
        assert next(found) == 50
        assert len(taken) <= 2 * WAITING + 1
        assert list(found) == list(range(49, 0, -1))


def test_a_stream_without_tasks_starts_no_process():
    with parallel_stream(abs, iter(()), 2) as found:
        assert list(found) == []


def test_a_killed_worker_of_a_stream_is_reported():
    with pytest.raises(WorkerKilledError, match="fewer --workers"), parallel_stream(os._exit, [1], 1) as found:
        list(found)


def test_a_killed_worker_is_reported():
    with pytest.raises(WorkerKilledError, match="fewer --workers"):
        results(os._exit, [1], 1)


def test_a_worker_has_one_core_for_its_arithmetic():
    assert results(operator.call, [torch.get_num_threads], 1) == [1]
    (libraries,) = results(operator.call, [threadpool_info], 1)
    assert {library["num_threads"] for library in libraries} == {1}


def test_workers_do_not_change_the_environment():
    before = dict(os.environ)
    (inside,) = results(operator.methodcaller("copy"), [os.environ.copy()], 1)
    assert (dict(os.environ), inside) == (before, before)


WORK = """
import hashlib, sys, time
from pathlib import Path
from dataset.workers import parallel_map
from preprocess.files import replacing
from scripts import command_line, endings
from scripts.__main__ import main

def write_slowly(path):
    with replacing(path) as unfinished:
        unfinished.touch()
        time.sleep(600)

def work():
    tasks = [Path(sys.argv[1], str(number)) for number in range(4)]
    with parallel_map(write_slowly, tasks, 2) as results:
        while len(list(Path(sys.argv[1]).iterdir())) < 2:
            time.sleep(0.01)
        print("ready", flush=True)
        {body}

def compute():
    while True:
        try:
            hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)
        except BaseException:
            pass

if __name__ == "__main__":
    endings._CLEAN_UP_S = {patience}
    command_line.application = lambda: work
    main()
"""
"""A command with two workers, each of which takes ten minutes to write a file if nothing stops it.

`compute` is as long a call of a library, which no signal interrupts."""

WAIT = ("list(results)", PATIENCE_S)
COMPUTE = ("compute()", 0.1)


@pytest.mark.parametrize(
    ("number", "send", "status", "work"),
    [
        (signal.SIGINT, os.killpg, 130, WAIT),
        (signal.SIGINT, os.kill, 130, WAIT),
        (signal.SIGTERM, os.killpg, 143, WAIT),
        (signal.SIGTERM, os.kill, 143, WAIT),
        (signal.SIGHUP, os.killpg, 129, WAIT),
        (signal.SIGKILL, os.kill, -9, WAIT),
        (signal.SIGTERM, os.kill, 143, COMPUTE),
    ],
)
def test_workers_and_their_files_are_gone_with_the_command(tmp_path, number, send, status, work):
    """A terminal signals all processes of a command (killpg), a supervisor only the first (kill)."""
    script, folder = tmp_path / "work.py", tmp_path / "files"
    body, patience = work
    script.write_text(WORK.format(body=body, patience=patience))
    folder.mkdir()
    with (
        started([script, folder], env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE) as command,
        ExitStack() as stack,
    ):
        stack.callback(command.kill)
        assert command.stdout.readline() == "ready\n"
        send(command.pid, number)
        # Workers inherit the pipes, which end when the last process of the command does.
        _, said = command.communicate(timeout=PATIENCE_S)
    assert command.returncode == status
    if work is COMPUTE:
        said = said[: said.find("\n") + 1]  # Python warns after it that it removes the semaphores of multiprocessing
    assert number == signal.SIGKILL or said == "Interrupted. Run the same command again to go on.\n"
    assert list(folder.iterdir()) == []
