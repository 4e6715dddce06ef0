"""The objects under a prefix of S3, and the error for each way in which S3 refuses one."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from batch.contract import Listed
from batch.errors import (
    ArchivedError,
    BatchUnavailableError,
    ChangedError,
    ForbiddenError,
    MissingError,
    StorageError,
)
from model.storage import Connect, S3Client, bucket_and_key
from preprocess.formats import START

CONNECTIONS: Final = 16
"""Connections to S3 at the same time."""

_UNREAD: Final = {
    "NoSuchKey": MissingError,
    "404": MissingError,
    "AccessDenied": ForbiddenError,
    "403": ForbiddenError,
    "PreconditionFailed": ChangedError,
    "412": ChangedError,
    "InvalidObjectState": ArchivedError,
}
"""What S3's answers about one object mean. Source: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html.
"""

_CREDENTIALS: Final = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidAccessKeyId",
        "InvalidToken",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
        "TokenRefreshRequired",
    }
)
_REGION: Final = frozenset({"AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "PermanentRedirect"})

Accept = Callable[[bytes], object]


def _all(_: bytes) -> None:
    """Accept every object."""


class Objects(S3Client):
    """The objects below "s3://bucket/prefix/", by their keys without the prefix. Safe to share between threads.

    Every method raises StorageError, BatchUnavailableError, or an UnreadError for one object.
    """

    _error = StorageError
    _unavailable = BatchUnavailableError
    _missing = "There is nothing at {}."

    def __init__(self, location: str, connect: Connect | None = None) -> None:
        """Make a client for "s3://bucket/prefix" with `connect`, by default with boto3's default session.

        Raises:
            StorageError: the location has another form, or the AWS settings cannot be used.
        """
        self.bucket, prefix = bucket_and_key(location)
        if not self.bucket:
            raise StorageError(f"{location} is not an address in S3. Give s3://bucket/prefix.")
        self.prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self.location = f"s3://{self.bucket}/{self.prefix}"
        super().__init__(
            self.location,
            connect,
            connect_timeout=10,
            read_timeout=60,
            retries={"mode": "standard", "total_max_attempts": 5},
            max_pool_connections=CONNECTIONS,
        )

    def list(self, start: str = "") -> Iterator[Listed]:
        """Yield the objects whose keys begin with `start`, in the order of their keys."""
        with self._translate_errors():
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=self.prefix + start
            )
            for page in pages:
                for item in page.get("Contents", ()):
                    yield Listed(item["Key"][len(self.prefix) :], str(item["ETag"]).strip('"'), int(item["Size"]))

    def read(self, key: str, etag: str | None = None, accept: Accept = _all) -> bytes:
        """Return the content of an object; raise ChangedError if its ETag is not `etag`.

        `accept` gets its first bytes, before the rest is read, and may raise an error.
        """
        condition = {"IfMatch": f'"{etag}"'} if etag else {}
        with self._translate_errors():
            answer = self._client.get_object(Bucket=self.bucket, Key=self.prefix + key, **condition)
            with closing(answer["Body"]) as body:
                start = bytes(body.read(START))
                accept(start)
                return start + bytes(body.read())

    def write(self, key: str, body: bytes) -> None:
        """Write an object, whether or not it exists."""
        with self._translate_errors():
            self._client.put_object(Bucket=self.bucket, Key=self.prefix + key, Body=body)

    def download(self, key: str, path: Path) -> None:
        """Copy an object, which may be large, to a path of this machine."""
        with self._translate_errors(), path.open("wb") as file:
            answer = self._client.get_object(Bucket=self.bucket, Key=self.prefix + key)
            with closing(answer["Body"]) as body:
                for chunk in body.iter_chunks(1 << 20):
                    file.write(chunk)

    def upload(self, path: Path, key: str) -> None:
        """Copy a file of this machine, of up to 5 GB, to an object."""
        with self._translate_errors(), path.open("rb") as file:
            self._client.put_object(Bucket=self.bucket, Key=self.prefix + key, Body=file)

    def remove(self, key: str) -> None:
        """Remove an object, if it exists."""
        with self._translate_errors():
            self._client.delete_object(Bucket=self.bucket, Key=self.prefix + key)

    def _refused(self, response: Mapping[str, Any]) -> Exception:
        """Return the error for an answer that is not a success."""
        code = response.get("Error", {}).get("Code", "")
        if code == "NoSuchBucket":
            return StorageError(f'There is no bucket "{self.bucket}". Check its name, and your AWS account.')
        if code in _CREDENTIALS:
            return StorageError(
                f"Your AWS credentials for {self.location} have expired or are not valid ({code}). Run `aws sso login` "
                "or `aws configure`, and the same command again; finished parts are kept."
            )
        if code in _REGION:
            return StorageError(f"The bucket of {self.location} is in another region{_region(response)}.")
        if code in _UNREAD:
            return _UNREAD[code](f"S3 answers {code} for {self.location}. Check the rights of your credentials there.")
        return super()._refused(response)


def _region(response: Mapping[str, Any]) -> str:
    """Return where S3 says that the bucket is, and what to do."""
    headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    region = headers.get("x-amz-bucket-region") or response.get("Error", {}).get("Region")
    return f", {region}. Set AWS_REGION={region}" if region else ". Set AWS_REGION to that region"
