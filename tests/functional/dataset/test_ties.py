"""Photos of a couple: the person is found where the photos tell it, and asked for where they do not."""

import json
import shlex
import shutil
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from dataset.aligned import JOURNAL, OUTPUT, OVERRIDES, PAGE, REPORT
from dataset.candidates import read_journal
from dataset.prepare import prepare
from dataset.removal import remove_person
from dataset.selection import Cause
from tests.processes import without_workers

BARACK = ("obama.jpg", "obama3.jpg", "obama_partial_face.jpg", "obama_partial_face2.jpg")
HALF = 300


def half(path, *, mirrored=False):
    """Return a photo as one half of a photo of two people."""
    image = ImageOps.fit(Image.open(path).convert("RGB"), (HALF, 400), centering=(0.5, 0.2))
    return ImageOps.mirror(image) if mirrored else image


class Couple:
    """Photos of Barack, on the left, and Joe, on the right: the same in both folders."""

    def __init__(self, folder, samples, embedder):
        self.photos, self.aligned, self._embedder = folder / "photos", folder / "aligned", embedder
        people = samples / "people"
        for name in ("Barack", "Joe"):
            (self.photos / name).mkdir(parents=True)
        for number, file in enumerate(BARACK[:3]):
            both = Image.new("RGB", (2 * HALF, 400))
            both.paste(half(people / "Barack Obama" / file), (0, 0))
            both.paste(half(people / "Joe Biden" / "biden.jpg", mirrored=number == 1), (HALF, 0))
            both.save(self.photos / "Joe" / f"both {number}.jpg", quality=92)
        self.copy_all("Joe", "Barack")

    def copy_all(self, source, target):
        for photo in (self.photos / source).iterdir():
            shutil.copyfile(photo, self.photos / target / photo.name)

    def prepare(self, *keep):
        """Prepare; return the halves of the photos that are kept, by folder."""
        answers = list(map(Path, keep))
        with without_workers():
            self.report = prepare(self.photos, self.aligned, 1, self._embedder, lambda *_: None, keep=answers)
        journal = read_journal(self.aligned / OUTPUT / JOURNAL)
        boxes = {face.chip: face.box for photo in journal.values() for face in photo.faces}
        kept = {name: set() for name in ("Barack", "Joe")}
        for outcome in self.report.outcomes:
            if outcome.chip and outcome.faces == 2:
                kept[outcome.person].add("left" if boxes[outcome.thumbnail].left < HALF else "right")
        return kept

    def read(self, name):
        return (self.aligned / OUTPUT / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def asked(samples, embedder, tmp_path_factory):
    """A couple of whom no photo shows one alone, prepared."""
    couple = Couple(tmp_path_factory.mktemp("asked"), samples, embedder)
    couple.kept = couple.prepare()
    return couple


@pytest.fixture
def couple(asked, tmp_path):
    """A copy of the prepared photos, to go on with."""
    copy = Couple.__new__(Couple)
    copy.__dict__ |= asked.__dict__
    copy.photos = shutil.copytree(asked.photos, tmp_path / "photos")  # keeps the photos' times
    copy.aligned = shutil.copytree(asked.aligned, tmp_path / "aligned")
    return copy


def test_nobody_is_kept_of_photos_that_do_not_tell_whose_they_are(asked):
    assert asked.kept == {"Barack": set(), "Joe": set()}
    assert {outcome.cause for outcome in asked.report.outcomes} == {Cause.TIE}
    assert not list(asked.aligned.glob("[!.]*/**/*.jpg"))


def test_the_report_asks_with_a_face_and_an_option_for_each_answer(asked):
    questions = json.loads(asked.read(REPORT))["questions"]
    assert [question["person"] for question in questions] == ["Barack", "Joe"]
    page = asked.read(PAGE)
    for question in questions:
        assert {(option["number"], option["faces"]) for option in question["options"]} == {(1, 2), (2, 2)}
        for option in question["options"]:
            assert f"--keep {shlex.quote(option['keep'])}" in page.replace("&#39;", "'")
            assert (asked.aligned / option["thumbnail"]).is_file()
            assert option["thumbnail"] in page


def test_the_remark_on_common_files_comes_first_and_nobody_is_said_to_be_one_person(asked):
    assert asked.report.remarks[0].startswith('"Barack" and "Joe" have 3 files in common. That is normal')
    assert not any("one person" in remark for remark in asked.report.remarks)


def test_one_answer_decides_both_folders_and_is_remembered(couple):
    (option,) = [option for option in couple.report.questions[1].options if option.number == 2]
    decided = {"Barack": {"left"}, "Joe": {"right"}}
    assert couple.prepare(option.keep) == decided
    assert couple.report.questions == []
    assert couple.prepare() == decided
    assert json.loads(couple.read(REPORT))["questions"] == []


def test_the_other_answer_decides_the_other_way(couple):
    (option,) = [option for option in couple.report.questions[1].options if option.number == 1]
    assert couple.prepare(option.keep) == {"Barack": {"right"}, "Joe": {"left"}}


def test_a_kept_photo_of_several_people_does_not_say_who_it_is(couple):
    assert couple.prepare("Joe/both 0.jpg") == {"Barack": set(), "Joe": set()}
    reasons = {outcome.photo: outcome.reason for outcome in couple.report.outcomes}
    assert "#1 is the first face from the left" in reasons["Joe/both 0.jpg"]


def test_photos_of_the_one_alone_decide_both_folders(couple, samples):
    for file in BARACK:
        shutil.copyfile(samples / "people" / "Barack Obama" / file, couple.photos / "Barack" / file)
    assert couple.prepare() == {"Barack": {"left"}, "Joe": {"right"}}
    assert couple.report.questions == []
    assert couple.report.remarks[0].startswith('"Barack" and "Joe" have 3 files in common.')


def test_who_is_forgotten_takes_question_and_answer_along(couple):
    couple.prepare("Joe/both 1.jpg#2", "Barack/both 0.jpg#2")  # both are said to be Joe
    remove_person(couple.aligned, "Joe")
    assert list(json.loads(couple.read(OVERRIDES))["faces"]) == ["Barack/both 0.jpg"]
    for name in (REPORT, PAGE, OVERRIDES, JOURNAL):
        assert "Joe" not in couple.read(name)


def test_the_questions_of_others_stay_when_somebody_is_forgotten(couple):
    before = json.loads(couple.read(REPORT))["questions"][0]
    remove_person(couple.aligned, "Joe")
    assert json.loads(couple.read(REPORT))["questions"] == [before]
    assert "Who is Barack?" in couple.read(PAGE)
