"""One batch: every photo has a row, whatever is wrong with it, and unchanged photos are not recognised again."""

from dataclasses import replace

import numpy as np
import pytest

from batch import parts
from batch.contract import Batch, Listed
from batch.errors import BatchUnavailableError, StorageError
from batch.sources import BucketSource, FolderSource
from batch.storage import FolderStorage
from batch.worker import answer
from tests.answering import HEADER, Model, vector
from tests.buckets import Buckets, error

PHOTOS = {
    "a.jpg": b"ada ?",
    "b.jpg": b"?",
    "c.jpg": b"",
    "d.jpg": b"broken",
    "e.txt": b"text",
    "f.jpg": b"bug",
    "sub/g.jpg": b"bob",
}


@pytest.fixture
def output(tmp_path):
    return FolderStorage(tmp_path / "output")


@pytest.fixture
def folder(tmp_path):
    for name, content in PHOTOS.items():
        (tmp_path / "pile" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "pile" / name).write_bytes(content)
    return tmp_path / "pile"


@pytest.fixture
def buckets():
    return Buckets(photos={f"pile/{name}": content for name, content in PHOTOS.items()})


def batch_of(source, reuse=(), name="part"):
    return Batch(name, tuple(source.photos()), reuse)


def statuses(part):
    return {row["photo"]: row["status"] for row in part.rows}


def test_every_photo_has_a_row_in_the_order_of_the_keys(folder, output):
    source = FolderSource(folder)
    part = answer(batch_of(source), source, output, Model(), HEADER)
    assert [row["photo"] for row in part.rows] == sorted(PHOTOS)
    assert statuses(part) == {
        "a.jpg": "recognised",
        "b.jpg": "unknown",
        "c.jpg": "no_face",
        "d.jpg": "unreadable",
        "e.txt": "not_a_photo",
        "f.jpg": "failed",
        "sub/g.jpg": "recognised",
    }
    assert "ZeroDivisionError" in part.rows[5]["detail"]
    assert part.rows[0]["roster"] == 3
    assert part.embeddings.dtype == np.float16
    assert np.allclose(part.embeddings, np.stack([vector(word) for word in ("ada", "?", "?", "bob")]), atol=1e-3)


def test_a_bucket_and_a_folder_give_the_same_rows_but_for_the_version(folder, buckets, output):
    found = []
    for source in (FolderSource(folder), BucketSource("s3://photos/pile", buckets.connect)):
        rows = answer(batch_of(source), source, output, Model(), HEADER).rows
        found.append([{**row, "etag": None} for row in rows])
    assert found[0] == found[1]


def test_embeddings_are_kept_only_where_the_output_keeps_them(folder, output):
    source = FolderSource(folder)
    assert answer(batch_of(source), source, output, Model(), replace(HEADER, keep_embeddings=False)).embeddings is None


def test_a_photo_that_is_replaced_is_a_row(buckets, output):
    source = BucketSource("s3://photos/pile", buckets.connect)
    batch = batch_of(source)
    buckets.objects["photos"]["pile/b.jpg"] = b"somebody else"
    assert statuses(answer(batch, source, output, Model(), HEADER))["b.jpg"] == "changed"


def test_a_file_that_is_replaced_or_removed_is_a_row(folder, output):
    source = FolderSource(folder)
    batch = batch_of(source)
    (folder / "b.jpg").write_bytes(b"somebody else")
    (folder / "c.jpg").unlink()
    found = statuses(answer(batch, source, output, Model(), HEADER))
    assert (found["b.jpg"], found["c.jpg"], found["a.jpg"]) == ("changed", "missing", "recognised")


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("AccessDenied", "forbidden"),
        ("NoSuchKey", "missing"),
        ("InvalidObjectState", "archived"),
        ("SlowDown", "unavailable"),
    ],
)
def test_one_photo_that_s3_refuses_is_a_row(buckets, output, code, status):
    source = BucketSource("s3://photos/pile", buckets.connect)
    buckets.refused["pile/a.jpg"] = code
    part = answer(batch_of(source), source, output, Model(), HEADER)
    assert part.rows[0]["status"] == status
    assert part.rows[0]["detail"]
    assert part.rows[0]["sha256"] is None
    assert part.rows[-1]["status"] == "recognised"


def test_a_photo_that_is_far_too_large_is_not_read(output):
    buckets = Buckets(photos={})
    source = BucketSource("s3://photos/pile", buckets.connect)
    batch = Batch("part", (Listed("film.mp4", "1", 300_000_000),))
    (row,) = answer(batch, source, output, Model(), HEADER).rows
    assert (row["status"], buckets.asked) == ("too_large", [])


def test_of_a_large_file_that_is_no_photo_only_the_start_is_read(output):
    buckets = Buckets(photos={"pile/film.mp4": b"no photo" + bytes(2_000_000)})
    source = BucketSource("s3://photos/pile", buckets.connect)
    model = Model()
    (row,) = answer(batch_of(source), source, output, model, HEADER).rows
    assert (row["status"], row["sha256"], model.seen) == ("not_a_photo", None, [])


def test_credentials_that_end_end_the_batch(buckets, output):
    source = BucketSource("s3://photos/pile", buckets.connect)
    batch = batch_of(source)
    buckets.failing = error("ExpiredToken", 400, "GetObject")
    with pytest.raises(StorageError, match=r"expired.*finished parts are kept"):
        answer(batch, source, output, Model(), HEADER)


def test_s3_that_does_not_answer_at_all_ends_the_batch(buckets, output):
    source = BucketSource("s3://photos/pile", buckets.connect)
    batch = batch_of(source)
    buckets.failing = error("InternalError", 500, "GetObject")
    with pytest.raises(BatchUnavailableError):
        answer(batch, source, output, Model(), HEADER)


def test_rows_of_unchanged_photos_are_taken_from_former_parts(folder, output):
    source = FolderSource(folder)
    former = answer(batch_of(source, name="former"), source, output, Model(), HEADER)
    parts.write(output, former)
    (folder / "b.jpg").write_bytes(b"cleo dan")
    model = Model(roster=4)
    part = answer(batch_of(source, ("gone", "former")), source, output, model, HEADER)
    assert model.seen == [b"cleo dan", b"bug"]  # what failed is tried again
    assert [row["roster"] for row in part.rows if row["faces"]] == [3, 4, 3]
    fresh = answer(batch_of(source), source, output, Model(), HEADER)
    assert (part.embeddings == fresh.embeddings).all()


def test_rows_of_another_model_are_not_reused(folder, output):
    source = FolderSource(folder)
    parts.write(output, answer(batch_of(source, name="former"), source, output, Model(), HEADER))
    model = Model("model-2")
    answer(batch_of(source, ("former",)), source, output, model, replace(HEADER, model="model-2"))
    assert len(model.seen) == len(PHOTOS)


def test_the_same_batch_gives_the_same_bytes(folder, tmp_path, output):
    source = FolderSource(folder)
    files = []
    for name in ("one", "two"):
        storage = FolderStorage(tmp_path / name)
        parts.write(storage, answer(batch_of(source), source, output, Model(), HEADER))
        files.append((storage.read(parts.part_file("part")), storage.read(parts.embeddings_file("part"))))
    assert files[0] == files[1]
