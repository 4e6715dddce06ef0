"""Photos that are too large for a request wait in a bucket of their own, until the API takes them out of it."""

import re
import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from model.errors import UploadMissingError, UploadUnavailableError
from model.storage import Connect
from model.version import VERSION

MAX_UPLOAD_BYTES: Final = 50_000_000
"""The most that one upload may have. S3 refuses more."""

LIFETIME_S: Final = 300
"""How long S3 accepts an upload after it was invited."""

CONTENT_TYPE: Final = "application/octet-stream"
"""The only content type that S3 accepts: no upload can be opened as a page."""

_PREFIX: Final = "uploads/"
_KEY: Final = re.compile(rf"{_PREFIX}[\w-]{{43}}", re.ASCII)
_RANDOM_BYTES: Final = 32

_GONE: Final = {"NoSuchKey", "404", "AccessDenied", "403"}
"""S3 denies access to an object that does not exist, because the function may not list the bucket."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """Where to POST a form with `fields` and, as its last part, `file`; `key` then stands for the photo."""

    key: str
    url: str
    fields: dict[str, str]


class Uploads:
    """The bucket of uploads. Its keys are random, so that only whoever uploaded a photo knows which one is theirs."""

    def __init__(self, bucket: str, connect: Connect | None = None) -> None:
        """Use the bucket of this name, through a client that `connect` makes, by default with boto3's session."""
        self._bucket = bucket
        self._connect = connect

    def invite(self) -> Invitation:
        """Return where one photo may be uploaded within LIFETIME_S; nothing is sent to S3 for it.

        Raises:
            UploadUnavailableError: the credentials of this process cannot be had.
        """
        key = _PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
        with _translated():
            form = self._client.generate_presigned_post(
                self._bucket,
                key,
                Fields={"Content-Type": CONTENT_TYPE},
                Conditions=[{"Content-Type": CONTENT_TYPE}, ["content-length-range", 1, MAX_UPLOAD_BYTES]],
                ExpiresIn=LIFETIME_S,
            )
        return Invitation(key, form["url"], form["fields"])

    def take(self, key: str) -> bytes:
        """Return the bytes of an upload, and delete it. If S3 cannot delete it, the bucket's rule does within two days.

        Raises:
            UploadMissingError: there is no such upload, or it was taken.
            UploadUnavailableError: S3 does not answer.
        """
        if not _KEY.fullmatch(key):
            raise UploadMissingError
        with _translated():
            found = self._client.get_object(Bucket=self._bucket, Key=key)
            try:
                with closing(found["Body"]) as body:
                    return bytes(body.read())
            finally:
                self._delete(key)

    def _delete(self, key: str) -> None:
        with suppress(UploadMissingError, UploadUnavailableError), _translated():
            self._client.delete_object(Bucket=self._bucket, Key=key)

    @cached_property
    def _client(self) -> Any:
        import boto3  # noqa: PLC0415  # most functions have imported it for their model; the others need none
        from botocore.config import Config  # noqa: PLC0415

        # The address of the bucket in its own region: S3 redirects others, which browsers do not follow with a form.
        config = Config(
            connect_timeout=5,
            read_timeout=5,
            retries={"mode": "standard", "max_attempts": 2},
            s3={"us_east_1_regional_endpoint": "regional"},
            signature_version="s3v4",
            user_agent_extra=f"visage/{VERSION}",
        )
        return (self._connect or boto3.client)("s3", config=config)


@contextmanager
def _translated() -> Iterator[None]:
    """Turn the errors of boto3 into UploadMissingError and UploadUnavailableError."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    try:
        yield
    except (ClientError, BotoCoreError, OSError) as error:
        is_gone = isinstance(error, ClientError) and error.response.get("Error", {}).get("Code") in _GONE
        raise (UploadMissingError if is_gone else UploadUnavailableError) from error
