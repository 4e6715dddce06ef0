"""The owner's decisions on photos and faces are remembered, and the last one on a photo counts."""

from dataclasses import replace

import pytest

from dataset.candidates import Candidate, Candidates
from dataset.errors import PrepareError
from dataset.overrides import Overrides
from preprocess.detect import Box


def face(left, name="a"):
    return Candidate(Box(left, 10, 100, 100, 1.0), f"{name}.jpg", 100.0, "0", "")


@pytest.fixture
def photo():
    """A photo of two people; the more prominent face is the right one."""
    return Candidates("Ann/a.jpg", "Ann", "", faces=(face(300), face(50)))


def test_faces_are_counted_from_the_left(photo):
    decisions = Overrides()
    decisions.add_face(photo, 1)
    assert decisions.face_of(photo) == 1
    decisions.add_face(photo, 2)
    assert decisions.face_of(photo) == 0


@pytest.mark.parametrize("number", [0, 3, 10**9])
def test_a_face_that_is_not_there_is_refused_with_the_number_of_faces(photo, number):
    with pytest.raises(PrepareError, match=f"Ann/a.jpg has 2 faces; there is no face {number}"):
        Overrides().add_face(photo, number)


def test_a_photo_without_a_face_has_no_face_1(photo):
    with pytest.raises(PrepareError, match="has 0 faces"):
        Overrides().add_face(replace(photo, faces=()), 1)


def test_decisions_are_read_as_they_were_written(photo, tmp_path):
    decisions = Overrides()
    decisions.add(["Ann/b.jpg"], ["Bob/c.jpg"])
    decisions.add_face(photo, 2)
    decisions.write(tmp_path / "overrides.json")
    assert Overrides.read(tmp_path / "overrides.json") == decisions


def test_decisions_of_an_earlier_version_are_read(tmp_path):
    (tmp_path / "overrides.json").write_text('{"keep": ["Ann/a.jpg"], "drop": []}')
    assert Overrides.read(tmp_path / "overrides.json") == Overrides({"Ann/a.jpg"})


@pytest.mark.parametrize(
    "content",
    ["{", "[]", "null", '{"keep": 5}', '{"keep": [], "drop": [], "faces": [1]}']
    + [f'{{"keep": [], "drop": [], "faces": {{"a": {box}}}}}' for box in ("1", "[1, 2]", '["x", 1, 1, 1]', "null")],
)
def test_decisions_that_are_damaged_are_reported(tmp_path, content):
    (tmp_path / "overrides.json").write_text(content)
    with pytest.raises(PrepareError, match="damaged"):
        Overrides.read(tmp_path / "overrides.json")


def test_a_face_is_found_again_when_others_are_found_too(photo):
    decisions = Overrides()
    decisions.add_face(photo, 2)
    more = replace(photo, faces=(face(700), face(55), face(310)))
    assert decisions.face_of(more) == 2


def test_a_face_that_is_not_found_any_more_is_no_decision(photo):
    decisions = Overrides()
    decisions.add_face(photo, 2)
    assert decisions.face_of(replace(photo, faces=(face(50),))) is None
    assert decisions.face_of(replace(photo, faces=())) is None


@pytest.mark.parametrize("kind", ["keep", "drop"])
def test_a_later_decision_on_the_photo_replaces_that_on_its_face(photo, kind):
    decisions = Overrides()
    decisions.add_face(photo, 2)
    decisions.add(**{"keep": [], "drop": [], kind: ["Ann/a.jpg"]})
    assert decisions.face_of(photo) is None


def test_a_decision_on_a_face_replaces_an_earlier_one_on_the_photo(photo):
    decisions = Overrides({"Ann/a.jpg"}, {"Ann/a.jpg"})
    decisions.add_face(photo, 2)
    assert not decisions.keeps("Ann/a.jpg")
    assert not decisions.drops("Ann/a.jpg")


def test_the_decisions_of_one_person_are_removed(photo):
    decisions = Overrides({"Ann/b.jpg", "Bob/b.jpg"}, {"Ann/c.jpg", "Bob/c.jpg"})
    decisions.add_face(photo, 2)
    decisions.add_face(replace(photo, photo="Bob/a.jpg"), 2)
    others = decisions.without("Ann")
    assert (others.keep, others.drop, list(others.faces)) == ({"Bob/b.jpg"}, {"Bob/c.jpg"}, ["Bob/a.jpg"])
