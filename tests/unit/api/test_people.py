"""People come, change and go over HTTP; each photo gets its answer, and no owner loses what another one does."""

import io
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

import numpy as np
import pytest
from PIL import Image

from model.errors import SharedError, SharedMissingError, SharedUnavailableError
from model.roster import MAX_PHOTOS, Roster, trained_id
from model.roster_storage import RosterStorage
from model.settings import AccessSettings
from tests.gateway import APPEARANCE
from tests.people_service import TRAINED, Service, embedding

NOBODY = "aaaaaaaaaaaa"
NESTED = [("POST", "photos"), ("POST", "near-misses"), ("DELETE", "near-misses")]


def test_whoever_was_added_is_known_at_once_and_gone_after_they_are_removed(service):
    assert service.model.who("ann 7") is None
    identity = service.add("Ann", "ann 1", "ann 2")
    assert service.model.who("ann 7") == "Ann"
    assert service.names() == [TRAINED, "Ann"]
    removed = service.send("DELETE", f"/people/{identity}")
    assert removed.status == 200
    assert removed.json["name"] == "Ann"
    assert removed.json["gone_on"] == str(datetime.now(UTC).date())
    assert service.model.who("ann 7") is None
    assert service.get(f"/people/{identity}").problem == "unknown-person"
    assert b"Ann" not in service.path.read_bytes()


def test_the_answer_says_where_the_person_is_and_which_version_this_is(service):
    answer = service.post("/people", "ann 1", name="Ann")
    identity = answer.json["person"]["id"]
    assert answer.headers["location"] == f"people/{identity}"
    shown = service.get(f"/people/{identity}")
    assert shown.json == answer.json["person"]
    assert shown.headers["etag"] == answer.headers["etag"]


@pytest.mark.parametrize(
    "name",
    ["", "   ", "\u200b", "x" * 101, "x" * 10_000, "<b>Ann</b>", "a/b", "..\\..", "..", "a\nb", "a\x00b", "\u202eAnn"],
)
def test_a_name_that_nobody_can_have_gets_a_sentence_and_nobody_is_added(service, name):
    answer = service.post("/people", "ann 1", name=name)
    assert (answer.status, answer.problem) == (400, "bad-name")
    assert service.names() == [TRAINED]


@pytest.mark.parametrize("name", ["Zoë", "zoë", "ZOË", "Zoe\u0308", " Zoë ", "Zo\u00eb\u200b", TRAINED.upper()])
def test_a_name_that_somebody_has_is_refused_however_it_is_written(service, name):
    service.add("Zoë", "zoe 1")
    answer = service.post("/people", "ann 1", name=name)
    assert (answer.status, answer.problem) == (409, "name-taken")
    assert answer.json["id"] in {person["id"] for person in service.get("/people").json["people"]}
    assert len(service.names()) == 2


def test_each_photo_says_what_became_of_it(service):
    answer = service.post(
        "/people", "ann 1", "ann 2", "bob 1, ann 3", "empty room", "rubbish", "cid 1", "ann 1", name="Ann"
    )
    results = answer.json["photos"]
    assert [result["used"] for result in results] == [True, True, True, False, False, False, False]
    assert [result["chosen_by"] for result in results[:3]] == ["only_face", "only_face", "other_photos"]
    assert results[2]["face"] == 2
    kinds = [result["problem"]["type"].rpartition(":")[2] for result in results[3:]]
    assert kinds == ["no-face", "unsupported-format", "unlike-others", "same-photo"]
    assert all(result["problem"]["detail"] for result in results[3:])
    assert answer.json["person"]["photos"] == 3


def test_a_photo_of_several_people_is_a_question_until_the_owner_says_which(service):
    asked = service.post("/people", "ann 1, bob 1", name="Bob")
    assert (asked.status, asked.problem) == (422, "no-photo-used")
    (photo,) = asked.json["photos"]
    assert photo["problem"]["type"] == "urn:visage:problem:several-faces"
    assert len(photo["faces"]) == 2
    assert service.names() == [TRAINED]
    said = service.post("/people", "ann 1, bob 1", name="Bob", face="2")
    assert said.json["photos"][0] | {"faces": None} == photo | {
        "used": True,
        "face": 2,
        "chosen_by": "face",
        "problem": None,
        "faces": None,
        "advice": list(APPEARANCE.advice),
    }
    assert service.model.who("bob 9") == "Bob"


def test_a_single_photo_may_have_the_number_of_its_face_in_the_address(service):
    answer = service.post("/people?face=2", "ann 1, bob 1", name="Bob")
    assert answer.json["photos"][0]["face"] == 2


@pytest.mark.parametrize(
    ("photos", "fields", "status", "problem"),
    [
        ([], {}, 400, "image-missing"),
        (["ann 1"] * 51, {}, 400, "several-images"),
        (["ann 1"], {"face": "0"}, 400, "unknown-face"),
        (["ann 1"], {"face": "x"}, 400, "unknown-face"),
        (["ann 1"], {"face": ["1", "1"]}, 400, "unknown-face"),
        (["ann 1"], {"face": "3"}, 422, "no-photo-used"),
        (["empty room"], {}, 422, "no-photo-used"),
    ],
)
def test_photos_that_cannot_be_used_get_a_sentence_and_nobody_is_added(service, photos, fields, status, problem):
    answer = service.post("/people", *photos, name="Ann", **fields)
    assert (answer.status, answer.problem) == (status, problem)
    assert service.names() == [TRAINED]


def test_fifty_photos_are_taken_and_those_that_differ_most_are_kept(service):
    answer = service.post("/people", *(f"ann {number}" for number in range(50)), name="Ann")
    assert sum(result["used"] for result in answer.json["photos"]) == 50
    assert answer.json["person"]["photos"] == MAX_PHOTOS


def test_a_face_unlike_the_persons_others_is_asked_about_and_taken_if_the_owner_says_so(service):
    identity = service.add("Ann", "ann 1", "ann 2")
    asked = service.post(f"/people/{identity}/photos", "masked 1")
    assert asked.json["photos"][0]["problem"]["type"] == "urn:visage:problem:unlike-others"
    assert service.post(f"/people/{identity}/photos", "masked 1", face="1").json["person"]["photos"] == 3
    assert service.model.who("masked 1") == "Ann"


def test_somebody_who_is_there_under_another_name_is_said_to_look_alike(service):
    first = service.add("Ann", "ann 1")
    answer = service.post("/people", "ann 2", name="Anna")
    assert [other["id"] for other in answer.json["lookalikes"]] == [first]
    assert '"Anna" looks like "Ann"' in answer.json["remarks"][0]
    assert "alike" in answer.json["person"]["advice"]


def test_this_is_not_her_is_remembered_and_changes_nothing_for_her_own_photos(service):
    identity = service.add("Ann", "ann 1")
    double = "ann like"
    assert service.model.who(double) == "Ann"
    before = service.model.known.judge(embedding("ann 5")[None], np.zeros((1, 1), np.float32)).scores
    answer = service.post(f"/people/{identity}/near-misses", double)
    assert answer.json["person"]["near_misses"] == 1
    assert service.model.who(double) is None
    after = service.model.known.judge(embedding("ann 5")[None], np.zeros((1, 1), np.float32)).scores
    assert after == pytest.approx(before, abs=0.4)
    forgotten = service.send("DELETE", f"/people/{identity}/near-misses")
    assert forgotten.json["near_misses"] == 0
    assert service.model.who(double) == "Ann"


def test_somebody_whom_the_network_was_trained_on_gets_photos_and_cannot_be_renamed_or_removed(service):
    identity = trained_id(TRAINED)
    assert service.model.who("masked 1") is None
    assert service.post(f"/people/{identity}/photos", "masked 1", face="1").json["person"]["photos"] == 1
    assert service.model.who("masked 1") == TRAINED
    for answer in (
        service.send("DELETE", f"/people/{identity}"),
        service.send_json("PATCH", f"/people/{identity}", {"name": "Countess"}),
    ):
        assert (answer.status, answer.problem) == (409, "trained-person")
        assert "visage forget" in answer.json["detail"]
    assert service.names() == [TRAINED]


def test_people_are_renamed(service):
    identity = service.add("Ann", "ann 1")
    service.add("Bob", "bob 1")
    assert service.send_json("PATCH", f"/people/{identity}", {"name": "ANN"}).json["name"] == "ANN"
    assert service.send_json("PATCH", f"/people/{identity}", {"name": "bob"}).problem == "name-taken"
    for wrong in ({}, {"name": None}, {"name": 7}, {"name": ""}):
        assert service.send_json("PATCH", f"/people/{identity}", wrong).problem == "bad-name"
    for wrong in ([], "x", 7):
        assert service.send_json("PATCH", f"/people/{identity}", wrong).problem == "malformed-upload"
    assert service.model.who("ann 3") == "ANN"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("POST", "/photos"),
        ("POST", "/near-misses"),
        ("DELETE", "/near-misses"),
    ],
)
@pytest.mark.parametrize("identity", [NOBODY, "x", "%2e%2e", "💥", "x" * 3000])
def test_whoever_is_unknown_gets_a_sentence(service, method, path, identity):
    body = json.dumps({"name": "Ann"}).encode() if method == "PATCH" else b"ann 1" if method == "POST" else None
    kind = "application/json" if method == "PATCH" else "image/jpeg"
    answer = service.send(method, f"/people/{identity}{path}", body, {"content-type": kind})
    assert (answer.status, answer.problem) == (404, "unknown-person")


def test_what_another_owner_changed_is_not_overwritten(service):
    identity = service.add("Ann", "ann 1")
    seen = service.get(f"/people/{identity}").headers["etag"]
    assert service.send_json("PATCH", f"/people/{identity}", {"name": "Anne"}, if_match=seen).status == 200
    late = [
        service.send_json("PATCH", f"/people/{identity}", {"name": "Anna"}, if_match=seen),
        service.send("DELETE", f"/people/{identity}", headers={"if-match": seen}),
        service.post(f"/people/{identity}/photos", "ann 2", headers={"if-match": seen}),
        service.post(f"/people/{identity}/near-misses", "ann 2", headers={"if-match": seen}),
        service.send("DELETE", f"/people/{identity}", headers={"if-match": "rubbish"}),
    ]
    assert [(answer.status, answer.problem) for answer in late] == [(412, "changed-meanwhile")] * 5
    assert service.get(f"/people/{identity}").json["name"] == "Anne"


def test_a_request_that_is_sent_again_changes_nothing_and_gets_the_same_answer(service):
    first = service.post("/people", "ann 1", name="Ann", headers={"idempotency-key": "1"})
    again = service.post("/people", "ann 1", name="Ann", headers={"idempotency-key": "1"})
    assert (again.status, again.json) == (201, first.json)
    other = service.post("/people", "bob 1", name="Bob", headers={"idempotency-key": "1"})
    assert (other.status, other.problem) == (409, "request-reused")
    too_long = service.post("/people", "bob 1", name="Bob", headers={"idempotency-key": "1" * 201})
    assert (too_long.status, too_long.problem) == (400, "bad-parameter")
    assert service.names() == [TRAINED, "Ann"]


def test_pages_hold_everybody_once_in_the_order_of_their_names(service):
    names = ["Zoë", "ann", "Bob", "Éric", "bea"]
    for name in names:
        service.add(name, f"{name} 1")
    found, after = [], ""
    while after is not None:
        page = service.get(f"/people?limit=2{after}").json
        assert page["count"] == 6
        found += [person["name"] for person in page["people"]]
        after = page["next"] and f"&after={page['next']}"
    assert found == [TRAINED, "ann", "bea", "Bob", "Éric", "Zoë"]
    assert [person["name"] for person in service.get("/people?name=B").json["people"]] == ["bea", "Bob"]


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "limit=-1", "after=x", "after=W10=", "after=%F0"])
def test_a_page_that_cannot_be_is_refused(service, query):
    answer = service.get(f"/people?{query}")
    assert (answer.status, answer.problem) == (400, "bad-parameter")


def test_what_has_not_changed_is_not_sent_again(service):
    identity = service.add("Ann", "ann 1")
    for path in ("/people", f"/people/{identity}"):
        tag = service.get(path).headers["etag"]
        unchanged = service.get(path, if_none_match=tag)
        assert (unchanged.status, unchanged.body) == (304, b"")
    service.add("Bob", "bob 1")
    assert service.get("/people", if_none_match=tag).status == 200


@pytest.mark.parametrize("key", ["visitor", "none"])
def test_nobody_but_the_owner_sees_or_changes_people(service, key):
    identity = service.add("Ann", "ann 1")
    person = f"/people/{identity}"
    requests = [("GET", "/people"), ("POST", "/people"), *((method, person) for method in ("GET", "PATCH", "DELETE"))]
    for method, path in [*requests, *((method, f"{person}/{what}") for method, what in NESTED)]:
        answer = (
            service.send(method, path, b"ann 1", key=service.visitors_key)
            if key == "visitor"
            else service.client.send(method, path, b"ann 1")
        )
        assert (answer.status, answer.problem) == ((403, "key-scope") if key == "visitor" else (401, "key-missing"))
    assert service.names() == [TRAINED, "Ann"]


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({}, 403),
        ({"scope": "recognize"}, 403),
        ({"scope": "peoples"}, 403),
        ({"scope": "recognize people"}, 200),
        ({"scp": "[recognize people]"}, 200),
        ({"scp": ["people"]}, 200),
        (None, 403),
        ("people", 403),
    ],
)
def test_a_jwt_needs_the_scope_people_for_the_owners_requests(tmp_path, telemetry, claims, status):
    service = Service(tmp_path / "roster.npz", telemetry, AccessSettings(auth="jwt"))
    event = service.client.event("GET", "/people", None, {}, True)
    event["requestContext"]["authorizer"] = {"jwt": {"claims": claims, "scopes": None}}
    assert service.client.invoke(event).status == status


def test_owners_at_the_same_time_lose_nothing(service):
    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(lambda number: service.add(f"Person {number}", f"p{number} 1"), range(24)))
    assert len(set(ids)) == 24
    assert service.get("/people").json["count"] == 25
    assert service.get("/people").json["roster"]["version"] == 24


@pytest.mark.parametrize("error", [SharedUnavailableError("s3"), SharedError("denied"), SharedMissingError("gone")])
def test_while_s3_fails_answers_go_on_by_the_roster_at_hand_and_nothing_changes(service, error, lines):
    identity = service.add("Ann", "ann 1")
    service.shared.error = error
    assert service.get("/people").json["roster"]["version"] == 1
    assert service.model.who("ann 3") == "Ann"
    for answer in (service.post("/people", "bob 1", name="Bob"), service.send("DELETE", f"/people/{identity}")):
        if not isinstance(error, SharedMissingError):
            assert (answer.status, answer.problem) == (503, "roster-unavailable")
            assert answer.headers["retry-after"]
    assert any(line["message"] == "roster unavailable" for line in lines())


@pytest.mark.parametrize("content", [b"", b"rubbish", b"PK\x03\x04", Roster("another-space").to_bytes()])
def test_a_roster_that_cannot_be_read_is_not_replaced_and_the_trained_are_still_known(service, content):
    service.path.write_bytes(content)
    assert service.model.who("ada 3") == TRAINED
    for answer in (service.get("/people"), service.post("/people", "bob 1", name="Bob")):
        assert (answer.status, answer.problem) == (503, "roster-unavailable")
    assert service.path.read_bytes() == content


def test_no_name_and_no_photo_is_logged(service, lines):
    identity = service.add("Ann Secret", "ann 1", "empty room")
    service.send_json("PATCH", f"/people/{identity}", {"name": "Anne Secret"})
    service.post("/people", "bob 1", name="anne secret")
    service.get("/people?name=Secret")
    service.send("DELETE", f"/people/{identity}")
    assert "secret" not in json.dumps(lines()).lower()


def test_a_roster_larger_than_was_measured_is_said(service, monkeypatch):
    monkeypatch.setattr("model.known.KnownPeople.supported", property(lambda _: 1))
    service.add("Ann", "ann 1")
    assert "measured for 1" in service.post("/people", "bob 1", name="Bob").json["remarks"][0]


@pytest.fixture
def pictured(tmp_path, telemetry, monkeypatch):
    """Return a service that keeps thumbnails for whom its owner says: the owner, or visitors too."""
    monkeypatch.setattr("api.access.today", lambda: date(2026, 11, 26))
    return lambda whose: Service(tmp_path / "bundle.roster.npz", telemetry, AccessSettings(thumbnails=whose))


def test_a_picture_of_a_person_is_kept_only_if_the_owner_says_so_and_goes_with_the_person(pictured, tmp_path):
    service = pictured("owner")
    assert service.get("/people").json["roster"]["thumbnails"]
    identity = service.add("Ann", "ann 1", "ann 2")
    path = f"/people/{identity}/thumbnail"
    assert service.get(f"/people/{identity}").json["thumbnail"]
    picture = service.get(path)
    assert picture.headers["content-type"] == "image/jpeg"
    with Image.open(io.BytesIO(picture.body)) as opened:
        assert opened.size == (160, 160)
    assert service.client.get(path).problem == "key-missing"
    service.send("DELETE", f"/people/{identity}")
    assert service.get(path).problem == "no-thumbnail"
    assert not list(tmp_path.rglob("*.jpg"))


def test_an_owner_who_is_too_late_changes_no_picture(pictured, tmp_path):
    service = pictured("owner")
    identity = service.add("Ann", "ann 1")
    late = {"if-match": service.get(f"/people/{identity}").headers["etag"]}
    service.send_json("PATCH", f"/people/{identity}", {"name": "Anne"})
    assert service.send("DELETE", f"/people/{identity}", headers=late).status == 412
    assert service.get(f"/people/{identity}/thumbnail").status == 200
    other = trained_id(TRAINED)
    assert service.post(f"/people/{other}/photos", "ada 4", headers=late).status == 412
    assert len(list(tmp_path.rglob("*.jpg"))) == 1


def test_visitors_see_pictures_only_if_the_owner_allows_it(pictured):
    service = pictured("visitors")
    identity = service.add("Ann", "ann 1")
    assert service.client.get(f"/people/{identity}/thumbnail").status == 200
    assert service.client.get(f"/people/{identity}").problem == "key-missing"


def test_no_picture_is_kept_unless_the_owner_says_so(service, tmp_path):
    identity = service.add("Ann", "ann 1")
    assert not service.get(f"/people/{identity}").json["thumbnail"]
    assert service.get(f"/people/{identity}/thumbnail").problem == "no-thumbnail"
    assert not list(tmp_path.rglob("*.jpg"))


def test_a_picture_that_is_gone_is_said_to_be_missing(pictured, tmp_path):
    service = pictured("owner")
    identity = service.add("Ann", "ann 1")
    for picture in tmp_path.rglob("*.jpg"):
        picture.unlink()
    assert service.get(f"/people/{identity}/thumbnail").problem == "no-thumbnail"
    assert service.send("DELETE", f"/people/{identity}").status == 200


def test_somebody_on_whom_the_network_was_trained_gets_a_picture_with_their_first_photo(pictured):
    service = pictured("owner")
    identity = trained_id(TRAINED)
    assert service.get(f"/people/{identity}/thumbnail").problem == "no-thumbnail"
    service.post(f"/people/{identity}/photos", "ada 4")
    assert service.get(f"/people/{identity}/thumbnail").status == 200


@pytest.mark.parametrize(
    ("auth", "key", "claims", "fresh"),
    [
        ("none", "none", {}, False),
        ("none", "owner", {}, True),
        ("key", "visitor", {}, False),
        ("key", "both", {}, True),
        ("jwt", "none", {"scope": "recognize"}, False),
        ("jwt", "none", {"scope": "people"}, True),
    ],
)
def test_only_owners_let_each_request_ask_for_the_newest_roster(
    tmp_path, telemetry, monkeypatch, auth, key, claims, fresh
):
    monkeypatch.setattr("api.access.today", lambda: date(2026, 11, 26))
    service = Service(tmp_path / "bundle.roster.npz", telemetry, AccessSettings(auth=auth))
    asked = []
    monkeypatch.setattr(service.rosters, "show", lambda _, *, fresh=False: asked.append(fresh))
    text = {"owner": service.key, "visitor": service.visitors_key, "both": service.both_key}.get(key)
    event = service.client.event("GET", "/labels", None, {"authorization": f"Bearer {text}"} if text else {}, True)
    event["requestContext"]["authorizer"] = {"jwt": {"claims": claims}}
    assert service.client.invoke(event).status == 200
    assert asked == [fresh]


def test_somebody_who_was_added_and_is_trained_on_later_is_one_person_with_the_same_id(service):
    storage = RosterStorage.at(str(service.path), service.rosters._storage.space)
    storage.change(lambda roster: roster.with_person(TRAINED, embedding("masked 1")[None], [1.0]))
    (person,) = service.get("/people").json["people"]
    assert (person["name"], person["trained"], person["photos"]) == (TRAINED, True, 1)
    assert person["id"] == storage.read()[0].people[0].id
    assert service.post(f"/people/{person['id']}/photos", "ada 3").json["person"]["photos"] == 2
    assert service.model.who("masked 1") == TRAINED
