"""Temporary folders, which may hold faces: they go with the process that made them, even if it was killed."""

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_HOST: Final = hashlib.sha256(os.uname().nodename.encode()).hexdigest()[:8]
"""In the names of temporary folders: another machine, or a container, may share the disk and has other processes."""

_TEMPORARY: Final = re.compile(rf"\.?visage-{_HOST}-([1-9][0-9]*)-\w+")


@contextmanager
def temporary_folder(home: Path | None = None, keep: Callable[[Path], bool] = lambda _: False) -> Iterator[Path]:
    """Yield an empty folder that only this user can open, and remove it afterwards with everything in it.

    It is in the system's temporary directory, or in `home`, where it is hidden. The folders that killed processes have
    left there are removed too. A folder for which `keep` is true stays.
    """
    parent = home or Path(tempfile.gettempdir())
    for folder in _temporary_folders(parent):
        if not (_lives(folder) or keep(folder)):
            _remove(folder)
    prefix = f"{'.' if home else ''}visage-{_HOST}-{os.getpid()}-"
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    try:
        yield folder
    finally:
        if not keep(folder):
            _remove(folder)


def remove_temporary_folders() -> None:
    """Remove the folders that this process has made in the system's temporary directory, whoever uses them."""
    for folder in _temporary_folders(Path(tempfile.gettempdir())):
        if _owner(folder) == os.getpid():
            _remove(folder)


def process_lives(process: int) -> bool:
    """Whether this machine has a process with this number."""
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # it is another user's
        pass
    return True


def _temporary_folders(parent: Path) -> list[Path]:
    """Return the temporary folders that processes of this machine have made in a folder."""
    return [path for path in parent.iterdir() if _TEMPORARY.fullmatch(path.name)]


def _owner(folder: Path) -> int:
    match = _TEMPORARY.fullmatch(folder.name)
    return int(match[1]) if match else 0


def _lives(folder: Path) -> bool:
    return process_lives(_owner(folder))


def _remove(folder: Path) -> None:
    """Remove a folder as far as possible, even if a signal interrupts that."""
    try:
        shutil.rmtree(folder, ignore_errors=True)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
