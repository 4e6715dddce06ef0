"""The website as it is uploaded: files named by their content, the API's address, and how long browsers keep each.

The bucket may hold files that somebody else put there, such as a robots.txt. They are never changed or removed.
"""

import base64
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

from botocore.exceptions import ClientError

from deploy.errors import DeployError
from deploy.examples import Example, example
from deploy.owner import UNSAID, Owner
from model.settings import ROOT

SITE: Final = ROOT / "site"

_INDEX: Final = "index.html"
_PRIVACY: Final = "privacy.html"
_OWNERS_PAGE: Final = "owner.html"
_WORKER: Final = "sw.js"
_CONFIG: Final = "config.json"
_ASSETS: Final = "assets/"
_EXAMPLES: Final = "examples/"

_TEXT: Final = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
}

_REVALIDATE: Final = "no-cache"
"""For the pages, config.json and the service worker: browsers keep them, and ask each time whether they are current.

The page and config.json must match: the page's policy allows requests to the API that config.json names. If browsers
kept each for a minute, one could be newer than the other.
"""

_ONE_DAY: Final = "public, max-age=86400"
"""For files that others link to by a fixed name, such as the icons."""

_FOREVER: Final = "public, max-age=31536000, immutable"
"""For files that are named by their content."""

_A_DAY: Final = timedelta(days=1)

_UPLOADED: Final = "visage"
_RETIRED: Final = "retired"
"""Keys of an object's metadata: Visage uploaded it; it is no longer part of the website."""

_OWN_KEY: Final = re.compile(r"assets/[0-9a-f]{12}/.|examples/[0-9a-f]{12}\.jpg$")
"""Keys that only Visage makes. Its earlier versions uploaded objects without the metadata."""

_COPIED_FIELDS: Final = (
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "ContentType",
    "StorageClass",
    "WebsiteRedirectLocation",
)
"""What an object may have and S3 does not copy by itself when metadata is replaced. Each may be missing.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html.
"""

_CARD: Final = 'content="card.png"'
_CONNECT: Final = re.compile(r"(?:(?<=; )|(?<=\"))connect-src [^;\"]*")
"""The directive in the policy. A comment of the page may name it too."""

_FILES: Final = re.compile(r"^const SITE = .*;$", re.MULTILINE)
"""The list in the service worker that the deployment fills in."""

_OWNERS_ASSETS: Final = re.compile(r"assets/[^/]+/(?:words/)?owner/")
"""What only the owner's page loads. The service worker keeps none of it: visitors would download it for nothing."""

_REFERENCE: Final = re.compile(rf'"{_ASSETS}([^"]*)"')


@dataclass(frozen=True, slots=True)
class Page:
    """A file of the website, as S3 serves it."""

    key: str
    body: bytes
    content_type: str
    cache_control: str


@dataclass(frozen=True, slots=True)
class ExamplePages:
    """An example photo: the page shows its thumbnail, and loads the photo when a visitor taps it."""

    photo: Page
    thumbnail: Page


@dataclass(frozen=True, slots=True)
class Services:
    """What the page connects to: the API, at an address or at a path of the website, and the address for uploads.

    `references` says whether visitors may see the API's pictures of people.
    """

    api: str
    uploads: str = ""
    references: bool = False

    @property
    def origins(self) -> list[str]:
        """The origins other than the website's own."""
        return [_origin(address) for address in (self.api, self.uploads) if urlsplit(address).netloc]


@dataclass(frozen=True, slots=True)
class Site:
    """The website without the addresses that are known only after the deployment.

    `index`, `privacy` and `owners_page` are the HTML of its pages, `worker` is the script of its service worker.
    """

    index: str
    privacy: str
    owners_page: str
    worker: str
    files: tuple[Page, ...]
    examples: tuple[ExamplePages, ...]

    def pages(self, address: str, services: Services, owner: Owner = UNSAID) -> list[Page]:
        """Return its files, in the order in which to upload them to `address`. The page connects to `services`.

        The pages come after the files that they name. The service worker comes last: it names the files to keep.
        """
        policy = " ".join(["connect-src 'self'", *services.origins])
        card = f'content="{_origin(address)}/card.png"'  # programs that preview links need an absolute address
        index = owner.on_index(_CONNECT.sub(policy, self.index).replace(_CARD, card))
        examples = [{"photo": each.photo.key, "thumbnail": each.thumbnail.key} for each in self.examples]
        said = {"examples": examples, "worker": True, "references": services.references, **owner.settings()}
        config = json.dumps({"api": services.api, **said}) + "\n"
        pages = [
            *self.files,
            _page(_PRIVACY, owner.on_privacy_page(self.privacy).encode()),
            _page(_OWNERS_PAGE, _CONNECT.sub(policy, self.owners_page).encode()),
            _page(_CONFIG, config.encode()),
            _page(_INDEX, index.encode()),
        ]
        worker = _FILES.sub(f"const SITE = {_files_to_keep(pages)};", self.worker)
        photos = [page for each in self.examples for page in (each.photo, each.thumbnail)]
        return [*photos, *pages, _page(_WORKER, worker.encode())]


def build(examples: Sequence[Path] = (), folder: Path = SITE) -> Site:
    """Return the website in `folder`, with example photos in the order given.

    All of `assets/` moves to `assets/<hash of its content>/`, so that the links between its files stay right.

    Raises:
        DeployError: `folder` holds no website that can be deployed, or an example cannot be read.
    """
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(_files(folder))}
    for name in (_INDEX, _PRIVACY, _OWNERS_PAGE, _WORKER):
        if name not in files:
            raise DeployError(f"{folder} has no {name}.")
    assets = {name: body for name, body in files.items() if name.startswith(_ASSETS)}
    hashed = f"{_ASSETS}{_digest(assets)}/"
    texts = {name: files.pop(name).decode() for name in (_INDEX, _PRIVACY, _OWNERS_PAGE, _WORKER)}
    _check_places(texts)
    html = {page: _with_hashed_names(page, texts[page], assets, hashed) for page in (_INDEX, _PRIVACY, _OWNERS_PAGE)}
    return Site(
        html[_INDEX],
        html[_PRIVACY],
        html[_OWNERS_PAGE],
        texts[_WORKER],
        tuple(_page(re.sub(rf"^{_ASSETS}", hashed, name), body) for name, body in files.items()),
        tuple(map(_example_pages, dict.fromkeys(map(example, examples)))),
    )


def upload(s3: Any, bucket: str, pages: Sequence[Page], keep: timedelta = _A_DAY) -> None:
    """Upload these pages, and retire the website's other files.

    A retired file stays in the bucket for the time of `keep`, for pages that are open in browsers; an example photo is
    removed at once. `s3` is a boto3 client.
    """
    for page in pages:
        s3.put_object(
            Bucket=bucket,
            Key=page.key,
            Body=page.body,
            ContentType=page.content_type,
            CacheControl=page.cache_control,
            Metadata={_UPLOADED: "true"},
        )
    _remove_old(s3, bucket, {page.key for page in pages}, datetime.now(UTC) - keep)


def refresh(cloudfront: Any, distribution: str) -> None:
    """Empty CloudFront's cache of the website: a photo may have been withdrawn. `cloudfront` is a boto3 client."""
    cloudfront.create_invalidation(
        DistributionId=distribution,
        InvalidationBatch={"Paths": {"Quantity": 1, "Items": ["/*"]}, "CallerReference": uuid4().hex},
    )


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))


def _digest(files: dict[str, bytes]) -> str:
    parts = (f"{name}\0{sha256(body).hexdigest()}\n" for name, body in files.items())
    return sha256("".join(parts).encode()).hexdigest()[:12]


def _check_places(texts: dict[str, str]) -> None:
    """Check that the pages and the service worker have every place to fill in."""
    for page in (_INDEX, _OWNERS_PAGE):
        if len(_CONNECT.findall(texts[page])) != 1:
            raise DeployError(f"{page} needs one Content-Security-Policy with a connect-src, to name the API in.")
    if _CARD not in texts[_INDEX]:
        raise DeployError(f"{_INDEX} needs a social card, {_CARD}, to name the website in.")
    if len(_FILES.findall(texts[_WORKER])) != 1:
        raise DeployError(f"{_WORKER} needs one line `const SITE = …;`, to list the website's files in.")


def _with_hashed_names(page: str, html: str, assets: Collection[str], hashed: str) -> str:
    """Return a page with the new names of its assets, after checking that they exist."""
    named = [_ASSETS + name for name in _REFERENCE.findall(html)]
    if not named or html.count(_ASSETS) != len(named):
        raise DeployError(f'{page} must name its files as "{_ASSETS}…" and in no other way: they are renamed.')
    for name in named:
        if name not in assets:
            raise DeployError(f"{page} names {name}, which does not exist.")
    return html.replace(f'"{_ASSETS}', f'"{hashed}')


def _files_to_keep(pages: Sequence[Page]) -> str:
    """Return what the service worker keeps of these pages, as JSON: all but the pictures and the owner's page.

    Without a network, nobody can change people. And the owner's page is then never older than the service.

    The names of assets say what is in them. The other files have their hash beside them, so that a browser never keeps
    files of two deployments together.
    """
    kept = [page for page in pages if page.content_type != "image/png" and not _is_owners(page.key)]
    assets = [page.key for page in kept if page.key.startswith(_ASSETS)]
    others = {page.key: _integrity(page.body) for page in kept if page.key not in assets}
    version = sha256(json.dumps([assets, others]).encode()).hexdigest()[:12]
    return json.dumps({"version": version, "assets": assets, "others": others})


def _is_owners(key: str) -> bool:
    return key == _OWNERS_PAGE or _OWNERS_ASSETS.match(key) is not None


def _integrity(body: bytes) -> str:
    """Return the hash in the form of https://www.w3.org/TR/sri/."""
    return "sha256-" + base64.b64encode(sha256(body).digest()).decode()


def _page(key: str, body: bytes) -> Page:
    kind = _TEXT.get(Path(key).suffix)
    content_type = f"{kind}; charset=utf-8" if kind else mimetypes.guess_type(key)[0] or "application/octet-stream"
    return Page(key, body, content_type, _cache_control(key))


def _cache_control(key: str) -> str:
    if key.startswith((_ASSETS, _EXAMPLES)):
        return _FOREVER
    return _REVALIDATE if Path(key).suffix in _TEXT else _ONE_DAY


def _example_pages(example: Example) -> ExamplePages:
    return ExamplePages(
        *(_page(f"{_EXAMPLES}{sha256(body).hexdigest()[:12]}.jpg", body) for body in (example.photo, example.thumbnail))
    )


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def _remove_old(s3: Any, bucket: str, wanted: Collection[str], before: datetime) -> None:
    """Retire the website's former files, and delete those that were retired before that time."""
    for key, modified in _objects(s3, bucket):
        head = None if key in wanted else _head(s3, bucket, key)
        if head is None:
            continue
        metadata = head.get("Metadata", {})
        if not (_OWN_KEY.match(key) or {_UPLOADED, _RETIRED} & set(metadata)):
            continue  # somebody else's file
        retired = _RETIRED in metadata
        if key.startswith(_EXAMPLES) or (retired and modified <= before):
            s3.delete_object(Bucket=bucket, Key=key)
        elif not retired:
            _retire(s3, bucket, key, head)


def _objects(s3: Any, bucket: str) -> Iterator[tuple[str, datetime]]:
    for listing in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        yield from ((entry["Key"], entry["LastModified"]) for entry in listing.get("Contents", ()))


def _head(s3: Any, bucket: str, key: str) -> dict[str, Any] | None:
    """Return an object's metadata, None if it was deleted since it was listed, or may not be read.

    S3 answers 400 for an object that somebody has encrypted with a key of their own, and 403 without access to its key.
    """
    try:
        return dict(s3.head_object(Bucket=bucket, Key=key))
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in {"404", "NoSuchKey"} or (code in {"400", "403"} and not _OWN_KEY.match(key)):
            return None
        raise


def _retire(s3: Any, bucket: str, key: str, head: dict[str, Any]) -> None:
    """Mark an object as retired by copying it onto itself. S3 then counts its age from this moment on."""
    s3.copy_object(
        Bucket=bucket,
        Key=key,
        CopySource={"Bucket": bucket, "Key": key},
        MetadataDirective="REPLACE",
        Metadata={**head.get("Metadata", {}), _RETIRED: "true"},
        **{name: head[name] for name in _COPIED_FIELDS if head.get(name)},
    )
