"""Where the files of an output are: a folder, or a prefix of S3."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from batch.contract import Listed
from batch.errors import MissingError
from batch.objects import Objects
from model.storage import Connect
from preprocess.files import replacing


class Storage(Protocol):
    """The files of an output, by names with slashes. A file is complete or does not exist. Safe to share by threads.

    Each method raises BatchError or, for a folder, OSError where it cannot do its work.
    """

    location: str

    def read(self, name: str) -> bytes:
        """Return a file's content; raise MissingError if there is no such file."""

    def write(self, name: str, body: bytes) -> None:
        """Write a file, whether or not it exists."""

    def fetch(self, name: str, path: Path) -> None:
        """Copy a file, which may be large, to a path of this machine; raise MissingError if there is no such file."""

    def store(self, name: str, path: Path) -> None:
        """Copy a file of this machine, which may be large, to a file."""

    def names(self, folder: str) -> Iterator[str]:
        """Yield the names of the files in a folder, without the folder's."""

    def listed(self, folder: str) -> Iterator[Listed]:
        """Yield the files in a folder; their keys are without the folder's name."""

    def remove(self, name: str) -> None:
        """Remove a file, if it exists."""

    def close(self) -> None:
        """Close all connections."""


def storage_at(location: str, connect: Connect | None = None) -> Storage:
    """Return the storage at "s3://bucket/prefix", or in the folder at the path `location`.

    Raises:
        StorageError: the location has another form, or the AWS settings cannot be used.
    """
    if location.startswith("s3://"):
        return BucketStorage(location, connect)
    return FolderStorage(Path(location))


class FolderStorage:
    """The files of an output in a folder, which is made when the first file is written."""

    def __init__(self, folder: Path) -> None:
        """Use the folder."""
        self.location, self._folder = str(folder), folder

    def read(self, name: str) -> bytes:
        """Return a file's content; raise MissingError if there is no such file."""
        try:
            return (self._folder / name).read_bytes()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise MissingError(f"There is no {name} in {self.location}.") from error

    def write(self, name: str, body: bytes) -> None:
        """Write a file, whether or not it exists."""
        with replacing(self._folder / name) as unfinished:
            unfinished.write_bytes(body)

    def fetch(self, name: str, path: Path) -> None:
        """Copy a file to a path of this machine; raise MissingError if there is no such file."""
        try:
            shutil.copyfile(self._folder / name, path)
        except FileNotFoundError as error:
            raise MissingError(f"There is no {name} in {self.location}.") from error

    def store(self, name: str, path: Path) -> None:
        """Copy a file of this machine to a file."""
        with replacing(self._folder / name) as unfinished:
            shutil.copyfile(path, unfinished)

    def names(self, folder: str) -> Iterator[str]:
        """Yield the names of the files in a folder, without the folder's and without unfinished ones."""
        path = self._folder / folder
        if path.is_dir():
            with os.scandir(path) as files:
                yield from (file.name for file in files if not file.name.endswith(".part"))

    def listed(self, folder: str) -> Iterator[Listed]:
        """Yield the files in a folder, without unfinished ones; their keys are without the folder's name."""
        path = self._folder / folder
        if path.is_dir():
            with os.scandir(path) as files:
                for file in files:
                    if not file.name.endswith(".part"):
                        found = file.stat()
                        yield Listed(file.name, str(found.st_mtime_ns), found.st_size)

    def remove(self, name: str) -> None:
        """Remove a file, if it exists."""
        (self._folder / name).unlink(missing_ok=True)

    def close(self) -> None:
        """Do nothing: there are no connections."""


class BucketStorage:
    """The files of an output under a prefix of S3."""

    def __init__(self, location: str, connect: Connect | None = None) -> None:
        """Use "s3://bucket/prefix"; it raises what `batch.objects.Objects` does."""
        self._objects = Objects(location, connect)
        self.location = self._objects.location

    def read(self, name: str) -> bytes:
        """Return a file's content; raise MissingError if there is no such file."""
        return self._objects.read(name)

    def write(self, name: str, body: bytes) -> None:
        """Write a file, whether or not it exists."""
        self._objects.write(name, body)

    def fetch(self, name: str, path: Path) -> None:
        """Copy a file to a path of this machine; raise MissingError if there is no such file."""
        self._objects.download(name, path)

    def store(self, name: str, path: Path) -> None:
        """Copy a file of this machine to a file."""
        self._objects.upload(path, name)

    def names(self, folder: str) -> Iterator[str]:
        """Yield the names of the files in a folder, without the folder's."""
        for listed in self.listed(folder):
            yield listed.key

    def listed(self, folder: str) -> Iterator[Listed]:
        """Yield the files in a folder; their keys are without the folder's name."""
        for listed in self._objects.list(f"{folder}/"):
            yield listed._replace(key=listed.key.removeprefix(f"{folder}/"))

    def remove(self, name: str) -> None:
        """Remove a file, if it exists."""
        self._objects.remove(name)

    def close(self) -> None:
        """Close all connections."""
        self._objects.close()
