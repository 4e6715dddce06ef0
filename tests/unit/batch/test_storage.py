"""Storage of an output: the same in a folder and in a bucket. Errors reach the process that started the work."""

import pickle

import pytest

from batch import errors
from batch.errors import BatchUnavailableError, ForbiddenError, MissingError, StorageError
from batch.storage import BucketStorage, FolderStorage, storage_at
from tests.buckets import Buckets, error


@pytest.fixture
def buckets():
    return Buckets(out={"elsewhere/x": b"not ours"})


@pytest.fixture(params=["folder", "bucket"])
def storage(request, tmp_path, buckets):
    if request.param == "folder":
        return FolderStorage(tmp_path / "output")
    return BucketStorage("s3://out/here", buckets.connect)


def test_files_are_written_listed_read_and_removed(storage, tmp_path):
    assert list(storage.names("parts")) == []
    storage.write("parts/one", b"1")
    storage.write("parts/one", b"first")
    (tmp_path / "large").write_bytes(b"second")
    storage.store("parts/two", tmp_path / "large")
    assert sorted(storage.names("parts")) == ["one", "two"]
    assert (storage.read("parts/one"), storage.read("parts/two")) == (b"first", b"second")
    storage.fetch("parts/two", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"second"
    storage.remove("parts/one")
    storage.remove("parts/one")
    assert list(storage.names("parts")) == ["two"]
    storage.close()


def test_a_file_that_does_not_exist_is_missing(storage, tmp_path):
    with pytest.raises(MissingError):
        storage.read("parts/one")
    with pytest.raises(MissingError):
        storage.fetch("parts/one", tmp_path / "copy")


def test_unfinished_files_are_not_listed(tmp_path):
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "one.jsonl.gz.part").touch()
    assert list(FolderStorage(tmp_path).names("parts")) == []


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (error("AccessDenied", 403, "PutObject"), ForbiddenError),
        (error("ExpiredToken", 400, "PutObject"), StorageError),
        (error("SlowDown", 503, "PutObject"), BatchUnavailableError),
        (error("NoSuchBucket", 404, "PutObject"), StorageError),
    ],
)
def test_what_s3_refuses_to_write_is_an_error(buckets, failure, kind):
    buckets.failing = failure
    with pytest.raises(kind):
        storage_at("s3://out/here", buckets.connect).write("parts/one", b"1")


@pytest.mark.parametrize("name", [name for name in vars(errors) if name.endswith("Error")])
def test_an_error_of_a_process_reaches_another(name):
    found = pickle.loads(pickle.dumps(getattr(errors, name)("A sentence.")))  # noqa: S301  # our own
    assert (type(found).__name__, str(found)) == (name, "A sentence.")
