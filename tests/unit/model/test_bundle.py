"""A bundle is whole, unaltered and of this format, or it is refused."""

import json
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model import bundle as bundles
from model.bundle import DETECTOR, GALLERY, LANDMARKS, MANIFEST, MODEL, ONNX, ONNX_WEIGHTS, Manifest
from model.errors import BundleError
from model.storage import FileEntry
from preprocess.geometry import Geometry

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
    with pytest.raises(BundleError, match="not a bundle"):
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
