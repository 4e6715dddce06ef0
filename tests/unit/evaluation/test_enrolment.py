"""People are enrolled by a few photos each, and only those are counted whom nothing was measured on."""

import pytest

from evaluation import enrolment
from evaluation.metrics import Share
from preprocess.geometry import Geometry
from tests.crowds import measured, photos_of
from training.embedder import Embedder
from training.errors import DatasetError
from training.strangers import JUDGE, part_of

PEOPLE = 160


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """Photos of many people, three of each, whose faces are found at once."""
    return photos_of(PEOPLE, 3, tmp_path, enrolment, monkeypatch)


def measure(photos, **options):
    embedder = Embedder(photos.root, "f00d", Geometry())
    return enrolment.measure(photos, embedder, measured(), photos.root / "output", 1, **options)


def test_other_photos_of_the_enrolled_are_named_and_few_strangers_are_taken_for_somebody(photos):
    judging = sum(part_of(f"Person {number}") == JUDGE for number in range(PEOPLE))
    row = measure(photos, sizes=[10], repeats=2).to_dict()["rows"][0]
    assert (row["people"], row["probes"], row["strangers"]) == (10, 2 * 20, 2 * (judging - 10))
    assert row["name_right"] == row["recognised"] == 1
    assert row["strangers_taken"] <= 0.3  # they are not drawn as those of the cohort are
    assert row["strangers_taken_interval"][0] <= row["strangers_taken"]


def test_the_interval_of_several_galleries_is_no_narrower_than_that_of_one():
    row = enrolment.Row(10, 4, Share(36, 40), Share(32, 40), Share(4, 400), 0.5)
    assert row.to_dict()["strangers_taken"] == 0.01
    assert row.to_dict()["strangers_taken_interval"] == Share(1, 100).interval


def test_a_lower_rate_takes_fewer_strangers(photos):
    thresholds = [measure(photos, sizes=[10], rate=rate).rows[0].threshold for rate in (0.1, 0.01)]
    assert thresholds[0] < thresholds[1]


def test_too_few_people_for_a_gallery_are_an_error(photos):
    with pytest.raises(DatasetError, match="Give more photos"):
        measure(photos, sizes=[PEOPLE])
