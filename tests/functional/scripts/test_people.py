"""`visage people --bundle` keeps the roster beside a bundle in a folder; every command that recognises knows it."""

import json
import os
import shutil

import pytest

from scripts import samples as sample_photos


@pytest.fixture
def people(visage, bundle, tmp_path):
    """Run `visage people` on a bundle that has no roster yet; return its status, and its JSON or its error."""
    shutil.copytree(bundle, tmp_path / "bundle", copy_function=os.link)

    def people(command, *words):
        ended = visage("people", command, *words, "--bundle", tmp_path / "bundle", "--json")
        return ended.status, json.loads(ended.out) if ended.out else " ".join(ended.err.split())

    return people


def test_a_stranger_is_added_recognised_removed_and_brought_back(people, visage, bundle, samples, tmp_path):
    photo = samples / sample_photos.STRANGERS
    status, asked = people("add", "A friend", photo)
    assert (status, asked["person"], len(asked["photos"][0]["faces"])) == (1, None, 6)
    status, added = people("add", "A friend", photo, "--face", f"{photo}=1")
    assert (status, added["person"]["photos"]) == (0, 1)
    recognised = json.loads(visage("recognize", photo, "--bundle", tmp_path / "bundle", "--json").out)
    assert [face["label"] for face in recognised[str(photo)]["faces"]] == ["A friend", *[None] * 5]
    assert people("export", tmp_path / "people.npz")[0] == 0
    assert people("remove", "a FRIEND", "--yes")[0] == 0
    assert not [person for person in people("list")[1]["people"] if not person["trained"]]
    assert people("import", tmp_path / "people.npz", "--restore")[1]["added"] == 1
    assert (tmp_path / "bundle.roster.npz").is_file()


def test_a_damaged_roster_is_one_sentence_and_stays_as_it_is(people, samples, tmp_path):
    roster = tmp_path / "bundle.roster.npz"
    roster.write_bytes(b"damaged")
    for words in (["list"], ["add", "A friend", samples / sample_photos.STRANGERS, "--face", "friends.jpg=1"]):
        status, said = people(*words)
        assert status == 1
        assert "The roster is damaged" in said
    assert roster.read_bytes() == b"damaged"
