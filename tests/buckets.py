"""S3 in memory, for tests of what reads and writes buckets: the calls that `model.storage` and `batch.objects` make."""

import hashlib
import io
from types import SimpleNamespace

from botocore.exceptions import ClientError

PAGE = 3
"""Objects a page, so that a few objects are several pages."""


class Buckets:
    """A fake client. `objects` has the content of each object by its bucket and key.

    `refused` has codes of S3's errors by key: a request for that object gets it. `failing` is for all requests. `asked`
    has the name of each call, and the key.
    """

    exceptions = SimpleNamespace(ClientError=ClientError)

    def __init__(self, **buckets):
        self.objects = {name: dict(objects) for name, objects in buckets.items()}
        self.refused = {}
        self.failing = None
        self.asked = []

    def connect(self, *_, **__):
        """Stand in for `boto3.client`."""
        return self

    def get_object(self, *, Bucket, Key, IfMatch=None):  # noqa: N803  # boto3's names
        content = self._found("GetObject", Bucket, Key)
        if IfMatch is not None and IfMatch != etag(content):
            raise error("PreconditionFailed", 412, "GetObject")
        return {"Body": Body(content), "ETag": etag(content)}

    def put_object(self, *, Bucket, Key, Body, **_):  # noqa: N803
        self._check("PutObject", Bucket, Key)
        self.objects[Bucket][Key] = Body if isinstance(Body, bytes) else Body.read()

    def delete_object(self, *, Bucket, Key):  # noqa: N803
        self._check("DeleteObject", Bucket, Key)
        self.objects[Bucket].pop(Key, None)

    def get_paginator(self, _):
        return SimpleNamespace(paginate=self._pages)

    def close(self):
        pass

    def _pages(self, *, Bucket, Prefix):  # noqa: N803
        self._check("ListObjectsV2", Bucket, Prefix)
        keys = sorted((key for key in self.objects[Bucket] if key.startswith(Prefix)), key=str.encode)
        for start in range(0, len(keys) or 1, PAGE):
            contents = [
                {"Key": key, "ETag": etag(self.objects[Bucket][key]), "Size": len(self.objects[Bucket][key])}
                for key in keys[start : start + PAGE]
            ]
            yield {"Contents": contents} if contents else {}

    def _found(self, call, bucket, key):
        self._check(call, bucket, key)
        if key not in self.objects[bucket]:
            raise error("NoSuchKey", 404, call)
        return self.objects[bucket][key]

    def _check(self, call, bucket, key):
        self.asked.append((call, key))
        if self.failing:
            raise self.failing
        if key in self.refused:
            raise error(self.refused[key], 503 if self.refused[key] == "SlowDown" else 403, call)
        if bucket not in self.objects:
            raise error("NoSuchBucket", 404, call)


class Body(io.BytesIO):
    """The content of an object, as boto3 gives it."""

    def iter_chunks(self, size):
        while chunk := self.read(size):
            yield chunk


def etag(content):
    """Return the ETag of an object, in quotes as S3 writes it."""
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'


def error(code, status, call, **headers):
    """Return the error that boto3 raises for an answer of S3."""
    metadata = {"HTTPStatusCode": status, "HTTPHeaders": headers}
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": metadata}, call)
