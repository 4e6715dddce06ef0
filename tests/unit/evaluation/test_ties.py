"""Folders of each kind are made of people's faces, and counted by whether their person was found or asked for."""

import base64
import json

import numpy as np
import pytest

from dataset.candidates import PICTURE_SIDE, Candidate, Candidates
from dataset.errors import PrepareError
from evaluation import ties
from preprocess.detect import Box

PEOPLE = ("Ann", "Bob", "Cid", "Dan", "Eve", "Fay")


def unit(vector):
    return vector / np.linalg.norm(vector)


@pytest.fixture(scope="module")
def people():
    """Nine photos of each of six people, who look like nobody else."""
    random = np.random.default_rng(5)
    photos = []
    for name in PEOPLE:
        person = unit(random.normal(size=512))
        for number in range(9):
            vector = unit(person + 0.6 * unit(random.normal(size=512)))
            halves = base64.b64encode(vector.astype(np.float16).tobytes()).decode()
            picture = base64.b64encode(random.bytes(PICTURE_SIDE**2)).decode()
            face = Candidate(Box(0, 0, 99, 99, 1.0), f"{name}{number}.jpg", 100.0, picture, halves)
            photos.append(Candidates(f"{name}/{number}", name, "", faces=(face,)))
    return photos


@pytest.fixture(scope="module")
def measured(people):
    return ties.measure(people, repeats=2, seed=0, missed=0)


def test_a_folder_is_asked_for_if_its_photos_do_not_tell_its_person(measured):
    undecidable = [row for row in measured.rows if not row.is_decidable]
    assert len(undecidable) > 5
    assert all(row.asked == row.folders > 0 for row in undecidable)


def test_a_folder_is_decided_if_its_photos_tell_its_person(measured):
    decidable = [row for row in measured.rows if row.is_decidable]
    assert len(decidable) > 5
    assert all(row.right == row.folders > 0 for row in decidable)


def test_a_face_that_is_not_found_may_make_a_wrong_decision(people):
    rows = ties.measure(people, repeats=20, seed=0, missed=0.3).rows
    assert next(row.wrong for row in rows if row.constellation == "one photo of a couple") > 0


def test_the_same_seed_gives_the_same_figures_and_they_are_written(people, measured, tmp_path):
    assert ties.measure(people, repeats=2, seed=0, missed=0) == measured
    measured.write(tmp_path)
    assert json.loads((tmp_path / "ties.json").read_text(encoding="utf-8")) == measured.to_dict()


def test_three_people_are_too_few(people):
    with pytest.raises(PrepareError, match="four people"):
        ties.measure([photo for photo in people if photo.person in PEOPLE[:3]], repeats=1, seed=0, missed=0)
