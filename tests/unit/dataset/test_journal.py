"""A line of the journal that is damaged, in whatever way, counts as a photo that was never processed."""

import base64
import json

import numpy as np
import pytest

from dataset import candidates
from dataset.candidates import PICTURE_SIDE, Candidate, Candidates
from preprocess.detect import Box

PICTURE = base64.b64encode(bytes(PICTURE_SIDE**2)).decode()


def found(photo="Ann/a.jpg", person="Ann"):
    halves = base64.b64encode(np.ones(512, np.float16).tobytes()).decode()
    face = Candidate(Box(1, 2, 30, 40, 0.5), ".visage/faces/a-0.jpg", 99.5, PICTURE, halves)
    return Candidates(photo, person, "1:2:3", "0" * 64, (face,))


@pytest.fixture
def journal(tmp_path):
    """A journal of two photos, and a function that replaces text in the line of the first."""
    path = tmp_path / "journal.jsonl"
    candidates.write_journal(path, [found(), found("Bob/b.jpg", "Bob")])
    first, second = path.read_bytes().strip().split(b"\n")

    def spoil(old, new):
        assert old in first
        path.write_bytes(b"\n" + first.replace(old, new, 1) + b"\n" + second)
        return candidates.read_journal(path)

    return spoil


EMBEDDING = json.dumps(found().faces[0].embedding).encode()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"}", b""),
        (EMBEDDING, b'"' + b"\xff" * 12 + EMBEDDING[13:]),
        (EMBEDDING, EMBEDDING[:-9] + b'"'),
        (EMBEDDING, EMBEDDING[:-2] + b'"'),
        (EMBEDDING, b'""'),
        (EMBEDDING, b"null"),
        (EMBEDDING, b'"' + base64.b64encode(bytes(1024)) + b'"'),
        (EMBEDDING, b'"' + base64.b64encode(np.full(512, np.nan, np.float16).tobytes()) + b'"'),
        (PICTURE.encode(), b"\x80\x81"),
        (PICTURE.encode(), PICTURE[4:].encode()),
        (f'"{PICTURE}"'.encode(), b"7"),
        (b"99.5", b'"sharp"'),
        (b'"width": 30', b'"width": 0'),
        (b'"width": 30', b'"width": "30"'),
        (b'"Ann/a.jpg"', b"[]"),
        (b'"Ann"', b"null"),
        (b'"1:2:3"', b"3"),
        (b'"faces"', b'"fa\x00ces"'),
        (b'"stamp"', b'"stomp"'),
    ],
    ids=lambda text: text[:20].decode(errors="replace"),
)
def test_a_damaged_line_is_left_out_and_the_others_stay(journal, old, new):
    assert list(journal(old, new)) == ["Bob/b.jpg"]


@pytest.mark.parametrize("line", [b"[]", b"3", b'"Ann"', b"null", b"{}", b"\xff\xfe", b"\x00" * 4096, b"[" * 100_000])
def test_a_line_of_something_else_is_left_out(tmp_path, line):
    path = tmp_path / "journal.jsonl"
    candidates.write_journal(path, [found()])
    path.write_bytes(path.read_bytes() + b"\n" + line)
    assert candidates.read_journal(path) == {"Ann/a.jpg": found()}


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\r", "\n"])
def test_a_name_may_contain_what_some_take_for_the_end_of_a_line(tmp_path, separator):
    photo = found(f"Ann/1{separator}2.jpg")
    candidates.write_journal(tmp_path / "journal.jsonl", [photo])
    assert candidates.read_journal(tmp_path / "journal.jsonl") == {photo.photo: photo}
