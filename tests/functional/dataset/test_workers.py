"""Work in several processes: results in order, one core each, and a sentence when a process is killed."""

import operator
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
import torch
from threadpoolctl import threadpool_info

from dataset.errors import WorkerKilledError
from dataset.workers import parallel_map
from model.settings import ROOT
from scripts.console import CACHE

PATIENCE_S = 120


def test_results_come_in_the_tasks_order():
    assert list(parallel_map(abs, [-3, -1, -2], 2)) == [3, 1, 2]


def test_without_tasks_no_process_starts():
    assert list(parallel_map(abs, [], 2)) == []


def test_a_killed_worker_is_reported():
    with pytest.raises(WorkerKilledError, match="fewer --workers"):
        list(parallel_map(os._exit, [1], 1))


def test_a_worker_has_one_core_for_its_arithmetic():
    assert list(parallel_map(operator.call, [torch.get_num_threads], 1)) == [1]
    (libraries,) = parallel_map(operator.call, [threadpool_info], 1)
    assert {library["num_threads"] for library in libraries} == {1}


def test_workers_do_not_change_the_environment():
    before = dict(os.environ)
    (inside,) = parallel_map(operator.methodcaller("copy"), [os.environ.copy()], 1)
    assert (dict(os.environ), inside) == (before, before)


@pytest.mark.usefixtures("weights")
def test_ctrl_c_keeps_what_is_done_and_the_same_command_goes_on(samples, tmp_path):
    """Run the real command, and interrupt it as a terminal does."""
    for number in range(24):
        target = tmp_path / "photos" / "Obama" / f"{number:02}.jpg"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(samples / "people" / "Barack Obama" / "obama.jpg", target)
    journal = tmp_path / "aligned" / ".visage" / "journal.jsonl"
    with start(tmp_path) as first:
        wait_for_a_line(journal, first)
        first.send_signal(signal.SIGINT)
        _, said = first.communicate(timeout=PATIENCE_S)
    assert first.returncode == 130
    assert "Run the same command again" in said
    done = journal.read_text(encoding="utf-8").split("\n")
    assert 0 < len(done) - 1 < 24
    with start(tmp_path) as second:
        second.communicate(timeout=PATIENCE_S)
    assert second.returncode == 0
    assert journal.read_text(encoding="utf-8").split("\n")[: len(done)] == done


def start(folder):
    command = [sys.executable, "-m", "scripts", "prepare", str(folder / "photos"), str(folder / "aligned")]
    return subprocess.Popen(
        [*command, "--pretrained", "casia-webface", "--workers", "1"],
        cwd=ROOT,
        env={**os.environ, "VISAGE_CACHE": str(CACHE)},
        preexec_fn=listen_to_ctrl_c,  # noqa: PLW1509  no thread runs here
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def listen_to_ctrl_c():
    """Let this process receive Ctrl-C. Background jobs of a shell ignore it, and the tests may be such a job."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def wait_for_a_line(journal, process):
    until = time.monotonic() + PATIENCE_S
    while not (journal.exists() and journal.stat().st_size):
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < until
        time.sleep(0.02)
