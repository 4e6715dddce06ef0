"""The person of a folder is the one that most of its photos show, whoever else is in them; or there is a tie."""

import numpy as np
import pytest

from dataset.consensus import AGREEMENT, FaceOfPhoto, FolderFaces

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


def find(photos, **answers):
    return FolderFaces(photos, **answers).decide()


def chosen(found):
    return [choice.face for choice in found.choices]


def tied(found):
    """Return the number of photos of each of those who are tied."""
    assert found.person is None
    return [contender.photos for contender in found.tied]


def agreements(found):
    return np.array([choice.agreement for choice in found.choices])


def test_all_photos_of_one_person_agree():
    person = somebody()
    found = find([photo(face_of(person)) for _ in range(8)])
    assert (agreements(found) > 0.7).all()
    assert found.centre @ person > 0.9


@pytest.mark.parametrize("wrong", [1, 2, 3, 4])
def test_photos_of_others_do_not_agree_and_do_not_move_the_person(wrong):
    person = somebody()
    photos = [photo(face_of(person)) for _ in range(6)] + [photo(face_of(somebody())) for _ in range(wrong)]
    found = find(photos)
    assert (agreements(found)[:6] > AGREEMENT).all()
    assert (agreements(found)[6:] < AGREEMENT).all()
    assert found.centre @ person > 0.9


def test_the_person_in_most_photos_of_a_folder_is_its_person():
    person, other = somebody(), somebody()
    photos = [photo(face_of(other)) for _ in range(3)] + [photo(face_of(person)) for _ in range(7)]
    assert (agreements(find(photos)) > AGREEMENT).tolist() == [False] * 3 + [True] * 7


def test_the_persons_face_is_chosen_from_several_wherever_it_is():
    person = somebody()
    photos = [photo(face_of(person)) for _ in range(4)]
    photos += [photo(face_of(somebody()), face_of(person), face_of(somebody()))] * 2
    assert [choice.face for choice in find(photos).choices] == [0, 0, 0, 0, 1, 1]


def test_another_person_in_half_of_the_photos_is_not_taken_for_the_person():
    person, companion = somebody(), somebody()
    photos = [photo(face_of(companion), face_of(person)) for _ in range(4)] + [photo(face_of(person)) for _ in range(4)]
    assert [choice.face for choice in find(photos).choices] == [1] * 4 + [0] * 4


def test_photos_of_strangers_get_no_person():
    found = find([photo(face_of(somebody())) for _ in range(6)])
    assert found.centre is None
    assert {choice.agreement for choice in found.choices} == {None}

    assert not found.tied


@pytest.mark.parametrize("count", [1, 2])
def test_the_only_face_of_one_or_two_photos_is_the_persons_without_an_agreement(count):
    person = somebody()
    found = find([photo(face_of(person)) for _ in range(count)])
    assert [(choice.face, choice.agreement) for choice in found.choices] == [(0, None)] * count
    assert found.centre is not None


def folder(*photos):
    """Return the photos of a folder; each is a text with a letter for each person in it."""
    people = {}
    return [photo(*(face_of(people.setdefault(name, somebody())) for name in names)) for names in photos]


TIES = {
    "one photo of two people": ["ab"],
    "one photo of a group": ["abcd"],
    "two photos of the same two people": ["ab", "ba"],
    "two photos, one of them with another person": ["a", "ab"],
    "two photos of one person each": ["a", "b"],
    "two photos without a person in common": ["ab", "cd"],
    "a couple who are in every photo": ["ab"] * 16,
    "a couple, and somebody else in some photos": ["ab"] * 8 + ["abc"] * 4,
    "a couple, the photos of others aside": ["ab"] * 8 + ["x", "y"],
    "a couple with one photo of one of them alone": ["ab"] * 9 + ["a"],
    "a couple of which one is not always found": ["ab"] * 18 + ["a"] * 2,
    "a couple with as many photos alone": ["ab"] * 6 + ["a"] * 3 + ["b"] * 3,
    "photos of a group of three": ["abc"] * 6,
    "photos of a group of five": ["abcde", "edcba", "bdace"],
    "one in 60 % of the photos, another in 55 %": ["ab"] * 3 + ["a"] * 9 + ["b"] * 8,
    "half of the photos of one person, half of another": ["a"] * 6 + ["b"] * 6,
    "40 % of the photos of another person": ["a"] * 6 + ["b"] * 4,
    "two people in a third of the photos each": ["a"] * 4 + ["b"] * 4 + list("uvwx"),
}


@pytest.mark.parametrize("photos", TIES.values(), ids=TIES)
def test_nobody_is_chosen_where_several_people_fit_about_equally(photos):
    found = find(folder(*photos))
    assert len(tied(found)) > 1
    assert found.centre is None
    assert {choice.agreement for choice in found.choices} == {None}


def test_everybody_of_a_group_is_asked_for():
    assert tied(find(folder(*["abcd"] * 5, "abc"))) == [6, 6, 6, 5]


def test_who_is_in_a_few_photos_of_a_couple_is_not_asked_for():
    assert tied(find(folder(*["ab"] * 8, *["abc"] * 2))) == [10, 10]


PLAIN = {
    "one person": ["a"] * 10,
    "one person, others in some photos": ["a"] * 6 + ["ab", "ca", "ad", "ae"],
    "a couple, and photos of one alone": ["ba"] * 16 + ["a"] * 6,
    "a passer-by in 60 % of the photos": ["ba"] * 6 + ["a"] * 4,
    "a person in groups of others": ["bac", "dae", "afg", "hia", "ja"],
    "a quarter of the photos of one other person": ["a"] * 9 + ["b"] * 3,
    "half of the photos of strangers": ["a"] * 8 + list("qrstuvwx"),
    "three photos, one with another person": ["ba", "a", "a"],
    "six photos, half of them with another person": ["ba"] * 3 + ["a"] * 3,
}


@pytest.mark.parametrize("photos", PLAIN.values(), ids=PLAIN)
def test_who_leads_clearly_is_the_person(photos):
    found = find(folder(*photos))
    with_person = ["a" in names for names in photos]
    assert [names[face] for names, face in zip(photos, chosen(found), strict=True) if "a" in names] == ["a"] * sum(
        with_person
    )
    assert (agreements(found) > AGREEMENT).tolist() == with_person


def siblings(alike=0.55):
    """Return two people whose mean faces have this cosine."""
    one, other = somebody(), somebody()
    other = other - (other @ one) * one
    return one, alike * one + np.sqrt(1 - alike**2) * other / np.linalg.norm(other)


@pytest.mark.parametrize("alike", [0.3, 0.5, 0.6, 0.9], ids=["relatives", "siblings", "like siblings", "twins"])
def test_people_who_look_alike_and_are_in_every_photo_are_tied(alike):
    one, other = siblings(alike)
    assert tied(find([photo(face_of(one), face_of(other)) for _ in range(10)])) == [10, 10]


def test_a_child_is_told_from_the_parent_who_is_in_most_photos():
    child, parent = siblings(0.5)
    photos = [photo(face_of(parent), face_of(child)) for _ in range(8)] + [photo(face_of(child)) for _ in range(6)]
    assert chosen(find(photos)) == [1] * 8 + [0] * 6


def test_one_answer_decides_the_whole_folder():
    photos = folder(*["ab"] * 5, *["ba"] * 5)
    assert chosen(find(photos, answers=[FaceOfPhoto(7, 0)])) == [1] * 5 + [0] * 5
    assert chosen(find(photos, answers=[FaceOfPhoto(7, 1)])) == [0] * 5 + [1] * 5


def test_an_answer_decides_two_photos():
    found = find(folder("ab", "ba"), answers=[FaceOfPhoto(1, 0)])
    assert chosen(found) == [1, 0]
    found = find(folder("a", "b"), answers=[FaceOfPhoto(1, 0)])
    assert found.choices[0].agreement < AGREEMENT
    assert found.choices[1].agreement is None


def test_an_answer_counts_more_than_the_number_of_photos():
    photos = folder(*["ab"] * 4, *["a"] * 6)
    found = find(photos, answers=[FaceOfPhoto(2, 1)])
    assert chosen(found)[:4] == [1] * 4
    assert (agreements(found) > AGREEMENT).tolist() == [True] * 4 + [False] * 6


def test_an_answer_may_be_somebody_who_is_in_few_photos():
    found = find(folder(*["ab"] * 8, "abc", "abc"), answers=[FaceOfPhoto(8, 2)])
    assert (agreements(found) > AGREEMENT).tolist() == [False] * 8 + [True] * 2


def test_an_answer_finds_the_person_among_photos_of_strangers():
    found = find(folder("ab", "cd", "ef", "gh", "ai", "jk", "lm"), answers=[FaceOfPhoto(4, 0)])
    assert chosen(found)[0] == 0
    assert (agreements(found) > AGREEMENT).tolist() == [True, False, False, False, True, False, False]


def test_answers_that_contradict_each_other_leave_the_tie():
    photos = folder(*["ab"] * 6)
    assert tied(find(photos, answers=[FaceOfPhoto(0, 0), FaceOfPhoto(1, 1)])) == [6, 6]
    assert find(photos, answers=[FaceOfPhoto(0, 0), FaceOfPhoto(1, 1), FaceOfPhoto(2, 1)]).person


def test_a_kept_photo_with_one_face_decides_a_tie_and_nothing_else():
    assert chosen(find(folder(*["ab"] * 9, "b"), hints=[FaceOfPhoto(9, 0)])) == [1] * 9 + [0]
    assert chosen(find(folder(*["ab"] * 6, *["a"] * 6, "b"), hints=[FaceOfPhoto(12, 0)]))[:6] == [0] * 6


def test_a_face_of_a_sibling_is_as_similar_as_it_is_to_the_sibling():
    one, other = siblings(0.6)
    photos = [photo(face_of(one), face_of(other)) for _ in range(8)] + [photo(face_of(other))]
    last = find(photos, answers=[FaceOfPhoto(0, 0)]).choices[-1]
    assert last.agreement > AGREEMENT
    assert last.rival > last.agreement + 0.1


def test_twins_are_not_told_apart_by_chance():
    one, other = siblings(0.97)
    found = find([photo(face_of(one), face_of(other)) for _ in range(8)], answers=[FaceOfPhoto(0, 0)])
    assert all(choice.agreement - choice.rival < 0.1 for choice in found.choices)
