"""A bundle in S3: published once, downloaded in parts, and refused where it is not what its manifest says."""

import json
from contextlib import closing
from dataclasses import replace

import boto3
import numpy as np
import pytest

from deploy.local import temporary
from model import bundle as bundles
from model.bundle import DETECTOR, FILES, GALLERY, LANDMARKS, MANIFEST, MODEL, ONNX, ONNX_WEIGHTS, Manifest
from model.errors import BundleError, BundleUnavailableError
from model.storage import Bucket
from model.version import VERSION
from preprocess.geometry import Geometry
from scripts.console import SETTINGS
from tests.deployed import environment_of

PLAIN = Manifest(("Ann", "Zoë"), Geometry(), 0.6, 1.0, {}, {"validation": None}, {}, {"torch": "2"}, {})


class Files:
    """The objects of a bucket, read and changed without Visage's code."""

    def __init__(self, client, name):
        self.client, self.name = client, name

    def put(self, key, content):
        self.client.put_object(Bucket=self.name, Key=key, Body=content)

    def delete(self, key):
        self.client.delete_object(Bucket=self.name, Key=key)

    def keys(self, prefix):
        found = self.client.list_objects_v2(Bucket=self.name, Prefix=f"{prefix}/").get("Contents", ())
        return {item["Key"].removeprefix(f"{prefix}/") for item in found}

    def times(self, prefix):
        found = self.client.list_objects_v2(Bucket=self.name, Prefix=f"{prefix}/")["Contents"]
        return {item["Key"]: item["LastModified"] for item in found}


@pytest.fixture(scope="module")
def bucket(tmp_path_factory):
    """A bucket of a local AWS, which boto3 talks to."""
    with (
        temporary(tmp_path_factory.mktemp("local-aws"), SETTINGS) as local,
        environment_of(local),
        closing(boto3.client("s3")) as client,
    ):
        client.create_bucket(Bucket="bundles")
        yield Files(client, "bundles")


def write(tmp_path, name="bundle", manifest=PLAIN, **contents):
    """Write a bundle: the trace is larger than one part of a download, and no two parts of it are the same."""
    folder = tmp_path / f"{name}-source"
    folder.mkdir()
    for file in FILES - {MODEL}:
        (folder / file).write_text(contents.get(file.partition(".")[0], file))
    (folder / MODEL).write_bytes(np.arange(5_000_000, dtype=">u4").tobytes())
    return bundles.write(folder, manifest, tmp_path / name)


def publish(written, location):
    """Publish and return the names of the files that were uploaded."""
    uploaded = []
    bundles.publish(written.directory, location, lambda name, *_: uploaded.append(name))
    return set(uploaded)


@pytest.fixture
def published(bucket, tmp_path):
    written = write(tmp_path)
    location = f"s3://{bucket.name}/{tmp_path.name}"
    publish(written, location)
    return location, written


def test_a_published_bundle_comes_back_as_it_was(published, tmp_path):
    location, written = published
    loaded = bundles.load(location, tmp_path / "cache")
    assert loaded.manifest == written.manifest
    assert bundles.load(str(loaded.directory)).manifest == written.manifest
    assert sorted(path.name for path in loaded.directory.iterdir()) == sorted([*written.manifest.files, MANIFEST])


def test_only_the_files_asked_for_are_downloaded(published, bucket, tmp_path):
    location, written = published
    bucket.delete(f"{tmp_path.name}/{MODEL}")
    wanted = [ONNX, ONNX_WEIGHTS, GALLERY]
    loaded = bundles.load(location, tmp_path / "cache", wanted)
    assert sorted(path.name for path in loaded.directory.iterdir()) == sorted([*wanted, MANIFEST])
    assert loaded.path(ONNX).read_bytes() == written.path(ONNX).read_bytes()


def test_the_first_part_of_a_bundle_need_not_wait_for_the_last(published, bucket, tmp_path):
    location, written = published
    bucket.delete(f"{tmp_path.name}/{MODEL}")
    with closing(bundles.load_parts(location, [[GALLERY, ONNX], [MODEL]], tmp_path / "cache")) as parts:
        assert next(parts).path(GALLERY).read_bytes() == written.path(GALLERY).read_bytes()
        with pytest.raises(BundleError, match="Publish"):
            next(parts)


def test_a_cancelled_download_leaves_no_partial_file(published, tmp_path):
    location, _ = published
    with closing(bundles.load_parts(location, [[GALLERY], [MODEL]], tmp_path / "cache")) as parts:
        next(parts)
    assert not list((tmp_path / "cache").rglob("*.part"))


def test_a_file_altered_in_the_bucket_is_refused_and_nothing_of_it_stays(published, bucket, tmp_path):
    location, _ = published
    bucket.put(f"{tmp_path.name}/{GALLERY}", b"altered")
    with pytest.raises(BundleError, match=GALLERY):
        bundles.load(location, tmp_path / "cache")
    assert not list((tmp_path / "cache").rglob(f"{GALLERY}*"))


def test_a_file_missing_in_the_bucket_is_a_bundle_error_and_no_part_of_another_stays(published, bucket, tmp_path):
    location, _ = published
    bucket.delete(f"{tmp_path.name}/{GALLERY}")
    with pytest.raises(BundleError, match="Publish"):
        bundles.load(location, tmp_path / "cache")
    assert not list((tmp_path / "cache").rglob("*.part"))


def test_cached_files_are_verified_and_only_wrong_ones_are_downloaded_again(published, bucket, tmp_path):
    location, written = published
    loaded = bundles.load(location, tmp_path / "cache")
    bucket.delete(f"{tmp_path.name}/{MODEL}")
    loaded.path(GALLERY).write_text("damaged")
    assert bundles.load(location, tmp_path / "cache").path(GALLERY).read_bytes() == written.path(GALLERY).read_bytes()


def test_files_that_were_right_are_kept_when_another_is_wrong(published, bucket, tmp_path):
    location, written = published
    order = [DETECTOR, LANDMARKS, ONNX]
    bucket.put(f"{tmp_path.name}/{ONNX}", b"altered")
    with pytest.raises(BundleError, match=ONNX):
        bundles.load(location, tmp_path / "cache", order)
    for name in order[:2]:
        bucket.delete(f"{tmp_path.name}/{name}")
    bucket.put(f"{tmp_path.name}/{ONNX}", written.path(ONNX).read_bytes())
    assert bundles.load(location, tmp_path / "cache", order).manifest == written.manifest


def test_the_same_bundle_is_published_once(published):
    location, written = published
    assert publish(written, location) == set()


def test_another_bundle_does_not_overwrite_a_published_one(published, bucket, tmp_path):
    location, written = published
    before = bucket.times(tmp_path.name)
    other = write(tmp_path, "other", replace(PLAIN, threshold=0.7))
    with pytest.raises(BundleError, match=f"another prefix, for instance one that ends in {other.manifest.version}"):
        publish(other, location)
    assert bucket.times(tmp_path.name) == before
    assert bundles.load(location, tmp_path / "cache").manifest == written.manifest


@pytest.mark.parametrize("text", [b"", b"{", b'{"format": 2}', b'{"format": 99, "files": {}}'])
def test_an_older_or_damaged_published_manifest_says_what_to_do(bucket, tmp_path, text):
    bucket.put(f"{tmp_path.name}/{MANIFEST}", text)
    location = f"s3://{bucket.name}/{tmp_path.name}"
    written = write(tmp_path)
    with pytest.raises(BundleError, match=f"aws s3 rm --recursive {location}"):
        publish(written, location)
    bucket.delete(f"{tmp_path.name}/{MANIFEST}")
    publish(written, location)
    assert bundles.load(location, tmp_path / "cache").manifest == written.manifest


def test_an_interrupted_upload_is_begun_again(bucket, tmp_path):
    written = write(tmp_path)
    location = f"s3://{bucket.name}/{tmp_path.name}"
    bucket.put(f"{tmp_path.name}/{MODEL}", b"torn")
    bucket.put(f"{tmp_path.name}/{GALLERY}", b"x" * written.path(GALLERY).stat().st_size)
    publish(written, location)
    assert bundles.load(location, tmp_path / "cache").manifest == written.manifest


def test_publishing_again_uploads_a_file_that_is_missing_in_the_bucket(published, bucket, tmp_path):
    location, written = published
    bucket.delete(f"{tmp_path.name}/{GALLERY}")
    bucket.put(f"{tmp_path.name}/{ONNX}", b"torn off")
    assert publish(written, location) == {GALLERY, ONNX}
    assert bucket.keys(tmp_path.name) == {*FILES, MANIFEST}


def test_requests_to_s3_name_visage_and_its_version(bucket):
    seen = []
    with closing(Bucket(f"s3://{bucket.name}/any")) as opened:
        opened._client.meta.events.register("before-send.s3.*", lambda request, **_: seen.append(request.headers))
        opened.sizes()
    assert f"visage/{VERSION}" in str(seen[0]["User-Agent"])


def test_a_manifest_that_names_a_file_outside_of_the_bundle_is_never_downloaded(published, bucket, tmp_path):
    location, written = published
    fields = json.loads(written.path(MANIFEST).read_text(encoding="utf-8"))
    fields["files"]["../../outside"] = fields["files"].pop(GALLERY)
    bucket.put(f"{tmp_path.name}/{MANIFEST}", json.dumps(fields).encode())
    bucket.put("outside", written.path(GALLERY).read_bytes())
    with pytest.raises(BundleError, match="names a file"):
        bundles.load(location, tmp_path / "cache")
    assert not list(tmp_path.rglob("outside*"))


def test_a_missing_answer_is_reported_as_unavailable(bucket, monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    with pytest.raises(BundleUnavailableError, match="cannot be reached"):
        bundles.load("s3://bundles/any", tmp_path / "cache")


def test_a_bucket_that_does_not_exist_has_no_bundle(bucket, tmp_path):
    with pytest.raises(BundleError, match="No bundle at s3://nowhere/any"):
        bundles.load("s3://nowhere/any", tmp_path / "cache")
