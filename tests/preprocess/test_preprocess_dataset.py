"""Preparing goes on where it was, does again what changed, and says what became of every photo."""

import json
import os
import shutil

import pytest

from preprocess.dataset import OUTPUT, PAGE, REPORT, prepare
from preprocess.errors import PrepareError
from preprocess.folders import walk

JOURNAL = "journal.jsonl"


class Work:
    """Photos of two people and their aligned faces."""

    def __init__(self, folder, samples):
        self.photos, self.aligned = folder / "photos", folder / "aligned"
        self.samples = samples / "people"
        self.put("Barack Obama/obama.jpg", "Obama/a.jpg")
        self.put("Joe Biden/biden.jpg", "Biden/b.jpg")

    def put(self, sample, name):
        path = self.photos / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.samples / sample, path)
        return path

    def text(self, name):
        path = self.photos / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("Dear Sir or Madam")
        return path

    def prepare(self):
        """Prepare, and return the outcomes by photo."""
        self.report = prepare(self.photos, self.aligned, 1, lambda *_: None)
        return {outcome.photo: outcome for outcome in self.report.outcomes}

    def chips(self):
        """Each chip with the moment it was written."""
        return {
            path.relative_to(self.aligned).as_posix(): path.stat().st_mtime_ns
            for path in self.aligned.glob("[!.]*/**/*.jpg")
        }

    def output(self, name):
        return self.aligned / OUTPUT / name


@pytest.fixture(scope="module")
def prepared(samples, tmp_path_factory):
    """Work that was done once, to be copied."""
    work = Work(tmp_path_factory.mktemp("prepared"), samples)
    work.prepare()
    return work


@pytest.fixture
def work(prepared, samples, tmp_path):
    """Work that was done once."""
    for folder in (prepared.photos, prepared.aligned):
        shutil.copytree(folder, tmp_path / folder.name)  # keeps the photos' times
    work = Work.__new__(Work)
    work.photos, work.aligned, work.samples = tmp_path / "photos", tmp_path / "aligned", samples / "people"
    return work


def test_each_photo_has_a_chip_under_its_persons_name(prepared):
    assert set(prepared.chips()) == {"Obama/a.jpg.jpg", "Biden/b.jpg.jpg"}
    assert prepared.report.counts() == {"Biden": (1, 1), "Obama": (1, 1)}


def test_a_second_time_nothing_is_looked_at_again(work):
    before = work.chips(), work.output(JOURNAL).read_bytes()
    outcomes = work.prepare()
    assert (work.chips(), work.output(JOURNAL).read_bytes()) == before
    assert all(outcome.chip for outcome in outcomes.values())


def test_only_a_changed_photo_is_done_again(work):
    before = work.chips()
    work.put("Barack Obama/obama3.jpg", "Obama/a.jpg")
    work.prepare()
    after = work.chips()
    assert after["Biden/b.jpg.jpg"] == before["Biden/b.jpg.jpg"]
    assert after["Obama/a.jpg.jpg"] > before["Obama/a.jpg.jpg"]


def test_a_chip_that_was_deleted_is_made_again(work):
    (work.aligned / "Obama" / "a.jpg.jpg").unlink()
    work.prepare()
    assert "Obama/a.jpg.jpg" in work.chips()


def test_the_chip_of_a_photo_that_is_gone_is_removed(work):
    (work.photos / "Obama" / "a.jpg").unlink()
    work.prepare()
    assert set(work.chips()) == {"Biden/b.jpg.jpg"}


def test_the_chip_of_a_photo_that_became_useless_is_removed(work):
    work.text("Obama/a.jpg")
    assert work.prepare()["Obama/a.jpg"].reason
    assert set(work.chips()) == {"Biden/b.jpg.jpg"}


def test_a_torn_line_in_the_journal_costs_one_photo_only(work):
    before = work.chips()
    journal = work.output(JOURNAL)
    journal.write_bytes(journal.read_bytes()[:-20])
    work.prepare()
    after = work.chips()
    assert set(after) == set(before)
    assert sum(after[chip] == before[chip] for chip in before) == 1


def test_photos_with_one_stem_keep_a_chip_each(work):
    work.put("Barack Obama/obama3.jpg", "Obama/a.jpeg")
    work.prepare()
    assert {"Obama/a.jpg.jpg", "Obama/a.jpeg.jpg"} <= set(work.chips())


def test_what_is_no_photo_has_a_reason_and_the_rest_goes_on(work):
    work.text("Obama/notes.jpg")
    work.put("Barack Obama/obama3.jpg", "Obama/z/deep.jpg")
    outcomes = work.prepare()
    assert (outcomes["Obama/notes.jpg"].chip, outcomes["Obama/z/deep.jpg"].reason) == (None, None)
    assert "accepted format" in outcomes["Obama/notes.jpg"].reason
    assert "Obama/z/deep.jpg.jpg" in work.chips()


def test_a_file_name_that_is_no_text_does_not_stop_the_rest(work):
    (work.photos / "Obama" / os.fsdecode(b"\xff.jpg")).write_bytes(b"no photo")
    assert len(work.prepare()) == 2
    assert walk(work.photos).remarks == ['In "Obama", files whose names are not UTF-8 are left out. Rename them.']


def test_the_report_tells_of_every_photo_and_remark(work):
    work.text("Obama/notes.jpg")
    work.text("loose.jpg")
    work.prepare()
    report = json.loads(work.output(REPORT).read_text(encoding="utf-8"))
    assert report["people"] == {"Biden": {"photos": 1, "aligned": 1}, "Obama": {"photos": 2, "aligned": 1}}
    assert [photo["photo"] for photo in report["photos"] if photo["reason"]] == ["Obama/notes.jpg"]
    assert "loose.jpg" in report["remarks"][0]


def test_the_page_shows_reasons_and_escapes_names(work):
    name = "<script>alert('&')<"
    work.text(f"Obama/{name}.jpg")
    outcome = work.prepare()[f"Obama/{name}.jpg"]
    page = work.output(PAGE).read_text(encoding="utf-8")
    assert "&lt;script&gt;" in page
    assert "<script>" not in page
    assert outcome.reason in page


@pytest.mark.parametrize("place", [".", "inside", ".."])
def test_faces_may_not_be_put_among_the_photos(work, place):
    with pytest.raises(PrepareError, match="folder of their own"):
        prepare(work.photos, work.photos / place, 1, lambda *_: None)
