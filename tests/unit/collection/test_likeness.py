"""Faces are grouped by person: known people stay apart, copies make nobody, and doubtful pairs are named."""

import base64
from dataclasses import replace

import numpy as np
import pytest

from collection import likeness
from tests.piles import MEAN, face


def looking_like(one, *vectors):
    """Return faces with other embeddings."""
    units = [vector / np.linalg.norm(vector) for vector in vectors]
    halves = [base64.b64encode(unit.astype(np.float16).tobytes()).decode() for unit in units]
    return [replace(face(one, f"{number}"), embedding=half) for number, half in enumerate(halves)]


@pytest.fixture
def people():
    """Return five faces of each of these people."""
    return lambda *names: [face(name, f"{name}{number}") for name in names for number in range(5)]


def grouped(faces, owners=None, **options):
    photos = [str(number) for number in range(len(faces))]
    begun = np.full(len(faces), -1) if owners is None else np.array(owners)
    return likeness.group(faces, photos, begun, MEAN, **options)


def test_each_person_is_a_group_and_a_pair_is_nobody(people):
    faces = [*people("ann", "bob"), face("cleo", "1"), face("cleo", "2")]
    assert grouped(faces).numbers.tolist() == [0] * 5 + [1] * 5 + [-1] * 2
    assert grouped(faces, least=2).numbers.tolist() == [0] * 5 + [1] * 5 + [2] * 2
    assert grouped(faces, least=6).numbers.tolist() == [-1] * 12


def test_new_faces_join_a_known_person_and_two_known_people_are_never_made_one(people):
    faces = people("ann")
    numbers = grouped(faces, [0, 0, 1, 1, -1]).numbers.tolist()
    assert numbers[:4] == [0, 0, 1, 1]
    assert numbers[4] in {0, 1}


def test_a_known_person_of_one_face_stays(people):
    assert grouped([face("cleo", "1"), *people("ann")], [0, -1, -1, -1, -1, -1]).numbers.tolist() == [0] + [1] * 5


def test_the_cut_rises_with_the_number_of_people_from_a_hundred_on():
    assert likeness.cut_of(0) == likeness.cut_of(100) == likeness.CUT
    assert likeness.cut_of(1000) == pytest.approx(likeness.CUT + 0.06)


def test_many_copies_of_a_picture_are_one_picture(people):
    one = face("ann", "1")
    assert not likeness.has_pictures([one] * 10, 2)
    assert likeness.has_pictures(people("ann"), 5)


def test_people_who_are_nearly_alike_enough_are_named(people):
    ann, other = np.random.default_rng(0).standard_normal((2, 512))
    noise = np.random.default_rng(1).standard_normal((10, 512))
    alike = [0.67 * ann + 0.74 * other + 0.3 * own for own in noise[:5]] + [ann + 0.3 * own for own in noise[5:]]
    apart = grouped(looking_like("ann", *alike), [0] * 5 + [1] * 5)
    assert list(apart.alike) == [(0, 1)]


def test_without_faces_there_is_nobody():
    assert grouped([]).numbers.tolist() == []
