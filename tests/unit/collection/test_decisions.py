"""Merges, splits and names change whose faces are whose; what cannot be is a sentence."""

from dataclasses import replace

import pytest

from collection import decisions
from collection.errors import SortError
from collection.sorting import NOBODY, FaceOf, Person, SortedPhoto, Sorting


@pytest.fixture
def state():
    """Ann (1), without a name, and Will Smith (2), both in one photo."""
    people = {1: Person(1, None, "person-001"), 2: Person(2, "Will Smith", "Will Smith")}
    photos = {
        "a.jpg": SortedPhoto("aa", (1,)),
        "b.jpg": SortedPhoto("bb", (2, 1)),
        "c.jpg": SortedPhoto("cc", (2, None)),
        "d.jpg": SortedPhoto("dd", (), frozenset({1})),
    }
    return Sorting(people, photos, next_number=3)


def owners(state):
    return {name: photo.faces for name, photo in state.photos.items()}


def test_whoever_has_a_name_remains_after_a_merge(state):
    merged = decisions.merge(state, [1, 2])
    assert list(merged.people) == [2]
    assert owners(merged) == {"a.jpg": (2,), "b.jpg": (2, 2), "c.jpg": (2, None), "d.jpg": ()}
    assert merged.photos["d.jpg"].people == {2}


def test_people_who_are_told_apart_stay_so_through_a_merge_until_they_are_one(state):
    split, three = decisions.move(replace(state, alike=[(1, 2)]), [FaceOf("b.jpg", 0)], None)
    apart = decisions.tell_apart(decisions.tell_apart(split, [1, 2]), [three, 1])
    assert (apart.alike, apart.apart) == ([], {frozenset((1, 2)), frozenset((1, three))})
    merged = decisions.merge(apart, [2, three])
    assert merged.apart == {frozenset((1, 2))}
    assert decisions.merge(merged, [1, 2]).apart == frozenset()


def test_faces_that_are_split_off_are_a_new_person_and_numbers_are_not_used_twice(state):
    split, number = decisions.move(state, [FaceOf("b.jpg", 1)], None)
    assert (number, split.next_number, split.people[3].folder) == (3, 4, "person-003")
    merged = decisions.merge(split, [1, 3])
    assert decisions.move(merged, [FaceOf("a.jpg", 0)], None)[1] == 4


def test_a_person_without_photos_is_gone(state):
    moved, _ = decisions.move(state, [FaceOf("b.jpg", 0), FaceOf("c.jpg", 0)], NOBODY)
    assert list(moved.people) == [1]
    assert owners(moved)["c.jpg"] == (0, None)


def test_people_are_named_by_number_folder_or_name(state):
    for text in ("2", "person-002", "will smith"):
        assert state.called(text).number == 2
    with pytest.raises(SortError, match="nobody called"):
        state.called("Jaden")
    with pytest.raises(SortError, match="no person 7"):
        state.called("7")


@pytest.mark.parametrize("name", ["", "  "])
def test_an_empty_name_removes_the_name(state, name):
    assert decisions.rename(state, 2, name).people[2] == Person(2, None, "person-002")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("WILL smith", 'is "Will Smith"'),
        ("Unsorted", "own folders"),
        ("person-009", "own folders"),
        ("a/b", "no folder can be called"),
        (".hidden", "no folder can be called"),
        ("Who?", "no folder can be called"),
        ("a\nb", "cannot be the name"),
        ("\u200b", "cannot be the name"),
        ("con", "no folder can be called"),
        ("x" * 300, "no folder can be called"),
    ],
)
def test_a_name_that_no_folder_can_have_or_another_has_is_refused(state, name, sentence):
    with pytest.raises(SortError, match=sentence):
        decisions.rename(state, 1, name)


def test_what_does_not_exist_is_refused(state):
    with pytest.raises(SortError, match="two people"):
        decisions.merge(state, [1, 1])
    with pytest.raises(SortError, match="no person 9"):
        decisions.merge(state, [1, 9])
    with pytest.raises(SortError, match="two people who are not one"):
        decisions.tell_apart(state, [1, 1])
    with pytest.raises(SortError, match="no face 3"):
        decisions.move(state, [FaceOf("b.jpg", 2)], None)
    with pytest.raises(SortError, match="Give the faces"):
        decisions.move(state, [], None)
    with pytest.raises(SortError, match="no photo of person 2"):
        decisions.faces_in(state, 2, ["a.jpg"])
