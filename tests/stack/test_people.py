"""`visage people` on the deployed API: photos in requests and through S3, and the roster by an address of S3."""

import json
import time
from dataclasses import replace

import pytest
from PIL import Image

from deploy import keys
from model.keys import SCOPES, today
from model.settings import KEYS_SECONDS
from scripts import client
from scripts import samples as sample_photos


@pytest.fixture
def authorization(stack):
    """The header with a key of the owner, once the function knows it."""
    text = keys.change(stack.target, lambda known: known.created("people", list(SCOPES), today())[0::2])
    header = {"Authorization": f"Bearer {text}"}
    deadline = time.monotonic() + 2 * KEYS_SECONDS
    while stack.get(f"{stack.api}/people?limit=1", headers=header).status_code == 401 and time.monotonic() < deadline:
        time.sleep(0.2)  # another test may have used a key, and the function asks for new ones after some seconds
    yield header
    keys.change(stack.target, lambda known: known.revoked("people", today()))


@pytest.fixture
def people(stack, visage, authorization, monkeypatch):
    """Run `visage people` with that key, and return its status, and its JSON or its error."""
    monkeypatch.setattr(client, "SETTINGS", replace(client.SETTINGS, key=authorization["Authorization"].split()[1]))

    def people(command, *words):
        ended = visage("people", command, *words, "--url", stack.api, "--json")
        return ended.status, json.loads(ended.out) if ended.out else ended.err

    return people


@pytest.fixture
def large(samples, tmp_path):
    """A photo of six strangers that is too large for a request."""
    path = tmp_path / "large.tif"
    with Image.open(samples / sample_photos.STRANGERS) as photo:
        photo.convert("RGB").resize((1920, 1320)).save(path, "TIFF")
    assert path.stat().st_size > 5_000_000
    return path


def labels(stack, photo, authorization):
    answer = stack.post(f"{stack.api}/recognize", files={"image": photo.read_bytes()}, headers=authorization)
    return [face["label"] for face in answer.json()["faces"]]


def test_somebody_is_added_known_backed_up_removed_and_brought_back(
    stack, people, authorization, samples, large, tmp_path
):
    photo = samples / sample_photos.STRANGERS
    status, added = people("add", "A friend", photo, "--face", "friends.jpg=1")
    assert (status, added["person"]["photos"]) == (0, 1)
    assert labels(stack, photo, authorization) == ["A friend", *[None] * 5]
    status, again = people("add", "A friend", large, "--to-existing")
    assert (status, len(again["photos"][0]["faces"])) == (1, 6)
    assert people("export", tmp_path / "people.npz")[1]["people"] == 1
    assert people("remove", added["person"]["id"], "--yes")[1]["gone_on"] > str(today())
    assert people("import", tmp_path / "people.npz")[1]["added"] == 0
    assert people("import", tmp_path / "people.npz", "--restore")[1]["added"] == 1
    assert people("rename", "a friend", "Another")[1]["name"] == "Another"
    assert people("remove", "Another", "--yes")[0] == 0
    assert [person["name"] for person in people("list")[1]["people"] if not person["trained"]] == []
