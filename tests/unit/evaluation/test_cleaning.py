"""Wrong photos injected into folders are counted by their outcome; the same seed draws the same photos."""

import base64
import json

import numpy as np
import pytest
from PIL import Image

from dataset.candidates import PICTURE_SIDE, Candidate, Candidates
from dataset.errors import PrepareError
from dataset.folders import Listing, People, listing, walk
from dataset.selection import Cause, Outcome
from evaluation import cleaning as injection
from evaluation.cleaning import Trial, measure
from preprocess.detect import Box

PHOTOS = 8


@pytest.fixture
def random():
    return np.random.default_rng(7)


def unit(vector):
    return vector / np.linalg.norm(vector)


def face_of(person, random, side=100):
    """Return a random embedding of a person: its cosine with others of that person is about 0.7, of other people 0."""
    vector = unit(person + 0.6 * unit(random.normal(size=512)))
    halves = base64.b64encode(vector.astype(np.float16).tobytes()).decode()
    chip, picture = f"{random.bytes(8).hex()}.jpg", base64.b64encode(random.bytes(PICTURE_SIDE**2)).decode()
    return Candidate(Box(0, 0, side, side, 1.0), chip, sharpness=100.0, picture=picture, embedding=halves)


def photos_of(name, random, *, count=PHOTOS, **face):
    person = unit(random.normal(size=512))
    return [Candidates(f"{name}/{n}.jpg", name, "", faces=(face_of(person, random, **face),)) for n in range(count)]


@pytest.fixture
def people(random):
    return [photo for name in ("Ann", "Bob", "Cid") for photo in photos_of(name, random)]


@pytest.fixture
def strangers(random):
    return [photo for name in "xyz" for photo in photos_of(name, random, count=2)]


def outcomes_of(people, **options):
    return measure(people, **{"shares": [0.2], "repeats": 2, "seed": 0} | options).to_dict()


def test_exactly_the_injected_photos_are_set_aside(people, strangers):
    found = outcomes_of(people, strangers=strangers)
    assert (found["photos"], found["photos_with_a_face"], found["strangers_with_a_face"]) == (24, 24, 6)
    (row,) = found["shares"]
    assert (row["injected"], row["caught"], row["false_alarms"]) == (12, 12, 0)  # two a folder of eight, twice
    assert row["recall"] == row["precision"] == {"mean": 1.0, "min": 1.0}


@pytest.mark.parametrize(("share", "wrong"), [(0.1, 1), (0.2, 2), (0.3, 3), (0.5, 8)])
def test_the_share_is_that_of_the_larger_folder(people, share, wrong):
    (row,) = outcomes_of(people, shares=[share], repeats=1)["shares"]
    assert row["injected"] == 3 * wrong


def test_own_photos_set_aside_without_injection_are_listed_as_false_alarms(people, random):
    people[PHOTOS - 1] = photos_of("Ann", random)[PHOTOS - 1]  # somebody else's face in Ann's last photo
    found = outcomes_of(people)
    assert found["own_set_aside_without_injection"] == ["Ann/7.jpg"]
    (row,) = found["shares"]
    assert [trial["false_alarms"] for trial in row["trials"]] == [["Ann/7.jpg"]] * 2
    # A photo that is wrong where it lies may be right where it is put, or wrong there too: it was injected, and counts.
    assert row["precision"]["mean"] == pytest.approx(row["caught"] / (row["caught"] + 2))


def test_an_injected_photo_that_shows_the_person_counts_as_missed(people, random):
    """All of Bob's photos show Ann, so every photo that is injected into her folder agrees with hers."""
    ann = people[:PHOTOS]
    bob = [Candidates(f"Bob/{n}.jpg", "Bob", "", faces=photo.faces) for n, photo in enumerate(ann)]
    alike = outcomes_of([*ann[: PHOTOS // 2], *bob[PHOTOS // 2 :]], shares=[0.3], repeats=1)["shares"][0]
    assert (alike["caught"], alike["missed"], alike["recall"]) == (0, 4, {"mean": 0.0, "min": 0.0})
    assert all("/injected-" in name for name in alike["trials"][0]["missed"])
    assert alike["precision"] == {"mean": None, "min": None}


def test_photos_set_aside_for_their_quality_do_not_change_the_recall():
    causes = [Cause.OTHER_PERSON, Cause.NO_CONSENSUS, Cause.SMALL, Cause.BLURRED, Cause.COPY, None]
    wrong = [Outcome(f"Ann/injected-{n}/x", "Ann", cause=cause) for n, cause in enumerate(causes)]
    own = [Outcome(f"Ann/{n}", "Ann", cause=cause) for n, cause in enumerate([Cause.OTHER_PERSON, Cause.SMALL, None])]
    trial = Trial.of(0.5, 0, [*own, *wrong], frozenset(outcome.photo for outcome in wrong))
    assert (trial.own, trial.injected, trial.caught, trial.missed) == (3, 6, 2, ["Ann/injected-5/x"])
    assert trial.other_reasons == {"small": 1, "blurred": 1, "copy": 1}
    assert trial.false_alarms == ["Ann/0"]
    assert trial.recall == trial.precision == pytest.approx(2 / 3)


def test_the_draws_of_a_seed_do_not_depend_on_other_draws(people):
    alone = outcomes_of(people, shares=[0.3], seed=3)["shares"]
    assert outcomes_of(people, shares=[0.1, 0.3], seed=3)["shares"][1:] == alone


def test_wrong_photos_are_drawn_from_strangers_if_there_are_any(people, strangers, random):
    _, names = injection._mix(people, strangers, 0.3, random)
    assert {name.split("/", 2)[2] for name in names} <= {stranger.photo for stranger in strangers}


def test_photos_are_drawn_from_others_with_a_face_and_once_each(people, random):
    faceless = Candidates("z.jpg", "Zoë", "", reason="No face was found.")
    mixed, names = injection._mix([*people, faceless], (), 0.6, random)
    for person in ("Ann", "Bob", "Cid"):
        drawn = [photo.photo for photo in mixed if photo.person == person and photo.photo in names]
        origins = {name.split("/", 2)[2] for name in drawn}
        assert len(origins) == len(drawn) == 12
        assert not any(origin.startswith(person) or origin == "z.jpg" for origin in origins)
    assert [photo for photo in mixed if photo.photo not in names] == [*people, faceless]


def test_too_few_photos_of_others_raise_an_error(people):
    with pytest.raises(
        PrepareError, match=r'Only 16 photos can be injected into the folder of "Ann", instead of 24.*--strangers'
    ):
        measure(people, shares=[0.75], repeats=1, seed=0)


def test_progress_is_reported_and_figures_are_written(people, tmp_path):
    reported = []
    result = measure(people, shares=[0.1, 0.2], repeats=2, seed=0, on_progress=lambda *what: reported.append(what))
    assert reported == [(1, 4), (2, 4), (3, 4), (4, 4)]
    result.write(tmp_path / "new")
    assert json.loads((tmp_path / "new" / injection.Result.FILE).read_text(encoding="utf-8")) == result.to_dict()


@pytest.mark.usefixtures("no_workers")
def test_faces_are_detected_once_for_each_photo(tmp_path):
    for name in ("people/Ann/a.png", "strangers/s.png"):
        (tmp_path / name).parent.mkdir(parents=True)
        Image.new("RGB", (90, 90)).save(tmp_path / name)
    output, reported = tmp_path / "output", []
    for _ in range(2):
        (photo,) = injection.find_faces(walk(tmp_path / "people"), output, 1, len, lambda *what: reported.append(what))
        assert (photo.photo, photo.person, photo.reason) == ("Ann/a.png", "Ann", "No face was found.")
    assert reported == [(0, 1), (1, 1), (1, 1)]
    (stranger,) = injection.find_faces(listing(tmp_path / "strangers"), output, 1, len, lambda *_: None)
    assert (stranger.photo, stranger.person) == ("s.png", "")


@pytest.mark.parametrize("kind", [People, Listing])
def test_faces_are_not_stored_among_the_photos(tmp_path, kind):
    with pytest.raises(PrepareError, match="is inside the photos"):
        injection.find_faces(kind(tmp_path), tmp_path / "output", 1, len, print)
