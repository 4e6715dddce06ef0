"""The website on its way into its bucket: named by content, told where its API is, and kept by browsers accordingly."""

import json
import mimetypes
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

import boto3

from deploy.errors import DeployError
from deploy.examples import shrunk
from model.settings import ROOT

SITE: Final = ROOT / "site"

_ENTRANCE: Final = "index.html"
_CONFIG: Final = "config.json"
_ASSETS: Final = "assets/"
_EXAMPLES: Final = "examples/"

_TEXT: Final = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".json": "application/json",
}

_ASK_EACH_TIME: Final = "no-cache"
"""For what names the others: browsers keep it, and ask whether it is still right.

The page and config.json must agree, because the page's policy lets it talk to the API that config.json names. Were they
kept for a minute each, the one could be newer than the other.
"""

_KEEP_FOR_A_DAY: Final = "public, max-age=86400"
"""For what others link to, such as the icon, and whose name therefore stays."""

_KEEP_FOR_GOOD: Final = "public, max-age=31536000, immutable"
"""For what is named by its content."""

_A_DAY: Final = timedelta(days=1)
_RETIRED: Final = "retired"

_CARD: Final = 'content="card.png"'
_CONNECT: Final = re.compile(r"connect-src [^;\"]*")
_REFERENCE: Final = re.compile(rf'"{_ASSETS}([^"]*)"')


@dataclass(frozen=True, slots=True)
class Page:
    """A file of the website, as S3 shall serve it."""

    key: str
    body: bytes
    content_type: str
    cache_control: str


@dataclass(frozen=True, slots=True)
class Site:
    """The website, ready but for the addresses that only its deployment knows."""

    entrance: str
    files: tuple[Page, ...]
    examples: tuple[Page, ...]

    def pages(self, address: str, api: str) -> list[Page]:
        """Return its files for the API at `api`, in the order in which they may go live at `address`."""
        policy = f"connect-src 'self' {_origin(api)}"
        card = f'content="{_origin(address)}/card.png"'  # who shows a link to a page asks for no relative picture
        entrance = _CONNECT.sub(policy, self.entrance).replace(_CARD, card)
        config = json.dumps({"api": api, "examples": [example.key for example in self.examples]}) + "\n"
        return [*self.files, *self.examples, _page(_CONFIG, config.encode()), _page(_ENTRANCE, entrance.encode())]


def build(examples: Sequence[Path] = (), folder: Path = SITE) -> Site:
    """Return the website in `folder`, with photos to try it with, in their order.

    Everything in `assets/` moves to `assets/<hash of it all>/`, so that what its files say of one another stays right.

    Raises:
        DeployError: `folder` is no website that can be deployed, or a photo cannot be read.
    """
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(_files(folder))}
    if _ENTRANCE not in files:
        raise DeployError(f"{folder} has no {_ENTRANCE}.")
    assets = {name: body for name, body in files.items() if name.startswith(_ASSETS)}
    hashed = f"{_ASSETS}{_digest(assets)}/"
    return Site(
        _entrance(files.pop(_ENTRANCE).decode(), assets, hashed),
        tuple(_page(re.sub(rf"^{_ASSETS}", hashed, name), body) for name, body in files.items()),
        tuple(_page(_example_key(body), body) for body in dict.fromkeys(map(shrunk, examples))),
    )


def upload(bucket: str, pages: Sequence[Page], keep: timedelta = _A_DAY) -> None:
    """Make the bucket hold these pages; what they replace stays for the time of `keep`, for pages that are open."""
    s3 = boto3.client("s3")
    for page in pages:
        s3.put_object(
            Bucket=bucket,
            Key=page.key,
            Body=page.body,
            ContentType=page.content_type,
            CacheControl=page.cache_control,
        )
    _sweep(s3, bucket, {page.key for page in pages}, datetime.now(UTC) - keep)


def refresh(distribution: str) -> None:
    """Make CloudFront forget what it holds of the website: a photo that was withdrawn, an icon that changed."""
    boto3.client("cloudfront").create_invalidation(
        DistributionId=distribution,
        InvalidationBatch={"Paths": {"Quantity": 1, "Items": ["/*"]}, "CallerReference": uuid4().hex},
    )


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))


def _digest(files: dict[str, bytes]) -> str:
    parts = (f"{name}\0{sha256(body).hexdigest()}\n" for name, body in files.items())
    return sha256("".join(parts).encode()).hexdigest()[:12]


def _entrance(html: str, assets: Collection[str], hashed: str) -> str:
    """Return the page with the hashed names, if it holds all that a deployment has to fill in."""
    named = [_ASSETS + name for name in _REFERENCE.findall(html)]
    if not named or html.count(_ASSETS) != len(named):
        raise DeployError(f'{_ENTRANCE} must name its files as "{_ASSETS}…" and in no other way: they are renamed.')
    for name in named:
        if name not in assets:
            raise DeployError(f"{_ENTRANCE} names {name}, which is not there.")
    if len(_CONNECT.findall(html)) != 1:
        raise DeployError(f"{_ENTRANCE} needs one Content-Security-Policy with a connect-src, to name the API in.")
    if _CARD not in html:
        raise DeployError(f"{_ENTRANCE} needs a social card, {_CARD}, to name the website in.")
    return html.replace(f'"{_ASSETS}', f'"{hashed}')


def _page(key: str, body: bytes) -> Page:
    kind = _TEXT.get(Path(key).suffix)
    content_type = f"{kind}; charset=utf-8" if kind else mimetypes.guess_type(key)[0] or "application/octet-stream"
    return Page(key, body, content_type, _cache_control(key))


def _cache_control(key: str) -> str:
    if key.startswith((_ASSETS, _EXAMPLES)):
        return _KEEP_FOR_GOOD
    return _ASK_EACH_TIME if Path(key).suffix in _TEXT else _KEEP_FOR_A_DAY


def _example_key(body: bytes) -> str:
    return f"{_EXAMPLES}{sha256(body).hexdigest()[:12]}.jpg"


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def _sweep(s3: Any, bucket: str, wanted: Collection[str], before: datetime) -> None:
    """Retire what left the website, and delete what was retired before that time; withdrawn photos go at once."""
    for key, modified in _objects(s3, bucket):
        if key in wanted:
            continue
        head = s3.head_object(Bucket=bucket, Key=key)
        retired = _RETIRED in head["Metadata"]
        if key.startswith(_EXAMPLES) or (retired and modified <= before):
            s3.delete_object(Bucket=bucket, Key=key)
        elif not retired:
            _retire(s3, bucket, key, head)


def _objects(s3: Any, bucket: str) -> Iterator[tuple[str, datetime]]:
    for listing in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        yield from ((entry["Key"], entry["LastModified"]) for entry in listing.get("Contents", ()))


def _retire(s3: Any, bucket: str, key: str, head: dict[str, Any]) -> None:
    """Copy an object onto itself with a mark: its age, which S3 counts from then on, is how long it is out of use."""
    s3.copy_object(
        Bucket=bucket,
        Key=key,
        CopySource={"Bucket": bucket, "Key": key},
        MetadataDirective="REPLACE",
        Metadata={_RETIRED: "true"},
        ContentType=head["ContentType"],
        CacheControl=head["CacheControl"],
    )
