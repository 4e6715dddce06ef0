"""The keys of a deployed stage: owners make, list and revoke them. tests/stack/test_aws.py uses them."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from deploy import keys, local
from deploy.target import local_target
from model.keys import OBJECT, today


@pytest.fixture
def keys_command(stack, visage, monkeypatch):
    """Run `visage keys` with the tests' local AWS as that of the command line."""
    monkeypatch.setattr(local, "default", lambda _: stack.local)
    return lambda *words: visage("keys", *words)


@pytest.fixture
def create(keys_command):
    """Make a key as an owner does, and return it."""

    def create(name, *options):
        ended = keys_command("create", name, *options)
        assert ended.status == 0, ended.err
        (key,) = ended.out.split()
        return key

    return create


def known(stack):
    return {key.name: key for key in keys.listed(stack.target).keys}


def test_a_key_is_printed_once_and_kept_as_a_hash(stack, create, keys_command):
    key = create("listed", "--last-day", "2999-12-31", "--rate", "60")
    listed = keys_command("list", "--json").out
    (found,) = [each for each in json.loads(listed) if each["name"] == "listed"]
    shown = (found["scopes"], found["last_day"], found["rate"], found["works"])
    assert shown == (["recognize"], "2999-12-31", 60, True)
    told = keys_command("list").out
    assert "works until 2999-12-31" in told
    assert key.removeprefix("visage_local_") not in listed + told
    assert keys.listed(stack.target).find(key).id == found["id"]


def test_a_key_is_revoked_by_its_name_or_id_and_no_other(stack, create, keys_command):
    for name in ("phone", "tablet", "camera"):
        create(name)
    assert keys_command("revoke", "phone").status == 0
    assert keys_command("revoke", known(stack)["tablet"].id, "--json").status == 0
    works = {name: key.works(today()) for name, key in known(stack).items() if name in {"phone", "tablet", "camera"}}
    assert works == {"phone": False, "tablet": False, "camera": True}
    assert f"revoked on {today()}" in keys_command("list").out


def test_a_stage_that_asks_visitors_for_no_keys_says_so(keys_command):
    assert "asks visitors for no keys" in " ".join(keys_command("create", "early").err.split())


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("create", " "), "one line"),
        (("create", "x", "--rate", "0"), "--rate"),
        (("revoke", "nobody"), "no key named"),
    ],
)
def test_what_cannot_be_done_with_keys_is_one_sentence(keys_command, words, reason):
    ended = keys_command(*words)
    assert ended.status in {1, 2}
    assert reason in " ".join(ended.err.split())


def test_owners_who_change_keys_at_once_lose_nothing(stack):
    def make(number):
        target = local_target(stack.local)
        for each in range(3):
            name = f"{number}.{each}"
            keys.change(target, lambda known, name=name: known.created(name, ["people"], today())[:2])

    with ThreadPoolExecutor(6) as owners:
        list(owners.map(make, range(6)))
    assert {f"{number}.{each}" for number in range(6) for each in range(3)} <= set(known(stack))


def test_keys_that_were_deleted_by_hand_can_be_made_again(stack, create, keys_command):
    create("former")
    with stack.client("s3") as s3:
        s3.delete_object(Bucket=stack.outputs()["ModelBucket"], Key=OBJECT)
    assert keys_command("list").out.startswith("There are no keys.")
    create("newer")
    assert set(known(stack)) == {"newer"}


def test_a_deployment_keeps_the_keys_that_there_are(stack, create):
    create("kept")
    keys.make_object(stack.target)
    assert "kept" in known(stack)
