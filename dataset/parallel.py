"""Spreads work on photos over processes, one core each."""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import TypeVar

from dataset.errors import WorkerKilledError

Task = TypeVar("Task")
Result = TypeVar("Result")


def spread(function: Callable[[Task], Result], tasks: Sequence[Task], workers: int) -> Iterator[Result]:
    """Yield the results of `function`, a module's own, in the tasks' order, as they come.

    Raises:
        WorkerKilledError: a process was killed.
    """
    if not tasks:
        return
    executor = ProcessPoolExecutor(min(workers, len(tasks)), get_context("spawn"), initializer=_start)
    try:
        yield from executor.map(function, tasks)
    except BrokenProcessPool as error:
        raise WorkerKilledError(
            "A worker process was killed, most likely for want of memory. Run it again with fewer --workers; "
            "what is done is kept."
        ) from error
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _start() -> None:
    """Leave Ctrl-C to the parent, which drops what has not begun; and the other cores to the other workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["OMP_NUM_THREADS"] = "1"  # torch reads it when it is first imported, after this
