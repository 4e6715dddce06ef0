"""Writes files that are complete or do not exist, makes temporary folders, reads JSON, and computes SHA-256."""

import errno
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_LEFT_ON_A_FULL_DISK: Final = 1_000_000
"""Bytes. A library that writes in large pieces may leave some free on a disk that was too small for it."""

_HOST: Final = hashlib.sha256(os.uname().nodename.encode()).hexdigest()[:8]
"""In the names of temporary folders: another machine, or a container, may share the disk and has other processes."""

_TEMPORARY: Final = re.compile(rf"\.?visage-{_HOST}-([1-9][0-9]*)-\w+")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the folder of `path`. When the block ends, the file there is renamed to `path`.

    If the block raises, the temporary file is removed, and a former file at `path` stays. Missing folders are made.

    Raises:
        OSError: the file cannot be written, for instance because the disk is full, whatever the block raised then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.part")
    try:
        with full_disk_as_oserror(path):
            yield unfinished
            unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


@contextmanager
def full_disk_as_oserror(path: Path) -> Iterator[None]:
    """Raise an OSError with the name `path` where the block fails because the disk of `path` is full.

    Some libraries, such as torch and ONNX Runtime, raise an error of their own then, which does not give the reason.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL and error.filename is None:
            error.filename = str(path)
        raise
    except Exception as error:
        if shutil.disk_usage(path.parent).free > _LEFT_ON_A_FULL_DISK:
            raise
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from error


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file; it never exists half written."""
    with replacing(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


def read_json(path: Path) -> Any:
    """Return the content of a JSON file.

    Raises:
        ValueError: it is not JSON in UTF-8, or nested too deeply.
        OSError: the file is missing or cannot be read.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except RecursionError as error:
        raise ValueError(f"{path} is nested too deeply.") from error


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


def sha256_of(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
