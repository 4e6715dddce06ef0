"""Parts: the same rows are the same bytes, and what is damaged is said to be."""

import gzip
import json

import numpy as np
import pytest

from batch import parts
from batch.contract import Listed
from batch.errors import MissingError, OutputError
from batch.parts import Part
from batch.rows import row_of
from batch.storage import FolderStorage
from tests.answering import Model

LISTED = Listed("näme \u2028\n.jpg", "etag", 9)


@pytest.fixture
def output(tmp_path):
    return FolderStorage(tmp_path)


def part(name="part", text=b"ada ?"):
    found = Model().recognize(text)
    row = row_of(LISTED, "model-1", "recognised", sha256="0" * 64, recognition=found)
    return Part(name, [row], found.embeddings.astype(np.float16))


def test_a_part_survives_its_files(output):
    written = part()
    parts.write(output, written)
    read = parts.read(output, "part", embeddings=True)
    assert read.rows == written.rows
    assert read.rows[0]["photo"] == LISTED.key
    assert (read.embeddings == written.embeddings).all()
    assert parts.existing(output) == {"part"}


def test_the_file_is_gzipped_json_lines_without_a_time(output, tmp_path):
    parts.write(output, part())
    file = (tmp_path / "parts" / "part.jsonl.gz").read_bytes()
    assert file[4:8] == bytes(4)
    (line,) = gzip.decompress(file).splitlines()
    row = json.loads(line)
    assert list(row)[:5] == ["photo", "etag", "bytes", "sha256", "status"]
    assert [face["label"] for face in row["faces"]] == ["ada", None]


def test_a_photo_without_faces_has_the_same_members():
    assert row_of(LISTED, "m", "no_face").keys() == part().rows[0].keys()
    assert row_of(LISTED, "m", "unreadable", detail="Why.")["detail"] == "Why."


def test_a_name_that_is_no_unicode_is_shown_with_escapes():
    assert row_of(Listed("a\udcff.jpg", "1", 1), "m", "no_face")["photo"] == "a\\xff.jpg"


def test_a_part_without_embeddings_has_none(output):
    parts.write(output, Part("part", part().rows))
    with pytest.raises(MissingError):
        parts.read(output, "part", embeddings=True)
    assert parts.read(output, "part").embeddings is None


@pytest.mark.parametrize(
    "damage", [b"", b"no gzip", *(gzip.compress(text, mtime=0) for text in (b"{", b"[]\n", b"{}"))]
)
def test_a_damaged_part_is_an_error_with_a_sentence(output, damage):
    output.write(parts.part_file("part"), damage)
    with pytest.raises(OutputError, match="damaged"):
        parts.read(output, "part")


def test_embeddings_that_do_not_fit_their_rows_are_an_error(output):
    parts.write(output, part())
    parts.write(output, Part("other", [], part(text=b"ada").embeddings))
    output.write(parts.embeddings_file("part"), output.read(parts.embeddings_file("other")))
    with pytest.raises(OutputError, match="does not fit"):
        parts.read(output, "part", embeddings=True)
    output.write(parts.embeddings_file("part"), b"\x93NUMPY")
    with pytest.raises(OutputError, match="damaged"):
        parts.read(output, "part", embeddings=True)


def test_former_rows_come_with_their_own_embeddings_and_without_what_is_gone(output):
    one, two = part("one", b"ada ?"), part("two", b"bob")
    parts.write(output, Part("one", [*one.rows, *two.rows], np.concatenate([one.embeddings, two.embeddings])))
    found = list(parts.former_rows(output, ("gone", "one"), embeddings=True))
    assert [len(embeddings) for _, embeddings in found] == [2, 1]
    assert (found[1][1] == two.embeddings).all()


def test_a_removed_part_leaves_nothing(output, tmp_path):
    parts.write(output, part())
    parts.remove(output, "part")
    parts.remove(output, "part")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
