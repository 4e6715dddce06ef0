"""Work on photos in parallel processes, one core each.

The processes come from concurrent.futures. They are started by "spawn", which works on Linux and macOS and copies no
locks or threads of the parent. They end when the parent does, however it ends: each waits at a pipe that only the
parent holds open.
"""

import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from functools import cache
from itertools import chain, islice, repeat
from multiprocessing import active_children, get_context, parent_process
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Final, NoReturn, TypeVar

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from dataset import centerface
from dataset.errors import WorkerKilledError
from preprocess.align import Aligner, predictor_file
from preprocess.detect import Detector

Task = TypeVar("Task")
Result = TypeVar("Result")

WAITING: Final = 3
"""Tasks for each process that `parallel_stream` takes at a time: one is done, and the others wait for it to end."""

_STOP_S: Final = 1.0
"""Seconds that a worker has to stop. Python cannot interrupt a library's computation.

A command that a signal ends is gone after `scripts.endings._CLEAN_UP_S` at the latest, and its workers this long after
it. Together that is less than 5 seconds."""


class _StoppedError(BaseException):
    """A worker was told to stop in the midst of a task."""


@contextmanager
def parallel_map(function: Callable[[Task], Result], tasks: Sequence[Task], workers: int) -> Iterator[Iterator[Result]]:
    """Yield an iterator over the results of `function`, which a module defines, in the tasks' order, as they come.

    When the block ends before the results do, for instance because of Ctrl-C, the processes stop in their work.

    Raises:
        WorkerKilledError: a process was killed.
    """
    if not tasks:
        yield iter(())
        return
    with _processes(min(workers, len(tasks))) as executor:
        with _left_to_the_parent():
            results = executor.map(_call, repeat(function), tasks)
        yield results


@contextmanager
def parallel_stream(
    function: Callable[[Task], Result], tasks: Iterable[Task], workers: int
) -> Iterator[Iterator[Result]]:
    """Do as `parallel_map`, for tasks that are not all there yet: `WAITING` for each process are taken at a time.

    Raises:
        WorkerKilledError: a process was killed.
    """
    coming = iter(tasks)
    first = list(islice(coming, 1))
    if not first:
        yield iter(())
        return
    with _processes(workers) as executor:
        yield _results(executor, function, chain(first, coming), WAITING * workers)


def _results(
    executor: ProcessPoolExecutor, function: Callable[[Task], Result], tasks: Iterator[Task], most: int
) -> Iterator[Result]:
    """Yield the results in order, while at most so many tasks are done or wait."""
    waiting: deque[Future[Result]] = deque()
    for task in tasks:
        with _left_to_the_parent():
            waiting.append(executor.submit(_call, function, task))
        if len(waiting) == most:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


@contextmanager
def _processes(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Yield processes, which stop when the block ends."""
    context = get_context("spawn")
    theirs, ours = context.Pipe(duplex=False)
    with theirs, ours:
        with _left_to_the_parent():
            executor = ProcessPoolExecutor(workers, context, initializer=_start, initargs=(theirs,))
        try:
            yield executor
        except BaseException as error:
            executor.shutdown(wait=False, cancel_futures=True)
            ours.close()
            _end(active_children())
            if not isinstance(error, BrokenProcessPool | _StoppedError):
                raise
            raise WorkerKilledError(
                "A worker process was killed, probably because memory ran out. Run the command again with fewer "
                "--workers; finished photos are kept."
            ) from error
        finally:
            executor.shutdown(wait=True)


def _end(workers: Sequence[BaseProcess]) -> None:
    """Wait for workers that were told to stop, and kill those that do not: a library may not let them know in time."""
    until = time.monotonic() + _STOP_S
    for worker in workers:
        worker.join(max(0.0, until - time.monotonic()))
    for worker in workers:
        worker.kill()


@contextmanager
def _left_to_the_parent() -> Iterator[None]:
    """Hold back the signals that end a command during the block. The processes that it starts never get them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start(parent: Connection) -> None:
    """Prepare a worker: it stops when the other end of the pipe `parent` is closed. SIGTERM interrupts a task."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    threading.Thread(target=_stop_after, args=(parent, threading.get_ident()), daemon=True).start()


def _stop_after(parent: Connection, working_thread: int) -> None:
    """Wait until the parent closes its end, or is gone; then interrupt all tasks, and end this process at last."""
    with suppress(EOFError, OSError):
        parent.recv_bytes()
    until = time.monotonic() + _STOP_S
    while time.monotonic() < until:
        signal.pthread_kill(working_thread, signal.SIGTERM)
        time.sleep(0.1)
    os._exit(1)


def _call(function: Callable[[Task], Result], task: Task) -> Result:
    """Call a task's function on one core, in a worker: the other cores belong to the other workers."""
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        _limit_threads("torch" in sys.modules)
        return function(task)
    except _StoppedError:
        owner = parent_process()
        if owner and not owner.is_alive():
            os._exit(1)  # nobody waits for a result
        raise
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(*_: object) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once: the files that are half written are removed now
    raise _StoppedError


@cache
def _limit_threads(_torch_is_loaded: bool) -> None:
    """Give the arithmetic libraries of this process one thread each; again once torch has brought its own."""
    threadpool_limits(1)


@cache
def face_tools(detector: Path | None = None, landmarks: Path | None = None) -> tuple[Detector, Aligner]:
    """Return the detector and the aligner, loaded once a process: of these files, or as a new bundle has them."""
    return Detector(detector or centerface.network()), Aligner(landmarks or predictor_file())
