"""Two faces are of one person if their score reaches the threshold of the cohort, or a cautious one without it."""

from dataclasses import replace

import numpy as np
import pytest

from model.cohort import Cohort
from model.verification import CAUTIOUS, compare, penalties, verify
from tests.crowds import crowd, faces_of, measured, unit


def pairs(count=40, spread=0.4):
    """Two faces of each of many people."""
    faces, _ = faces_of(crowd(count), 2, spread)
    return faces[::2], faces[1::2]


def test_faces_of_one_person_are_the_same_and_of_two_people_are_not():
    first, second = pairs()
    cohort = measured()
    assert all(verify(*pair, cohort).same for pair in zip(first, second, strict=True))
    assert not any(verify(*pair, cohort).same for pair in zip(first, np.roll(second, 1, axis=0), strict=True))


@pytest.mark.parametrize("cohort", [measured(mean=0.3), measured(centres=3), Cohort.unmeasured()])
def test_the_order_of_the_two_faces_does_not_matter(cohort):
    first, second = pairs()
    for one, other in zip(first, second, strict=True):
        assert verify(one, other, cohort).score == pytest.approx(verify(other, one, cohort).score, abs=1e-6)


def test_faces_that_are_like_many_others_must_be_more_alike():
    cohort = measured()
    (face,) = crowd(1)
    centre = cohort.centres[0]
    first, second = (unit(rows) for rows in (np.stack([face, centre]), np.stack([face, centre]) + 0.5 * crowd(1, 7)))
    unlike, alike = (verify(*pair, cohort) for pair in zip(first, second, strict=True))
    assert unlike.similarity == pytest.approx(alike.similarity, abs=0.05)
    assert unlike.score > alike.score + 0.05


def test_faces_that_are_unlike_all_strangers_gain_nothing_by_that():
    lenient = measured()
    strict = replace(lenient, verification=lenient.verification + np.float32([0, 0, 0.2]))
    first, second = pairs(1)
    assert penalties(first, lenient) < 0.2
    assert penalties(first, strict) == pytest.approx(0.22)
    assert compare(first, second, strict)[1] < compare(first, second, lenient)[1]


def test_the_similarity_of_a_face_with_itself_is_one():
    (face,) = crowd(1)
    assert verify(face, face, measured(mean=0.3)).similarity == pytest.approx(1)


def test_the_threshold_and_its_rate_are_those_of_the_cohort():
    first, second = crowd(2)
    found = verify(first, second, replace(measured(), verification=np.float32([0.01, -1, 0])))
    assert (found.same, found.threshold, found.false_accept_rate) == (True, -1, pytest.approx(0.01))


@pytest.mark.parametrize(
    "cohort", [Cohort.unmeasured(), replace(measured(), verification=np.zeros(0, np.float32))], ids=["none", "earlier"]
)
@pytest.mark.parametrize(("spread", "same"), [(0.4, True), (1.5, False)])
def test_where_no_threshold_was_measured_it_is_cautious_and_no_rate_is_claimed(cohort, spread, same):
    first, second = (faces[0] for faces in pairs(1, spread))
    found = verify(first, second, cohort)
    assert (found.same, found.threshold, found.false_accept_rate) == (same, CAUTIOUS, None)
    assert found.score == found.similarity


def test_many_pairs_are_compared_as_single_ones():
    first, second = pairs(5)
    cohort = measured(mean=0.3)
    similarities, scores = compare(first, second, cohort)
    found = verify(first[1], second[4], cohort)
    assert (similarities[1, 4], scores[1, 4]) == pytest.approx((found.similarity, found.score), abs=1e-6)
