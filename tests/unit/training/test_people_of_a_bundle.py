"""People are found in a bundle however their names are spelled, and nobody is removed whom it cannot do without."""

from pathlib import Path

import pytest

from model.bundle import Manifest
from model.errors import BundleError
from preprocess.geometry import Geometry
from training.enrolment import _without
from training.errors import DatasetError, RunError
from training.members import check_forgettable, check_newcomers, known_as, others_than
from training.pretrained import Pretrained
from training.retraining import check_same

NFC, NFD = "Zo\u00eb", "Zoe\u0308"


def manifest(*labels, **training):
    facts = {"recipe": {}, "pretrained": {"name": "mine.pt", "sha256": "1"}, "faces": dict.fromkeys(labels, 2)}
    return Manifest(
        labels=labels,
        geometry=Geometry(),
        threshold=0.5,
        temperature=1.0,
        calibration={"false_accept_rate": 0.01, "estimates": {}, "measured_on": None, "drawn_rate": None},
        metrics={},
        training=facts | training,
        libraries={},
        files={},
    )


@pytest.mark.parametrize("stored", [NFC, NFD])
@pytest.mark.parametrize("typed", [NFC, NFD])
def test_a_name_is_found_in_either_spelling(stored, typed):
    assert known_as(manifest("Ann", stored), typed) == stored


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("joe bidn", "Joe Biden"), ("Joe Bidn", "Joe Biden"), ("Zoe", NFC), ("Jo Biden", "Joe Biden")],
)
def test_a_similar_name_is_suggested(typed, meant):
    with pytest.raises(BundleError, match=f'Did you mean "{meant}"') as raised:
        known_as(manifest("Joe Biden", NFD, *(f"Person {number}" for number in range(200))), typed)
    assert len(str(raised.value)) < 150


@pytest.mark.parametrize("typed", ["joe biden", "JOE BIDEN ", "Joe\u00a0Biden", "Joe Biden\u200b"])
def test_a_name_is_found_without_its_case_and_what_shows_nothing(typed):
    assert known_as(manifest("Ann", "Joe Biden"), typed) == "Joe Biden"


def test_the_very_name_is_found_where_two_differ_in_case_only():
    assert known_as(manifest("Ann", "ann"), "ann") == "ann"
    with pytest.raises(BundleError, match='"Ann" or "ann"'):
        known_as(manifest("Ann", "ann"), "ANN")


@pytest.mark.parametrize("name", ["Ann", "ANN", "ann "])
def test_nobody_is_enrolled_by_a_name_that_is_taken(name):
    with pytest.raises(BundleError, match="already"):
        check_newcomers(["Ann"], ["Bob", name])
    check_newcomers(["Ann"], ["Bob"])


def test_where_no_name_is_similar_all_are_listed():
    with pytest.raises(BundleError, match="It knows Ann, Bob"):
        known_as(manifest("Ann", "Bob"), "Christopher")


def test_the_last_person_cannot_be_forgotten():
    with pytest.raises(BundleError, match="last person"):
        check_forgettable(manifest("Ann"), "Ann")
    assert check_forgettable(manifest("Ann", "Bob"), "Bob") == "Bob"


def test_no_spelling_of_a_name_that_was_forgotten_is_left():
    rest = _without(manifest("Ann", NFC, faces={"Ann": 3, NFD: 2}), NFC)
    assert (rest.labels, rest.training["faces"]) == (("Ann",), {"Ann": 3})


@pytest.mark.parametrize(
    ("known", "error", "sentence"),
    [
        (manifest("Ann", "Bob", "Cid"), BundleError, "knows nobody"),
        (manifest("Ann", NFD), DatasetError, "fewer than two people"),
        (manifest("Ann", "Bob", NFD, recipe={"lr": 1}), RunError, "older version"),
        (manifest("Ann", "Bob", NFD, recipe=None), RunError, "older version"),
    ],
    ids=["unknown", "two people", "another recipe", "no recipe"],
)
def test_what_cannot_be_trained_again_is_refused_before_anything_is_done(known, error, sentence):
    with pytest.raises(error, match=sentence):
        others_than(known, NFC)


def test_the_others_are_named_as_their_aligned_faces_are():
    assert others_than(manifest("Ann", NFD, "Bob"), "Bob") == ["Ann", NFC]


def test_other_weights_are_refused():
    with pytest.raises(RunError, match=r"mine\.pt"):
        check_same(Pretrained("mine.pt", Path("mine.pt"), "2", {}, Path()), manifest("Ann"))
    check_same(Pretrained("mine.pt", Path("mine.pt"), "1", {}, Path()), manifest("Ann"))
