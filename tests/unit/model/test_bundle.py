"""A bundle is whole, unaltered and of this format, or it is refused."""

import json
from contextlib import closing, suppress
from dataclasses import replace

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.local import temporary
from model import bundle as bundles
from model.bundle import DETECTOR, GALLERY, LANDMARKS, MANIFEST, MODEL, ONNX, ONNX_WEIGHTS, Manifest
from model.errors import BundleError
from model.storage import FileEntry
from preprocess.geometry import Geometry
from scripts.console import SETTINGS
from tests.deployed import environment_of

PLAIN = Manifest(("Ann", "Zoë"), (), Geometry(), 0.6, 0.8, 1.0, {}, {"validation": None}, {}, {"torch": "2"}, {})


def source(folder, **contents):
    """Make a folder with every file but the manifest."""
    folder.mkdir()
    for name in (MODEL, ONNX, ONNX_WEIGHTS, GALLERY, DETECTOR, LANDMARKS):
        (folder / name).write_text(contents.get(name.partition(".")[0], name))
    return folder


@pytest.fixture
def written(tmp_path):
    return bundles.write(source(tmp_path / "source"), PLAIN, tmp_path / "bundle")


def rewrite(bundle, **fields):
    """Change fields of the manifest, leaving its version as it was."""
    path = bundle.path(MANIFEST)
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | fields), encoding="utf-8")


def test_a_bundle_is_read_as_it_was_written(written):
    assert bundles.load(str(written.directory)) == written


@pytest.mark.parametrize(
    "other",
    [
        {"labels": ("Ann", "Zoe")},
        {"threshold": 0.61},
        {"geometry": Geometry(160)},
        {"training": {"recipe": {"epochs": 1}}},
        {"files": {MODEL: FileEntry(1, "0" * 64)}},
    ],
    ids=lambda other: next(iter(other)),
)
def test_the_version_changes_with_the_content(other):
    assert replace(PLAIN, **other).sealed().version != PLAIN.sealed().version


def test_the_version_changes_with_a_file(tmp_path, written):
    other = bundles.write(source(tmp_path / "other", model="better"), PLAIN, tmp_path / "bundle2")
    assert other.manifest.version != written.manifest.version


def test_sealing_again_changes_nothing():
    assert PLAIN.sealed().sealed() == PLAIN.sealed()


@pytest.mark.parametrize("name", [MODEL, ONNX, ONNX_WEIGHTS, GALLERY, DETECTOR, LANDMARKS, MANIFEST])
def test_a_bundle_without_one_of_its_files_is_refused(written, name):
    written.path(name).unlink()
    with pytest.raises(BundleError, match=name):
        bundles.load(str(written.directory))


def test_a_bundle_that_never_had_a_file_says_so(written):
    with pytest.raises(BundleError, match=r"no model\.tflite: it is older than this version\. Export its run again"):
        bundles.load(str(written.directory), files=[MODEL, "model.tflite"])


def test_who_asks_for_some_files_does_not_hear_of_the_others(written):
    written.path(MODEL).unlink()
    written.path(LANDMARKS).write_text("altered")
    assert bundles.load(str(written.directory), files=[ONNX, GALLERY]).manifest == written.manifest
    with pytest.raises(BundleError, match=LANDMARKS):
        bundles.load(str(written.directory), files=[ONNX, LANDMARKS])


@pytest.mark.parametrize(
    ("fields", "reason"),
    [({"threshold": -1}, "altered"), ({"labels": ["Eve", "Zoë"]}, "altered"), ({"format": 1}, "format 1")],
)
def test_an_altered_manifest_is_refused(written, fields, reason):
    rewrite(written, **fields)
    with pytest.raises(BundleError, match=reason):
        bundles.load(str(written.directory))


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", '{"format": 1}', '{"format": 1, "files": []}', b"\xff"])
def test_what_is_no_manifest_is_refused(text):
    with pytest.raises(BundleError):
        Manifest.from_json(text)


@given(st.data())
def test_any_character_changed_is_the_same_manifest_or_refused(data):
    text = PLAIN.sealed().to_json()
    place = data.draw(st.integers(0, len(text) - 1))
    changed = text[:place] + data.draw(st.characters(codec="utf-8")) + text[place + 1 :]
    with suppress(BundleError):
        assert Manifest.from_json(changed) == PLAIN.sealed()


def test_a_folder_that_is_no_bundle_is_never_replaced(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").touch()
    with pytest.raises(BundleError, match="no bundle"):
        bundles.write(source(tmp_path / "source"), PLAIN, tmp_path / "photos", replace_existing=True)
    assert (tmp_path / "photos" / "a.jpg").exists()


def test_a_bundle_is_replaced_only_when_asked(tmp_path, written):
    with pytest.raises(BundleError, match="--replace"):
        bundles.write(source(tmp_path / "second"), PLAIN, written.directory)
    better = replace(PLAIN, threshold=0.7)
    bundles.write(tmp_path / "second", better, written.directory, replace_existing=True)
    assert bundles.load(str(written.directory)).manifest.threshold == 0.7


def test_an_empty_folder_may_become_a_bundle(tmp_path):
    (tmp_path / "bundle").mkdir()
    assert bundles.write(source(tmp_path / "source"), PLAIN, tmp_path / "bundle").path(MODEL).exists()


def test_a_file_where_the_bundle_should_be_is_a_bundle_error(tmp_path):
    (tmp_path / "bundle").touch()
    with pytest.raises(BundleError):
        bundles.write(source(tmp_path / "source"), PLAIN, tmp_path / "bundle")


@pytest.fixture(scope="module")
def bucket(tmp_path_factory):
    """A bucket of a local AWS, for whoever asks boto3."""
    with temporary(tmp_path_factory.mktemp("local-aws"), SETTINGS) as local, environment_of(local):
        made = boto3.resource("s3").Bucket("bundles")
        with closing(made.meta.client):
            made.create()
            yield made


interrupts = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
"""s3transfer leaves the connections of transfers that it cancels to the garbage collector, which warns."""


@pytest.fixture
def published(bucket, tmp_path):
    """A bundle in S3: the trace is larger than one part of a download, and no two parts of it are the same."""
    folder = source(tmp_path / "source")
    (folder / MODEL).write_bytes(b"".join(number.to_bytes(4) for number in range(5_000_000)))
    written = bundles.write(folder, PLAIN, tmp_path / "bundle")
    location = f"s3://{bucket.name}/{tmp_path.name}"
    bundles.publish(written.directory, location, lambda *_: None)
    return location, written


def test_a_published_bundle_comes_back_as_it_was(published, tmp_path):
    location, written = published
    loaded = bundles.load(location, tmp_path / "cache")
    assert loaded.manifest == written.manifest
    assert bundles.load(str(loaded.directory)).manifest == written.manifest
    assert sorted(path.name for path in loaded.directory.iterdir()) == sorted([*written.manifest.files, MANIFEST])


def test_only_the_files_asked_for_are_downloaded(published, bucket, tmp_path):
    location, written = published
    bucket.Object(f"{tmp_path.name}/{MODEL}").delete()
    wanted = [ONNX, ONNX_WEIGHTS, GALLERY]
    loaded = bundles.load(location, tmp_path / "cache", wanted)
    assert sorted(path.name for path in loaded.directory.iterdir()) == sorted([*wanted, MANIFEST])
    assert loaded.path(ONNX).read_bytes() == written.path(ONNX).read_bytes()


@interrupts
def test_the_first_part_of_a_bundle_need_not_wait_for_the_last(published, bucket, tmp_path):
    location, written = published
    bucket.Object(f"{tmp_path.name}/{MODEL}").delete()
    arriving = bundles.load_parts(location, [[GALLERY, ONNX], [MODEL]], tmp_path / "cache")
    assert next(arriving).path(GALLERY).read_bytes() == written.path(GALLERY).read_bytes()
    with pytest.raises(BundleError, match="Publish"):
        next(arriving)


@interrupts
def test_a_file_altered_in_the_bucket_is_refused_and_nothing_of_it_stays(published, bucket, tmp_path):
    location, _ = published
    bucket.Object(f"{tmp_path.name}/{GALLERY}").put(Body=b"altered")
    with pytest.raises(BundleError, match=GALLERY):
        bundles.load(location, tmp_path / "cache")
    assert not list((tmp_path / "cache").rglob(f"{GALLERY}*"))


@interrupts
def test_a_file_missing_in_the_bucket_is_a_bundle_error_and_no_part_of_another_stays(published, bucket, tmp_path):
    location, _ = published
    bucket.Object(f"{tmp_path.name}/{GALLERY}").delete()
    with pytest.raises(BundleError, match="Publish"):
        bundles.load(location, tmp_path / "cache")
    assert not list((tmp_path / "cache").rglob("*.part"))


def test_what_is_in_the_cache_is_verified_and_only_what_is_not_right_is_fetched_again(published, bucket, tmp_path):
    location, written = published
    loaded = bundles.load(location, tmp_path / "cache")
    bucket.Object(f"{tmp_path.name}/{MODEL}").delete()
    loaded.path(GALLERY).write_text("damaged")
    assert bundles.load(location, tmp_path / "cache").path(GALLERY).read_bytes() == written.path(GALLERY).read_bytes()
