"""The threshold accepts the given share of strangers, and probabilities equal the share of right answers."""

import numpy as np
import pytest

from model.cohort import Cohort
from model.known import CAUTIOUS
from tests.crowds import crowd, faces_of, measured
from training import calibration
from training.calibration import IMPOSTORS, LEFT_OUT, PROTOTYPES
from training.reliability import Reliability
from training.strangers import draw


@pytest.fixture
def gallery():
    return calibration.gallery_of(*faces_of(crowd(10), 20), measured())


def test_few_photos_are_their_own_prototypes():
    np.testing.assert_array_equal(calibration.prototypes_of(crowd(PROTOTYPES)), crowd(PROTOTYPES))


def test_many_photos_are_condensed_to_unit_vectors():
    prototypes = calibration.prototypes_of(crowd(60))
    assert prototypes.shape == (PROTOTYPES, 512)
    np.testing.assert_allclose(np.linalg.norm(prototypes, axis=1), 1, rtol=1e-5)


def passed(gallery, faces, threshold):
    return (gallery.compare(faces).scores.max(axis=1) >= threshold.value).mean()


def test_the_threshold_accepts_the_given_share_of_many_impostors(gallery):
    impostors = crowd(2000, seed=5)
    found = calibration.threshold(gallery, 0.05, impostors=impostors)
    assert passed(gallery, impostors, found) == pytest.approx(0.05, abs=0.002)
    assert found.measured_on == IMPOSTORS


@pytest.mark.parametrize("people", [3, 10, 60])
def test_the_threshold_accepts_the_given_share_of_strangers_however_many_people_there_are(people):
    gallery = calibration.gallery_of(crowd(people), np.arange(people), measured())
    found = calibration.threshold(gallery, 0.02)
    assert passed(gallery, draw(gallery.cohort, 20000), found) <= 0.025
    assert found.measured_on == "LFW"


def test_where_more_real_strangers_pass_than_drawn_ones_the_threshold_is_higher():
    plain, corrected = (
        calibration.threshold(calibration.gallery_of(crowd(10), np.arange(10), measured(factor=factor)), 0.05).value
        for factor in (1, 4)
    )
    assert corrected > plain


def test_after_a_change_of_the_gallery_impostors_still_determine_the_threshold(gallery):
    impostors = 0.3 * crowd(1) + crowd(1000, seed=5)
    impostors /= np.linalg.norm(impostors, axis=1, keepdims=True)
    first = calibration.threshold(gallery, 0.05, impostors=impostors)
    again = calibration.threshold(gallery, 0.05, earlier=first.to_dict(0.05))
    assert again.value == pytest.approx(first.value, abs=0.02)
    assert again.measured_on == IMPOSTORS


def test_without_a_cohort_a_change_of_the_gallery_keeps_what_impostors_reached():
    gallery = calibration.gallery_of(crowd(10), np.arange(10), Cohort.unmeasured())
    first = calibration.threshold(gallery, 0.05, impostors=crowd(1000, seed=5))
    assert calibration.threshold(gallery, 0.05, earlier=first.to_dict(0.05)) == first


def test_too_few_impostors_are_not_used(gallery):
    assert calibration.threshold(gallery, 0.01, impostors=crowd(99)).measured_on == "LFW"


def test_people_like_each_other_raise_the_threshold():
    family = crowd(1) + 0.8 * crowd(40, 3)
    family /= np.linalg.norm(family, axis=1, keepdims=True)
    gallery = calibration.gallery_of(*faces_of(family.astype(np.float32), 4), measured())
    found = calibration.threshold(gallery, 0.01)
    assert found.estimates[LEFT_OUT] > found.value > found.estimates["LFW"]


def test_of_few_people_those_left_out_do_not_lower_the_threshold(gallery):
    found = calibration.threshold(gallery, 0.01)
    assert found.value >= found.estimates["LFW"]


def test_where_no_strangers_were_measured_the_threshold_is_cautious_and_its_rate_assumed():
    gallery = calibration.gallery_of(*faces_of(crowd(10), 20), Cohort.unmeasured())
    found = calibration.threshold(gallery, 0.01)
    assert (found.value, found.measured_on) == (CAUTIOUS, None)


def test_two_folders_of_one_person_do_not_raise_the_threshold():
    people = crowd(10)
    people[1] = people[0]
    gallery = calibration.gallery_of(*faces_of(people, 20), Cohort.unmeasured())
    assert calibration.threshold(gallery, 0.01).estimates[LEFT_OUT] < 0.4


def test_too_few_faces_give_no_estimate_by_leaving_people_out():
    gallery = calibration.gallery_of(*faces_of(crowd(10), 9), measured())
    assert LEFT_OUT not in calibration.threshold(gallery, 0.01).estimates


@pytest.mark.parametrize("rate", [0.2, 0.03, 0.01])
def test_a_score_is_found_for_a_rate_that_few_of_the_scores_reach(rate):
    scores = np.random.default_rng(0).exponential(size=400).astype(np.float32)
    assert calibration.score_at(scores, rate) == pytest.approx(-np.log(rate), abs=0.5)


def test_overconfident_logits_are_cooled_until_they_say_how_often_they_are_right():
    random = np.random.default_rng(3)
    people = random.integers(0, 10, 2000)
    logits = random.normal(size=(2000, 10)).astype(np.float32)
    logits[np.arange(2000), people] += 2
    sharp = logits * 8
    found = calibration.temperature(sharp, people)

    def error(temperature):
        powers = np.exp((sharp - sharp.max(axis=1, keepdims=True)) / temperature)
        shares = powers / powers.sum(axis=1, keepdims=True)
        return Reliability.of(shares.max(axis=1).astype(float), shares.argmax(axis=1) == people).error

    assert error(found) < 0.03 < error(1)


def test_the_temperature_allows_for_an_error_even_if_no_face_has_one():
    logits = np.eye(4, dtype=np.float32)[np.arange(40) % 4] * 20
    cooled = logits / calibration.temperature(logits, np.arange(40) % 4)
    confidence = np.exp(cooled[0, 0]) / np.exp(cooled[0]).sum()
    assert confidence == pytest.approx(40.5 / 41, abs=0.002)


def test_without_faces_the_temperature_is_one():
    assert calibration.temperature(np.empty((0, 3), np.float32), np.empty(0, np.int64)) == 1


def test_figures_count_names_and_the_known():
    scores = np.float32([[0.9, 0.1], [0.2, 0.3], [0.1, 0.8]])
    probabilities = np.float32([[0.9, 0.1], [0.3, 0.7], [0.6, 0.4]])
    found = calibration.figures(scores, probabilities, np.array([0, 1, 1]), 0.5)
    assert (found["faces"], found["name_right"], found["recognised"]) == (3, pytest.approx(2 / 3), pytest.approx(1 / 3))


def test_no_faces_have_no_figures():
    empty = np.empty((0, 2), np.float32)
    assert calibration.figures(empty, empty, np.empty(0, np.int64), 0.5) is None


def test_a_gallery_has_everybodys_prototypes(gallery):
    assert np.bincount(gallery.people).tolist() == [PROTOTYPES] * 10
