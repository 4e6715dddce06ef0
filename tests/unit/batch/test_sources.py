"""Sources list every file once, in the order of the keys, whatever it is called."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.contract import order
from batch.errors import MissingError, SourceError, StorageError
from batch.sources import BucketSource, FolderSource
from tests.buckets import Buckets, error

ODD = [
    "a b.jpg",
    "a+b.jpg",
    "a%20b.jpg",
    "ä.jpg",
    "a\u0301.jpg",
    "😀.jpg",
    "a\nb.jpg",
    "a\tb",
    "..jpg.jpg",
    "&<>.jpg",
    "\\",
]


def keys(source):
    return [listed.key for listed in source.photos()]


def test_files_are_listed_in_the_order_of_their_keys_with_odd_names(tmp_path):
    names = [name for name in ODD if not name.startswith(".")]
    for name in [*names, "a/z.jpg", "a-/b.jpg", "a.jpg", "b/c/d.jpg"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    source = FolderSource(tmp_path)
    found = list(source.photos())
    assert [listed.key for listed in found] == sorted((listed.key for listed in found), key=order)
    assert len(found) == len(names) + 4
    assert all(source.read(listed) == listed.key.encode() for listed in found)


def test_a_name_that_is_no_unicode_can_be_read(tmp_path):
    (tmp_path / "a\udcff.jpg").write_bytes(b"photo")
    source = FolderSource(tmp_path)
    (listed,) = source.photos()
    assert source.read(listed) == b"photo"


@pytest.mark.parametrize("key", ["../secret.jpg", "a/../../secret.jpg", "{folder}/secret.jpg"])
def test_a_key_never_leads_out_of_the_folder(tmp_path, key):
    (tmp_path / "pile" / "a").mkdir(parents=True)
    (tmp_path / "secret.jpg").write_bytes(b"x")
    (listed,) = [found for found in FolderSource(tmp_path).photos() if found.key == "secret.jpg"]
    with pytest.raises(MissingError):
        FolderSource(tmp_path / "pile").read(listed._replace(key=key.format(folder=tmp_path)))


def test_what_is_left_out_is_counted(tmp_path):
    for name in ("a.jpg", ".hidden.jpg", "@eaDir/a.jpg", "Thumbs.db"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "nowhere").symlink_to("gone")
    os.mkfifo(tmp_path / "fifo")
    source = FolderSource(tmp_path)
    assert keys(source) == ["a.jpg"]
    assert keys(source) == ["a.jpg"]
    assert dict(source.left_out) == {
        "hidden files, and those of systems and programs": 3,
        "linked folders": 1,
        "neither files nor folders": 2,
    }


def test_a_folder_without_files_or_none_at_all_is_an_error(tmp_path):
    with pytest.raises(SourceError, match="no photos"):
        keys(FolderSource(tmp_path))
    with pytest.raises(SourceError, match="No such folder"):
        keys(FolderSource(tmp_path / "gone"))


@given(st.sets(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30), min_size=1))
def test_every_odd_key_of_a_bucket_is_listed_once_and_read(names):
    buckets = Buckets(photos={f"pile/x{name}y": name.encode() for name in names})
    source = BucketSource("s3://photos/pile", buckets.connect)
    found = {listed.key: source.read(listed) for listed in source.photos()}
    visible = {f"x{name}y": name.encode() for name in names}
    assert found.items() <= visible.items()
    hidden = source.left_out.total()
    assert len(found) + hidden == len(visible)


def test_only_the_prefix_is_listed_without_markers_and_hidden_keys():
    buckets = Buckets(
        photos=dict.fromkeys(
            ["pile/a.jpg", "pile/", "pile/sub/", "pile/.x/b.jpg", "pile2/c.jpg", "pile/sub/d.jpg"], b"x"
        )
    )
    source = BucketSource("s3://photos/pile/", buckets.connect)
    assert keys(source) == ["a.jpg", "sub/d.jpg"]
    assert source.left_out.total() == 1
    assert source.location == "s3://photos/pile/"


def test_a_whole_bucket_can_be_listed():
    buckets = Buckets(photos={"a.jpg": b"x", "b/c.jpg": b"y"})
    assert keys(BucketSource("s3://photos", buckets.connect)) == ["a.jpg", "b/c.jpg"]


def test_an_empty_prefix_is_a_sentence():
    with pytest.raises(SourceError, match="no photos under s3://photos/pile/"):
        keys(BucketSource("s3://photos/pile", Buckets(photos={"other.jpg": b"x"}).connect))


@pytest.mark.parametrize(
    ("failure", "kind", "sentence"),
    [
        (error("AccessDenied", 403, "ListObjectsV2"), SourceError, "s3:ListBucket"),
        (error("NoSuchBucket", 404, "ListObjectsV2"), StorageError, 'no bucket "photos"'),
        (error("ExpiredToken", 400, "ListObjectsV2"), StorageError, "expired"),
        (
            error("PermanentRedirect", 301, "ListObjectsV2", **{"x-amz-bucket-region": "eu-west-1"}),
            StorageError,
            "another region, eu-west-1. Set AWS_REGION=eu-west-1",
        ),
        (error("AuthorizationHeaderMalformed", 400, "ListObjectsV2"), StorageError, "another region"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bucket_that_cannot_be_listed_is_a_sentence(failure, kind, sentence):
    buckets = Buckets(photos={})
    buckets.failing = failure
    with pytest.raises(kind, match=sentence):
        keys(BucketSource("s3://photos/pile", buckets.connect))


@pytest.mark.parametrize("location", ["s3://", "s3:///pile", "photos"])
def test_an_address_of_another_form_is_a_sentence(location):
    with pytest.raises(StorageError, match="not an address"):
        BucketSource(location, Buckets().connect)
