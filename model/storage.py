"""Files with their sizes and checksums: on disk, in S3, and on their way from there."""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from model.errors import BundleError, BundleUnavailableError

_PARTS: Final = 4
"""Fetched at once. That fills what a function has of the network; ten, boto3's default, only take turns at Python."""

_CONNECTIONS: Final = 2 * _PARTS
"""To S3 at once: what fetches no part asks for sizes."""

OnProgress = Callable[[str, int, int], None]
"""Which file, bytes done, bytes in all."""

Connect = Callable[..., Any]
"""Makes a client as boto3.client does: takes the service's name and the keyword `config`."""


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file's size in bytes and its hexadecimal SHA-256."""

    size: int
    sha256: str


def entry_of(path: Path) -> FileEntry:
    """Return a file's size and SHA-256."""
    with path.open("rb") as file:
        return FileEntry(path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())


class _Arriving:
    """A file that is hashed while it is written, front to back, and takes its own name only if it is right.

    It can do nothing but write: that makes boto3 hand over the parts that it fetches side by side in their order.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
        self._file = self._unfinished.open("wb")
        self._digest = hashlib.sha256()

    def write(self, data: bytes) -> None:
        """Take what comes next."""
        self._digest.update(data)
        self._file.write(data)

    def finish(self, entry: FileEntry) -> bool:
        """Close the file, and tell whether it is the one in the manifest."""
        self._file.close()
        right = self._digest.hexdigest() == entry.sha256
        if right:
            self._unfinished.replace(self._path)
        return right

    def discard(self) -> None:
        """Close the file, and remove what has not its own name yet."""
        self._file.close()
        self._unfinished.unlink(missing_ok=True)


class Bucket:
    """The files under one S3 prefix; every failure is a BundleError.

    `connect` makes the client; without it, boto3 does with the credentials and the region of the environment.
    """

    def __init__(self, location: str, connect: Connect | None = None) -> None:
        self._name, _, prefix = location.removeprefix("s3://").partition("/")
        if not self._name or not location.startswith("s3://"):
            raise BundleError(f"{location} is no address of a bundle. Give s3://bucket/prefix.")
        self._prefix = prefix.rstrip("/")
        self._location = location
        # Imported where S3 is used: a bundle in a folder needs no AWS library.
        import boto3  # noqa: PLC0415
        from botocore.config import Config  # noqa: PLC0415

        config = Config(
            connect_timeout=5,
            read_timeout=5,
            retries={"mode": "standard", "max_attempts": 2},
            max_pool_connections=_CONNECTIONS,
            response_checksum_validation="when_required",  # what is fetched is held against its SHA-256
        )
        with self._explained():
            self._client = (connect or boto3.client)("s3", config=config)

    def close(self) -> None:
        """End all connections."""
        self._client.close()

    def read(self, name: str) -> bytes:
        """Return the content of a file."""
        with self._explained():
            return bytes(self._client.get_object(Bucket=self._name, Key=self._key(name))["Body"].read())

    def download(self, entries: Mapping[str, FileEntry], directory: Path) -> Iterator[str]:
        """Fetch files side by side, each in ranges of 8 MB, into `directory`, and yield their names as they get there.

        One that is wrong never does.

        Raises:
            BundleError: a file is missing, or not what its entry says.
            BundleUnavailableError: S3 cannot be reached just now.
        """
        from boto3.s3.transfer import TransferConfig, create_transfer_manager  # noqa: PLC0415

        with ExitStack() as stack:
            files = {name: _Arriving(directory / name) for name in entries}
            for file in files.values():
                stack.callback(file.discard)
            stack.enter_context(self._explained())
            manager = stack.enter_context(create_transfer_manager(self._client, TransferConfig(max_concurrency=_PARTS)))
            futures = {name: manager.download(self._name, self._key(name), file) for name, file in files.items()}
            for name, future in futures.items():
                future.result()
                if not files[name].finish(entries[name]):
                    raise BundleError(
                        f"{self._location}/{name} is not the file in the manifest. Publish the bundle again."
                    )
                yield name

    def upload(self, path: Path, on_progress: OnProgress) -> None:
        """Put a file under its own name."""
        total, done = path.stat().st_size, 0

        def advance(sent: int) -> None:
            nonlocal done
            done += sent
            on_progress(path.name, done, total)

        with self._explained():
            self._client.upload_file(str(path), self._name, self._key(path.name), Callback=advance)

    def has(self, name: str) -> bool:
        """Tell whether there is such a file."""
        with self._explained():
            found = self._client.list_objects_v2(Bucket=self._name, Prefix=self._key(name), MaxKeys=1)
        return bool(found.get("Contents"))

    def size(self, name: str) -> int:
        """Return a file's size in bytes."""
        with self._explained():
            return int(self._client.head_object(Bucket=self._name, Key=self._key(name))["ContentLength"])

    def _key(self, name: str) -> str:
        return f"{self._prefix}/{name}" if self._prefix else name

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn boto3's errors into ours."""
        from boto3.exceptions import S3UploadFailedError  # noqa: PLC0415
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415
        from s3transfer.exceptions import RetriesExceededError, S3DownloadFailedError  # noqa: PLC0415

        try:
            yield
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code in {"NoSuchKey", "NoSuchBucket", "404"}:
                raise BundleError(f"No bundle at {self._location}. Publish one there first.") from error
            if code in {"AccessDenied", "403"}:
                raise BundleError(f"Access to {self._location} is denied.") from error
            raise BundleUnavailableError(f"{self._location} does not answer as it should: {code}.") from error
        except (BotoCoreError, S3UploadFailedError, RetriesExceededError, S3DownloadFailedError) as error:
            raise BundleUnavailableError(f"{self._location} cannot be reached: {error}") from error
