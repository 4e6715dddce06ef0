"""Where photos are: a folder, or a prefix of S3. `batch.inventory` has the third kind, an inventory of S3."""

import os
from collections import Counter
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Final, Protocol

from batch.contract import Listed
from batch.errors import BatchUnavailableError, ChangedError, ForbiddenError, MissingError, SourceError, UnreadError
from batch.objects import Accept, Objects
from model.storage import Connect
from preprocess.errors import PhotoTooLargeError
from preprocess.files import MAX_FILE_BYTES
from preprocess.formats import START, formats_of
from preprocess.names import is_visible

HIDDEN: Final = "hidden files, and those of systems and programs"
LINKED: Final = "linked folders"
SPECIAL: Final = "neither files nor folders"
REFUSED: Final = "folders that could not be read"
"""What is left out of a listing, as the keys of `left_out`."""

_LOOKED_AT_FIRST: Final = 1_000_000
"""Bytes. Of a larger file that is no photo, only the start is read."""


class Source(Protocol):
    """Photos by their keys. Safe to share between threads.

    `left_out` counts, once `photos` has ended, what is not among them.
    """

    location: str
    left_out: Counter[str]

    def photos(self) -> Generator[Listed, None, None]:
        """Yield all photos in the order of their keys, see `batch.contract.order`.

        Raises:
            SourceError: the source cannot be listed.
            BatchError, OSError: it cannot be reached.
        """

    def read(self, listed: Listed) -> bytes:
        """Return the bytes of a photo, if it is still of the version that was listed.

        Raises:
            UnreadError: it is not, or cannot be read.
            PhotoError: it is too large, or clearly no photo.
            BatchUnavailableError: it could not be read in several attempts.
            BatchError: the source cannot be reached.
        """

    def close(self) -> None:
        """Close all connections."""


def acceptance(listed: Listed) -> Accept:
    """Return what looks at the start of a file before the rest is read.

    Raises:
        PhotoTooLargeError: the file has more than MAX_FILE_BYTES.
    """
    if listed.size > MAX_FILE_BYTES:
        raise PhotoTooLargeError(f"The file has more than {MAX_FILE_BYTES // 1_000_000} MB.")
    return formats_of if listed.size > _LOOKED_AT_FIRST else len


class FolderSource:
    """The files in a folder, however deep, without hidden ones and without the folders that links lead to."""

    def __init__(self, folder: Path) -> None:
        """List the files below `folder`."""
        self._folder = folder.absolute()
        self.location = str(self._folder)
        self.left_out: Counter[str] = Counter()

    def photos(self) -> Generator[Listed, None, None]:
        """Yield all files in the order of their keys.

        Raises:
            SourceError: there is no such folder, or it is empty.
            OSError: the folder itself cannot be read.
        """
        if not self._folder.is_dir():
            raise SourceError(f"No such folder: {self.location}. Give a folder of photos, or s3://bucket/prefix.")
        self.left_out.clear()
        empty = True
        for listed in self._below(self._folder, ""):
            empty = False
            yield listed
        if empty:
            raise SourceError(f"The folder {self.location} holds no photos. Give another one.")

    def read(self, listed: Listed) -> bytes:
        """Return the bytes of a file; see `Source.read`."""
        accept = acceptance(listed)
        if ".." in listed.key.split("/") or listed.key.startswith("/"):  # rows may come from somebody else's output
            raise MissingError(listed.key)
        try:
            with (self._folder / listed.key).open("rb") as file:
                if _version(os.fstat(file.fileno())) != listed[1:]:
                    raise ChangedError(listed.key)
                start = file.read(START)
                accept(start)
                data = start + file.read()
                if _version(os.fstat(file.fileno())) != listed[1:]:
                    raise ChangedError(listed.key)
                return data
        except FileNotFoundError as error:
            raise MissingError(listed.key) from error
        except PermissionError as error:
            raise ForbiddenError(listed.key) from error
        except OSError as error:
            raise BatchUnavailableError(f"The file cannot be read: {error.strerror or error}.") from error

    def close(self) -> None:
        """Do nothing: there are no connections."""

    def _below(self, folder: Path, prefix: str) -> Iterator[Listed]:
        try:
            with os.scandir(folder) as entries:
                found = sorted((self._kept(entry) for entry in entries), key=lambda kept: os.fsencode(kept[0]))
        except OSError:
            if not prefix:
                raise
            self.left_out[REFUSED] += 1
            return
        for name, listed in found:
            if listed is not None:
                yield Listed(prefix + name, *listed)
            elif name.endswith("/"):
                yield from self._below(folder / name, prefix + name)

    def _kept(self, entry: os.DirEntry[str]) -> tuple[str, tuple[str, int] | None]:
        """Return a file's name and version, a folder's name with a slash, or "" for what is left out."""
        try:
            if not is_visible(entry.name):
                reason = HIDDEN
            elif entry.is_dir(follow_symlinks=False):
                return f"{entry.name}/", None
            elif entry.is_file():
                return entry.name, _version(entry.stat())
            else:
                reason = LINKED if entry.is_dir() else SPECIAL
        except OSError:  # it is gone, or leads to itself
            reason = SPECIAL
        self.left_out[reason] += 1
        return "", None


class BucketSource:
    """The objects under a prefix of S3, without hidden ones and without the markers of folders."""

    def __init__(self, location: str, connect: Connect | None = None) -> None:
        """List the objects below "s3://bucket/prefix/"; it raises what `batch.objects.Objects` does."""
        self._objects = Objects(location, connect)
        self.location = self._objects.location
        self.left_out: Counter[str] = Counter()

    def photos(self) -> Generator[Listed, None, None]:
        """Yield all objects in the order of their keys.

        Raises:
            SourceError: there are none, or they may not be listed.
            BatchError: S3 cannot be reached, or refuses.
        """
        self.left_out.clear()
        empty = True
        try:
            for listed in self._objects.list():
                if is_photo_key(listed.key, self.left_out):
                    empty = False
                    yield listed
        except UnreadError as error:
            raise SourceError(
                f"Your credentials may not list {self.location}. Allow s3:ListBucket for the bucket."
            ) from error
        if empty:
            raise SourceError(f"There are no photos under {self.location}. Check the bucket and the prefix.")

    def read(self, listed: Listed) -> bytes:
        """Return the bytes of an object; see `Source.read`."""
        return self._objects.read(listed.key, listed.etag, acceptance(listed))

    def close(self) -> None:
        """Close all connections."""
        self._objects.close()


def is_photo_key(key: str, left_out: Counter[str]) -> bool:
    """Whether an object may be a photo: not the marker of a folder, and neither hidden nor in a hidden folder."""
    if not key or key.endswith("/"):
        return False
    if all(map(is_visible, key.split("/"))):
        return True
    left_out[HIDDEN] += 1
    return False


def _version(status: os.stat_result) -> tuple[str, int]:
    """Return what names a version of a file, and its size."""
    return str(status.st_mtime_ns), status.st_size
