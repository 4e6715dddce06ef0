"""The index of an output has the faces of its parts, and notices whenever they have changed."""

import errno
import os

import numpy as np
import pytest

from batch import parts
from batch.parts import Part
from batch.storage import BucketStorage
from collection import face_index
from collection.face_index import FaceIndex
from tests.answering import vector
from tests.buckets import Buckets


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "index"


def write(output, name, *words):
    embeddings = np.array([vector(word) for word in words], np.float16).reshape(-1, 512)
    parts.write(output, Part(name, [], embeddings))


def words_of(index, words):
    """The words of all faces of an index, part by part."""
    known = {vector(word).astype(np.float16).tobytes(): word for word in words}
    faces = [known[row.tobytes()] for row in index.embeddings()]
    return {
        entry.name: "".join(word for face, word in enumerate(faces) if index.place(face)[0] == entry)
        for entry in index.entries
    }


def test_it_has_the_faces_of_all_parts(output, folder):
    for name, words in {"one": "abc", "two": "", "three": "cd"}.items():
        write(output, name, *words)
    index = face_index.update(output, folder)
    assert len(index) == 5
    assert words_of(index, "abcd") == {"one": "abc", "two": "", "three": "cd"}
    assert [index.place(face)[1] for face in range(5)] == [0, 1, 2, 0, 1]


def test_an_unchanged_output_is_not_read_again(output, folder):
    write(output, "one", "a")
    first = face_index.update(output, folder)
    output.reads.clear()
    assert face_index.update(output, folder) == first
    assert not output.reads


def test_of_a_changed_output_only_new_parts_are_read(output, folder):
    for name in "abcd":
        write(output, name, name)
    face_index.update(output, folder)
    output.reads.clear()
    parts.remove(output, "b")
    write(output, "e", "e", "a")
    write(output, "c", "c", "c")
    index = face_index.update(output, folder)
    assert words_of(index, "abcde") == {"a": "a", "d": "d", "c": "cc", "e": "ea"}
    assert output.reads == {"embeddings/c.npy": 1, "embeddings/e.npy": 1}
    assert {path.name for path in folder.iterdir()} == {"lock", "parts.json", index.path.name}


def test_an_output_in_s3_is_indexed_and_an_object_that_was_replaced_is_read_again(folder):
    s3 = Buckets(bucket={})
    output = BucketStorage("s3://bucket/output", s3.connect)
    for name in "abcde":
        write(output, name, name)
    assert words_of(face_index.update(output, folder), "abcde") == {name: name for name in "abcde"}
    s3.asked.clear()
    write(output, "c", "d")
    assert words_of(face_index.update(output, folder), "abcde")["c"] == "d"
    assert [key for call, key in s3.asked if call == "GetObject"] == ["output/embeddings/c.npy"]


def test_a_part_without_its_rows_is_not_finished_and_not_in_it(output, folder):
    write(output, "one", "a")
    write(output, "two", "b")
    output.remove("parts/two.jsonl.gz")
    assert [entry.name for entry in face_index.update(output, folder).entries] == ["one"]


def test_a_damaged_part_is_named_and_read_again_only_when_it_has_changed(output, folder):
    write(output, "one", "a")
    write(output, "two", "b")
    output.write("embeddings/two.npy", b"\x93NUMPY and no more")
    index = face_index.update(output, folder)
    assert ([entry.name for entry in index.entries], [entry.name for entry in index.damaged]) == (["one"], ["two"])
    output.reads.clear()
    assert face_index.update(output, folder).damaged == index.damaged
    assert not output.reads
    write(output, "two", "b", "c")
    assert words_of(face_index.update(output, folder), "abc") == {"one": "a", "two": "bc"}


def test_a_part_that_goes_while_it_is_read_is_left_out(output, folder, monkeypatch):
    write(output, "one", "a")
    write(output, "two", "b")
    listed = list(output.listed("embeddings"))
    monkeypatch.setattr(output, "listed", lambda _: iter(listed))
    output.remove("embeddings/two.npy")
    index = face_index.update(output, folder)
    assert (words_of(index, "a"), index.damaged) == ({"one": "a"}, ())


@pytest.mark.parametrize("content", [b"", b"{}", b'{"parts": 3}', b'{"format": 99, "parts": [], "damaged": []}'])
def test_a_damaged_index_is_made_again(output, folder, content):
    write(output, "one", "a")
    face_index.update(output, folder)
    (folder / "parts.json").write_bytes(content)
    assert words_of(face_index.update(output, folder), "a") == {"one": "a"}


def test_an_index_whose_embeddings_are_cut_off_is_made_again(output, folder):
    write(output, "one", "a", "b")
    os.truncate(face_index.update(output, folder).path, 1024)
    assert FaceIndex.read(folder) is None
    assert words_of(face_index.update(output, folder), "ab") == {"one": "ab"}


def test_on_a_full_disk_the_former_index_stays_and_nothing_is_left(output, folder, monkeypatch):
    write(output, "one", "a")
    former = face_index.update(output, folder)
    write(output, "two", "b")

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(face_index.np, "ascontiguousarray", full)
    with pytest.raises(OSError, match="No space left") as failure:
        face_index.update(output, folder)
    assert failure.value.filename.startswith(str(folder))
    assert FaceIndex.read(folder) == former
    assert {path.name for path in folder.iterdir()} == {"lock", "parts.json", former.path.name}


def test_progress_counts_the_new_parts(output, folder):
    for name in "abc":
        write(output, name, name)
    seen = []
    face_index.update(output, folder, lambda *done: seen.append(done))
    assert seen == [(1, 3), (2, 3), (3, 3)]
