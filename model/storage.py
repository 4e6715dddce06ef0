"""Files with their sizes and checksums, on disk and in S3, their download, and objects that several programs change."""

import hashlib
import os
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

from model.errors import (
    BundleError,
    BundleUnavailableError,
    SharedChangedError,
    SharedError,
    SharedMissingError,
    SharedUnavailableError,
)
from model.version import VERSION
from preprocess.files import sha256_of

_PARTS: Final = 4
"""Parts of files that are downloaded at the same time. Four use all of a function's network. With ten, boto3's default,
the threads only wait for each other to run Python."""

_CONNECTIONS: Final = 2 * _PARTS
"""Connections to S3 at the same time: those of the downloads, and those that ask for sizes."""

_SCHEME: Final = "s3://"

_SERVER_ERROR: Final = 500
"""The HTTP status from which the server is at fault, so that trying again may help."""

LINK_S: Final = 300
"""How long the address that `SharedObject.link` returns can be used."""

_NOT_MODIFIED: Final = 304
_CONFLICTS: Final = frozenset({409, 412})
"""The HTTP statuses for a condition that does not hold; 409 if another request changes the object at that moment."""

OnProgress: TypeAlias = Callable[[str, int, int], None]
"""Takes the name of a file, the bytes that are done, and all of its bytes."""

Connect: TypeAlias = Callable[..., Any]
"""Makes a client of an AWS service, as `boto3.Session().client` does."""


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file's size in bytes and its hexadecimal SHA-256."""

    size: int
    sha256: str


def entry_of(path: Path) -> FileEntry:
    """Return a file's size and SHA-256."""
    return FileEntry(path.stat().st_size, sha256_of(path))


class _Download:
    """A file that is hashed while it is written from its start to its end. It gets its final name only if it is right.

    It has no `seek`: boto3 therefore writes the parts in order, although it downloads them in parallel.
    """

    def __init__(self, path: Path, entry: FileEntry) -> None:
        self._path, self._entry = path, entry
        self._unfinished = unfinished(path)
        self._file = self._unfinished.open("wb")
        self._digest = hashlib.sha256()

    def write(self, data: bytes) -> None:
        """Append the next bytes."""
        self._digest.update(data)
        self._file.write(data)

    def finish(self) -> bool:
        """Close the file. Give it its final name if it is right, else remove it. Return whether it is right."""
        if self._file.closed:
            return self._path.exists()
        self._file.close()
        right = self._digest.hexdigest() == self._entry.sha256
        if right:
            self._unfinished.replace(self._path)
        self._unfinished.unlink(missing_ok=True)
        return right


def unfinished(path: Path) -> Path:
    """Return the temporary name that a file has while this process writes it."""
    return path.with_name(f"{path.name}.{os.getpid()}.part")


class S3Client:
    """A client of S3 for one location. Every error of boto3 becomes one of the two errors that a subclass names."""

    _error: type[Exception]
    """Raised where trying again will not help."""

    _unavailable: type[Exception]
    """Raised where it may."""

    _missing: str
    """The sentence for what does not exist."""

    def __init__(self, location: str, connect: Connect | None, **settings: Any) -> None:
        """Make a client with `connect`, by default with boto3's default session. `settings` are those of botocore."""
        self._location = location
        # A bundle in a folder needs no AWS library.
        import boto3  # noqa: PLC0415
        from botocore.config import Config  # noqa: PLC0415

        config = Config(user_agent_extra=f"visage/{VERSION}", **settings)
        with self._translate_errors():
            try:
                self._client = (connect or boto3.client)("s3", config=config)
            except ValueError as error:  # the form of the endpoint or the region is wrong
                raise self._error(f"The AWS settings cannot be used: {one_line(error)}") from error

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        """Turn the errors of boto3 into `_error`, and those that may go away into `_unavailable`."""
        from boto3.exceptions import Boto3Error  # noqa: PLC0415
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415
        from s3transfer.exceptions import RetriesExceededError, S3DownloadFailedError  # noqa: PLC0415

        try:
            yield
        except (ClientError, BotoCoreError, Boto3Error, RetriesExceededError, S3DownloadFailedError, OSError) as error:
            raise self._translated(error) from error
        except RuntimeError as error:  # botocore has no class of its own for expired credentials
            if "refreshed credentials are still expired" not in str(error):
                raise
            raise self._error(
                f"Your AWS credentials for {self._location} have expired. Run `aws configure` or `aws sso login`."
            ) from error

    def _translated(self, error: Exception) -> Exception:
        """Return our error for one of boto3, its libraries or the operating system."""
        from botocore import exceptions as aws  # noqa: PLC0415

        if isinstance(error, aws.ClientError):
            return self._refused(error.response)
        if isinstance(error, aws.ParamValidationError | aws.EndpointResolutionError):
            return self._error(f"{self._location} is not an address that S3 accepts: {one_line(error)}")
        of_network = aws.ConnectionError, aws.HTTPClientError, aws.IncompleteReadError
        of_content = aws.ChecksumError, aws.FlexibleChecksumError
        if isinstance(error, aws.BotoCoreError) and not isinstance(error, of_network + of_content):
            return self._error(  # all others are about credentials, profiles and settings
                f"AWS is not set up to use {self._location}: {one_line(error)} "
                "Run `aws configure`, or set AWS_PROFILE to a profile that exists."
            )
        of_disk = isinstance(error, OSError) and not isinstance(error, aws.BotoCoreError)
        failed = "transferred" if of_disk else "reached"
        return self._unavailable(f"{self._location} cannot be {failed}: {one_line(error)}")

    def _refused(self, response: Mapping[str, Any]) -> Exception:
        """Return the error for an answer that is not a success."""
        code = response.get("Error", {}).get("Code", "")
        status = status_of(response)
        if code in {"NoSuchKey", "NoSuchBucket", "404"}:
            return self._error(self._missing.format(self._location))
        if code in {"AccessDenied", "403"}:
            return self._error(f"Access to {self._location} is denied.")
        if status >= _SERVER_ERROR or code in {"SlowDown", "RequestTimeout", "429"}:
            return self._unavailable(f"S3 answered with an error for {self._location}: {code}. Try again.")
        return self._error(f"S3 refuses {self._location}: {code}.")


def bucket_and_key(location: str) -> tuple[str, str]:
    """Return the bucket and the key, or prefix, of "s3://bucket/key"; of another text, no bucket."""
    bucket, _, key = location.removeprefix(_SCHEME).partition("/")
    return (bucket, key) if location.startswith(_SCHEME) else ("", location)


class Bucket(S3Client):
    """The files under one S3 prefix. Every error of boto3 becomes a BundleError."""

    _error = BundleError
    _unavailable = BundleUnavailableError
    _missing = "No bundle at {}. Publish one there first."

    def __init__(self, location: str, connect: Connect | None = None) -> None:
        """Make a client for "s3://bucket/prefix" with `connect`, by default with boto3's default session.

        Raises:
            BundleError: the location has another form, or the AWS settings cannot be used.
        """
        self._name, prefix = bucket_and_key(location)
        if not self._name:
            raise BundleError(f"{location} is not the address of a bundle. Give s3://bucket/prefix.")
        self._prefix = prefix.rstrip("/")
        super().__init__(
            location,
            connect,
            connect_timeout=5,
            read_timeout=5,
            retries={"mode": "standard", "max_attempts": 2},
            max_pool_connections=_CONNECTIONS,
            response_checksum_validation="when_required",  # every file is compared with its own SHA-256
        )

    def read(self, name: str) -> bytes:
        """Return the content of a file."""
        with self._translate_errors():
            body = self._client.get_object(Bucket=self._name, Key=self._key(name))["Body"]
            with closing(body):
                return bytes(body.read())

    def download(self, entries: Mapping[str, FileEntry], directory: Path) -> Generator[str, None, None]:
        """Download files into `directory` in parallel, in parts of 8 MB, and yield each name when its file is there.

        A wrong file never gets its final name. A right one keeps it, even if another file is wrong.

        Raises:
            BundleError: a file is missing, or differs from its entry.
            BundleUnavailableError: S3 cannot be reached now.
        """
        from boto3.s3.transfer import TransferConfig, create_transfer_manager  # noqa: PLC0415

        with ExitStack() as stack:
            stack.enter_context(self._translate_errors())
            stack.enter_context(self._bodies_closed())
            files = {name: _Download(directory / name, entry) for name, entry in entries.items()}
            for file in files.values():
                stack.callback(file.finish)
            manager = stack.enter_context(create_transfer_manager(self._client, TransferConfig(max_concurrency=_PARTS)))
            futures = {name: manager.download(self._name, self._key(name), file) for name, file in files.items()}
            for name, future in futures.items():
                future.result()
                if not files[name].finish():
                    raise BundleError(
                        f"{self._location}/{name} is not the file in the manifest. Remove that file and publish again."
                    )
                yield name

    def upload(self, path: Path, on_progress: OnProgress) -> None:
        """Upload a file; it keeps its name."""
        total, done = path.stat().st_size, 0

        def advance(sent: int) -> None:
            nonlocal done
            done += sent
            on_progress(path.name, done, total)

        with self._translate_errors():
            self._client.upload_file(str(path), self._name, self._key(path.name), Callback=advance)

    def sizes(self) -> dict[str, int]:
        """Return the names of the files under the prefix and their sizes in bytes."""
        start = self._key("")
        with self._translate_errors():
            listing = self._client.get_paginator("list_objects_v2")
            pages = listing.paginate(Bucket=self._name, Prefix=start, Delimiter="/")
            return {
                item["Key"].removeprefix(start): int(item["Size"])
                for page in pages
                for item in page.get("Contents", ())
            }

    def _key(self, name: str) -> str:
        return f"{self._prefix}/{name}" if self._prefix else name

    @contextmanager
    def _bodies_closed(self) -> Iterator[None]:
        """When the block ends, close the answers that a cancelled download has not read completely.

        s3transfer leaves them, and their connections, to the garbage collector.
        """
        bodies: list[Any] = []

        def keep(parsed: Mapping[str, Any], **_: object) -> None:
            if "Body" in parsed:
                bodies.append(parsed["Body"])

        events = self._client.meta.events
        events.register("after-call.s3.GetObject", keep)
        try:
            yield
        finally:
            events.unregister("after-call.s3.GetObject", keep)
            for body in bodies:
                body.close()


@dataclass(frozen=True, slots=True)
class Content:
    """The content of an object, and the ETag of this version of it."""

    body: bytes
    etag: str


class _NotModifiedError(Exception):
    """The object is still of the version that is known."""


class SharedObject(S3Client):
    """One object in S3 that several programs read and replace. Nobody replaces a version that they have not read.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html.
    """

    _error = SharedError
    _unavailable = SharedUnavailableError
    _missing = "There is nothing at {}."

    def __init__(self, location: str, connect: Connect | None = None, patience_s: float = 5) -> None:
        """Make a client for "s3://bucket/key"; S3 has `patience_s` seconds for each step of each of two attempts.

        Raises:
            SharedError: the location has another form, or the AWS settings cannot be used.
        """
        self._bucket, self._key = bucket_and_key(location)
        if not (self._bucket and self._key):
            raise SharedError(f"{location} is not the address of an object. Give s3://bucket/key.")
        super().__init__(
            location,
            connect,
            connect_timeout=patience_s,
            read_timeout=patience_s,
            retries={"mode": "standard", "total_max_attempts": 2},
            signature_version="s3v4",  # the default for links is one that new buckets refuse
        )

    def read(self) -> Content:
        """Return the object.

        Raises:
            SharedMissingError: there is no such object.
            SharedError: access is denied. S3 also answers that for an object that does not exist, where the role may
                not list the bucket.
            SharedUnavailableError: S3 cannot be reached now.
        """
        return self._get()

    def newer(self, known: str) -> Content | None:
        """Return the object, or None if its version is still the one with the ETag `known`, "" for none.

        Raises:
            SharedError: as `read` does.
        """
        condition = {"IfNoneMatch": known} if known else {}
        try:
            return self._get(**condition)
        except _NotModifiedError:
            return None

    def _get(self, **condition: str) -> Content:
        with self._translate_errors():
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=self._key, **condition)
            except self._client.exceptions.ClientError as error:
                if status_of(error.response) == _NOT_MODIFIED:
                    raise _NotModifiedError from error
                if error.response["Error"]["Code"] == "NoSuchKey":
                    raise SharedMissingError(self._missing.format(self._location)) from error
                raise
            with closing(answer["Body"]) as body:
                return Content(bytes(body.read()), str(answer["ETag"]))

    def sibling(self, name: str) -> "SharedObject":
        """Return another object below the same prefix, through the same client."""
        key = f"{self._key.rpartition('/')[0]}/{name}"
        other = copy(self)
        vars(other).update(_key=key, _location=f"s3://{self._bucket}/{key}")
        return other

    def put(self, body: bytes, content_type: str) -> None:
        """Write the object, whether or not there is one.

        Raises:
            SharedError: access is denied.
            SharedUnavailableError: S3 cannot be reached now.
        """
        with self._translate_errors():
            self._client.put_object(Bucket=self._bucket, Key=self._key, Body=body, ContentType=content_type)

    def delete(self) -> None:
        """Delete the object, if there is one.

        Raises:
            SharedError: access is denied.
            SharedUnavailableError: S3 cannot be reached now.
        """
        with self._translate_errors():
            self._client.delete_object(Bucket=self._bucket, Key=self._key)

    def link(self) -> str:
        """Return an address from which anybody can download the object for LINK_S; S3 is not asked.

        Raises:
            SharedError: there are no credentials.
        """
        with self._translate_errors():
            params = {"Bucket": self._bucket, "Key": self._key}
            return str(self._client.generate_presigned_url("get_object", Params=params, ExpiresIn=LINK_S))

    def replace(self, body: bytes, seen: str = "") -> str:
        """Replace the version with the ETag `seen`, and return the new one's; without one, make the object.

        Raises:
            SharedChangedError: that version is no longer the newest, or the object exists.
            SharedError: access is denied.
            SharedUnavailableError: S3 cannot be reached now.
        """
        condition = {"IfMatch": seen} if seen else {"IfNoneMatch": "*"}
        kind = "application/json" if self._key.endswith(".json") else "application/octet-stream"
        with self._translate_errors():
            try:
                answer = self._client.put_object(
                    Bucket=self._bucket, Key=self._key, Body=body, ContentType=kind, **condition
                )
            except self._client.exceptions.ClientError as error:
                gone = bool(seen) and error.response["Error"]["Code"] == "NoSuchKey"
                if gone or status_of(error.response) in _CONFLICTS:
                    raise SharedChangedError(f"Somebody else has changed {self._location}.") from error
                raise
            return str(answer["ETag"])


def status_of(response: Mapping[str, Any]) -> int:
    """Return the HTTP status of an answer of S3, that of a server's error if it has none."""
    return int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", _SERVER_ERROR))


def one_line(error: Exception) -> str:
    """Return an error's text as a sentence in one line."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if text.endswith((".", "!", "?")) else f"{text}."
