"""A pile becomes folders of people; sorting again takes in what is new, and keeps what the owner decided."""

import errno
import json
import os
import shutil
from contextlib import suppress
from dataclasses import replace
from itertools import combinations

import pytest
from filelock import FileLock

from collection import decisions, folders, likeness, moved
from collection import sort as sorting
from collection.errors import SortError
from collection.sorting import NOBODY, Sorting
from dataset.folders import walk
from tests import piles
from tests.piles import MEAN, SORTED


def test_each_person_gets_a_folder_the_largest_first_and_the_rest_is_unsorted(pile):
    result = pile.sort()
    assert pile.folders() == SORTED
    assert (result.new, result.links.copied, result.repeated) == (9, 0, [])
    assert result.reasons["hills.jpg"] == "No face was found."


def test_photos_are_links_to_the_files_of_the_pile(pile):
    pile.sort()
    assert (pile.photos / "person-002/a1.jpg").samefile(pile.pile / "a1.jpg")


def test_where_the_disk_makes_no_links_photos_are_copies(pile, monkeypatch):
    def no_link(*_):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(folders.os, "link", no_link)
    assert pile.sort().links.copied > 0
    assert pile.folders() == SORTED
    assert not (pile.photos / "person-002/a1.jpg").samefile(pile.pile / "a1.jpg")
    again = pile.sort()
    assert (again.new, again.links.copied, pile.folders()) == (0, 0, SORTED)


def test_a_photo_of_two_people_is_in_both_folders(pile):
    pile.put("ann bob", "both.jpg")
    pile.sort()
    assert "both.jpg" in pile.folders()["person-001"]
    assert "both.jpg" in pile.folders()["person-002"]


def test_sorting_again_changes_nothing_and_numbers_stay_when_the_sizes_change(pile):
    pile.sort()
    assert pile.sort().new == 0
    assert pile.folders() == SORTED
    pile.put("ann", *(f"more/a{number}.jpg" for number in range(4, 9)))
    pile.put("cleo", "c2.jpg", "c3.jpg")
    pile.sort()
    now = pile.folders()
    assert len(now["person-002"]) == 8
    assert now["person-001"] == SORTED["person-001"]
    assert now["person-003"] == ["c1.jpg", "c2.jpg", "c3.jpg"]


def test_the_same_file_twice_is_linked_once_and_copies_of_a_picture_make_nobody(pile):
    pile.put("dora:one", "d1.jpg", "d2.jpg", "d3.jpg")
    shutil.copyfile(pile.pile / "b1.jpg", pile.pile / "again.jpg")
    result = pile.sort()
    assert len(result.repeated) == 1
    assert {"d1.jpg", "d2.jpg", "d3.jpg"} <= set(pile.folders()["unsorted"])
    assert len(pile.folders()["person-001"]) == 4


def test_a_photo_that_shows_somebody_several_times_is_one_photo(pile):
    pile.put("eve eve eve eve", "years.jpg")
    pile.sort()
    assert "years.jpg" in pile.folders()["unsorted"]


def test_two_files_of_one_name_and_odd_names_get_names_of_their_own(pile):
    pile.put("ann", "trip/a1.jpg", "trip/A2.JPG", "what?.jpg", "\udcff.jpg")
    pile.sort()
    names = pile.folders()["person-001"]
    assert {"a1.jpg", "a1 (2).jpg", "A2 (2).JPG"} <= set(names)
    assert len(names) == 7
    assert all(name.isprintable() for name in names)


def test_small_faces_are_nobodys(pile):
    pile.put("ann-", "far.jpg")
    pile.sort()
    assert "far.jpg" in pile.folders()["unsorted"]


def test_what_was_merged_split_named_and_excluded_stays_when_new_photos_come(pile):
    pile.sort()
    pile.decide(lambda state: decisions.merge(state, [1, 2]))
    pile.decide(lambda state: decisions.move(state, decisions.faces_in(state, 1, ["a1.jpg", "b4.jpg"]), None)[0])
    pile.decide(lambda state: decisions.rename(state, 1, "Will Smith"))
    pile.decide(lambda state: decisions.move(state, decisions.faces_in(state, 1, ["b1.jpg"]), NOBODY)[0])
    expected = {
        "Will Smith": ["a2.jpg", "a3.jpg", "b2.jpg", "b3.jpg"],
        "person-003": ["a1.jpg", "b4.jpg"],
        "unsorted": ["b1.jpg", "c1.jpg", "hills.jpg"],
    }
    assert pile.folders() == expected
    pile.put("fay", "f1.jpg", "f2.jpg", "f3.jpg")
    pile.sort()
    assert pile.folders() == expected | {"person-004": ["f1.jpg", "f2.jpg", "f3.jpg"]}


def test_people_who_were_told_apart_are_not_suggested_again(pile, monkeypatch):
    monkeypatch.setattr(likeness, "_alike", lambda numbers, *_: list(combinations(range(max(numbers) + 1), 2)))
    assert pile.sort().sorting.alike == [(2, 1)]
    assert pile.decide(lambda state: decisions.tell_apart(state, [2, 1])).sorting.alike == []
    pile.put("fay", "f1.jpg", "f2.jpg", "f3.jpg")
    alike = {frozenset(pair) for pair in pile.sort().sorting.alike}
    assert alike == {frozenset((1, 3)), frozenset((2, 3))}
    assert Sorting.read(pile.photos).apart == {frozenset((1, 2))}


def test_what_the_owner_does_in_the_folders_is_a_decision(pile):
    pile.sort()
    (pile.photos / "person-001").rename(pile.photos / "Bob")
    (pile.photos / "person-002/a1.jpg").rename(pile.photos / "Bob/a1.jpg")
    (pile.photos / "person-002/a2.jpg").rename(pile.photos / "unsorted/a2.jpg")
    (pile.photos / "Cleo").mkdir()
    (pile.photos / "unsorted/c1.jpg").rename(pile.photos / "Cleo/c1.jpg")
    (pile.photos / "unsorted/hills.jpg").rename(pile.photos / "Cleo/hills.jpg")
    (pile.photos / "Bob/b4.jpg").unlink()
    expected = {
        "Bob": ["a1.jpg", "b1.jpg", "b2.jpg", "b3.jpg"],
        "Cleo": ["c1.jpg", "hills.jpg"],
        "person-002": ["a3.jpg"],
        "unsorted": ["a2.jpg"],
    }
    result = pile.decide()
    assert pile.folders() == expected
    assert {number: person.title for number, person in result.sorting.people.items()} == {
        1: "Bob",
        2: "person-002",
        3: "Cleo",
    }
    pile.put("bob", "b5.jpg")
    pile.put("cleo", "c2.jpg")
    pile.sort()
    expected["Bob"] = sorted([*expected["Bob"], "b5.jpg"])
    expected["Cleo"] = sorted([*expected["Cleo"], "c2.jpg"])
    assert pile.folders() == expected


def test_a_photo_that_the_owner_adds_to_a_folder_is_a_photo_of_that_person(pile):
    pile.sort()
    (pile.photos / "person-002/new.jpg").write_text("gus ann", encoding="utf-8")
    result = pile.sort()
    assert "new.jpg" in pile.folders()["person-002"]
    assert result.sorting.photos["new.jpg"].faces == (None, 2)


def test_the_pile_is_not_needed_any_more_once_it_is_sorted(pile):
    pile.sort()
    shutil.rmtree(pile.pile)
    pile.put("ann", "a9.jpg")
    pile.sort()
    assert pile.folders()["person-002"] == ["a1.jpg", "a2.jpg", "a3.jpg", "a9.jpg"]
    assert pile.folders()["person-001"] == SORTED["person-001"]


def test_a_photo_that_vanishes_is_a_remark(pile):
    found = sorting.check(pile.pile, pile.photos)
    (pile.pile / "c1.jpg").unlink()
    result = sorting.sort(found, pile.photos, None, MEAN, 1, lambda *_: None)
    assert any("c1.jpg" in remark and "gone" in remark for remark in result.remarks)


@pytest.mark.parametrize("where", ["link", "unlink", "write"])
@pytest.mark.parametrize("after", [0, 1, 3, 5, 8, 11])
def test_an_interrupted_call_goes_on_and_loses_nothing(pile, monkeypatch, where, after):
    calls = 0

    def interrupted(real):
        def call(*words, **options):
            nonlocal calls
            calls += 1
            if calls > after:
                raise KeyboardInterrupt
            return real(*words, **options)

        return call

    with monkeypatch.context() as patched:
        if where == "link":
            patched.setattr(folders.os, "link", interrupted(os.link))
        elif where == "unlink":
            patched.setattr(folders.Path, "unlink", interrupted(folders.Path.unlink))
        else:
            patched.setattr(Sorting, "write", interrupted(Sorting.write))
        with suppress(KeyboardInterrupt):  # the last of these calls are not interrupted
            pile.sort()
    pile.sort()
    assert pile.folders() == SORTED


def test_a_full_disk_is_an_error_and_the_next_call_goes_on(pile, monkeypatch):
    def no_link(*_):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(folders.os, "link", no_link)
    with monkeypatch.context() as patched:
        patched.setattr(folders.shutil, "copy2", full)
        with pytest.raises(OSError, match="No space left"):
            pile.sort()
    assert list((pile.photos / "unsorted").iterdir()) == []
    pile.sort()
    assert pile.folders() == SORTED


def test_a_face_keeps_its_owner_when_the_software_finds_another_order(pile, monkeypatch):
    pile.put("ann bob", "both.jpg")
    pile.sort()
    pile.decide(lambda state: decisions.move(state, decisions.faces_in(state, 1, ["both.jpg"]), NOBODY)[0])
    state = Sorting.read(pile.photos).photos["both.jpg"]

    def reversed_faces(tasks, *rest):
        return [replace(photo, faces=photo.faces[::-1]) for photo in piles.find_faces(tasks, *rest)]

    monkeypatch.setattr(sorting, "find_faces", reversed_faces)
    assert pile.sort().sorting.photos["both.jpg"].faces == state.faces[::-1]


def test_one_call_at_a_time(pile):
    pile.sort()
    with FileLock(pile.photos / ".visage/sort.lock"), pytest.raises(SortError, match="Another `visage sort`"):
        pile.sort()


def test_names_that_differ_in_case_only_are_a_remark(pile):
    pile.sort()
    (pile.photos / "person-001").rename(pile.photos / "Zoë")
    (pile.photos / "person-002").rename(pile.photos / "zoe\u0308")
    (remark,) = pile.decide().remarks
    assert "Person 1 and Person 2" in remark
    assert "Merge them" in remark


def test_preparing_takes_the_folders_and_leaves_out_what_is_unsorted(pile):
    pile.sort()
    people = walk(pile.photos)
    assert list(people.photos) == ["person-001", "person-002"]
    assert any('2 photos in "unsorted"' in remark for remark in people.remarks)


def test_what_cannot_be_sorted_is_said_and_changes_nothing(pile, tmp_path):
    empty, other = tmp_path / "empty", tmp_path / "other"
    empty.mkdir()
    other.mkdir()
    (other / "thesis.tex").touch()
    for wrong, photos, sentence in (
        (empty, pile.photos, "holds no photos"),
        (pile.pile, pile.pile / "sorted", "outside the pile"),
        (pile.pile, pile.pile, "outside the pile"),
        (pile.pile, tmp_path, "outside the pile"),
        (pile.pile, other, "holds other things"),
        (pile.pile, other / "thesis.tex", "is a file"),
    ):
        with pytest.raises(SortError, match=sentence):
            sorting.check(wrong, photos)
    assert not pile.photos.exists()
    with pytest.raises(SortError, match="holds no sorted photos"):
        pile.decide()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{}",
        "[]",
        '{"format": 9}',
        (
            '{"format":1,"applied":1,"changes":0,"next_number":1,"people":[{"number":1,"name":null,"folder":"../x"}],'
            '"alike":[],"photos":{},"origins":{}}'
        ),
    ],
)
def test_a_damaged_state_is_refused_and_stays(pile, content):
    pile.sort()
    file = pile.photos / ".visage/sort.json"
    file.write_text(content)
    with pytest.raises(SortError, match="damaged"):
        pile.sort()
    assert file.read_text() == content


def test_the_state_is_json_that_is_read_as_it_was_written(pile):
    result = pile.sort()
    assert Sorting.read(pile.photos) == result.sorting
    assert json.loads((pile.photos / ".visage/sort.json").read_text())["next_number"] == 3


def test_a_file_of_the_owner_stays_in_the_folder(pile):
    pile.sort()
    (pile.photos / "person-002/notes.txt").write_text("my aunt")
    pile.decide(lambda state: decisions.merge(state, [1, 2]))
    assert pile.folders()["person-002"] == ["notes.txt"]
    assert len(pile.folders()["person-001"]) == 7


def test_a_folder_that_was_made_and_is_empty_is_nobody(pile):
    pile.sort()
    (pile.photos / "Later").mkdir()
    assert set(pile.decide().sorting.people) == {1, 2}
    assert moved.with_owners_moves(Sorting(), {}, lambda *_: None) == Sorting()
