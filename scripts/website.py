"""The website on its way into its bucket: the files of site/, and a config.json that names the API."""

import json
import mimetypes
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

import boto3

from scripts.console import ROOT

SITE: Final = ROOT / "site"

_TEXT: Final = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".json": "application/json",
}
_CONFIG: Final = "config.json"
_ENTRANCE: Final = "index.html"

_ASK_EACH_TIME: Final = "no-cache"
"""For what refers to files whose names never change: browsers keep it, and ask whether it is still right."""

_KEEP_FOR_A_DAY: Final = "public, max-age=86400"


@dataclass(frozen=True, slots=True)
class Page:
    """A file of the website, as S3 shall serve it."""

    key: str
    body: bytes
    content_type: str
    cache_control: str


def upload(bucket: str, api: str) -> None:
    """Make the bucket hold the website for the API at `api`, the page itself last, and nothing else."""
    s3 = boto3.client("s3")
    found = pages(api)
    for page in found:
        s3.put_object(
            Bucket=bucket,
            Key=page.key,
            Body=page.body,
            ContentType=page.content_type,
            CacheControl=page.cache_control,
        )
    wanted = {page.key for page in found}
    for key in _keys(bucket):
        if key not in wanted:
            s3.delete_object(Bucket=bucket, Key=key)


def refresh(distribution: str) -> None:
    """Make CloudFront forget what it holds of the website."""
    boto3.client("cloudfront").create_invalidation(
        DistributionId=distribution,
        InvalidationBatch={"Paths": {"Quantity": 1, "Items": ["/*"]}, "CallerReference": uuid4().hex},
    )


def pages(api: str) -> list[Page]:
    """Return the files of the website for the API at `api`, in the order in which they may go live."""
    files = {path.relative_to(SITE).as_posix(): path.read_bytes() for path in _files(SITE)}
    files[_CONFIG] = (json.dumps({"api": api}) + "\n").encode()
    return [_page(key, files[key]) for key in sorted(files, key=lambda key: (key == _ENTRANCE, key))]


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))


def _page(key: str, body: bytes) -> Page:
    text = _TEXT.get(Path(key).suffix)
    if text:
        return Page(key, body, f"{text}; charset=utf-8", _ASK_EACH_TIME)
    return Page(key, body, mimetypes.guess_type(key)[0] or "application/octet-stream", _KEEP_FOR_A_DAY)


def _keys(bucket: str) -> Iterator[str]:
    for listing in boto3.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket):
        yield from (entry["Key"] for entry in listing.get("Contents", ()))
