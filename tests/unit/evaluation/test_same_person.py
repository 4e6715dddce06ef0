"""Pairs of people whom nothing was measured on tell how often verification is wrong."""

from dataclasses import replace

import numpy as np
import pytest

from dataset.folders import Listing
from evaluation import same_person
from model.cohort import Cohort
from preprocess.geometry import Geometry
from tests.crowds import measured, photos_of
from training.embedder import Embedder
from training.errors import DatasetError
from training.strangers import JUDGE, part_of

PEOPLE = 400
JUDGING = [number for number in range(PEOPLE) if part_of(f"Person {number}") == JUDGE]


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """Three photos of each of many people, whose faces are found at once."""
    return photos_of(PEOPLE, 3, tmp_path, same_person, monkeypatch)


def measure(photos, cohort):
    return same_person.measure(photos, Embedder(photos.root, "f00d", Geometry()), cohort, photos.root / "output", 1)


def passing_from(threshold):
    return replace(measured(), verification=np.array([0.001, threshold, 0], np.float32))


def test_only_people_who_may_judge_are_compared(photos):
    found = measure(photos, measured())
    judging = len(JUDGING)
    assert (found.false_accepts.people, found.false_accepts.pairs) == (judging, judging * (judging - 1) // 2)
    assert (found.true_accepts.people, found.true_accepts.pairs) == (judging, 3 * judging)


@pytest.mark.parametrize(("threshold", "different", "one"), [(-2, 1, 1), (2, 0, 0), (0.25, 0, 1)])
def test_the_rates_are_those_of_the_threshold(photos, threshold, different, one):
    found = measure(photos, passing_from(threshold))
    assert (found.false_accepts.value, found.true_accepts.value) == pytest.approx((different, one), abs=0.01)


def test_the_bars_of_searches_rise_and_fewer_pairs_of_different_people_pass_them(photos):
    found = measure(photos, passing_from(0.07))
    bars = [found.threshold, *(search.threshold for search in found.searches)]
    passing = [found.false_accepts.value, *(search.false_accepts for search in found.searches)]
    assert bars == sorted(bars)
    assert passing == sorted(passing, reverse=True)
    assert [search.stated_rate for search in found.searches] == list(same_person.RARE)


def test_an_interval_contains_its_rate_and_is_wider_than_independent_pairs_would_have_it(photos):
    rate = measure(photos, passing_from(0.05)).false_accepts
    low, high = rate.interval
    assert 0 < low < rate.value < high < 1
    assert high - low > 4 * np.sqrt(rate.value * (1 - rate.value) / rate.pairs)


def test_somebody_who_is_drawn_twice_makes_no_pair_with_themselves():
    assert same_person._of_different_people(np.eye(60, dtype=bool), np.arange(60).astype(str)).interval == [0, 0]


def test_without_a_threshold_or_with_too_few_people_nothing_is_measured(photos):
    with pytest.raises(DatasetError, match="benchmark strangers"):
        measure(photos, Cohort.unmeasured())
    few = Listing(photos.root, photos.photos[:90])
    with pytest.raises(DatasetError, match="Give more photos"):
        measure(few, measured())


def test_people_with_one_photo_each_cannot_tell_how_often_one_person_passes(photos):
    with pytest.raises(DatasetError, match="several photos"):
        measure(Listing(photos.root, photos.photos[::3]), measured())
