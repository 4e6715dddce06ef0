"""Writes files that are complete or do not exist, reads photos and JSON, finds packages, and computes SHA-256."""

import errno
import hashlib
import importlib.util
import json
import os
import shutil
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from preprocess.errors import PhotoTooLargeError

MAX_FILE_BYTES: Final = 200_000_000
"""A file with more is not read: it is no photo, or nothing that could be decoded in time, see `preprocess.limits`."""

DAMAGED_ARRAYS: Final = (
    AttributeError,
    EOFError,
    KeyError,
    MemoryError,
    NotImplementedError,
    OSError,
    TypeError,
    ValueError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
"""What NumPy raises for a damaged file of arrays (`.npz`): its own errors, and those of the libraries under it."""

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_LEFT_ON_A_FULL_DISK: Final = 1_000_000
"""Bytes. A library that writes in large pieces may leave some free on a disk that was too small for it."""


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
        ValueError: it is not JSON in UTF-8, is nested too deeply, or has half of a character (a surrogate), which no
            file of ours has and none can be written with.
        OSError: the file is missing or cannot be read.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        json.dumps(value, ensure_ascii=False).encode()
    except RecursionError as error:
        raise ValueError(f"{path} is nested too deeply.") from error
    return value


def read_photo(path: Path) -> bytes:
    """Return the bytes of a photo's file.

    Raises:
        PhotoTooLargeError: the file has more than `MAX_FILE_BYTES`.
        OSError: the file is missing or cannot be read.
    """
    if path.stat().st_size > MAX_FILE_BYTES:
        raise PhotoTooLargeError(f"The file has more than {MAX_FILE_BYTES // 1_000_000} MB.")
    return path.read_bytes()


def package_folder(package: str, *, distribution: str | None = None, command: str = "make setup") -> Path:
    """Return the folder of an installed package, which is located and not imported: only files in it are wanted.

    `distribution` is what pip calls it, if that is another name, and `command` installs it.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"{distribution or package} is not installed; run `{command}`.", name=package)
    return Path(spec.submodule_search_locations[0])


def sha256_of(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
