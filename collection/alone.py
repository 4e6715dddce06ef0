"""Lets one command at a time change a folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout


@contextmanager
def alone(lock: Path, busy: Exception) -> Iterator[None]:
    """Hold the file `lock` during the block; missing folders are made.

    The system lets go of it when the process ends, however it does.

    Raises:
        Exception: `busy`, where another process holds it.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    held = FileLock(lock, timeout=0)
    try:
        held.acquire()
    except Timeout as error:
        raise busy from error
    try:
        yield
    finally:
        held.release()
