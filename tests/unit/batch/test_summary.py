"""The counts of an output, and what is removed at the end of a complete run."""

import json

import pytest

from batch import parts, planning
from batch.cost import Functions
from batch.errors import MissingError
from batch.planning import index, manifest, plan
from batch.sources import FolderSource
from batch.storage import BucketStorage, FolderStorage
from batch.summary import finish
from batch.worker import answer
from tests.answering import HEADER, Model
from tests.buckets import Buckets

START = 1000.0


@pytest.fixture
def folder(tmp_path):
    for number in range(100):
        path = tmp_path / "pile" / f"{number:03}.jpg"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes([b"ada", b"ada bob", b"?", b"", b"text"][number % 5])
    return tmp_path / "pile"


@pytest.fixture(params=["folder", "bucket"])
def output(request, tmp_path):
    if request.param == "folder":
        return FolderStorage(tmp_path / "output")
    return BucketStorage("s3://out/here", Buckets(out={}).connect)


def work(source, output, run, batches=None):
    for batch in batches if batches is not None else manifest(output, run):
        parts.write(output, answer(batch, source, output, Model(), HEADER))


def test_rows_are_counted_by_person_and_by_status(folder, output):
    source = FolderSource(folder)
    plan(source, output, HEADER, "run-1", now=START)
    work(source, output, "run-1")
    summary = finish(output, HEADER, "run-1", now=START + 10)
    assert summary == json.loads(output.read("summary.json"))
    assert summary["complete"]
    assert (summary["photos"], summary["faces"], summary["unknown_faces"]) == (100, 80, 20)
    assert summary["statuses"] == {"recognised": 40, "unknown": 20, "no_face": 20, "not_a_photo": 20}
    assert [(each["label"], each["photos"], each["faces"]) for each in summary["people"]] == [
        ("ada", 40, 40),
        ("bob", 20, 20),
    ]
    assert summary["rosters"] == {"3": 60}
    assert (summary["run"]["seconds"], summary["run"]["photos_a_second"]) == (10, 10)
    assert "dollars_at_most" not in summary["run"]


def test_the_cost_is_that_of_all_functions_for_the_whole_run(folder, output):
    plan(FolderSource(folder), output, HEADER, "run-1", now=START)
    summary = finish(output, HEADER, "run-1", now=START + 1000, functions=Functions(10, 2048))
    computing, requests = 1000 * 10 * 2 * 0.0000166667, 0.0002  # of a hundred photos
    assert summary["run"]["dollars_at_most"] == pytest.approx(computing + requests, abs=0.0001)


def test_a_run_that_was_interrupted_removes_nothing_and_a_rerun_completes_it(folder, output):
    source = FolderSource(folder)
    plan(source, output, HEADER, "run-1")
    batches = list(manifest(output, "run-1"))
    work(source, output, "run-1", batches[1:])
    summary = finish(output, HEADER, "run-1")
    assert (summary["complete"], summary["missing_batches"]) == (False, 1)
    assert summary["photos"] == 100 - len(batches[0].photos)
    plan(source, output, HEADER, "run-2")
    work(source, output, "run-2")
    assert finish(output, HEADER, "run-2")["photos"] == 100
    assert {name.partition(".")[0] for name in output.names("manifests")} == {"run-2"}


def test_a_complete_run_removes_the_parts_of_photos_that_changed(folder, output):
    source = FolderSource(folder)
    plan(source, output, HEADER, "run-1")
    work(source, output, "run-1")
    finish(output, HEADER, "run-1")
    before = parts.existing(output)
    (folder / "050.jpg").write_bytes(b"cleo cleo")
    made = plan(source, output, HEADER, "run-2")
    work(source, output, "run-2")
    summary = finish(output, HEADER, "run-2")
    assert summary["photos"] == 100
    assert parts.existing(output) == (before | parts.existing(output)) - set(made.stale)
    assert {name.removesuffix(".npy") for name in output.names("embeddings")} == parts.existing(output)
    assert summary["people"][2] == {"id": "id-cleo", "label": "cleo", "photos": 1, "faces": 2}


@pytest.mark.parametrize("first", ["run-1", "run-2"])
def test_of_two_runs_at_once_each_ends_with_all_rows(folder, output, first):
    source = FolderSource(folder)
    runs = [first, *({"run-1", "run-2"} - {first})]
    for run in sorted(runs):
        plan(source, output, HEADER, run)
    waiting = {run: list(manifest(output, run)) for run in runs}
    for run in runs:
        work(source, output, run, waiting[run])
        summary = finish(output, HEADER, run)
        assert (summary["complete"], summary["photos"]) == (True, 100)
        assert sum(1 for _ in index(output, summary["run"]["name"])) == len(waiting[run])
    assert {name.partition(".")[0] for name in output.names("manifests")} == {"run-2"}


def test_a_run_that_nobody_planned_is_an_error(output):
    with pytest.raises(MissingError):
        finish(output, HEADER, "run-1")


def test_the_summary_of_an_older_run_is_none_of_a_run_whose_plan_is_gone(folder, output):
    source = FolderSource(folder)
    plan(source, output, HEADER, "run-1")
    work(source, output, "run-1")
    assert finish(output, HEADER, "run-1")["complete"]
    with pytest.raises(MissingError):
        finish(output, HEADER, "run-2")


def test_a_part_whose_embeddings_are_gone_is_done_again(folder, output):
    source = FolderSource(folder)
    plan(source, output, HEADER, "run-1")
    work(source, output, "run-1")
    finish(output, HEADER, "run-1")
    name = next(manifest(output, "run-1")).name
    output.remove(parts.embeddings_file(name))
    assert plan(source, output, HEADER, "run-2").to_do == 1
    work(source, output, "run-2")
    assert name in parts.existing(output, embeddings=True)


def test_a_damaged_part_is_done_again(folder, output):
    source = FolderSource(folder)
    plan(source, output, HEADER, "run-1")
    work(source, output, "run-1")
    name = next(manifest(output, "run-1")).name
    output.write(parts.part_file(name), b"damaged")
    assert finish(output, HEADER, "run-1")["missing_batches"] == 1
    made = plan(source, output, HEADER, "run-2")
    assert made.to_do == 1
    work(source, output, "run-2")
    assert finish(output, HEADER, "run-2")["photos"] == 100


def test_photos_that_could_not_be_read_are_tried_again_by_the_next_run(tmp_path, folder):
    output = FolderStorage(tmp_path / "output")
    source = FolderSource(folder)
    plan(source, output, HEADER, "run-1")
    (folder / "007.jpg").rename(tmp_path / "away")
    work(source, output, "run-1")
    summary = finish(output, HEADER, "run-1")
    assert summary["statuses"]["missing"] == 1
    assert len(summary["again"]) == 1
    (tmp_path / "away").rename(folder / "007.jpg")
    assert plan(source, output, HEADER, "run-2").to_do == 1
    model = Model()
    for batch in manifest(output, "run-2"):
        parts.write(output, answer(batch, source, output, model, HEADER))
    assert model.seen == [b"?"]
    assert finish(output, HEADER, "run-2")["again"] == []
    assert planning.read_summary(output)["statuses"].get("missing") is None
