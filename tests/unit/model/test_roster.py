"""People come to a roster, change and go; a file that is not a sound roster is refused in a sentence."""

import io
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model import roster as rosters
from model.errors import (
    BadNameError,
    NameTakenError,
    PersonChangedError,
    RosterError,
    RosterUnreadableError,
    UnknownPersonError,
)
from model.roster import (
    MAX_ANSWERS,
    MAX_NEAR_MISSES,
    MAX_PHOTOS,
    Answer,
    Person,
    Roster,
    most_different,
    now,
    stored,
    trained_id,
)
from tests.crowds import crowd, faces_of

FACES = crowd(40)
ANN, BOB, CID = FACES[:1], FACES[1:3], FACES[3:4]


@pytest.fixture
def three():
    """A roster of Ann, Bob and Cid, of whom Bob has two photos and a near miss."""
    roster, _ = Roster("space").with_person("Ann", ANN, (0.9,))
    roster, bob = roster.with_person("Bob", BOB, (0.5, 0.6))
    return roster.with_near_miss(bob.id, FACES[30]).with_person("Cid", CID, (1.0,))[0]


def same(one, other):
    """Whether two rosters have the same people and the same arrays."""
    arrays = ("embeddings", "owners", "near", "penalties", "strangers", "nearest")
    equal = (np.array_equal(getattr(one, name), getattr(other, name), equal_nan=name == "penalties") for name in arrays)
    rest = ("space", "version", "people", "cohort", "removed", "answers")
    return all(equal) and all(getattr(one, name) == getattr(other, name) for name in rest)


def close(rows, embeddings):
    np.testing.assert_allclose(rows, embeddings, atol=1e-3)  # they are kept as half floats
    return True


def test_each_person_has_the_own_photos_and_near_misses_whoever_comes_and_goes(three):
    bob = three.named("Bob")
    rest = three.without(three.named("Ann").id)
    for roster in (three, rest, rest.with_person("Dan", FACES[8:9], ())[0]):
        assert close(roster.rows(bob.id), BOB)
        assert close(roster.rows(bob.id, near=True), FACES[30:31])
        assert (roster.count(bob.id), roster.count(bob.id, near=True)) == (2, 1)
        assert close(roster.rows(roster.named("Cid").id), CID)
    assert [person.name for person in rest.people] == ["Bob", "Cid"]


def test_nothing_of_somebody_who_was_removed_is_left_in_the_file(three):
    ann = three.named("Ann")
    told = Answer("digest", "body", now(), 201, {"person": {"id": ann.id, "name": "Ann"}})
    content = three.with_answer(told).without(ann.id).to_bytes()
    assert stored(ANN).tobytes() not in content
    assert b'"Ann"' not in content
    assert Roster.from_bytes(content).removed == (ann.id,)


def test_ids_are_words_that_nobody_else_has_and_those_of_trained_people_never_change():
    ids = {rosters.new_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(re.fullmatch("[a-z2-7]{12}", identity) for identity in [*ids, trained_id("Zo\u00eb")])
    assert trained_id("Ann") == trained_id("Ann") != trained_id("Bob")


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        (" Ann ", "Ann"),
        ("Zoe\u0308", "Zo\u00eb"),
        ("x" * 100, "x" * 100),
        ("O'Neil & Söhne, 2.", "O'Neil & Söhne, 2."),
        ("美咲", "美咲"),
        ("🙂", "🙂"),
        ("=1+1", "=1+1"),
    ],
)
def test_a_name_that_people_have_is_kept_in_one_form(name, kept):
    roster, person = Roster("space").with_person(name, ANN, ())
    assert (person.name, roster.named(name)) == (kept, person)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "  ",
        "\u200b",
        "x" * 101,
        "x" * 10_000,
        "<b>Ann</b>",
        "../Ann",
        "C:\\Ann",
        ".",
        "..",
        "a\nb",
        "a\x00b",
        "a\u2028b",
        "a\u202eb",
        "\ud800",
        "a\udfff",
    ],
    ids=ascii,
)
def test_a_name_that_nobody_can_have_is_refused_in_a_sentence(three, name):
    for change in (lambda: three.with_person(name, ANN, ()), lambda: three.renamed(three.named("Ann").id, name)):
        with pytest.raises(BadNameError, match=r"\.$") as raised:
            change()
        assert len(str(raised.value)) < 150


@pytest.mark.parametrize("name", ["Zo\u00eb", "Zoe\u0308", "zo\u00eb", " ZOE\u0308 ", "Zo\u00eb\u200b"], ids=ascii)
def test_a_name_that_somebody_has_is_taken_however_it_is_written(three, name):
    roster, zoe = three.with_person("Zo\u00eb", FACES[9:10], ())
    with pytest.raises(NameTakenError) as raised:
        roster.with_person(name, FACES[10:11], ())
    assert raised.value.id == zoe.id
    with pytest.raises(NameTakenError):
        roster.renamed(roster.named("Ann").id, name)
    assert roster.renamed(zoe.id, name).person(zoe.id).name == rosters.checked_name(name)


def test_a_change_marks_the_person_and_nobody_else(three):
    three = three.numbered(7)
    bob = three.named("Bob").id
    for changed in (
        three.renamed(bob, "Rob"),
        three.with_photos(bob, FACES[9:10], (0.5,)),
        three.with_near_miss(bob, FACES[9]),
    ):
        assert {person.id for person in changed.people if person.revision == 8} == {bob}
        three.check_unchanged(bob, three.person(bob).revision)
        with pytest.raises(PersonChangedError, match="Somebody else has changed"):
            changed.check_unchanged(bob, three.person(bob).revision)
        changed.check_unchanged(bob, None)


@pytest.mark.parametrize("identity", ["", "nobody", "../../etc", "\ud800", "x" * 10_000], ids=ascii)
def test_whoever_is_not_on_the_roster_is_a_sentence(three, identity):
    for change in (three.without, three.person, lambda one: three.renamed(one, "Dan")):
        with pytest.raises(UnknownPersonError, match="There is nobody with the id") as raised:
            change(identity)
        assert len(str(raised.value)) < 150


def test_of_many_photos_those_that_differ_most_are_kept_with_their_qualities():
    copies = np.repeat(FACES[:1], 30, axis=0) + 1e-3 * crowd(30, 3)
    photos = np.concatenate([FACES[:10], copies])
    roster, person = Roster("space").with_person("Ann", photos, [0.1] * 10 + [0.2] * 30)
    assert (roster.count(person.id), len(person.qualities)) == (MAX_PHOTOS, MAX_PHOTOS)
    assert close(roster.rows(person.id)[1:10], FACES[1:10])
    assert person.qualities[1:] == (0.1,) * 9 + (0.2,) * (MAX_PHOTOS - 10)
    again = roster.with_photos(person.id, FACES[10:11], (0.9,))
    assert (again.count(person.id), again.person(person.id).qualities[-1]) == (MAX_PHOTOS, 0.9)


def test_qualities_are_unknown_where_that_of_one_photo_is():
    roster, person = Roster("space").with_person("Ann", ANN, ())
    assert roster.with_photos(person.id, BOB, (0.5, 0.6)).person(person.id).qualities == ()


def test_only_the_last_near_misses_are_kept(three):
    ann = three.named("Ann").id
    for face in crowd(MAX_NEAR_MISSES + 3, 4):
        three = three.with_near_miss(ann, face)
    assert close(three.rows(ann, near=True), crowd(MAX_NEAR_MISSES + 3, 4)[3:])
    assert close(three.rows(ann), ANN)


@given(st.integers(0, 2**32 - 1), st.integers(0, 12), st.integers(1, 8))
def test_those_that_are_left_out_are_the_most_alike(seed, count, kept):
    embeddings = crowd(count, seed, size=4)
    rows = most_different(embeddings, kept)
    assert rows == sorted(set(rows))
    assert len(rows) == min(count, kept)


def test_no_more_people_than_fit_are_taken(three, monkeypatch):
    monkeypatch.setattr(rosters, "MAX_PEOPLE", 3)
    with pytest.raises(RosterError, match="it can have no more"):
        three.with_person("Dan", FACES[9:10], ())


def test_a_backup_brings_back_whoever_is_missing_and_nobody_who_was_removed(three):
    bob, cid = three.named("Bob").id, three.named("Cid").id
    _, misses = three.rows(bob), three.rows(bob, near=True)
    today = Roster("space").with_person("Eve", FACES[9:10], ())[0]
    merged, remarks = replace(today, removed=(cid,)).merged(three)
    assert [person.name for person in merged.people] == ["Eve", "Ann", "Bob"]
    assert (remarks, close(merged.rows(bob), BOB)) == ([], True)
    np.testing.assert_array_equal(merged.rows(bob, near=True), misses)
    assert merged.merged(three) == (merged, [])


def test_somebody_of_a_backup_whose_name_is_taken_is_left_out_with_a_remark(three):
    today, _ = Roster("space").with_person("ANN", FACES[9:10], ())
    merged, (remark,) = today.merged(three)
    assert "somebody else of this name" in remark
    assert close(merged.rows(merged.named("Ann").id), FACES[9:10])


def test_a_trained_person_without_photos_is_merged(three):
    other = Roster("space").with_trained(trained_id("Dan"), "Dan")
    merged, _ = three.merged(other)
    assert merged.person(trained_id("Dan")).trained
    assert same(Roster.from_bytes(merged.to_bytes()), merged)


def test_an_answer_is_remembered_for_a_day(three):
    old = Answer("old", "", "2020-01-01T00:00:00+00:00", 201, {})
    roster = three.with_answer(old).with_answer(Answer("new", "body", now(), 201, {"a": 1}))
    assert roster.answered("new").answer == {"a": 1}
    assert roster.answered("old") is None
    for number in range(MAX_ANSWERS):
        roster = roster.with_answer(Answer(str(number), "", now(), 201, {}))
    assert (roster.answered("new"), len(roster.answers)) == (None, MAX_ANSWERS)


def test_a_file_is_read_as_it_was_written(three):
    roster = replace(
        three.numbered(3), cohort="c", strangers=np.float32([[0.5, -np.inf]] * 2), nearest=np.array([[2, -1], [1, -1]])
    )
    roster = roster.with_answer(Answer("digest", "body", now(), 201, {"name": "Zo\u00eb"}))
    assert same(Roster.from_bytes(roster.to_bytes()), roster)
    assert same(Roster.from_bytes(Roster("space").to_bytes()), Roster("space"))


def altered(content, **changes):
    """The content of a roster with other arrays, or another document."""
    with np.load(io.BytesIO(content)) as opened:
        arrays = dict(opened)
    document = json.loads(arrays["document"].tobytes())
    for name, value in changes.items():
        if name in arrays:
            arrays[name] = value
        else:
            document[name] = value
    arrays["document"] = np.frombuffer(json.dumps(document).encode(), np.uint8)
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"format": 2}, "A newer version of Visage wrote the roster"),
        ({"format": "1"}, "is damaged"),
        ({"people": {}}, "is damaged"),
        ({"people": []}, "is damaged"),
        ({"version": None}, "is damaged"),
        ({"answers": [1]}, "is damaged"),
        ({"owners": np.array([0, 1, 1, 1, 3])}, "is damaged"),
        ({"owners": np.array([0, 1, 1, 1, -1])}, "is damaged"),
        ({"owners": np.zeros(4, np.int64)}, "is damaged"),
        ({"embeddings": np.zeros((5, 128), np.int16)}, "is damaged"),
        ({"embeddings": np.zeros((5, 512), np.float16)}, "is damaged"),
        ({"embeddings": np.array(["x"])}, "is damaged"),
        ({"near": np.zeros(9, np.bool_)}, "is damaged"),
        ({"strangers": np.zeros(9, np.float32)}, "is damaged"),
        ({"strangers": np.float32(0)}, "is damaged"),
        ({"nearest": np.full((2, 0), 7), "strangers": np.zeros((2, 1), np.float32)}, "is damaged"),
        ({"nearest": np.full((2, 1), 7), "strangers": np.zeros((2, 1), np.float32)}, "is damaged"),
        ({"alike": np.zeros(1, np.float32)}, "is damaged"),
        ({"qualities": np.zeros(1)}, "is damaged"),
        ({"qualities": np.array(["x"])}, "is damaged"),
    ],
    ids=str,
)
def test_a_file_whose_parts_do_not_fit_is_refused(three, changes, sentence):
    with pytest.raises(RosterUnreadableError, match=sentence):
        Roster.from_bytes(altered(three.to_bytes(), **changes))


def test_a_compressed_file_is_read(three):
    assert same(Roster.from_bytes(altered(three.to_bytes())), three)


DAY = "2026-11-01T12:00:00+00:00"
PERSON = Person("annannannann", "Ann", DAY, DAY, 1)
SOUND = replace(Roster("space", people=(PERSON,)).with_photos(PERSON.id, ANN, (0.5,)), people=(PERSON,)).to_bytes()
"""The same bytes in each run: ids and times differ otherwise."""


@settings(max_examples=300, derandomize=True, database=None, deadline=None)
@given(st.booleans(), st.integers(0, 5000), st.integers(0, 40), st.binary(max_size=9))
def test_damaged_bytes_are_read_or_refused_in_a_sentence(is_compressed, at, length, other):
    sound = altered(SOUND) if is_compressed else SOUND
    at %= len(sound)
    for damaged in (sound[:at] + other + sound[at + length :], sound[:at]):
        try:
            roster = Roster.from_bytes(damaged)
        except RosterUnreadableError:
            continue
        roster.to_bytes()


def test_people_who_look_like_each_other_are_not_mixed_up():
    faces, owners = faces_of(crowd(50, 7), 3)
    roster = Roster("space")
    for person in range(50):
        roster, _ = roster.with_person(f"Person {person}", faces[owners == person], ())
    for person in (0, 25, 49):
        assert close(roster.rows(roster.named(f"person {person}").id), faces[owners == person])
