"""The upload of the website into a bucket that others use too."""

# ruff: noqa: N803  # boto3 names its arguments like this

from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from deploy import website
from deploy.website import Page

PAGES = [Page("index.html", b"<html>", "text/html; charset=utf-8", "no-cache")]
FORMER = "assets/0123456789ab/main.js"
EXAMPLE = "examples/0123456789ab.jpg"


class Bucket:
    """A fake S3 client with one bucket: each object is what S3's HEAD answers of it."""

    def __init__(self, **objects) -> None:
        self.objects = dict(objects)
        self.listed = None

    def put_object(self, *, Bucket, Key, Body, **head):
        self.objects[Key] = {"LastModified": datetime.now(UTC), **head}

    def get_paginator(self, _):
        return self

    def paginate(self, *, Bucket):
        objects = self.listed if self.listed is not None else self.objects
        found = [{"Key": key, "LastModified": self.time(key)} for key in objects]
        return [{"Contents": found}] if found else [{}]

    def time(self, key):
        return self.objects.get(key, {}).get("LastModified", datetime(2026, 1, 1, tzinfo=UTC))

    def head_object(self, *, Bucket, Key):
        if Key not in self.objects:
            raise ClientError({"Error": {"Code": "404", "Message": "Not Found"}}, "HeadObject")
        return self.objects[Key]

    def delete_object(self, *, Bucket, Key):
        del self.objects[Key]

    def copy_object(self, *, Bucket, Key, CopySource, MetadataDirective, **head):
        assert MetadataDirective == "REPLACE"
        assert None not in head.values()
        self.objects[Key] = {"LastModified": datetime.now(UTC), **head}


@pytest.mark.parametrize(
    "head",
    [{}, {"Metadata": {}}, {"ContentType": "text/plain"}, {"CacheControl": "no-cache", "Metadata": {"by": "hand"}}],
)
@pytest.mark.parametrize("key", ["robots.txt", "assets/logo.png", "examples/mine.jpg", "folder/", ".well-known/x"])
def test_a_file_that_somebody_else_put_there_stays_as_it_is(key, head):
    bucket = Bucket(**{key: head})
    for _ in range(2):
        website.upload(bucket, "bucket", PAGES, keep=timedelta(0))
    assert bucket.objects[key] is head


@pytest.mark.parametrize("missing", ["ContentType", "CacheControl", "Metadata"])
def test_a_former_file_is_retired_whatever_fields_it_lacks(missing):
    head = {"ContentType": "text/javascript", "CacheControl": "immutable", "Metadata": {"visage": "true"}}
    del head[missing]
    bucket = Bucket(**{FORMER: head})
    website.upload(bucket, "bucket", PAGES)
    retired = bucket.objects[FORMER]
    assert retired["Metadata"]["retired"] == "true"
    kept = ("ContentType", "CacheControl")
    assert {name: retired.get(name) for name in kept} == {name: head.get(name) for name in kept}


def test_a_former_file_keeps_its_other_fields():
    fields = {"ContentEncoding": "gzip", "ContentLanguage": "en", "ContentDisposition": "inline"}
    bucket = Bucket(**{FORMER: {"Metadata": {"visage": "true"}, **fields}})
    website.upload(bucket, "bucket", PAGES)
    assert fields.items() <= bucket.objects[FORMER].items()


def test_what_visage_uploads_is_marked_and_so_is_removed_when_it_leaves_the_website():
    bucket = Bucket()
    website.upload(bucket, "bucket", [*PAGES, Page("old.svg", b"<svg/>", "image/svg+xml", "no-cache")])
    website.upload(bucket, "bucket", PAGES, keep=timedelta(0))
    assert "retired" in bucket.objects["old.svg"]["Metadata"]
    website.upload(bucket, "bucket", PAGES, keep=timedelta(0))
    assert set(bucket.objects) == {"index.html"}


@pytest.mark.parametrize("code", ["400", "403"])
def test_a_file_that_cannot_be_read_for_its_encryption_is_left_alone(code, monkeypatch):
    bucket = Bucket(**{"secret.bin": {}})

    def refuse(**_):
        raise ClientError({"Error": {"Code": code, "Message": "Bad Request"}}, "HeadObject")

    monkeypatch.setattr(bucket, "head_object", refuse)
    website.upload(bucket, "bucket", PAGES)
    assert set(bucket.objects) == {"secret.bin", "index.html"}


def test_an_example_is_removed_at_once():
    bucket = Bucket(**{EXAMPLE: {}})
    website.upload(bucket, "bucket", PAGES)
    assert EXAMPLE not in bucket.objects


def test_an_object_that_is_deleted_meanwhile_is_no_error():
    bucket = Bucket()
    bucket.listed = [FORMER, "robots.txt"]
    website.upload(bucket, "bucket", PAGES)
    assert set(bucket.objects) == {"index.html"}
