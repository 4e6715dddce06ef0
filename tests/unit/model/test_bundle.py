"""A bundle that is incomplete, changed or of another format is refused."""

import errno
import hashlib
import json
import os
import shutil
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model import bundle as bundles
from model.bundle import FILES, FORMAT, GALLERY, LANDMARKS, MANIFEST, MODEL, ONNX, Manifest, Numbers
from model.errors import BundleError, BundleUnavailableError
from model.storage import FileEntry
from preprocess.geometry import Geometry

PLAIN = Manifest(("Ann", "Zoë"), Geometry(), 0.6, 1.0, {}, {"validation": None}, {}, {"torch": "2"}, {})
OWN = Numbers("int8", 0.65, 1.5, {"measured_on": "LFW"}, {"faces": 40})


def source(folder, **contents):
    """Make a folder with every file but the manifest."""
    folder.mkdir()
    for name in FILES:
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
        {"engines": {"onnx": replace(OWN, threshold=0.66)}},
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


def test_computing_the_version_again_changes_nothing():
    assert PLAIN.sealed().sealed() == PLAIN.sealed()


@pytest.mark.parametrize("name", sorted({*FILES, MANIFEST}))
def test_a_bundle_without_one_of_its_files_is_refused(written, name):
    written.path(name).unlink()
    with pytest.raises(BundleError, match=name):
        bundles.load(str(written.directory))


def test_a_bundle_that_never_had_a_file_says_so(written):
    with pytest.raises(BundleError, match=r"no model\.tflite: it is older than this version\. Export its run again"):
        bundles.load(str(written.directory), files=[MODEL, "model.tflite"])


def test_a_request_for_some_files_is_not_affected_by_errors_of_others(written):
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
def test_content_that_is_not_a_manifest_is_refused(text):
    with pytest.raises(BundleError):
        Manifest.from_json(text)


@given(st.data())
def test_a_manifest_with_any_changed_character_is_equal_or_refused(data):
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


def resealed(change):
    """Return the text of a manifest that `change` has changed, with the version of its new content."""
    fields = json.loads(replace(PLAIN, files={MODEL: FileEntry(1, "0" * 64)}).to_json())
    change(fields)
    content = json.dumps(fields | {"version": ""}, sort_keys=True, ensure_ascii=False).encode(errors="surrogatepass")
    return json.dumps(fields | {"version": hashlib.sha256(content).hexdigest()[:12]})


def test_a_changed_manifest_with_a_new_version_is_read():
    assert set(Manifest.from_json(resealed(lambda _: None)).files) == {MODEL}


NAMES = [
    "../../x",
    "/abs/x",
    "..\\x",
    "C:\\x",
    "",
    ".",
    "..",
    "a/b",
    "model.pt/",
    "model.pt\0",
    "./model.pt",
    "MODEL.PT",
]


@pytest.mark.parametrize("name", [*NAMES, MANIFEST, "extra.txt", "model.pt.1.part", " model.pt"])
def test_a_manifest_may_name_only_the_files_of_the_format(name):
    text = resealed(lambda fields: fields["files"].update({name: {"size": 1, "sha256": "0" * 64}}))
    with pytest.raises(BundleError, match="names a file"):
        Manifest.from_json(text)


@pytest.mark.parametrize(
    "entry",
    [
        {"size": -1},
        {"size": "1"},
        {"size": 1.0},
        {"size": True},
        {"size": None},
        {"sha256": None},
        {"sha256": 0},
        {"sha256": ""},
        {"sha256": "z" * 64},
        {"sha256": "0" * 63},
        {"sha256": ["0" * 64]},
        {"link": "x"},
    ],
    ids=str,
)
def test_a_size_or_checksum_that_no_file_has_is_refused(entry):
    with pytest.raises(BundleError, match="damaged"):
        Manifest.from_json(resealed(lambda fields: fields["files"][MODEL].update(entry)))


@pytest.mark.parametrize(
    "fields",
    [
        {"labels": [1, 2]},
        {"labels": [["Ann"]]},
        {"labels": ["\ud800"]},
        {"geometry": asdict(Geometry()) | {"size": -1}},
        {"geometry": asdict(Geometry()) | {"size": 10**9}},
        {"geometry": asdict(Geometry()) | {"size": "224"}},
        {"geometry": asdict(Geometry()) | {"stretch": 0}},
        {"geometry": asdict(Geometry()) | {"padding": float("nan")}},
        {"threshold": "0.5"},
        {"threshold": None},
        {"threshold": float("inf")},
        {"temperature": 0},
        {"metrics": None},
        {"libraries": []},
        {"format": "3"},
    ],
    ids=str,
)
def test_a_value_that_serving_cannot_use_is_refused(fields):
    with pytest.raises(BundleError, match="damaged"):
        Manifest.from_json(resealed(lambda manifest: manifest.update(fields)))


def test_an_engine_with_numbers_of_its_own_has_them_in_place_of_the_others():
    manifest = replace(PLAIN, engines={"onnx": OWN}).sealed()
    assert Manifest.from_json(manifest.to_json()) == manifest
    own = manifest.of_engine("onnx")
    assert (own.threshold, own.temperature, own.calibration) == (OWN.threshold, OWN.temperature, OWN.calibration)
    assert own.metrics == {**PLAIN.metrics, "held_out": OWN.held_out}
    assert (own.version, own.labels) == (manifest.version, manifest.labels)
    assert manifest.of_engine("torchscript") == manifest


@pytest.mark.parametrize(
    "changed",
    [
        {"threshold": None},
        {"threshold": float("nan")},
        {"temperature": 0},
        {"calibration": []},
        {"precision": 8},
        {"more": 1},
    ],
    ids=str,
)
def test_numbers_of_an_engine_that_serving_cannot_use_are_refused(changed):
    with pytest.raises(BundleError, match="damaged"):
        Manifest.from_json(resealed(lambda fields: fields.update(engines={"onnx": asdict(OWN) | changed})))


@pytest.mark.parametrize("engines", [None, [], "onnx", {"onnx": None}, {"onnx": []}, {"onnx": {}}])
def test_engines_of_another_shape_are_refused(engines):
    with pytest.raises(BundleError, match="damaged"):
        Manifest.from_json(resealed(lambda fields: fields.update(engines=engines)))


@pytest.mark.parametrize("depth", [600, 900, 100_000])
def test_a_manifest_that_is_nested_too_deeply_is_refused(depth):
    text = resealed(lambda _: None).replace('"training": {}', f'"training": {{"a": {"[" * depth}{"]" * depth}}}')
    with pytest.raises(BundleError):
        Manifest.from_json(text)


@pytest.mark.parametrize(("number", "advice"), [(FORMAT - 1, "Export its run again"), (FORMAT + 1, "Update Visage")])
def test_a_manifest_of_another_format_says_what_to_do(number, advice):
    with pytest.raises(BundleError, match=f"format {number}; this version reads {FORMAT}. {advice}"):
        Manifest.from_json(resealed(lambda fields: fields.update(format=number)))


@pytest.mark.parametrize("files", [None, [], "model.pt", {MODEL: None}, {MODEL: []}, {MODEL: {}}, {MODEL: {"size": 1}}])
def test_files_of_another_shape_are_refused(files):
    with pytest.raises(BundleError, match="damaged"):
        Manifest.from_json(resealed(lambda fields: fields.update(files=files)))


def test_a_file_that_is_not_part_of_the_format_is_not_written(tmp_path):
    (source(tmp_path / "source") / "notes.txt").touch()
    with pytest.raises(BundleError, match=r"notes\.txt"):
        bundles.write(tmp_path / "source", PLAIN, tmp_path / "bundle")


def refuse_renames(monkeypatch, *targets):
    """Make every rename to one of `targets` fail."""
    rename = Path.rename

    def refuse(path, target):
        if Path(target) in targets:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse)


def test_a_new_bundle_that_cannot_be_renamed_is_reported_in_one_sentence(tmp_path, monkeypatch):
    refuse_renames(monkeypatch, tmp_path / "bundle")
    with pytest.raises(BundleError, match=r"cannot be written to .*: Invalid cross-device link"):
        bundles.write(source(tmp_path / "source"), PLAIN, tmp_path / "bundle")


def test_a_bundle_that_cannot_be_moved_away_stays(tmp_path, written, monkeypatch):
    refuse_renames(monkeypatch, tmp_path / "replaced" / "bundle")
    with pytest.raises(BundleError, match="cannot be written"):
        bundles.write(source(tmp_path / "second"), PLAIN, written.directory, replace_existing=True)
    assert bundles.load(str(written.directory)) == written


def test_a_bundle_is_put_back_when_the_new_one_cannot_take_its_place(tmp_path, written, monkeypatch):
    rename = Path.rename

    def refuse(path, target):
        if path.name == "second":
            raise OSError(errno.EIO, "Input/output error")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(BundleError, match="Input/output error"):
        bundles.write(source(tmp_path / "second"), PLAIN, written.directory, replace_existing=True)
    assert bundles.load(str(written.directory)) == written


def test_a_bundle_that_cannot_be_restored_is_kept_and_the_message_names_its_folder(tmp_path, written, monkeypatch):
    refuse_renames(monkeypatch, written.directory)

    def write_again():
        with bundles.temporary_bundle(written.directory) as folder:
            shutil.copytree(source(tmp_path / "second"), folder, dirs_exist_ok=True)
            bundles.write(folder, PLAIN, written.directory, replace_existing=True)

    with pytest.raises(BundleError, match="is now in") as caught:
        write_again()
    kept = str(caught.value).partition("is now in ")[2].partition(";")[0]
    assert bundles.load(kept).manifest == written.manifest


def test_a_temporary_bundle_leaves_nothing(tmp_path):
    with bundles.temporary_bundle(tmp_path / "bundle") as folder:
        bundles.write(source_in(folder), PLAIN, tmp_path / "bundle")
    with pytest.raises(KeyError), bundles.temporary_bundle(tmp_path / "other"):
        raise KeyError
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def source_in(folder):
    folder.rmdir()
    return source(folder)


def test_a_path_that_the_system_refuses_is_a_bundle_error(tmp_path):
    too_long = tmp_path / ("a" * 300)
    with pytest.raises(BundleError, match="cannot be written"):
        bundles.check_target(too_long)
    with pytest.raises(BundleError, match="cannot be read"):
        bundles.load(str(too_long))


class Bucket:
    """A bucket with a manifest and no other files."""

    def __init__(self, *_):
        pass

    def read(self, _):
        return PLAIN.sealed().to_json().encode()

    def download(self, *_):
        yield from ()

    def close(self):
        pass


def test_a_full_disk_makes_the_bundle_unavailable(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(bundles, "Bucket", Bucket)
    monkeypatch.setattr(bundles, "write_text", refuse)
    with pytest.raises(BundleUnavailableError, match="No space left on device"):
        bundles.load("s3://bucket/prefix", tmp_path)


def test_a_file_that_cannot_be_read_is_a_bundle_error(written, monkeypatch):
    def refuse(_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(bundles, "entry_of", refuse)
    with pytest.raises(BundleError, match="cannot be read: Permission denied"):
        bundles.load(str(written.directory))


@pytest.mark.parametrize("code", [errno.EXDEV, errno.EROFS, errno.ENOSPC, errno.EACCES])
@pytest.mark.parametrize("step", ["replaced", "bundle"])
def test_a_bundle_stays_whichever_rename_fails(tmp_path, written, monkeypatch, step, code):
    rename = Path.rename

    def refuse(path, target):
        if step in {Path(target).name, Path(target).parent.name} and path.parent.name != "replaced":
            raise OSError(code, os.strerror(code))
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(BundleError, match=os.strerror(code)):
        bundles.write(source(tmp_path / "second"), PLAIN, written.directory, replace_existing=True)
    assert bundles.load(str(written.directory)) == written


def test_a_folder_that_cannot_be_made_is_a_bundle_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(BundleError, match="cannot be written"), bundles.temporary_bundle(tmp_path / "file" / "bundle"):
        pass
