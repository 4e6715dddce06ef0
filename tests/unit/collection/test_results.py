"""The table and the page that are made of rows."""

import io

import pytest
from PIL import Image
from pyarrow import parquet

from batch import parts
from batch.planning import manifest, open_output, plan
from batch.sources import FolderSource
from batch.storage import BucketStorage, FolderStorage
from batch.summary import finish
from batch.worker import answer
from collection import results, table
from collection.results import write_results
from tests.answering import HEADER, Model
from tests.buckets import Buckets


class Seeing(Model):
    """A model that knows what is in a JPEG by its width."""

    def recognize(self, data):
        try:
            width = Image.open(io.BytesIO(data)).width
        except OSError:
            return super().recognize(data)
        return super().recognize({640: b"ada ?", 480: b"bob", 320: b"<b>ada</b>"}[width])


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "pile"
    folder.mkdir()
    for name, width in (("a.jpg", 640), ("b.jpg", 480), ("c & <d>.jpg", 320)):
        Image.new("RGB", (width, 480), (200, 100, 50)).save(folder / name)
    (folder / "e.txt").write_bytes(b"text")
    (folder / "f\udcff.jpg").write_bytes(b"broken")
    (folder / "g.jpg").write_bytes(b"")
    return folder


@pytest.fixture(params=["folder", "bucket"])
def output(request, tmp_path):
    if request.param == "folder":
        return FolderStorage(tmp_path / "output")
    return BucketStorage("s3://out/here", Buckets(out={}).connect)


@pytest.fixture
def made(folder, output):
    """Make the results of a folder, with pictures or without."""

    def made(*, thumbnails=False):
        source = FolderSource(folder)
        header = open_output(output, HEADER, new=False)
        plan(source, output, header, "run-1")
        for batch in manifest(output, "run-1"):
            parts.write(output, answer(batch, source, output, Seeing(), header))
        summary = finish(output, header, "run-1")
        write_results(output, "run-1", summary, source, thumbnails=thumbnails)
        return output.read(results.PAGE).decode()

    return made


def test_the_table_has_a_row_a_photo_with_its_faces(made, output, monkeypatch):
    monkeypatch.setattr(table, "GROUP", 2)
    made()
    found = parquet.read_table(io.BytesIO(output.read(results.TABLE)))
    assert found.schema.equals(table.SCHEMA)
    rows = found.to_pylist()
    assert [row["photo"] for row in rows] == ["a.jpg", "b.jpg", "c & <d>.jpg", "e.txt", "f\\xff.jpg", "g.jpg"]
    assert [row["status"] for row in rows][2:] == ["recognised", "not_a_photo", "unreadable", "no_face"]
    assert [(face["label"], face["probability"], face["box"]["width"]) for face in rows[0]["faces"]] == [
        ("ada", 0.9, 30),
        (None, 0.9, 30),
    ]
    assert (rows[5]["faces"], rows[5]["width"], rows[0]["roster"]) == ([], None, 3)


def test_the_page_counts_people_and_says_what_went_wrong(made):
    page = made()
    assert "Who is in 6 photos" in page
    assert "<td>ada</td>" in page
    assert "&lt;b&gt;ada&lt;/b&gt;" in page
    assert "The photo is damaged" in page
    assert "f\\xff.jpg" in page
    assert "<img" not in page


def test_pictures_are_on_the_page_only_where_they_are_asked_for(made, folder):
    page = made(thumbnails=True)
    assert page.count('<img src="data:image/jpeg;base64,') == 3
    assert 'alt="c &amp; &lt;d&gt;.jpg"' in page


def test_a_photo_that_is_gone_has_no_picture(made, folder, monkeypatch):
    monkeypatch.setattr(results, "pictures_of", lambda source, found: pictures_without(folder, source, found))
    assert made(thumbnails=True).count("<img") == 0


def pictures_without(folder, source, found):
    for path in folder.glob("*.jpg"):
        path.unlink()
    return results_pictures(source, found)


results_pictures = results.pictures_of


def test_the_page_lists_only_so_many_problems(monkeypatch, made):
    monkeypatch.setattr(results, "PROBLEMS_SHOWN", 1)
    page = made()
    assert "1 more are in the parts" in page


def test_the_best_faces_of_a_person_are_shown():
    examples = results.Examples()
    for number in range(20):
        face = {"id": "1", "label": "ada", "known": True, "box": {}, "quality": {"score": (number * 7) % 20 / 20}}
        row = {"photo": f"{number}.jpg", "etag": "1", "bytes": 1, "status": "recognised", "faces": [face]}
        examples.add(row)
    best = [int(picture.listed.key.partition(".")[0]) * 7 % 20 for picture in examples.best("1", "ada")]
    assert best == [19, 18, 17, 16, 15, 14]
    assert examples.best("2", "bob") == []
