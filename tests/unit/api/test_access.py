"""Who may use which route: with a key, without one, with a bad one, and while the keys cannot be read."""

import json
from dataclasses import replace
from datetime import date, timedelta

import pytest

from api import ModelLoader, create_app
from api import access as module
from api.access import NEEDS, Guard, Keyring, Rates, route_of
from model.errors import KeysError, SharedError, SharedMissingError, SharedUnavailableError
from model.keys import Keys
from model.settings import AccessSettings
from model.storage import Content
from tests.clock import Clock
from tests.gateway import VERSIONS, Client

TODAY = date(2026, 11, 26)
GUARDED = AccessSettings(auth="key", keys="s3://models/access/keys.json")
VISITORS = [
    ("POST", "/recognize"),
    ("POST", "/detect"),
    ("POST", "/align"),
    ("POST", "/verify"),
    ("GET", "/labels"),
    ("POST", "/uploads"),
]
CLOSED = [*VISITORS, ("POST", "/embed")]
ADMITTED = {"/uploads": 404, "/verify": 415}
"""The status where a request is admitted, if it is not 200: there are no uploads here, and one photo is no pair."""

OPEN = [("GET", "/health"), ("GET", "/openapi.json")]


class Store:
    """A fake of the object with the keys. It counts the questions, and can fail."""

    def __init__(self):
        self.keys = Keys("dev")
        self.error = None
        self.asked = []
        self.content = None

    def create(self, name="website", scopes=("recognize",), **options):
        self.keys, _, text = self.keys.created(name, scopes, TODAY, **options)
        return text

    def revoke(self, name):
        self.keys, _ = self.keys.revoked(name, TODAY)

    def newer(self, known):
        self.asked.append(known)
        if self.error:
            raise self.error
        body = self.content or self.keys.to_json()
        etag = f'"{hash(body)}"'
        return None if etag == known else Content(body, etag)


@pytest.fixture
def store():
    return Store()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(autouse=True)
def day(monkeypatch):
    """Let today be `TODAY` for the guard."""
    monkeypatch.setattr(module, "today", lambda: TODAY)


@pytest.fixture
def client(serve, recognizer, telemetry, store, clock):
    """Return a client of an API with these settings, whose keys are in `store`."""

    def client(access=GUARDED, version="2.0"):
        keyring = Keyring(access, telemetry.keys_unavailable, store.newer, clock)
        return Client(serve(lambda: recognizer, guard=Guard(access, keyring, Rates(clock))), version)

    return client


def bearer(key):
    return {"authorization": f"Bearer {key}"}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("method", "path"), CLOSED)
def test_without_a_key_nothing_is_answered_and_no_photo_is_looked_at(client, recognizer, method, path, version):
    answer = client(version=version).send(method, path, b"photo", {"content-type": "image/jpeg"})
    assert (answer.status, answer.problem) == (401, "key-missing")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert recognizer.photos == []


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("method", "path"), CLOSED)
def test_a_key_opens_every_route_of_its_scope(client, store, method, path, version):
    headers = {"content-type": "image/jpeg", **bearer(store.create())}
    assert client(version=version).send(method, path, b"photo", headers).status == ADMITTED.get(path, 200)


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer "])
def test_the_scheme_is_read_as_http_says(client, store, scheme):
    assert client().get("/labels", {"authorization": f"{scheme} {store.create()}"}).status == 200


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic Zm9vOmJhcg==", "{key}", 'Digest username="x"', "\xe9"]
)
def test_a_header_that_holds_no_key_is_as_no_key(client, store, header):
    answer = client().get("/labels", {"authorization": header.format(key=store.create())})
    assert (answer.status, answer.problem) == (401, "key-missing")


def test_each_bad_key_has_its_own_sentence_and_nothing_of_it_is_repeated(client, store, lines):
    good = store.create()
    over = store.create("over", last_day=TODAY)
    store.keys = replace(
        store.keys,
        keys=tuple(replace(key, last_day=key.last_day and TODAY - timedelta(days=1)) for key in store.keys.keys),
    )
    revoked = store.create("revoked")
    store.revoke("revoked")
    api = client()
    bad = {
        "key-unknown": [good[:-1], f"{good}x", good.upper(), "x" * 5000, "visage_dev_", "é"],
        "key-over": [over],
        "key-revoked": [revoked],
        "key-of-another-stage": [good.replace("_dev_", "_prod_")],
    }
    sentences = set()
    for problem, texts in bad.items():
        for text in texts:
            answer = api.get("/labels", bearer(text))
            assert (answer.status, answer.problem) == (401, problem), text
            assert answer.headers["www-authenticate"].startswith("Bearer error=")
            assert text not in answer.body.decode()
            assert text not in json.dumps(lines(), ensure_ascii=False)
            sentences.add(answer.json["detail"])
    assert len(sentences) == len(bad)
    assert api.get("/labels", bearer(good)).status == 200


def test_a_key_for_other_requests_is_refused(client, store):
    answer = client().get("/labels", bearer(store.create(scopes=("people",))))
    assert (answer.status, answer.problem) == (403, "key-scope")
    assert answer.headers["www-authenticate"] == 'Bearer error="insufficient_scope", scope="recognize"'
    assert "`recognize`" in answer.json["detail"]


@pytest.mark.parametrize("access", [GUARDED, replace(GUARDED, auth="jwt"), replace(GUARDED, auth="none")])
@pytest.mark.parametrize(("method", "path"), [*OPEN, ("OPTIONS", "/recognize"), ("OPTIONS", "/labels")])
def test_health_contract_and_preflights_are_open_to_everybody(client, store, method, path, access):
    assert client(access).send(method, path).status in {200, 204}
    assert store.asked == []


@pytest.mark.parametrize(
    ("method", "path", "auth"),
    [*((*route, "none") for route in VISITORS), *((*route, auth) for route in CLOSED for auth in ("jwt", "iam"))],
)
def test_where_the_function_asks_for_no_key_s3_is_not_asked_either(client, store, method, path, auth):
    api = client(replace(GUARDED, auth=auth))
    for key in ({}, bearer("anything")):
        answer = api.send(method, path, b"photo", {"content-type": "image/jpeg", **key})
        assert answer.status == ADMITTED.get(path, 200)
    assert store.asked == []


@pytest.mark.parametrize(("method", "path"), [route for route in CLOSED if route not in VISITORS])
def test_what_the_owner_alone_may_do_needs_a_key_where_visitors_need_none(client, store, method, path):
    api = client(replace(GUARDED, auth="none"))
    photo = {"content-type": "image/jpeg"}
    assert api.send(method, path, b"photo", photo).problem == "key-missing"
    assert api.send(method, path, b"photo", {**photo, **bearer(store.create())}).status == 200


@pytest.mark.parametrize(("access", "failures"), [(AccessSettings(), 0), (AccessSettings(auth="key"), 1)])
def test_a_start_does_not_wait_for_the_keys_of_the_owner_alone(access, failures):
    failed = []
    module.guard_for(access, failed.append).prepare()  # fails, because these settings have no address of keys
    assert len(failed) == failures


def test_private_labels_need_a_key_and_recognition_does_not(client, store):
    api = client(replace(GUARDED, auth="none", private_labels=True))
    assert api.get("/labels").problem == "key-missing"
    assert api.get("/labels", bearer(store.create())).status == 200
    assert api.upload(b"photo").status == 200


@pytest.mark.parametrize("auth", ["key", "keys", "None", "everybody"])
def test_an_unknown_kind_of_access_is_as_strict_as_keys(client, auth):
    assert client(replace(GUARDED, auth=auth)).upload(b"photo").status == 401


def test_an_address_or_method_that_does_not_exist_needs_no_key(client):
    assert client().get("/nobody").problem == "not-found"
    assert client().get("/recognize").problem == "method-not-allowed"


def test_a_page_of_another_website_may_send_a_key(client):
    headers = client().send("OPTIONS", "/recognize").headers
    assert "Authorization" in headers["access-control-allow-headers"].split(", ")


def test_every_route_says_what_it_needs(telemetry):
    rules = create_app(ModelLoader(None), telemetry).url_map.iter_rules()
    routes = {route_of(rule.rule) for rule in rules}
    of_people = {path for path in routes if path.startswith("/people")}
    assert routes == set(NEEDS) == of_people | {path for _, path in [*CLOSED, *OPEN]}


def test_the_keys_are_read_at_most_every_few_seconds(client, store, clock):
    api, key = client(), bearer(store.create())
    for _ in range(5):
        api.get("/labels", key)
    assert len(store.asked) == 1
    clock.now += 5
    api.get("/labels", key)
    first, second = store.asked
    assert first == ""
    assert second.startswith('"')


def test_a_revoked_key_ends_and_a_new_one_works_within_seconds(client, store, clock):
    api, old = client(), store.create()
    assert api.get("/labels", bearer(old)).status == 200
    store.revoke("website")
    new = store.create()
    clock.now += 5
    assert api.get("/labels", bearer(old)).problem == "key-revoked"
    assert api.get("/labels", bearer(new)).status == 200


@pytest.mark.parametrize("jump", [3600, -3600])
def test_a_process_that_was_frozen_asks_before_it_believes_its_keys(client, store, clock, jump):
    api, key = client(), store.create()
    assert api.get("/labels", bearer(key)).status == 200
    store.revoke("website")
    clock.now += jump
    assert api.get("/labels", bearer(key)).problem == "key-revoked"


def test_while_s3_does_not_answer_the_keys_at_hand_go_on_for_a_bounded_time(client, store, clock, lines):
    api, key = client(), bearer(store.create())
    assert api.get("/labels", key).status == 200
    store.error = SharedUnavailableError("S3 is away.")
    for _ in range(59):
        clock.now += 5
        assert api.get("/labels", key).status == 200
    clock.now += 5
    answer = api.get("/labels", key)
    assert (answer.status, answer.problem) == (503, "keys-unavailable")
    assert answer.headers["retry-after"] == "5"
    assert "S3 is away." in [line.get("reason") for line in lines()]
    assert "S3" not in answer.json["detail"]
    store.error = None
    clock.now += 5
    assert api.get("/labels", key).status == 200


@pytest.mark.parametrize(
    "error", [SharedUnavailableError("S3 is away."), SharedMissingError("gone"), KeysError("damaged")]
)
def test_without_any_keys_at_hand_nobody_is_let_in(client, store, error):
    key = store.create()
    store.error = error
    assert client().get("/labels", bearer(key)).problem == "keys-unavailable"
    assert client().get("/labels").status == 401


@pytest.mark.parametrize("error", [SharedMissingError("gone"), SharedError("denied"), None])
def test_keys_that_are_gone_refused_or_damaged_end_at_once(client, store, clock, error):
    api, key = client(), bearer(store.create())
    assert api.get("/labels", key).status == 200
    store.error, store.content = error, b"damaged"
    clock.now += 5
    assert api.get("/labels", key).problem == "keys-unavailable"
    store.error = store.content = None
    clock.now += 5
    assert api.get("/labels", key).status == 200


def test_without_the_address_of_the_keys_nobody_is_let_in(serve, recognizer, telemetry):
    guard = module.guard_for(AccessSettings(auth="key"), telemetry.keys_unavailable)
    guard.prepare()
    api = Client(serve(lambda: recognizer, guard=guard), "2.0")
    assert api.get("/labels", bearer("x")).problem == "keys-unavailable"


def test_a_key_may_make_a_limited_number_of_requests_a_minute(client, store, clock):
    api, key, other = client(), bearer(store.create(rate=60)), bearer(store.create("other"))
    statuses = [api.get("/labels", key).status for _ in range(15)]
    assert statuses == [200] * 11 + [429] * 4
    refused = api.get("/labels", key)
    assert (refused.problem, refused.headers["retry-after"]) == ("too-many-requests", "1")
    assert api.get("/labels", other).status == 200
    clock.now += 1
    assert [api.get("/labels", key).status for _ in range(2)] == [200, 429]


def test_a_key_for_few_requests_waits_as_long_as_it_is_told(client, store, clock):
    api, key = client(), bearer(store.create(rate=1))
    assert api.get("/labels", key).status == 200
    wait = int(api.get("/labels", key).headers["retry-after"])
    assert wait == 50
    clock.now += wait
    assert api.get("/labels", key).status == 200


def test_the_log_names_the_key_by_its_id_and_says_why_it_was_refused(client, store, lines):
    key = store.create("Ann's phone")
    api = client()
    api.get("/labels", bearer(key))
    api.get("/labels", bearer("visage_dev_wrong"))
    admitted, refused = (line for line in lines() if line["message"] == "request")
    assert admitted["key"] == store.keys.keys[0].id
    assert refused["problem"] == "key-unknown"
    assert "key" not in refused
    assert "Ann" not in json.dumps(lines())


def test_refused_requests_are_counted(client, store, capsys):
    client().get("/labels")
    client().get("/labels", bearer(store.create(scopes=("people",))))
    counted = [json.loads(line).get("AccessRefused") for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    assert counted == [[1.0], [1.0]]
