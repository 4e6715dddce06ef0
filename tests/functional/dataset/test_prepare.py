"""Preparing continues after an interruption, repeats only what changed, and reports the outcome of every photo."""

import html
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from dataset import candidates
from dataset.aligned import OUTPUT, PAGE, REPORT, by_label
from dataset.candidates import DetectionTask
from dataset.errors import PrepareError
from dataset.labels import label_of
from dataset.prepare import prepare
from dataset.removal import remove_person
from dataset.selection import Cause
from preprocess.files import sha256_of
from preprocess.geometry import Geometry
from preprocess.names import key, shown
from training import faces
from training.embedder import Embedder

pytestmark = pytest.mark.usefixtures("no_workers")

JOURNAL = "journal.jsonl"


@dataclass(frozen=True)
class Pixels:
    """Embeds a face as its own small picture, which takes no network."""

    def __call__(self, chips):
        small = np.stack([np.asarray(Image.fromarray(chip).convert("L").resize((32, 16)), float) for chip in chips])
        rows = small.reshape(len(chips), 512)
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


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

    def prepare(self, **overrides):
        """Prepare, and return the outcomes by photo."""
        self.report = prepare(self.photos, self.aligned, 1, Pixels(), lambda *_: None, **overrides)
        return {outcome.photo: outcome for outcome in self.report.outcomes}

    def chips(self):
        """Return the time at which each chip was written."""
        return {
            path.relative_to(self.aligned).as_posix(): path.stat().st_mtime_ns
            for path in self.aligned.glob("[!.]*/**/*.jpg")
        }

    def faces(self):
        """Return the time at which each found face was written."""
        return {path.name: path.stat().st_mtime_ns for path in self.output("faces").glob("*.jpg")}

    def output(self, name):
        return self.aligned / OUTPUT / name


@pytest.fixture(scope="module")
def prepared(samples, tmp_path_factory):
    """Photos that were prepared once, for other fixtures to copy."""
    work = Work(tmp_path_factory.mktemp("prepared"), samples)
    work.prepare()
    return work


@pytest.fixture
def work(prepared, samples, tmp_path):
    """A copy of the photos that were prepared once."""
    for folder in (prepared.photos, prepared.aligned):
        shutil.copytree(folder, tmp_path / folder.name)  # keeps the photos' times
    work = Work.__new__(Work)
    work.photos, work.aligned, work.samples = tmp_path / "photos", tmp_path / "aligned", samples / "people"
    return work


def test_each_photo_has_a_chip_under_its_persons_name(prepared):
    assert set(prepared.chips()) == {"Obama/a.jpg.jpg", "Biden/b.jpg.jpg"}
    assert prepared.report.counts() == {"Biden": (1, 1), "Obama": (1, 1)}


def test_preparing_again_detects_no_photo_again(work):
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


def test_a_damaged_line_of_the_journal_affects_one_photo_only(work):
    before = work.faces()
    journal = work.output(JOURNAL)
    journal.write_bytes(journal.read_bytes()[:-20])
    work.prepare()
    after = work.faces()
    assert set(after) == set(before)
    assert sum(after[face] == before[face] for face in before) == 1


def test_photos_with_one_stem_keep_a_chip_each(work):
    work.put("Barack Obama/obama3.jpg", "Obama/a.jpeg")
    work.prepare()
    assert {"Obama/a.jpg.jpg", "Obama/a.jpeg.jpg"} <= set(work.chips())


def test_a_file_that_is_not_a_photo_gets_a_reason_and_the_others_are_processed(work):
    work.text("Obama/notes.jpg")
    work.put("Barack Obama/obama3.jpg", "Obama/z/deep.jpg")
    outcomes = work.prepare()
    assert (outcomes["Obama/notes.jpg"].chip, outcomes["Obama/z/deep.jpg"].reason) == (None, None)
    assert "accepted format" in outcomes["Obama/notes.jpg"].reason
    assert "Obama/z/deep.jpg.jpg" in work.chips()


ODD_NAMES = {
    "no UTF-8": os.fsdecode(b"\xff"),
    "as long as a disk allows": "x" * 246,
    "as long as a disk allows, in other letters": "\u00e9" * 123,
    "a line break": "a\nb",
    "a separator of lines": "a\u2028b",
    "another direction": "a\u202eb",
    "decomposed accents": "Zoe\u0308",
    "emoji": "\U0001f469\u200d\U0001f680",
    "what Windows forbids": 'a:b"c*',
    "what Windows reserves": "CON",
    "markup": "<b>&amp;[red]{{ 7 }}",
    "spaces": " a ",
}


@pytest.mark.parametrize("name", ODD_NAMES.values(), ids=ODD_NAMES.keys())
def test_a_photo_of_any_name_is_prepared_reported_dropped_and_trained_on(work, name):
    (work.photos / "Obama" / "a.jpg").rename(work.photos / "Obama" / f"{name}.jpg")
    before = work.prepare()
    (photo,) = (outcome for outcome in before.values() if outcome.person == "Obama")
    assert photo.photo.encode().decode().splitlines() == [photo.photo]
    assert "Obama" in faces.read(work.aligned).labels
    assert json.loads(work.output(REPORT).read_text(encoding="utf-8"))["photos"][1]["photo"] == photo.photo
    assert photo.photo in html.unescape(work.output(PAGE).read_text(encoding="utf-8"))
    journal = work.output(JOURNAL).read_bytes()
    for spelled in (f"Obama/{name}.jpg", photo.photo):  # as the shell completes it, and as the report shows it
        assert work.prepare(drop=[Path(spelled)])[photo.photo].cause == Cause.DROPPED
        assert work.prepare(keep=[Path(spelled)])[photo.photo].chip == photo.chip
    assert work.output(JOURNAL).read_bytes() == journal


REFUSED = ("a line break", "a separator of lines", "another direction")


@pytest.mark.parametrize("kind", [kind for kind in ODD_NAMES if kind not in REFUSED])
def test_a_person_of_any_name_is_prepared_trained_on_and_removed(work, kind):
    name = ODD_NAMES[kind]
    (work.photos / "Obama").rename(work.photos / name)
    label = label_of(name)
    work.prepare()
    assert set(faces.read(work.aligned).labels) == {"Biden", label}
    assert work.prepare()[f"{shown(name)}/a.jpg"].chip
    assert remove_person(work.aligned, label) >= 2
    assert set(work.chips()) == {"Biden/b.jpg.jpg"}
    assert label not in by_label(work.aligned)
    assert label not in {photo.person for photo in candidates.read_journal(work.output(JOURNAL)).values()}


def test_photos_whose_names_differ_in_case_or_accents_keep_a_chip_each(work):
    names = ("A.JPG", "a.png", "b/c.jpg", "B/C.jpg", "Zoe\u0308.jpg", "Zo\u00eb.jpg")
    for number, name in enumerate(names):
        sample = ("obama3.jpg", "obama_partial_face.jpg")[number % 2]
        work.put(f"Barack Obama/{sample}", f"Obama/{name}")
    outcomes = work.prepare(keep=[Path("Obama") / name for name in names])
    chips = [outcome.chip for outcome in outcomes.values() if outcome.person == "Obama"]
    assert len({key(str(chip)) for chip in chips if chip}) == len(names) + 1


def test_a_person_in_two_spellings_is_one(work):
    work.put("Barack Obama/obama3.jpg", "OBAMA/a.jpg")
    if len(list(work.photos.iterdir())) < 3:
        pytest.skip("this disk takes them for one")
    outcomes = work.prepare()
    assert {outcome.person for outcome in outcomes.values()} == {"Biden", "OBAMA"}
    assert len({outcome.chip for outcome in outcomes.values()}) == 3
    assert faces.read(work.aligned).labels == ("Biden", "OBAMA")


@pytest.mark.parametrize(
    "error", [PermissionError(13, "Permission denied"), OSError(5, "Input/output error")], ids=repr
)
def test_a_photo_that_the_disk_cannot_give_is_set_aside_and_the_others_are_kept(work, monkeypatch, error):
    def unreadable(path, real=candidates.read_photo):
        if path.name == "a.jpg":
            raise error
        return real(path)

    work.put("Barack Obama/obama3.jpg", "Obama/a.jpg")
    work.put("Joe Biden/biden.jpg", "Biden/c.jpg")
    monkeypatch.setattr(candidates, "read_photo", unreadable)
    outcomes = work.prepare()
    assert "read" in outcomes["Obama/a.jpg"].reason
    assert outcomes["Biden/b.jpg"].chip or outcomes["Biden/c.jpg"].chip


def test_the_report_tells_of_every_photo_and_remark(work):
    work.text("Obama/notes.jpg")
    work.text("loose.jpg")
    work.prepare()
    report = json.loads(work.output(REPORT).read_text(encoding="utf-8"))
    assert report["people"] == {"Biden": {"photos": 1, "aligned": 1}, "Obama": {"photos": 2, "aligned": 1}}
    assert [photo["photo"] for photo in report["photos"] if photo["reason"]] == ["Obama/notes.jpg"]
    assert "loose.jpg" in report["remarks"][0]


def test_a_photo_whose_file_ends_early_is_kept_and_reported_as_incomplete(work):
    photo = work.photos / "Obama" / "a.jpg"
    photo.write_bytes(photo.read_bytes()[:-2])
    outcomes = work.prepare()
    assert {name: (bool(outcome.chip), outcome.complete) for name, outcome in outcomes.items()} == {
        "Biden/b.jpg": (True, True),
        "Obama/a.jpg": (True, False),
    }
    assert (work.aligned / OUTPUT / PAGE).read_text().count("· incomplete") == 1


def test_a_photo_whose_file_ends_early_is_set_aside_if_it_has_no_face(work):
    photo = work.photos / "Obama" / "empty.jpg"
    Image.new("RGB", (640, 480), "white").save(photo)
    photo.write_bytes(photo.read_bytes()[:-2])
    outcome = work.prepare()["Obama/empty.jpg"]
    assert (outcome.chip, outcome.reason, outcome.complete) == (
        None,
        "No face was found. The photo is incomplete.",
        False,
    )


def test_the_page_shows_reasons_and_escapes_names(work):
    name = "<script>alert('&')<"
    work.text(f"Obama/{name}.jpg")
    outcome = work.prepare()[f"Obama/{name}.jpg"]
    page = work.output(PAGE).read_text(encoding="utf-8")
    assert "&lt;script&gt;" in page
    assert "<script>" not in page
    assert outcome.reason in page


def test_a_dropped_photo_is_set_aside_and_remembered(work):
    assert work.prepare(drop=[Path("Obama/a.jpg")])["Obama/a.jpg"].reason == "You dropped it."
    work.prepare()
    assert set(work.chips()) == {"Biden/b.jpg.jpg"}


def test_the_last_decision_on_a_photo_counts(work):
    work.prepare(drop=[work.photos / "Obama" / "a.jpg"])
    assert work.prepare(keep=[Path("Obama/a.jpg")])["Obama/a.jpg"].chip == "Obama/a.jpg.jpg"
    assert "Obama/a.jpg.jpg" in work.chips()


def test_an_override_of_no_photo_is_refused_before_anything_is_done(work):
    with pytest.raises(PrepareError, match="PERSON/PHOTO"):
        work.prepare(keep=[Path("Obama/b.jpg")])


def test_damaged_overrides_are_reported(work):
    work.output("overrides.json").write_text('{"keep": 5}')
    with pytest.raises(PrepareError, match="damaged"):
        work.prepare()


def test_the_same_picture_twice_is_kept_once(work):
    Image.open(work.photos / "Obama" / "a.jpg").resize((300, 375)).save(work.photos / "Obama" / "small.jpg")
    outcome = work.prepare()["Obama/small.jpg"]
    assert (outcome.chip, outcome.cause) == (None, Cause.COPY)
    assert "Obama/a.jpg" in outcome.reason


def test_a_face_too_small_to_help_is_set_aside(work):
    Image.open(work.photos / "Biden" / "b.jpg").reduce(16).save(work.photos / "Obama" / "tiny.jpg", quality=95)
    outcome = work.prepare()["Obama/tiny.jpg"]
    assert outcome.cause == Cause.SMALL
    assert "27 are needed" in outcome.reason


def test_a_face_too_blurred_to_help_is_set_aside(work):
    photo = Image.open(work.photos / "Biden" / "b.jpg")
    photo.filter(ImageFilter.GaussianBlur(photo.width / 60)).save(work.photos / "Obama" / "blurred.jpg")
    outcome = work.prepare()["Obama/blurred.jpg"]
    assert outcome.cause == Cause.BLURRED
    assert "sharpness" in outcome.reason


def test_one_folder_under_two_names_is_reported(work):
    work.put("Barack Obama/obama.jpg", "Barack/a.jpg")
    work.prepare()
    common, alike = work.report.remarks[:2]
    assert common.startswith('"Barack" and "Obama" have 1 file in common.')
    assert "In 1 of them only one face was found" in common
    assert "look like one person" in alike


def test_a_single_person_gets_a_remark(work):
    shutil.rmtree(work.photos / "Obama")
    work.prepare()
    assert work.report.remarks == ['There is one person only, "Biden"; training needs at least two.']


def test_a_wrong_person_among_the_photos_is_set_aside(samples, embedder, tmp_path):
    work = Work(tmp_path, samples)
    work.put("Barack Obama/obama3.jpg", "Obama/b.jpg")
    work.put("Barack Obama/obama_partial_face.jpg", "Obama/c.jpg")
    work.put("Joe Biden/biden.jpg", "Obama/wrong.jpg")
    report = prepare(work.photos, work.aligned, 1, embedder, lambda *_: None)
    causes = {outcome.photo: outcome.cause for outcome in report.outcomes}
    assert causes.pop("Obama/wrong.jpg") == Cause.OTHER_PERSON
    assert set(causes.values()) == {None}


@pytest.mark.parametrize("place", [".", "inside", ".."])
def test_faces_may_not_be_put_among_the_photos(work, place):
    with pytest.raises(PrepareError, match="folder of their own"):
        prepare(work.photos, work.photos / place, 1, Pixels(), lambda *_: None)


def test_a_photo_in_a_folder_with_a_decomposed_name_is_dropped_by_its_normalised_name(work):
    (work.photos / "Obama").rename(work.photos / "Zoe\u0308")
    (outcome,) = [o for o in work.prepare(drop=[Path("Zo\u00eb/a.jpg")]).values() if o.person != "Biden"]
    assert (outcome.person, outcome.cause) == ("Zo\u00eb", Cause.DROPPED)
    (outcome,) = [o for o in work.prepare(keep=[Path("Zoe\u0308/a.jpg")]).values() if o.person != "Biden"]
    assert outcome.chip


def weights_file(folder, content=b"weights"):
    folder.mkdir(exist_ok=True)
    file = folder / "weights.pt"
    file.write_bytes(content)
    return file


def embedder_of(file, **options):
    return Embedder(file, sha256_of(file), Geometry(), **options)


def stamp(work, embed):
    return DetectionTask(work.photos, work.photos / "Obama" / "a.jpg", "Obama", work.aligned, OUTPUT, embed).stamp()


def test_the_journal_stays_valid_when_the_weights_move(work, tmp_path):
    before = stamp(work, embedder_of(weights_file(tmp_path / "one")))
    assert stamp(work, embedder_of(weights_file(tmp_path / "other"))) == before


def test_the_journal_is_not_valid_for_other_weights_of_the_same_path(work, tmp_path):
    before = stamp(work, embedder_of(weights_file(tmp_path / "one")))
    assert stamp(work, embedder_of(weights_file(tmp_path / "one", b"others"))) != before


@pytest.mark.parametrize("options", [{"input_size": 224}, {"traced": True}], ids=str)
def test_the_journal_is_not_valid_for_another_use_of_the_weights(work, tmp_path, options):
    file = weights_file(tmp_path / "one")
    assert stamp(work, embedder_of(file, **options)) != stamp(work, embedder_of(file))


@pytest.mark.parametrize("name", ["PHOTO_CHIP", "_VERSION", "version"])
def test_the_journal_is_not_valid_for_other_software(work, monkeypatch, name):
    before = stamp(work, Pixels())
    candidates._software.cache_clear()
    monkeypatch.setattr(candidates, name, (lambda _: "9.9") if name == "version" else "other")
    after = stamp(work, Pixels())
    candidates._software.cache_clear()
    assert after != before


def test_moving_photos_and_faces_together_keeps_the_journal_valid(work, tmp_path):
    moved = Work.__new__(Work)
    moved.photos, moved.aligned = tmp_path / "new" / "photos", tmp_path / "new" / "aligned"
    shutil.copytree(work.photos, moved.photos)
    shutil.copytree(work.aligned, moved.aligned)
    before = moved.output(JOURNAL).read_bytes()
    moved.prepare()
    assert moved.output(JOURNAL).read_bytes() == before


def test_decisions_are_kept_when_a_disk_normalises_the_folder_name_differently(work):
    (work.photos / "Obama").rename(work.photos / "Zoe\u0308")
    work.prepare(drop=[Path("Zoe\u0308/a.jpg")])
    (work.photos / "Zoe\u0308").rename(work.photos / "Zo\u00eb")
    assert work.prepare()["Zo\u00eb/a.jpg"].cause == Cause.DROPPED
