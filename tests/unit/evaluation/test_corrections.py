"""Owners correct half of all answers, and the other half says what that changed."""

import pytest

from evaluation import corrections, enrolment
from preprocess.geometry import Geometry
from tests.crowds import measured, photos_of
from training.embedder import Embedder
from training.errors import DatasetError

PEOPLE = 12


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """Photos of some people, six of each, whose faces are found at once."""
    return photos_of(PEOPLE, 6, tmp_path, enrolment, monkeypatch)


def measure(photos, **options):
    embedder = Embedder(photos.root, "f00d", Geometry())
    return corrections.measure(photos, embedder, measured(), photos.root / "output", 1, **options)


def test_corrections_help_and_take_nothing_from_the_others(photos):
    result = measure(photos, people=8, repeats=3).to_dict()
    before, photographed, missed = (result["rows"][name] for name in ("before", "photos", "near_misses"))
    assert before["recognised"]["faces"] == 3 * 8 * 2  # of the five other photos of each, two are judged
    assert before["strangers_taken"]["faces"] == 3 * 4 * 3
    assert photographed["recognised"]["share"] >= before["recognised"]["share"]
    others = "recognised_without_corrections"
    for after in (photographed, missed):
        assert after[others]["faces"] == before[others]["faces"]
        assert not after[others]["faces"] or after[others]["share"] >= before[others]["share"]


@pytest.mark.parametrize("people", [PEOPLE, PEOPLE + 1])
def test_too_few_people_for_a_roster_and_strangers_are_an_error(photos, people):
    with pytest.raises(DatasetError, match="fewer --people"):
        measure(photos, people=people)
