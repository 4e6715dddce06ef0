"""Photos that an S3 inventory lists: for buckets that take long to list, or that others may not list.

Source of the format: https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory-location.html. Rows of
an inventory come in any order. They are sorted in runs on the disk, which are then merged, so that memory stays small.
"""

import csv
import gzip
import hashlib
import heapq
import json
import zlib
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import unquote_plus

from batch.contract import Listed, compact, order
from batch.errors import SourceError, UnreadError
from batch.objects import Objects
from batch.sources import acceptance, is_photo_key
from model.storage import Connect, bucket_and_key
from preprocess.temporary import temporary_folder

MANIFEST: Final = "manifest.json"
"""How the address of an inventory ends."""

_CHECKSUM: Final = "manifest.checksum"

_IN_MEMORY: Final = 100_000
"""Rows that are sorted at once: about 40 MB."""

_NEEDED: Final = ("Bucket", "Key", "Size", "ETag")
_LATEST: Final = "IsLatest"
_DELETED: Final = "IsDeleteMarker"


@dataclass(frozen=True, slots=True)
class _File:
    """A file of an inventory's rows: its key, bytes and hexadecimal MD5."""

    key: str
    size: int
    md5: str


@dataclass(frozen=True, slots=True)
class _Manifest:
    """What `manifest.json` says: the bucket that was listed, the columns of its rows, and the files that have them."""

    bucket: str
    columns: tuple[str, ...]
    files: tuple[_File, ...]

    @classmethod
    def from_json(cls, text: bytes, location: str) -> Self:
        """Read a manifest; raise SourceError if it cannot be used."""
        try:
            fields = json.loads(text)
            files = tuple(_File(str(f["key"]), int(f["size"]), str(f["MD5checksum"])) for f in fields["files"])
            kind, bucket = str(fields["fileFormat"]), str(fields["sourceBucket"])
            columns = tuple(column.strip() for column in str(fields["fileSchema"]).split(","))
        except (ValueError, KeyError, TypeError) as error:
            raise SourceError(f"{location} is not the manifest of an S3 inventory.") from error
        if kind != "CSV":
            raise SourceError(f"{location} is an inventory in {kind}. Only CSV can be read: make one in that format.")
        missing = [column for column in _NEEDED if column not in columns]
        if missing:
            raise SourceError(
                f"The inventory {location} has no column {', '.join(missing)}. Add the fields Size and ETag to it."
            )
        return cls(bucket, columns, files)

    def listed(self, row: Sequence[str]) -> Listed | None:
        """Return what a row lists, None for an older version or a deleted object."""
        fields: dict[str, str] = dict(zip(self.columns, row, strict=True))
        if fields.get(_LATEST, "true").lower() != "true" or fields.get(_DELETED, "false").lower() == "true":
            return None
        # Keys are encoded as forms are: https://github.com/cloud-custodian/cloud-custodian/issues/1997.
        return Listed(unquote_plus(fields["Key"], errors="strict"), fields["ETag"].strip('"'), int(fields["Size"] or 0))


class InventorySource:
    """The objects of a whole bucket, as an inventory lists them; keys are not relative to anything."""

    def __init__(self, location: str, connect: Connect | None = None) -> None:
        """Read the inventory whose manifest is at `location`, "s3://bucket/…/manifest.json".

        Raises:
            SourceError: it is no manifest, or of a kind that cannot be read.
            BatchError: S3 cannot be reached, or refuses.
        """
        self.location = location
        self.left_out: Counter[str] = Counter()
        bucket, key = bucket_and_key(location)
        self._destination = Objects(f"s3://{bucket}", connect)
        try:
            self._manifest = self._read_manifest(key)
        except BaseException:
            self._destination.close()
            raise
        self._objects = Objects(f"s3://{self._manifest.bucket}", connect)

    def photos(self) -> Generator[Listed, None, None]:
        """Yield all objects in the order of their keys.

        Raises:
            SourceError: a file is missing, damaged or altered; or there are no photos.
            BatchError: S3 cannot be reached, or refuses.
        """
        self.left_out.clear()
        empty = True
        with temporary_folder() as folder, ExitStack() as stack:
            rows = (listed for file in self._manifest.files for listed in self._rows(file, folder / "file"))
            runs = [_read(stack.enter_context(run.open("rb"))) for run in _sorted_runs(rows, folder)]
            merged = heapq.merge(*runs, key=_by_key)
            for _, same in groupby(merged, key=_by_key):  # without versions, a key may be listed again while it changes
                listed = max(same, key=lambda listed: (listed.etag or "", listed.size))
                if is_photo_key(listed.key, self.left_out):
                    empty = False
                    yield listed
        if empty:
            raise SourceError(f"The inventory {self.location} lists no photos.")

    def read(self, listed: Listed) -> bytes:
        """Return the bytes of an object; see `batch.sources.Source.read`."""
        return self._objects.read(listed.key, listed.etag, acceptance(listed))

    def close(self) -> None:
        """Close all connections."""
        self._destination.close()
        self._objects.close()

    def _read_manifest(self, key: str) -> _Manifest:
        try:
            text = self._destination.read(key)
        except UnreadError as error:
            raise SourceError(f"{self.location} cannot be read: {type(error).detail}") from error
        with suppress(UnreadError):  # a copy of the manifest may come without it
            checksum = self._destination.read(f"{key.removesuffix(MANIFEST)}{_CHECKSUM}").decode("ascii", "replace")
            if checksum.strip().lower() != hashlib.md5(text, usedforsecurity=False).hexdigest():
                raise SourceError(f"{self.location} is not what its checksum says. Use another inventory.")
        return _Manifest.from_json(text, self.location)

    def _rows(self, file: _File, path: Path) -> Iterator[Listed]:
        """Yield what one file lists; its copy at `path` is replaced."""
        self._download(file, path)
        address = f"s3://{self._destination.bucket}/{file.key}"
        try:
            with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
                for row in csv.reader(lines):
                    listed = self._manifest.listed(row)
                    if listed is not None:
                        yield listed
        except (gzip.BadGzipFile, zlib.error, EOFError, ValueError, csv.Error) as error:
            raise SourceError(f"{address} of the inventory is damaged. Use another inventory.") from error

    def _download(self, file: _File, path: Path) -> None:
        address = f"s3://{self._destination.bucket}/{file.key}"
        try:
            self._destination.download(file.key, path)
        except UnreadError as error:
            raise SourceError(f"{address} of the inventory cannot be read. Use another inventory.") from error
        with path.open("rb") as copy:
            digest = hashlib.file_digest(copy, lambda: hashlib.md5(usedforsecurity=False))
        if digest.hexdigest() != file.md5.lower():
            raise SourceError(f"{address} is not what the inventory's manifest says. Use another inventory.")


def _sorted_runs(rows: Iterator[Listed], folder: Path) -> list[Path]:
    """Write rows to files, each of them sorted; return their paths."""
    runs: list[Path] = []
    while chunk := sorted(islice(rows, _IN_MEMORY), key=_by_key):
        runs.append(folder / f"run-{len(runs)}")
        with runs[-1].open("w", encoding="ascii") as file:
            file.writelines(f"{compact(listed)}\n" for listed in chunk)
    return runs


def _read(lines: Iterable[bytes]) -> Iterator[Listed]:
    for line in lines:
        fields: list[Any] = json.loads(line)
        yield Listed(*fields)


def _by_key(listed: Listed) -> bytes:
    return order(listed.key)
