"""A file that several programs read and replace, in the same way as an object in S3 (`model.storage.SharedObject`)."""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from model.errors import SharedChangedError, SharedError, SharedMissingError
from model.storage import Content
from preprocess.files import replacing


class SharedFile:
    """A file on this machine. Nobody replaces a version that they have not read."""

    def __init__(self, path: Path) -> None:
        """Use the file at `path`. While it is replaced, a file beside it, `.NAME.lock`, is locked."""
        self._path = path

    def read(self) -> Content:
        """Return the file.

        Raises:
            SharedMissingError: there is none.
            SharedError: it cannot be read.
        """
        try:
            return _content(self._path.read_bytes())
        except FileNotFoundError as error:
            raise SharedMissingError(f"There is nothing at {self._path}.") from error
        except OSError as error:
            raise SharedError(f"{self._path} cannot be read: {error.strerror or error}.") from error

    def newer(self, known: str) -> Content | None:
        """Return the file, or None if its version is still the one with the ETag `known`, "" for none.

        Raises:
            SharedError: as `read` does.
        """
        content = self.read()
        return None if content.etag == known else content

    def link(self) -> None:
        """Return no address: a file has none for other machines."""

    def replace(self, body: bytes, seen: str = "") -> str:
        """Replace the version with the ETag `seen`, and return the new one's; without one, make the file.

        Raises:
            SharedChangedError: that version is no longer the newest, or the file exists.
            SharedError: the file cannot be written, for instance because the disk is full. It stays as it was.
        """
        try:
            with self._locked():
                found = _content(self._path.read_bytes()).etag if self._path.exists() else ""
                if found != seen:
                    raise SharedChangedError(f"Somebody else has changed {self._path}.")
                with replacing(self._path) as unfinished:
                    unfinished.write_bytes(body)
        except OSError as error:
            raise SharedError(f"{self._path} cannot be written: {error.strerror or error}.") from error
        return _content(body).etag

    def sibling(self, name: str) -> "SharedFile":
        """Return another file, in a folder beside this one."""
        return SharedFile(self._path.with_suffix("") / name)

    def put(self, body: bytes, content_type: str) -> None:  # noqa: ARG002  # files have no content types
        """Write the file, whether or not there is one.

        Raises:
            SharedError: it cannot be written.
        """
        try:
            with replacing(self._path) as unfinished:
                unfinished.write_bytes(body)
        except OSError as error:
            raise SharedError(f"{self._path} cannot be written: {error.strerror or error}.") from error

    def delete(self) -> None:
        """Delete the file, if there is one.

        Raises:
            SharedError: it cannot be deleted.
        """
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            raise SharedError(f"{self._path} cannot be deleted: {error.strerror or error}.") from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the lock, which the system releases when this process ends, however it ends."""
        # It imports asyncio, which a function does not need.
        from filelock import FileLock  # noqa: PLC0415

        self._path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self._path.with_name(f".{self._path.name}.lock")):
            yield


def _content(body: bytes) -> Content:
    return Content(body, sha256(body).hexdigest())
