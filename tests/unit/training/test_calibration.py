"""The threshold accepts the given share of strangers, and probabilities equal the share of right answers."""

import numpy as np
import pytest

from model.gallery import Gallery
from training import calibration
from training.calibration import CAUTIOUS, PROTOTYPES
from training.reliability import Reliability

TABLE = ((0.1, 0.3), (0.01, 0.45), (0.001, 0.55))


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def crowd(count, seed=0):
    return unit(np.random.default_rng(seed).normal(size=(count, 512)))


def faces_of(people, each, spread=0.6, seed=1):
    """`each` faces of every person, cosines of about 0.7 between two of one person."""
    owners = np.repeat(np.arange(len(people)), each)
    return unit(people[owners] + spread * crowd(len(owners), seed)), owners


@pytest.fixture
def gallery():
    return calibration.gallery_of(*faces_of(crowd(10), 20))


def estimate(gallery, rate=0.01, table=TABLE, impostors=None, each=20):
    embeddings, people = faces_of(crowd(10), each)
    return calibration.estimates(rate, gallery, embeddings, people, impostors=impostors, table=table)


def test_few_photos_are_their_own_prototypes():
    np.testing.assert_array_equal(calibration.prototypes_of(crowd(PROTOTYPES)), crowd(PROTOTYPES))


def test_many_photos_are_condensed_to_unit_vectors():
    prototypes = calibration.prototypes_of(crowd(60))
    assert prototypes.shape == (PROTOTYPES, 512)
    np.testing.assert_allclose(np.linalg.norm(prototypes, axis=1), 1, rtol=1e-5)


def test_the_threshold_accepts_the_given_share_of_many_impostors(gallery):
    impostors = crowd(2000, seed=5)
    found = estimate(gallery, 0.05, impostors=impostors)
    passed = gallery.similarities(impostors, 10).max(axis=1) >= found["impostors"]
    assert passed.mean() == pytest.approx(0.05, abs=0.002)
    assert "LFW" not in found


def test_too_few_impostors_give_no_estimate(gallery):
    assert set(estimate(gallery, impostors=crowd(99))) == {"people left out", "LFW"}


@pytest.mark.parametrize(("rate", "people", "expected"), [(0.1, 1, 0.3), (0.1, 10, 0.45), (0.01, 10, 0.55)])
def test_the_threshold_table_is_read_at_the_rate_divided_by_the_number_of_people(rate, people, expected):
    assert calibration.similarity_at_rate(TABLE, rate, people) == pytest.approx(expected)


def test_more_people_make_a_higher_threshold():
    thresholds = [calibration.similarity_at_rate(TABLE, 0.05, people) for people in (1, 5, 20, 50)]
    assert thresholds == sorted(set(thresholds))


def test_the_threshold_is_the_strictest_estimate():
    assert calibration.threshold({"people left out": 0.6, "LFW": 0.5}) == 0.6
    assert calibration.threshold({"people left out": 0.4, "impostors": 0.5}) == 0.5


@pytest.mark.parametrize("found", [{}, {"people left out": 0.3}])
def test_where_no_strangers_were_measured_the_threshold_is_cautious(found):
    assert calibration.threshold(found) == CAUTIOUS


def test_two_folders_of_one_person_do_not_raise_the_threshold():
    people = crowd(10)
    people[1] = people[0]
    embeddings, owners = faces_of(people, 20)
    gallery = calibration.gallery_of(embeddings, owners)
    found = calibration.estimates(0.01, gallery, embeddings, owners, impostors=None, table=None)
    assert found["people left out"] < 0.4


def test_too_few_faces_give_no_estimate_by_leaving_people_out(gallery):
    assert "people left out" not in estimate(gallery, rate=0.01, each=9)


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
    similarities = np.float32([[0.9, 0.1], [0.2, 0.3], [0.1, 0.8]])
    probabilities = np.float32([[0.9, 0.1], [0.3, 0.7], [0.6, 0.4]])
    found = calibration.figures(similarities, probabilities, np.array([0, 1, 1]), 0.5, 0)
    assert (found["faces"], found["name_right"], found["recognised"]) == (3, pytest.approx(2 / 3), pytest.approx(1 / 3))


def test_a_name_that_is_not_certain_is_not_recognised():
    similarities, probabilities = np.float32([[0.9, 0.1]]), np.float32([[0.7, 0.3]])
    assert calibration.figures(similarities, probabilities, np.array([0]), 0.5, 0.8)["recognised"] == 0


@pytest.mark.parametrize(("faces", "least", "expected"), [(40, 0.95, 0.8), (40, 0.6, 0.6), (19, 0.95, 0)])
def test_the_minimum_probability_is_at_most_that_of_a_right_answer(faces, least, expected):
    probabilities = np.tile(np.float32([0.99, 0.01]), (faces, 1))
    probabilities[0] = least, 1 - least
    alike = np.full((faces, 2), 0.9, np.float32)
    assert calibration.certainty(alike, probabilities, np.zeros(faces, np.int64), 0.5) == pytest.approx(expected)


def test_faces_that_are_not_alike_enough_do_not_lower_certainty():
    probabilities = np.tile(np.float32([0.99, 0.01]), (40, 1))
    alike = np.full((40, 2), 0.9, np.float32)
    probabilities[0], alike[0] = (0.6, 0.4), 0.4
    assert calibration.certainty(alike, probabilities, np.zeros(40, np.int64), 0.5) == pytest.approx(0.8)


def test_no_faces_have_no_figures():
    empty = np.empty((0, 2), np.float32)
    assert calibration.figures(empty, empty, np.empty(0, np.int64), 0.5, 0) is None


def test_a_gallery_has_everybodys_prototypes(gallery):
    assert isinstance(gallery, Gallery)
    assert np.bincount(gallery.people).tolist() == [PROTOTYPES] * 10
