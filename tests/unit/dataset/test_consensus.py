"""The person of a folder is the one that most of its photos show, whoever else is in them."""

import numpy as np
import pytest

from dataset import consensus
from dataset.consensus import AGREEMENT

RANDOM = np.random.default_rng(7)


def somebody():
    vector = RANDOM.normal(size=512)
    return vector / np.linalg.norm(vector)


def face_of(person, spread=0.6):
    """Return a random embedding of a person: its cosine with others of that person is about 0.7, of other people 0."""
    vector = person + spread * somebody()
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def photo(*faces):
    return np.stack(faces)


def agreements(found):
    return np.array([choice.agreement for choice in found.choices])


def test_all_photos_of_one_person_agree():
    person = somebody()
    found = consensus.find([photo(face_of(person)) for _ in range(8)])
    assert (agreements(found) > 0.7).all()
    assert found.centre @ person > 0.9


@pytest.mark.parametrize("wrong", [1, 2, 3, 4])
def test_photos_of_others_do_not_agree_and_do_not_move_the_person(wrong):
    person = somebody()
    photos = [photo(face_of(person)) for _ in range(6)] + [photo(face_of(somebody())) for _ in range(wrong)]
    found = consensus.find(photos)
    assert (agreements(found)[:6] > AGREEMENT).all()
    assert (agreements(found)[6:] < AGREEMENT).all()
    assert found.centre @ person > 0.9


def test_the_person_in_most_photos_of_a_folder_is_its_person():
    person, other = somebody(), somebody()
    photos = [photo(face_of(other)) for _ in range(4)] + [photo(face_of(person)) for _ in range(6)]
    assert (agreements(consensus.find(photos)) > AGREEMENT).tolist() == [False] * 4 + [True] * 6


def test_the_persons_face_is_chosen_from_several_wherever_it_is():
    person = somebody()
    photos = [photo(face_of(person)) for _ in range(4)]
    photos += [photo(face_of(somebody()), face_of(person), face_of(somebody()))] * 2
    assert [choice.face for choice in consensus.find(photos).choices] == [0, 0, 0, 0, 1, 1]


def test_another_person_in_half_of_the_photos_is_not_taken_for_the_person():
    person, companion = somebody(), somebody()
    photos = [photo(face_of(companion), face_of(person)) for _ in range(4)] + [photo(face_of(person)) for _ in range(4)]
    assert [choice.face for choice in consensus.find(photos).choices] == [1] * 4 + [0] * 4


def test_photos_of_strangers_get_no_person():
    found = consensus.find([photo(face_of(somebody())) for _ in range(6)])
    assert found.centre is None
    assert {choice.agreement for choice in found.choices} == {None}


@pytest.mark.parametrize("count", [1, 2])
def test_one_or_two_photos_have_no_agreement(count):
    found = consensus.find([photo(face_of(somebody()), face_of(somebody())) for _ in range(count)])
    assert [(choice.face, choice.agreement) for choice in found.choices] == [(0, None)] * count
    assert found.centre is not None
