"""The roster leaves a service as a file, and people come back from one; nobody is lost and nobody comes uninvited."""

from dataclasses import replace

import numpy as np
import pytest

from model.roster import Person, Roster, now, stored, trained_id
from model.space import embedding_space
from tests.people_service import TRAINED, Service, vector


@pytest.fixture
def other(tmp_path, telemetry, service):
    """Another service of the same embedding space."""
    return Service(tmp_path / "other.roster.npz", telemetry)


def backup_of(service):
    answer = service.get("/people/export")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/octet-stream")
    return answer.body


def bring(service, content, **more):
    return service.send_json("POST", "/people/import", {"upload": service.uploads.put(content), **more})


def test_people_of_one_service_come_to_another_with_all_that_is_known_of_them(service, other):
    ann = service.add("Ann", "ann 1", "ann 2")
    service.add("Bob", "bob 1")
    service.post(f"/people/{ann}/near-misses", "eve 1")
    answer = bring(other, backup_of(service))
    assert (answer.status, answer.json["added"], answer.json["people"], answer.json["remarks"]) == (200, 2, 2, [])
    assert answer.json["roster"]["version"] == 1
    assert other.names() == service.names()
    assert other.get(f"/people/{ann}").json["near_misses"] == 1
    assert other.model.who("ann 3") == "Ann"


def test_whoever_is_there_stays_as_they_are(service):
    ann = service.add("Ann", "ann 1")
    content = backup_of(service)
    service.post(f"/people/{ann}/photos", "ann 2")
    service.send_json("PATCH", f"/people/{ann}", {"name": "Anna"})
    before = service.get(f"/people/{ann}").json
    answer = bring(service, content)
    assert (answer.json["added"], answer.json["left_out"], answer.json["remarks"]) == (0, 0, [])
    assert service.get(f"/people/{ann}").json == before


def test_whoever_was_removed_comes_back_only_if_the_owner_says_so(service):
    ann = service.add("Ann", "ann 1")
    service.add("Bob", "bob 1")
    content = backup_of(service)
    service.send("DELETE", f"/people/{ann}")
    kept_out = bring(service, content).json
    assert (kept_out["added"], kept_out["left_out"]) == (0, 0)
    assert "1 person of the file was removed here" in kept_out["remarks"][0]
    assert bring(service, content, restore=True).json["added"] == 1
    assert service.get(f"/people/{ann}").status == 200
    assert bring(service, content).json["remarks"] == []


@pytest.mark.parametrize("restore", [False, True])
def test_a_name_that_somebody_else_has_is_left_out_with_a_sentence(service, other, restore):
    service.add("Ann", "ann 1")
    other.add("ANN", "other 1")
    answer = bring(other, backup_of(service), restore=restore).json
    assert (answer["added"], answer["left_out"]) == (0, 1)
    assert '"Ann" was left out' in answer["remarks"][0]


def roster(service, *people):
    """Return a roster with one embedding of each of these people."""
    not_computed = np.full(len(people), np.nan, np.float32)
    return Roster(
        embedding_space(service.model.manifest),
        3,
        people,
        stored(np.stack([vector(person.name) for person in people])),
        np.arange(len(people)),
        np.zeros(len(people), np.bool_),
        penalties=not_computed,
        norms=not_computed,
    )


def person(name, identity="aaaaaaaaaaaa", **more):
    return Person(identity, name, now(), now(), 1, **more)


def test_a_name_of_somebody_on_whom_the_network_was_trained_is_left_out_and_their_further_photos_come(service):
    further = person(TRAINED, trained_id(TRAINED), trained=True)
    answer = bring(service, roster(service, person(TRAINED.upper()), further).to_bytes()).json
    assert (answer["added"], answer["left_out"]) == (1, 1)
    assert service.get(f"/people/{trained_id(TRAINED)}").json["photos"] == 1


UNUSABLE = {
    "empty": (lambda content: b"", "damaged"),
    "no roster": (lambda content: b"a photo", "damaged"),
    "half": (lambda content: content[: len(content) // 2], "damaged"),
    "another space": (lambda content: replace(Roster.from_bytes(content), space="else").to_bytes(), "another geometry"),
    "a name of two lines": (lambda content: content.replace(b'"Ann"', b'"A\\n"'), "damaged"),
}


@pytest.mark.parametrize(("spoil", "reason"), UNUSABLE.values(), ids=UNUSABLE.keys())
def test_a_file_that_is_no_roster_of_this_service_is_one_sentence_and_changes_nothing(service, other, spoil, reason):
    service.add("Ann", "ann 1")
    answer = bring(other, spoil(backup_of(service)))
    assert (answer.status, answer.problem) == (422, "unusable-roster")
    assert reason in answer.json["detail"]
    assert not other.path.exists()


def test_a_file_with_a_name_that_nobody_can_have_is_refused(service):
    answer = bring(service, roster(service, person("A\nB")).to_bytes())
    assert (answer.status, answer.problem) == (422, "unusable-roster")
    assert "a name that nobody can have" in answer.json["detail"]


@pytest.mark.parametrize(
    ("given", "status", "problem"),
    [
        ({}, 400, "malformed-upload"),
        ({"upload": 7}, 400, "malformed-upload"),
        ({"upload": "uploads/x"}, 404, "unknown-upload"),
        ({"upload": "uploads/x", "restore": "yes"}, 400, "bad-parameter"),
    ],
)
def test_a_request_that_names_no_upload_is_one_sentence(service, given, status, problem):
    answer = service.send_json("POST", "/people/import", given)
    assert (answer.status, answer.problem) == (status, problem)


def test_a_roster_never_gets_more_people_than_it_can_have(service, other, monkeypatch):
    service.add("Ann", "ann 1")
    other.add("Bob", "bob 1")
    content = backup_of(service)
    monkeypatch.setattr("model.roster.MAX_PEOPLE", 1)
    answer = bring(other, content)
    assert (answer.status, answer.problem) == (409, "roster")
    assert other.names() == [TRAINED, "Bob"]


def test_a_roster_in_s3_is_downloaded_from_there(service, monkeypatch):
    service.add("Ann", "ann 1")
    monkeypatch.setattr(service.shared, "link", lambda: "https://s3.test/roster.npz?signed")
    answer = service.get("/people/export")
    assert answer.json == {"url": "https://s3.test/roster.npz?signed", "expires_in_s": 300}


def test_nobody_gets_or_changes_the_roster_without_the_owners_key(service):
    for key in ("nonsense", service.visitors_key):
        assert service.send("GET", "/people/export", key=key).status in {401, 403}
        assert service.send("POST", "/people/import", b"{}", key=key).status in {401, 403}
