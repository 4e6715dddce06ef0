"""Somebody who has a folder of their own is not the person of another folder; what nothing explains stays a tie."""

import numpy as np
import pytest

from dataset.consensus import FaceOfPhoto, FolderFaces
from dataset.neighbours import decide

LETTERS = "abcdefghuvwxyz"


@pytest.fixture
def people():
    """Somebody for each letter: a unit vector, at right angles to all others."""
    random = np.random.default_rng(11)
    return dict(zip(LETTERS, np.linalg.qr(random.normal(size=(512, len(LETTERS))))[0].T, strict=True))


@pytest.fixture
def decided(people):
    """Decide on folders, each a list of photos, each a letter for every person in it; return each folder's person.

    A tie is the text of those who are tied, in brackets.
    """
    random = np.random.default_rng(12)

    def face_of(letter):
        noise = random.normal(size=512)
        vector = people[letter] + 0.6 * noise / np.linalg.norm(noise)
        return (vector / np.linalg.norm(vector)).astype(np.float32)

    def name_of(contender):
        return max(people, key=lambda letter: people[letter] @ contender.centre)

    def decided(answers=None, **folders):
        faces = {
            name: FolderFaces([np.stack(list(map(face_of, names))) for names in photos], (answers or {}).get(name, ()))
            for name, photos in folders.items()
        }
        return {
            name: name_of(found.person) if found.person else f"({''.join(sorted(map(name_of, found.tied)))})"
            for name, found in decide(faces).items()
        }

    return decided


def test_the_other_of_a_couple_is_left_when_photos_alone_decide_the_one(decided):
    assert decided(one=["ab"] * 16 + ["a"] * 6, other=["ab"] * 16) == {"one": "a", "other": "b"}


def test_the_order_of_the_folders_does_not_matter(decided):
    assert decided(other=["ab"] * 16, one=["ab"] * 16 + ["a"] * 6) == {"one": "a", "other": "b"}


def test_a_couple_in_every_photo_of_both_folders_stays_a_tie(decided):
    assert decided(one=["ab"] * 16, other=["ab"] * 16) == {"one": "(ab)", "other": "(ab)"}


def test_an_answer_for_the_one_decides_the_other(decided):
    assert decided({"one": [FaceOfPhoto(0, 1)]}, one=["ab"] * 8, other=["ab"] * 8) == {"one": "b", "other": "a"}


def test_a_group_is_solved_one_after_another(decided):
    found = decided(c=["abc"] * 6, b=["ab"] * 6, a=["a"] * 6)
    assert found == {"a": "a", "b": "b", "c": "c"}


def test_two_of_a_group_stay_a_tie_when_the_third_is_explained(decided):
    assert decided(a=["a"] * 6, us=["abc"] * 6) == {"a": "a", "us": "(bc)"}


def test_a_folder_of_two_people_who_have_folders_stays_a_tie(decided):
    assert decided(a=["a"] * 6, b=["b"] * 6, us=["ab"] * 6) == {"a": "a", "b": "b", "us": "(ab)"}


@pytest.mark.parametrize("photos", [1, 2])
def test_one_or_two_photos_with_a_known_person_are_of_the_other(decided, photos):
    assert decided(a=["a"] * 6, other=["ab"] * photos) == {"a": "a", "other": "b"}


def test_one_photo_alone_explains_the_other_person_of_one_photo(decided):
    assert decided(a=["a"], other=["ab"]) == {"a": "a", "other": "b"}


def test_two_folders_are_not_both_given_the_person_who_is_left(decided):
    assert decided(a=["a"] * 6, one=["ab"] * 6, other=["ab"] * 6) == {"a": "a", "one": "(ab)", "other": "(ab)"}


def test_half_of_the_photos_of_a_known_person_leave_the_other_half(decided):
    assert decided(a=["a"] * 8, other=["a"] * 5 + ["b"] * 5) == {"a": "a", "other": "b"}


def test_a_person_of_another_folder_who_leads_is_asked_for(decided):
    found = decided(a=["a"] * 9, other=["ab"] * 6 + ["a"] * 6)
    assert found == {"a": "a", "other": "(ab)"}


def test_two_folders_in_which_the_same_person_leads_are_both_asked_for(decided):
    found = decided(one=["ab"] * 6 + ["a"] * 6, other=["ab"] * 8 + ["a"] * 6)
    assert found == {"one": "(ab)", "other": "(ab)"}


def test_one_person_in_two_folders_is_no_tie(decided):
    assert decided(one=["a"] * 6, two=["a"] * 5 + ["ab"]) == {"one": "a", "two": "a"}


def test_somebody_in_many_photos_of_two_plain_folders_is_not_asked_for(decided):
    found = decided(a=["ac"] * 4 + ["a"] * 6, b=["bc"] * 4 + ["b"] * 6)
    assert found == {"a": "a", "b": "b"}


def test_parents_in_half_of_the_photos_of_each_other_and_of_the_child(decided):
    found = decided(
        child=["cab"] * 3 + ["cb"] * 3 + ["c"] * 4,
        mother=["ab"] * 4 + ["ac"] * 2 + ["a"] * 4,
        father=["ba"] * 5 + ["bc"] * 2 + ["b"] * 3,
    )
    assert found == {"child": "c", "mother": "a", "father": "b"}


def test_no_folder_is_decided_by_a_folder_that_is_tied(decided):
    assert decided(one=["ab"] * 6, two=["bc"] * 6) == {"one": "(ab)", "two": "(bc)"}


def test_folders_of_strangers_stay_without_a_person(decided):
    assert decided(a=["a"] * 4, mixed=list("uvwxyz")) == {"a": "a", "mixed": "()"}
