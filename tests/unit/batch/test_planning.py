"""A source becomes batches whose names come from their content, and a rerun does only what is missing or changed."""

import tracemalloc
from collections import Counter
from dataclasses import replace
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch import parts, planning
from batch.contract import Batch, Header, Listed, order
from batch.errors import MissingError, OutputError, SourceError
from batch.parts import Part
from batch.planning import MOST_BYTES, MOST_PHOTOS, batches_of, manifest, plan
from batch.rows import row_of
from batch.storage import FolderStorage
from tests.answering import HEADER

KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


class Photos:
    """A source that lists what it is told to."""

    def __init__(self, photos, location="pile"):
        self.location, self.listed, self.left_out = location, list(photos), Counter()

    def photos(self):
        yield from sorted(self.listed, key=lambda listed: order(listed.key))


def numbered(count, etag="1"):
    return [Listed(f"{number:06}.jpg", etag, 1000 + number) for number in range(count)]


def names(batches):
    return [batch.name for batch in batches]


def do(output, run, header=HEADER):
    """Write a part for each batch that a run has to do; return the batches."""
    batches = list(manifest(output, run))
    for batch in batches:
        rows = [row_of(listed, header.model, "no_face") for listed in batch.photos]
        parts.write(output, Part(batch.name, rows, parts.no_faces(kept=header.keep_embeddings)))
    return batches


@pytest.fixture
def output(tmp_path):
    return FolderStorage(tmp_path / "output")


def test_every_photo_is_in_one_batch_and_batches_keep_the_order():
    photos = numbered(5000)
    batches = list(batches_of(photos, HEADER))
    assert [listed for batch in batches for listed in batch.photos] == photos
    assert max(len(batch.photos) for batch in batches) <= MOST_PHOTOS
    assert 20 < len(photos) / len(batches) < 40
    assert len(set(names(batches))) == len(batches)


@pytest.mark.parametrize("place", [0, 2500, 4999])
def test_a_new_photo_changes_its_own_batch_and_the_next_one_at_most(place):
    photos = numbered(5000)
    before = set(names(batches_of(photos, HEADER)))
    photos.insert(place + 1, Listed(f"{place:06}.jpg-new", "1", 5))
    assert len(set(names(batches_of(photos, HEADER))) - before) <= 2


def test_a_changed_photo_changes_the_name_of_its_batch_alone():
    photos = numbered(500)
    before = names(batches_of(photos, HEADER))
    photos[100] = photos[100]._replace(etag="2")
    after = names(batches_of(photos, HEADER))
    assert sum(one != other for one, other in zip(before, after, strict=True)) == 1


@pytest.mark.parametrize(
    "changed", [{"model": "other"}, {"engine": "onnx"}, {"keep_embeddings": False}, {"generation": 2}]
)
def test_what_rows_depend_on_is_in_the_names(changed):
    photos = numbered(10)
    assert not {*names(batches_of(photos, HEADER))} & {*names(batches_of(photos, replace(HEADER, **changed)))}


@pytest.mark.parametrize("changed", [{"roster": 9}, {"created": "later"}])
def test_what_rows_say_themselves_is_not_in_the_names(changed):
    photos = numbered(10)
    assert names(batches_of(photos, HEADER)) == names(batches_of(photos, replace(HEADER, **changed)))


def test_a_line_of_the_manifest_has_room_in_an_input_of_step_functions():
    photos = [Listed("\x01" * 1000 + f"{number:03}", "e" * 40, 1) for number in range(200)]
    for batch in batches_of(photos, HEADER):
        assert len(replace(batch, reuse=("0" * 24,) * planning.MOST_REUSED).to_json()) <= MOST_BYTES


def test_a_source_that_is_not_in_order_is_refused():
    with pytest.raises(SourceError, match="order"):
        list(batches_of([Listed("b", "1", 1), Listed("a", "1", 1)], HEADER))


@given(st.lists(st.tuples(KEYS, st.none() | st.text("0123456789abcdef-", max_size=40), st.integers(0, 2**40))))
def test_a_batch_survives_its_line(photos):
    batch = Batch("name", tuple(Listed(*each) for each in photos), ("one", "two"))
    line = batch.to_json()
    assert line.isascii()
    assert "\n" not in line
    assert Batch.from_json(line) == batch


def test_a_name_that_is_not_unicode_survives_its_line():
    batch = Batch("name", (Listed("a\udcff.jpg", "1", 1),))
    assert Batch.from_json(batch.to_json()) == batch


@pytest.mark.parametrize("line", ["", "{", "[]", '{"batch": "a"}', '{"batch": "a", "photos": [["k"]], "reuse": []}'])
def test_a_damaged_line_is_an_error_with_a_sentence(line):
    with pytest.raises(OutputError, match="damaged"):
        Batch.from_json(line)


def test_a_first_run_has_everything_to_do(output):
    made = plan(Photos(numbered(300)), output, HEADER, "run-1")
    batches = list(manifest(output, "run-1"))
    assert (made.photos, made.batches, made.photos_to_do, made.to_do) == (300, len(batches), 300, len(batches))
    assert not any(batch.reuse for batch in batches)
    assert planning.read_plan(output, "run-1") == made
    assert planning.latest_run(output) == "run-1"


def test_a_rerun_does_what_has_no_part_yet(output):
    photos = Photos(numbered(300))
    plan(photos, output, HEADER, "run-1")
    first, *_, last = list(manifest(output, "run-1"))
    done = do(output, "run-1")
    for batch in (first, last):
        parts.remove(output, batch.name)
    again = plan(photos, output, HEADER, "run-2")
    assert names(manifest(output, "run-2")) == [first.name, last.name]
    assert again.batches == len(done)
    assert again.stale == ()


def test_a_changed_batch_names_the_parts_that_have_its_unchanged_photos(output):
    photos = numbered(300)
    plan(Photos(photos), output, HEADER, "run-1")
    done = do(output, "run-1")
    photos[100] = photos[100]._replace(etag="2")
    made = plan(Photos(photos), output, HEADER, "run-2")
    (batch,) = manifest(output, "run-2")
    (former,) = [each for each in done if numbered(300)[100] in each.photos]
    assert batch.reuse == (former.name,)
    assert made.stale == (former.name,)
    assert made.photos_to_do == len(former.photos)


def test_parts_of_an_interrupted_run_are_reused_beside_those_of_a_complete_one(output):
    photos = numbered(300)
    plan(Photos(photos), output, HEADER, "run-1")
    do(output, "run-1")
    photos[100] = photos[100]._replace(etag="2")
    plan(Photos(photos), output, HEADER, "run-2")
    (second,) = do(output, "run-2")
    photos[101] = photos[101]._replace(etag="3")
    plan(Photos(photos), output, HEADER, "run-3")
    (third,) = manifest(output, "run-3")
    assert second.name in third.reuse


def test_what_could_not_be_read_is_tried_again_with_the_rows_of_the_others(output):
    plan(Photos(numbered(100)), output, HEADER, "run-1")
    first, *_ = do(output, "run-1")
    output.write(planning.SUMMARY, f'{{"again": ["{first.name}", "gone"]}}'.encode())
    made = plan(Photos(numbered(100)), output, HEADER, "run-2")
    (batch,) = manifest(output, "run-2")
    assert (batch.name, batch.reuse) == (first.name, (first.name,))
    assert made.stale == ()


def test_new_does_everything_again_and_uses_no_row_of_before(output):
    header = planning.open_output(output, HEADER, new=False)
    plan(Photos(numbered(100)), output, header, "run-1")
    done = do(output, "run-1")
    newer = planning.open_output(output, HEADER, new=True)
    made = plan(Photos(numbered(100)), output, newer, "run-2")
    batches = list(manifest(output, "run-2"))
    assert made.photos_to_do == 100
    assert not any(batch.reuse for batch in batches)
    assert set(made.stale) == set(names(done))
    assert planning.open_output(output, HEADER, new=False) == newer


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"model": "model-2"}, "another model"),
        ({"engine": "onnx"}, "VISAGE_ENGINE=torchscript"),
        ({"source": "s3://other/"}, "holds the rows of pile"),
    ],
)
def test_an_output_of_something_else_is_refused(output, changed, sentence):
    planning.open_output(output, HEADER, new=False)
    with pytest.raises(OutputError, match=sentence) as caught:
        planning.open_output(output, replace(HEADER, **changed), new=False)
    assert "--new" in str(caught.value)
    planning.open_output(output, replace(HEADER, **changed), new=True)


def test_an_output_keeps_embeddings_as_it_was_made(output):
    planning.open_output(output, HEADER, new=False)
    assert planning.open_output(output, replace(HEADER, keep_embeddings=False), new=False).keep_embeddings
    planning.open_output(output, replace(HEADER, keep_embeddings=False), new=True)
    with pytest.raises(OutputError, match="without embeddings"):
        planning.open_output(output, HEADER, new=False)


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"format": 99}', b'{"format": 1}', b"\xff"])
def test_a_damaged_header_is_refused_until_everything_is_done_again(output, text):
    output.write("batch.json", text)
    with pytest.raises(OutputError, match="--new"):
        planning.open_output(output, HEADER, new=False)
    assert planning.open_output(output, HEADER, new=True).generation > 1


def test_a_header_survives_its_file():
    assert Header.from_json(HEADER.to_json()) == HEADER


@pytest.mark.parametrize(
    ("source", "target"), [("s3://b/p/", "s3://b/p/out/"), ("s3://b/", "s3://b/out/"), ("s3://b/p/", "s3://b/p/")]
)
def test_an_output_inside_its_source_is_refused(source, target):
    with pytest.raises(SourceError, match="inside"):
        planning.check_apart(source, target)


def test_an_output_beside_its_source_is_fine(tmp_path):
    planning.check_apart("s3://b/photos/", "s3://b/photos-out/")
    planning.check_apart(str(tmp_path / "photos"), str(tmp_path / "out"))
    with pytest.raises(SourceError):
        planning.check_apart(str(tmp_path), str(tmp_path / "out"))


def test_a_run_that_does_not_exist_is_missing(output):
    assert planning.latest_run(output) is None
    with pytest.raises(MissingError):
        list(manifest(output, "run-9"))


def test_memory_does_not_grow_with_the_photos(tmp_path):
    def peak(count):
        output = FolderStorage(tmp_path / str(count))
        tracemalloc.start()
        plan(Streamed(count), output, HEADER, "run-1")
        _, found = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return found

    peak(100)  # what is imported and compiled once
    assert peak(20_000) - peak(2_000) < 1_000_000


class Streamed:
    """A source that makes up its photos while they are asked for."""

    location = "pile"
    left_out: ClassVar = Counter()

    def __init__(self, count):
        self.count = count

    def photos(self):
        for number in range(self.count):
            yield Listed(f"{number:09}.jpg", "0" * 32, 1000)


def test_the_names_of_runs_sort_by_time():
    made = [planning.new_run() for _ in range(100)]
    assert made == sorted(made)
