"""Keys are random and kept as hashes; whatever happens to them, nothing about another key changes."""

import hmac
import json
from datetime import date, timedelta

import pytest

from model import keys as module
from model.errors import KeysError
from model.keys import MAX_KEYS, Keys

TODAY = date(2026, 11, 26)
NONE = Keys("dev")


def made(keys=NONE, name="website", scopes=("recognize",), **options):
    return keys.created(name, scopes, TODAY, **options)


def test_a_key_says_its_stage_and_is_different_each_time():
    texts = {made()[2] for _ in range(100)}
    assert len(texts) == 100
    assert all(text.startswith("visage_dev_") and len(text) == len("visage_dev_") + 43 for text in texts)


def test_nothing_of_the_key_itself_is_kept():
    keys, _, text = made()
    assert text.removeprefix("visage_dev_") not in keys.to_json().decode()
    assert text not in repr(keys)


def test_a_key_is_found_by_its_text_alone():
    keys, key, text = made(made(name="first")[0])
    assert keys.find(text) == key
    for other in ("", text[:-1], text + "x", text.upper(), f" {text}", key.id, key.sha256, "é", "\udc80"):
        assert keys.find(other) is None


def test_all_keys_are_compared_in_constant_time(monkeypatch):
    compared = []
    monkeypatch.setattr(hmac, "compare_digest", lambda *pair: compared.append(pair) or pair[0] == pair[1])
    keys, _, first = made()
    keys, _, _ = made(keys, "second")
    for text in (first, "unknown"):
        compared.clear()
        keys.find(text)
        assert len(compared) == 2


def test_keys_survive_being_stored():
    keys, _, _ = made(name="Zoë 王", scopes=("people", "recognize"), last_day=TODAY, rate=7)
    keys, _ = keys.revoked("zoë 王", TODAY)
    keys, _, _ = made(keys)
    assert Keys.from_json(keys.to_json()) == keys


@pytest.mark.parametrize(("offset", "works"), [(-1, True), (0, True), (1, False)])
def test_a_key_works_until_the_end_of_its_last_day(offset, works):
    _, key, _ = made(last_day=TODAY)
    assert key.works(TODAY + timedelta(days=offset)) is works


@pytest.mark.parametrize("spelled", ["website", " WEBSITE ", "id"])
def test_a_revoked_key_does_not_work_and_the_others_do(spelled):
    keys, key, _ = made()
    keys, other, _ = made(keys, "other")
    keys, revoked = keys.revoked(key.id if spelled == "id" else spelled, TODAY)
    assert not revoked.works(TODAY)
    assert keys.keys == (revoked, other)


def test_revoking_a_key_again_keeps_the_day():
    keys, _ = made()[0].revoked("website", TODAY)
    again, key = keys.revoked("website", TODAY + timedelta(days=3))
    assert (again, key.revoked) == (keys, TODAY)


def test_a_name_is_free_again_once_its_key_no_longer_works():
    keys, _ = made()[0].revoked("website", TODAY)
    keys, newer, _ = made(keys)
    assert len(keys.keys) == 2
    keys, revoked = keys.revoked("website", TODAY)
    assert revoked.id == newer.id


def test_a_revoked_key_is_forgotten_after_90_days():
    keys, _ = made()[0].revoked("website", TODAY)
    later, _, _ = keys.created("other", ["people"], TODAY + timedelta(days=91))
    assert [key.name for key in later.keys] == ["other"]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"name": ""}, "one line"),
        ({"name": "  "}, "one line"),
        ({"name": "a\nb"}, "one line"),
        ({"name": "\x1b[31m"}, "one line"),
        ({"name": "x" * 101}, "one line"),
        ({"name": "WEBSITE"}, "Revoke that one first"),
        ({"name": "other", "scopes": ()}, "one of the scopes"),
        ({"name": "other", "scopes": ("admin",)}, "one of the scopes"),
        ({"name": "other", "last_day": TODAY - timedelta(days=1)}, "has passed"),
    ],
)
def test_what_cannot_be_made_is_one_sentence(options, reason):
    keys = made()[0]
    with pytest.raises(KeysError, match=reason):
        made(keys, **options)


def test_a_stage_has_a_limited_number_of_keys(monkeypatch):
    monkeypatch.setattr(module, "MAX_KEYS", 1)
    assert MAX_KEYS >= 1000
    with pytest.raises(KeysError, match="There are 1 keys"):
        made(made()[0], "other")


def test_a_key_that_does_not_exist_cannot_be_revoked():
    with pytest.raises(KeysError, match="no key named"):
        NONE.revoked("website", TODAY)


@pytest.mark.parametrize(
    ("text", "is_other"),
    [
        (f"visage_prod_{'x' * 43}", True),
        (f"visage_dev_{'x' * 43}", False),
        (f"visage_prod_{'x' * 42}", False),
        (f"visage_prod_{'x' * 43}\n", False),
        ("prod", False),
    ],
)
def test_a_key_of_another_stage_is_told_by_its_form(text, is_other):
    assert NONE.is_of_another_stage(text) is is_other


STORED = json.loads(made()[0].to_json())


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"\xff",
        b"[]",
        b"7",
        b"null",
        b"[" * 100_000,
        {**STORED, "keys": {}},
        {**STORED, "keys": ["x"]},
        {**STORED, "stage": 7},
        {**STORED, "format": None},
        *({**STORED, "keys": [{**STORED["keys"][0], name: value}]} for name in STORED["keys"][0] for value in ([], {})),
        {**STORED, "keys": [{**STORED["keys"][0], "sha256": "é"}]},
        {**STORED, "keys": [{**STORED["keys"][0], "rate": 0}]},
        {**STORED, "keys": [{**STORED["keys"][0], "last_day": "tomorrow"}]},
        {**STORED, "keys": [{name: value for name, value in STORED["keys"][0].items() if name != "revoked"}]},
    ],
    ids=lambda document: type(document).__name__,  # their contents are random, and processes must agree on names
)
def test_damaged_keys_are_an_error_and_not_fewer_keys(document):
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    if document == {**STORED, "keys": [{**STORED["keys"][0], "scopes": []}]}:
        return  # a key without scopes is for nothing
    with pytest.raises(KeysError, match="damaged"):
        Keys.from_json(content)


def test_keys_of_a_newer_version_say_so():
    with pytest.raises(KeysError, match="newer version"):
        Keys.from_json(json.dumps({**STORED, "format": 2}).encode())
