"""Temporary folders, which may hold faces: they go with the process that made them, even if it was killed."""

import hashlib
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_HOST: Final = hashlib.sha256(os.uname().nodename.encode()).hexdigest()[:8]
"""In the names of temporary folders: another machine, or a container, may share the disk and has other processes."""

_TEMPORARY: Final = re.compile(rf"\.?visage-{_HOST}-([1-9][0-9]*)-\w+")

_in_use: Final[dict[Path, Callable[[Path], bool]]] = {}
"""The folders of this process, and for each whether to keep it."""


@contextmanager
def temporary_folder(home: Path | None = None, keep: Callable[[Path], bool] = lambda _: False) -> Iterator[Path]:
    """Yield an empty folder that only this user can open, and remove it afterwards with everything in it.

    It is in the system's temporary directory, or in `home`, where it is hidden. The folders that killed processes have
    left there are removed too. A folder for which `keep` is true stays.
    """
    parent = home or Path(tempfile.gettempdir())
    for folder in _temporary_folders(parent):
        if not _lives(folder):
            _remove(folder, keep)
    folder = parent / f"{'.' if home else ''}visage-{_HOST}-{os.getpid()}-{secrets.token_hex(8)}"
    _in_use[folder] = keep
    try:
        folder.mkdir(mode=0o700)
        yield folder
    finally:
        _remove(folder, keep)
        del _in_use[folder]


def remove_temporary_folders() -> None:
    """Remove the folders that this process uses: it is about to end, and cannot leave their blocks."""
    for folder, keep in tuple(_in_use.items()):
        _remove(folder, keep)


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


def _remove(folder: Path, keep: Callable[[Path], bool]) -> None:
    """Remove a folder as far as possible, even if a signal interrupts that. One for which `keep` is true stays."""
    if keep(folder):
        return
    try:
        shutil.rmtree(folder, ignore_errors=True)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
