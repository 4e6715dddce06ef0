"""Runs Python in a process of its own; and in this one the command line, and the work of worker processes."""

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest

from dataset import workers
from model.settings import ROOT
from scripts import command_line


def python(script, **environment):
    """Run `script` in an interpreter of its own and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.strip()


def heed_signals():
    """Receive Ctrl-C in a new process. Background jobs of a shell ignore it, and the tests may be such a job."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def started(words, **options):
    """Start Python with these words in a process group of its own, as a terminal does; its errors are read as text."""
    return subprocess.Popen(
        [sys.executable, *map(str, words)],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=heed_signals,  # noqa: PLW1509  # no thread runs here
        **options,
    )


def exit_code():
    """Run the command line in this process, with the words of sys.argv; return its exit code."""
    with pytest.raises(SystemExit) as caught:
        command_line.run()
    return caught.value.code


class Ended(NamedTuple):
    """A command that has ended: its exit status, and what it printed to standard output and standard error."""

    status: int
    out: str
    err: str


@pytest.fixture
def visage(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture) -> Callable[..., Ended]:
    """Run `visage` in this process, which saves its imports. What libraries in C print is part of what it printed."""

    def visage(*words: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["visage", *map(str, words)])
        return Ended(exit_code() or 0, *capfd.readouterr())

    return visage


class _NoProcesses:
    """Stands in for the pool of worker processes. It does their work in this process, on copies as they get them."""

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def map(self, function: Callable[..., object], *arguments: Iterable[object]) -> Iterator[object]:
        for given in zip(*arguments, strict=False):
            yield _sent(function(*_sent(given)))

    def submit(self, function: Callable[..., object], *given: object) -> Future[object]:
        future: Future[object] = Future()
        try:
            future.set_result(_sent(function(*_sent(given))))
        except Exception as error:  # noqa: BLE001  # as a process hands it on
            future.set_exception(error)
        return future

    def shutdown(self, **_: object) -> None:
        pass


def _sent(value: Any) -> Any:
    """Return a value as it arrives in another process."""
    return pickle.loads(pickle.dumps(value))  # noqa: S301  # our own


@contextmanager
def without_workers() -> Iterator[None]:
    """Do the work of worker processes in this one, which saves the start of each: seconds, most of them for torch."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workers, "ProcessPoolExecutor", _NoProcesses)
        patch.setattr(workers, "_limit_threads", lambda _: None)
        yield


@pytest.fixture
def no_workers() -> Iterator[None]:
    """For tests of what is done, and not of how it is divided among processes; `test_workers.py` has those."""
    with without_workers():
        yield
