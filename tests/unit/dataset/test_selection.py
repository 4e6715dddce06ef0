"""What is kept, set aside and asked for, of faces as the detector gives them: some are poor, and some are no faces."""

import base64
from dataclasses import replace

import numpy as np
import pytest

from dataset.candidates import PICTURE_SIDE, Candidate, Candidates
from dataset.overrides import Overrides
from dataset.selection import Cause, select
from preprocess.detect import Box


@pytest.fixture
def face_of():
    """Return a face of somebody, by a letter; the left edge, the side and the score of its box; and its sharpness."""
    random = np.random.default_rng(3)
    people = dict(zip("abc", np.linalg.qr(random.normal(size=(512, 3)))[0].T, strict=True))

    def face_of(letter, left=0, side=100, *, score=0.9, sharpness=100.0):
        noise = random.normal(size=512)
        vector = people[letter] + 0.6 * noise / np.linalg.norm(noise)
        halves = base64.b64encode((vector / np.linalg.norm(vector)).astype(np.float16).tobytes()).decode()
        name, picture = random.bytes(8).hex(), base64.b64encode(random.bytes(PICTURE_SIDE**2)).decode()
        return Candidate(Box(left, 0, side, side, score), f"{letter}-{name}.jpg", sharpness, picture, halves)

    return face_of


def photo(name, *faces, sha256=None):
    return Candidates(name, name.partition("/")[0], "", sha256, tuple(faces))


def kept(selection):
    """Return whose face is kept of each photo."""
    return {outcome.photo: outcome.thumbnail[0] for outcome in selection.outcomes if outcome.chip}


POOR = {
    "small": {"side": 20},
    "blurred": {"sharpness": 5.0},
    "doubtful and small beside the other": {"side": 60, "score": 0.55},
}


@pytest.mark.parametrize("poor", POOR.values(), ids=POOR)
@pytest.mark.parametrize("photos", [1, 2])
def test_a_face_that_is_no_good_is_not_asked_for_in_one_or_two_photos(face_of, poor, photos):
    found = [photo(f"Ann/{n}", face_of("b", 300, **poor), face_of("a")) for n in range(photos)]
    selection = select(found, Overrides())
    assert selection.questions == []
    assert set(kept(selection).values()) == {"a"}


OTHERS = {
    "as large": {},
    "half as large": {"side": 72, "score": 0.55},
    "small, and rather a face": {"side": 40, "score": 0.65},
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_another_good_face_in_the_only_photo_is_asked_for(face_of, other):
    (question,) = select([photo("Ann/1", face_of("a"), face_of("b", 300, **other))], Overrides()).questions
    assert [option.keep for option in question.options] == ["Ann/1#1", "Ann/1#2"]
    assert str(question).startswith('2 people fit the photos of "Ann" about equally.')


def test_the_only_face_of_a_photo_is_taken_even_if_it_is_doubtful(face_of):
    assert kept(select([photo("Ann/1", face_of("a", score=0.42))], Overrides())) == {"Ann/1": "a"}


def test_the_face_in_the_question_is_one_that_can_be_recognised(face_of):
    faces = [(face_of("a", sharpness=5.0 if n else 90.0), face_of("b", 300)) for n in range(6)]
    (question,) = select([photo(f"Ann/{n}", *both) for n, both in enumerate(faces)], Overrides()).questions
    assert question.options[0].keep == "Ann/0#1"


def test_a_kept_photo_of_one_of_two_people_alone_answers(face_of):
    found = [photo(f"Ann/{n}", face_of("a"), face_of("b", 300)) for n in range(6)] + [photo("Ann/b", face_of("b"))]
    assert len(select(found, Overrides()).questions) == 1
    assert set(kept(select(found, Overrides({"Ann/b"}))).values()) == {"b"}


def test_a_kept_photo_of_several_people_is_not_kept_while_it_is_open_whose_it_is(face_of):
    found = [photo(f"Ann/{n}", face_of("a"), face_of("b", 300)) for n in range(6)]
    selection = select(found, Overrides({"Ann/2"}))
    assert {outcome.cause for outcome in selection.outcomes} == {Cause.TIE}
    assert "--keep which it is" in selection.outcomes[2].reason


def test_dropped_photos_leave_who_is_in_the_others(face_of):
    found = [photo(f"Ann/{n}", face_of("a")) for n in range(4)] + [photo(f"Ann/{n}", face_of("b")) for n in "wxyz"]
    assert len(select(found, Overrides()).questions) == 1
    assert set(kept(select(found, Overrides(drop={f"Ann/{n}" for n in "wxyz"}))).values()) == {"a"}


def test_common_files_are_explained_before_anything_else_is_said(face_of):
    faces = [face_of("a") for _ in range(4)]
    found = [photo(f"{name}/{n}", face, sha256=str(n)) for name in ("Ann", "Anna") for n, face in enumerate(faces)]
    found.append(photo("Anna/9", replace(faces[0], chip="a.jpg"), face_of("b"), sha256="9"))
    found.append(photo("Bob/9", face_of("a"), face_of("b"), sha256="9"))
    first, second, third = select(found, Overrides()).remarks[:3]
    assert first.startswith('"Ann" and "Anna" have 4 files in common.')
    assert "In 4 of them only one face was found" in first
    assert second == (
        '"Anna" and "Bob" have 1 file in common. That is normal for photos of both: each folder keeps the face of its '
        "own person."
    )
    assert "look like one person" in third
