"""Removing a person deletes nothing before it is certain that it can, and nothing of others."""

import json

import pytest

from dataset import candidates
from dataset.aligned import JOURNAL, OUTPUT, OVERRIDES
from dataset.candidates import Candidates
from dataset.errors import PrepareError
from dataset.removal import remove_person


@pytest.fixture
def prepared(tmp_path):
    """Aligned faces of Ann and Bob, and a face that no line of the journal names."""
    output = tmp_path / OUTPUT
    for name in ("Ann/a.jpg.jpg", "Bob/b.jpg.jpg", f"{OUTPUT}/faces/stray.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    photos = [Candidates(f"{name}/{name[0].lower()}.jpg", name, "1:2:3", reason="none") for name in ("Ann", "Bob")]
    candidates.write_journal(output / JOURNAL, photos)
    return tmp_path


def faces_of(prepared):
    return sorted(path.relative_to(prepared).as_posix() for path in prepared.rglob("*.jpg"))


def test_a_name_that_is_mistyped_deletes_nothing(prepared):
    before = faces_of(prepared)
    assert remove_person(prepared, "An") == 0
    assert faces_of(prepared) == before


@pytest.mark.parametrize("content", ["{", '{"keep": 5}', "[]", '{"kept": []}'])
def test_damaged_decisions_are_reported_before_anything_is_deleted(prepared, content):
    before = faces_of(prepared)
    (prepared / OUTPUT / OVERRIDES).write_text(content)
    with pytest.raises(PrepareError, match="damaged"):
        remove_person(prepared, "Ann")
    assert faces_of(prepared) == before


def test_a_journal_of_damaged_bytes_does_not_keep_a_person(prepared):
    journal = prepared / OUTPUT / JOURNAL
    lines = journal.read_bytes().strip().split(b"\n")
    journal.write_bytes(b"\n".join([b"\xff\x00\xfe", lines[0][:-5], lines[1]]))
    assert remove_person(prepared, "Ann") == 2
    assert faces_of(prepared) == ["Bob/b.jpg.jpg"]
    (line,) = journal.read_text(encoding="utf-8").strip().splitlines()
    assert json.loads(line)["person"] == "Bob"


def test_a_journal_of_an_older_version_may_spell_the_name_in_another_way(prepared):
    journal = prepared / OUTPUT / JOURNAL
    candidates.write_journal(journal, [Candidates("Zoe\u0308/a.jpg", "Zoe\u0308", "1:2:3", reason="none")])
    remove_person(prepared, "Zo\u00eb")
    assert journal.read_text(encoding="utf-8") == ""
