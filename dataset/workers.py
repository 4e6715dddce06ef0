"""Work on photos in parallel processes, one core each.

The processes come from concurrent.futures. They are started by "spawn", which works on Linux and macOS and copies no
locks or threads of the parent. They end when the parent does, however it ends: each waits at a pipe that only the
parent holds open.
"""

import _thread
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from functools import cache
from itertools import repeat
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final, TypeVar

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from dataset.errors import WorkerKilledError
from preprocess.align import Aligner, predictor_file
from preprocess.detect import Detector

Task = TypeVar("Task")
Result = TypeVar("Result")

_LAST_CALL_S: Final = 2
"""Seconds in which a worker must have left what it does. Python cannot interrupt a library's computation."""


@contextmanager
def parallel_map(
    function: Callable[[Task], Result], tasks: Sequence[Task], workers: int
) -> Iterator[Iterator[Result]]:
    """Yield an iterator over the results of `function`, which a module defines, in the tasks' order, as they come.

    When the block ends before the results do, for instance because of Ctrl-C, the processes stop in their work.

    Raises:
        WorkerKilledError: a process was killed.
    """
    if not tasks:
        yield iter(())
        return
    context = get_context("spawn")
    theirs, ours = context.Pipe(duplex=False)
    with theirs, ours:
        with _left_to_the_parent():
            executor = ProcessPoolExecutor(min(workers, len(tasks)), context, initializer=_start, initargs=(theirs,))
        try:
            with _left_to_the_parent():
                results = executor.map(_call, repeat(function), tasks)
            yield results
        except BaseException as error:
            ours.close()
            if not isinstance(error, BrokenProcessPool):
                raise
            raise WorkerKilledError(
                "A worker process was killed, probably because memory ran out. Run the command again with fewer "
                "--workers; finished photos are kept."
            ) from error
        finally:
            executor.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _left_to_the_parent() -> Iterator[None]:
    """Hold back the signals of a terminal during the block. The processes that it starts never get them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start(parent: Connection) -> None:
    """Prepare a worker: it ends on SIGTERM, and when the other end of the pipe `parent` is closed."""
    signal.signal(signal.SIGTERM, _stop)
    _thread.start_new_thread(_stop_after, (parent,))


def _stop(*_: object) -> None:
    sys.exit(1)  # an exception, so that files that are half written are removed


def _stop_after(parent: Connection) -> None:
    """Wait for the end of the parent or of its work, and end this process."""
    with suppress(EOFError, OSError):
        parent.recv_bytes()
    _thread.interrupt_main(signal.SIGTERM)
    time.sleep(_LAST_CALL_S)
    os._exit(1)


def _call(function: Callable[[Task], Result], task: Task) -> Result:
    """Call a task's function on one core, in a worker: the other cores belong to the other workers."""
    try:
        _limit_threads("torch" in sys.modules)
        return function(task)
    except SystemExit:  # the executor would take it for the task's result
        os._exit(1)


@cache
def _limit_threads(_torch_is_loaded: bool) -> None:
    """Give the arithmetic libraries of this process one thread each; again once torch has brought its own."""
    threadpool_limits(1)


@cache
def face_tools(landmarks: Path | None = None) -> tuple[Detector, Aligner]:
    """Return the detector and the aligner, loaded once a process; `landmarks` is another predictor's file."""
    return Detector(), Aligner(landmarks or predictor_file())
