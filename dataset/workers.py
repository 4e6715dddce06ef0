"""Work on photos in parallel processes, one core each.

The processes come from concurrent.futures. They are started by "spawn", which works on Linux and macOS and copies no
locks or threads of the parent.
"""

import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from dataset.errors import WorkerKilledError
from preprocess.align import Aligner, predictor_file
from preprocess.detect import Detector

Task = TypeVar("Task")
Result = TypeVar("Result")


def parallel_map(function: Callable[[Task], Result], tasks: Sequence[Task], workers: int) -> Iterator[Result]:
    """Yield the results of `function`, which a module defines, in the tasks' order, as they come.

    Raises:
        WorkerKilledError: a process was killed.
    """
    if not tasks:
        return
    executor = ProcessPoolExecutor(min(workers, len(tasks)), get_context("spawn"), initializer=_start)
    try:
        yield from executor.map(_call, repeat(function), tasks)
    except BrokenProcessPool as error:
        raise WorkerKilledError(
            "A worker process was killed, probably because memory ran out. Run the command again with fewer "
            "--workers; finished photos are kept."
        ) from error
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _start() -> None:
    """Leave Ctrl-C to the parent, which cancels the tasks that have not begun."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _call(function: Callable[[Task], Result], task: Task) -> Result:
    """Call a task's function on one core, in a worker: the other cores belong to the other workers."""
    _limit_threads("torch" in sys.modules)
    return function(task)


@cache
def _limit_threads(_torch_is_loaded: bool) -> None:
    """Give the arithmetic libraries of this process one thread each; again once torch has brought its own."""
    threadpool_limits(1)


@cache
def face_tools(landmarks: Path | None = None) -> tuple[Detector, Aligner]:
    """Return the detector and the aligner, loaded once a process; `landmarks` is another predictor's file."""
    return Detector(), Aligner(landmarks or predictor_file())
