"""An S3 inventory lists a bucket: its rows are checked, sorted and decoded."""

import gzip
import hashlib
import json
from urllib.parse import quote_plus

import pytest

from batch import inventory
from batch.errors import SourceError
from batch.opening import source_at
from tests.buckets import Buckets, etag

MANIFEST = "photos/daily/2026-11-26T00-00Z/manifest.json"
SCHEMA = "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, ETag"
PHOTOS = {
    "b c.jpg": b"1",
    "a+b.jpg": b"22",
    'ä/😀,".jpg': b"333",
    "line\nbreak.jpg": b"4444",
    ".hidden": b"5",
    "x/": b"",
}


def md5(content):
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def row(key, content, latest="true", deleted="false"):
    fields = ["photos", quote_plus(key), "v1", latest, deleted, str(len(content)), etag(content).strip('"')]
    return ",".join(f'"{field}"' for field in fields)


def buckets_with(rows, schema=SCHEMA, kind="CSV", files=2):
    """Return buckets with an inventory of these rows in some files."""
    reports, listed = {}, []
    for number in range(files):
        body = gzip.compress("".join(f"{each}\n" for each in rows[number::files]).encode(), mtime=0)
        reports[f"data/{number}.csv.gz"] = body
        listed.append({"key": f"data/{number}.csv.gz", "size": len(body), "MD5checksum": md5(body)})
    manifest = json.dumps({"sourceBucket": "photos", "fileFormat": kind, "fileSchema": schema, "files": listed})
    reports[MANIFEST] = manifest.encode()
    reports[MANIFEST.replace("manifest.json", "manifest.checksum")] = f"{md5(manifest.encode())}\n".encode()
    return Buckets(photos=PHOTOS, reports=reports)


def opened(buckets):
    return source_at(f"s3://reports/{MANIFEST}", buckets.connect)


def test_keys_are_decoded_sorted_and_readable(monkeypatch):
    monkeypatch.setattr(inventory, "_IN_MEMORY", 2)
    buckets = buckets_with([row(key, content) for key, content in PHOTOS.items()])
    source = opened(buckets)
    found = list(source.photos())
    assert [listed.key for listed in found] == ["a+b.jpg", "b c.jpg", "line\nbreak.jpg", 'ä/😀,".jpg']
    assert [source.read(listed) for listed in found] == [PHOTOS[listed.key] for listed in found]
    assert source.left_out.total() == 1


def test_older_versions_and_deleted_objects_are_not_listed():
    rows = [row("a+b.jpg", b"22"), row("a+b.jpg", b"older", latest="false"), row("gone.jpg", b"", deleted="true")]
    assert [(listed.key, listed.size) for listed in opened(buckets_with(rows)).photos()] == [("a+b.jpg", 2)]


def test_a_key_that_is_listed_twice_is_one_photo():
    rows = [row("b c.jpg", b"1"), row("b c.jpg", b"1")]
    assert len(list(opened(buckets_with(rows)).photos())) == 1


def test_an_inventory_without_photos_is_a_sentence():
    with pytest.raises(SourceError, match="lists no photos"):
        list(opened(buckets_with([])).photos())


@pytest.mark.parametrize(
    ("given", "sentence"),
    [({"kind": "ORC"}, "in ORC"), ({"schema": "Bucket, Key"}, "no column Size, ETag")],
)
def test_an_inventory_that_cannot_be_read_says_what_to_do(given, sentence):
    with pytest.raises(SourceError, match=sentence):
        opened(buckets_with([], **given))


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"files": [{}]}'])
def test_what_is_no_manifest_is_a_sentence(text):
    buckets = buckets_with([])
    buckets.objects["reports"] = {MANIFEST: text}
    with pytest.raises(SourceError, match="not the manifest"):
        opened(buckets)


def test_a_manifest_that_is_missing_or_not_what_its_checksum_says_is_a_sentence():
    buckets = buckets_with([])
    buckets.objects["reports"][MANIFEST] += b" "
    with pytest.raises(SourceError, match="checksum"):
        opened(buckets)
    del buckets.objects["reports"][MANIFEST]
    with pytest.raises(SourceError, match="cannot be read"):
        opened(buckets)


def test_an_altered_file_is_not_used():
    buckets = buckets_with([row("b c.jpg", b"1")], files=1)
    buckets.objects["reports"]["data/0.csv.gz"] = gzip.compress(row("a+b.jpg", b"22").encode())
    with pytest.raises(SourceError, match="not what the inventory's manifest says"):
        list(opened(buckets).photos())
    del buckets.objects["reports"]["data/0.csv.gz"]
    with pytest.raises(SourceError, match="cannot be read"):
        list(opened(buckets).photos())


@pytest.mark.parametrize("rows", [["a,b"], ['"photos","%ff","v","true","false","1","e"'], [row("a", b"x") + ',"more"']])
def test_rows_that_are_damaged_are_a_sentence(rows):
    with pytest.raises(SourceError, match="damaged"):
        list(opened(buckets_with(rows)).photos())
