"""Strangers are measured in numbers that are nobody's face, and those that are drawn are corrected by real ones."""

from dataclasses import replace

import numpy as np
import pytest

from dataset.folders import listing
from model.cohort import Cohort
from model.strangers import drawn_rate
from model.verification import FALSE_ACCEPT_RATE, compare
from preprocess.geometry import Geometry
from tests.crowds import crowd, faces_of, measured
from training import cohorts, strangers
from training.cohorts import cohort_of, person_of, some_photos
from training.errors import DatasetError

PEOPLE = 900


@pytest.fixture(scope="module")
def faces():
    """Two faces of each of many people, who are alike in groups."""
    groups = crowd(12, 5)
    people = groups[np.arange(PEOPLE) % 12] + crowd(PEOPLE, 6)
    embeddings, owners = faces_of((people / np.linalg.norm(people, axis=1, keepdims=True)).astype(np.float32), 2)
    return embeddings, np.array([f"Person {owner}" for owner in owners])


@pytest.fixture(scope="module")
def cohort(faces):
    return strangers.measure(*faces, "LFW", lambda *_: None)


def test_no_centre_is_somebodys_face(cohort, faces):
    embeddings, _ = faces
    alike = cohort.centres @ cohort.centred(embeddings).T
    assert len(cohort.centres) > 10
    assert alike.max() < 0.9
    np.testing.assert_allclose(np.linalg.norm(cohort.centres, axis=1), 1, rtol=1e-5)


def test_people_who_judge_are_not_measured_on(cohort, faces):
    embeddings, names = faces
    changed = embeddings.copy()
    judging = np.array([strangers.part_of(name) == strangers.JUDGE for name in names])
    changed[judging] = crowd(1, 77)
    again = strangers.measure(changed, names, "LFW", lambda *_: None)
    np.testing.assert_array_equal(again.centres, cohort.centres)
    np.testing.assert_array_equal(again.corrections, cohort.corrections)
    np.testing.assert_array_equal(again.verification, cohort.verification)


def test_of_other_people_about_the_stated_share_of_pairs_pass_for_one_person():
    people = 600
    cohort = replace(measured(), verification=strangers._verification(measured(), crowd(people, 3)))
    others = crowd(people, 4)
    _, scores = compare(others, others, cohort)
    assert np.mean(scores[np.triu_indices(people, 1)] >= cohort.verification[1]) == pytest.approx(
        FALSE_ACCEPT_RATE, rel=0.2
    )


def test_a_cohort_says_at_which_rate_its_threshold_was_measured(cohort):
    rate, threshold, least = cohort.verification
    assert rate == np.float32(FALSE_ACCEPT_RATE)
    assert -0.5 < threshold < 0.5
    assert 0 < least < 0.5


def test_too_few_people_are_refused():
    with pytest.raises(DatasetError, match="takes 300"):
        strangers.measure(crowd(50), np.arange(50).astype(str), "My photos", lambda *_: None)


def test_a_cohort_is_read_as_it_was_written(cohort, tmp_path):
    cohort.save(tmp_path / "cohort.npz")
    read = Cohort.load(tmp_path / "cohort.npz")
    assert read.source == "LFW"
    for name in ("mean", "weights", "corrections", "verification"):
        np.testing.assert_array_equal(getattr(read, name), getattr(cohort, name))
    np.testing.assert_allclose(read.centres, cohort.centres, atol=1e-3)


@pytest.mark.parametrize("people", [1, 3, 25, 200, 5000])
@pytest.mark.parametrize("rate", [0.2, 0.03, 0.01, 0.001])
def test_the_rate_of_drawn_strangers_is_divided_by_the_correction(people, rate):
    assert drawn_rate(measured(factor=2).corrections, rate, people) == pytest.approx(rate / 2, rel=1e-4)
    assert drawn_rate(Cohort.unmeasured().corrections, rate, people) == rate


def test_between_two_rows_the_correction_is_interpolated():
    rows = np.float32([[10, 2, 2, 2], [1000, 8, 8, 8]])
    assert drawn_rate(rows, 0.01, 100) == pytest.approx(0.01 / 4, rel=1e-4)


def test_weights_that_nobody_measured_have_no_cohort_until_somebody_does(cohort, tmp_path):
    weights = {"name": "mine.pt", "sha256": "f00d" * 16}
    assert cohort_of(weights, Geometry(), tmp_path) is None
    cohort.save(tmp_path / cohorts._name(weights["sha256"], Geometry()))
    assert cohort_of(weights, Geometry(), tmp_path).source == "LFW"
    assert cohort_of(weights, Geometry(size=96), tmp_path) is None
    assert cohort_of(weights | {"sha256": "beef" * 16}, Geometry(), tmp_path) is None


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04torn"])
def test_a_damaged_cohort_is_measured_again(content, tmp_path):
    (tmp_path / cohorts._name("f00d" * 16, Geometry())).write_bytes(content)
    assert cohort_of({"name": "mine.pt", "sha256": "f00d" * 16}, Geometry(), tmp_path) is None


def test_the_weights_that_can_be_had_without_a_download_are_measured():
    cohort = cohort_of({"name": "casia-webface", "sha256": "whatever torch wrote"}, Geometry())
    assert cohort.is_measured
    assert len(cohort.corrections) == 4
    np.testing.assert_allclose(cohort.verification, [0.001, 0.04901, 0.18490], rtol=1e-3)


def test_a_few_photos_of_each_person_are_chosen_and_none_of_those_who_judge(tmp_path):
    for person in ("Ann", "Bob", "Cid", "Dan", "Eve", "Fay"):
        (tmp_path / person).mkdir()
        for number in range(5):
            (tmp_path / person / f"{number}.jpg").touch()
    (tmp_path / "alone.jpg").touch()
    found = listing(tmp_path)
    chosen = some_photos(found)
    people = [person_of(path, tmp_path) for path in chosen.photos]
    assert all(strangers.part_of(person) != strangers.JUDGE for person in people)
    assert {people.count(person) for person in people if person != "alone.jpg"} == {3}
    assert person_of(tmp_path / "alone.jpg", tmp_path) == "alone.jpg"
