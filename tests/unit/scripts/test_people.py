"""`visage people` asks a real API over HTTP, in which photos are texts that name their faces."""

import json
import threading
from contextlib import contextmanager

import pytest
from typer.testing import CliRunner
from werkzeug.serving import make_server

from model.roster import Roster
from scripts.client import Client
from scripts.command_line import application
from scripts.errors import CommandError
from scripts.people_photos import choose_faces
from tests.people_service import TRAINED

ADDED = {"person": {"id": "a" * 12}, "photos": [], "remarks": [], "roster": {}}


@contextmanager
def serving(app):
    server = make_server("127.0.0.1", 0, app)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def people(service, variable, monkeypatch):
    """Run `visage people` with the owner's key on an API that listens."""
    variable(service.key)
    # The service has no S3: what would be uploaded there arrives at once.
    monkeypatch.setattr(Client, "upload", lambda _, content: service.uploads.put(content))
    with serving(service.app) as url:

        def people(command, *words):
            return CliRunner().invoke(application(), ["people", command, *map(str, words), "--url", url])

        yield people


@pytest.fixture
def photo(tmp_path):
    def photo(faces, name=None):
        path = tmp_path / f"{name or faces}.jpg"
        path.write_text(faces)
        return path

    return photo


def printed(done):
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def names(people, *words):
    return [person["name"] for person in printed(people("list", "--json", *words))["people"]]


def test_a_person_is_added_listed_renamed_and_removed(service, people, photo):
    added = printed(people("add", "Ann", photo("ann 1"), photo("ann 2"), "--json"))
    assert [result["used"] for result in added["photos"]] == [True, True]
    assert added["person"]["photos"] == 2
    assert names(people) == [TRAINED, "Ann"]
    assert "Ann is now Anna." in people("rename", "ann", "Anna").stdout
    assert names(people, "--name", "ANN") == ["Anna"]
    assert service.model.who("ann 3") == "Anna"
    ended = people("remove", added["person"]["id"], "--yes")
    assert (ended.exit_code, ended.stdout.splitlines()[0]) == (0, "Anna is removed.")
    assert names(people) == [TRAINED]


def test_everybody_is_listed_however_many_pages_there_are(service, people, monkeypatch):
    monkeypatch.setattr("scripts.people._PAGE", 2)
    for number in range(4):
        service.add(f"Ann {number}", f"ann{number} 1")
    assert names(people) == [TRAINED, *(f"Ann {number}" for number in range(4))]


def test_the_list_says_how_well_people_are_known_and_what_would_help(service, people):
    service.add("Ann", "ann 1")
    table = people("list").stdout
    assert "trained" in table
    assert "add photos" in table
    assert "There is nobody." in people("list", "--name", "zebedee").stdout


def test_a_photo_that_is_not_used_is_status_1_and_the_others_are_used(people, photo, tmp_path):
    (tmp_path / "empty").mkdir()
    done = people("add", "Ann", photo("ann 1"), photo("empty room"), tmp_path / "missing.jpg", tmp_path / "empty")
    assert str(done.exception) == "Photos that were not used: 3 of 4."
    assert f"used {tmp_path}/ann 1.jpg" in done.stdout
    assert "No face was found" in done.stdout
    assert "No such file" in done.stdout
    assert "Ann: 1 photo kept" in done.stdout


def test_nobody_is_added_if_no_photo_can_be_used(people, photo):
    done = people("add", "Ann", photo("empty room"), "--json")
    assert isinstance(done.exception, CommandError)
    assert json.loads(done.stdout)["person"] is None
    assert names(people) == [TRAINED]


def test_a_photo_of_several_people_is_asked_about_with_options_to_copy(service, people, photo):
    both = photo("bob 1, ann 1", "both")
    done = people("add", "Ann", both)
    assert done.exit_code == 1
    assert f"--face {both}=2  (the second from the left)" in done.stdout
    assert people("add", "Ann", both, "--face", "both.jpg=2").exit_code == 0
    assert service.model.who("ann 2") == "Ann"


def test_photos_come_to_somebody_who_is_known_only_if_the_owner_says_so(people, photo):
    people("add", "Ann", photo("ann 1"))
    refused = people("add", "ANN", photo("ann 2"))
    assert "--to-existing" in str(refused.exception)
    assert printed(people("add", "ANN", photo("ann 2"), "--to-existing", "--json"))["person"]["photos"] == 2
    assert "nobody called" in str(people("add", "Zoe", photo("zoe 1"), "--to-existing").exception)
    assert printed(people("add", TRAINED, photo("ada 5"), "--to-existing", "--json"))["person"]["trained"]


def test_many_photos_go_in_several_requests_and_large_ones_through_s3(service, people, photo, monkeypatch):
    monkeypatch.setattr("scripts.people_photos._BATCH", 2)
    monkeypatch.setattr("api.upload.MAX_PHOTO_BYTES", 12)
    photos = [photo(f"ann {number}") for number in range(5)] + [photo("ann 100, bob 1"), photo("ann 200")]
    added = printed(people("add", "Ann", *photos, "--face", "ann 100, bob 1.jpg=1", "--json"))
    assert added["person"]["photos"] == 7
    assert service.uploads.files == {}


def test_a_request_that_is_sent_again_adds_nobody_twice(api, photo, monkeypatch):
    monkeypatch.setattr("scripts.client.time.sleep", lambda _: None)
    sent = []
    headers = api.do_POST

    def keep(request):
        sent.append(request.headers["Idempotency-Key"])
        headers(request)

    monkeypatch.setattr(api, "do_POST", keep)
    api.answers = [(503, {"detail": "Busy."}), (504, b""), (201, ADDED | {"photos": [{"used": True, "advice": []}]})]
    done = CliRunner().invoke(application(), ["people", "add", "Ann", str(photo("ann 1")), "--url", api.url, "--json"])
    assert done.exit_code == 0, done.output
    assert len(sent) == 3
    assert len(set(sent)) == 1


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ([(503, {"detail": "Busy."})] * 4, "Busy."),
        ([(400, {"detail": "The name is empty."})], "The name is empty."),
        ([(500, b"<html>")], "without JSON"),
        ([(200, {"other": "API"})], "Status 200."),
        ([(401, {"detail": "A key is needed."})], "set VISAGE_KEY"),
    ],
)
def test_an_answer_that_is_no_success_is_one_sentence(api, photo, monkeypatch, answers, reason):
    monkeypatch.setattr("scripts.client.time.sleep", lambda _: None)
    api.answers = list(answers)
    done = CliRunner().invoke(application(), ["people", "add", "Ann", str(photo("ann 1")), "--url", api.url])
    assert isinstance(done.exception, CommandError)
    assert reason in str(done.exception)
    assert api.answers == []


def test_a_name_that_nobody_has_gets_near_ones(service, people):
    service.add("Marie Curie", "marie 1")
    assert str(people("remove", "Mary Curie", "--yes").exception).startswith(
        'There is nobody called "Mary Curie". Did you mean "Marie Curie"?'
    )


def test_somebody_on_whom_the_network_was_trained_is_not_removed_and_the_way_is_said(people):
    for ended in (people("remove", TRAINED), people("rename", TRAINED, "Ada")):
        assert "visage forget" in str(ended.exception)


def test_nobody_is_removed_without_a_yes(service, people):
    service.add("Ann", "ann 1")
    assert "Give --yes" in str(people("remove", "Ann").exception)
    assert names(people) == [TRAINED, "Ann"]


def test_a_backup_is_a_file_from_which_people_come_back(service, people, tmp_path):
    ann = service.add("Ann", "ann 1")
    assert printed(people("export", tmp_path / "people.npz", "--json"))["people"] == 1
    assert Roster.from_bytes((tmp_path / "people.npz").read_bytes()).find(ann)
    assert "--replace" in str(people("export", tmp_path / "people.npz").exception)
    people("remove", "Ann", "--yes")
    assert "removed here" in people("import", tmp_path / "people.npz").stdout
    assert "added 1 person" in people("import", tmp_path / "people.npz", "--restore").stdout
    people("rename", "Ann", "Anna")
    service.add("ANN", "other 1")
    people("remove", "Anna", "--yes")
    done = people("import", tmp_path / "people.npz", "--restore")
    assert str(done.exception) == "People who were left out: 1."


def test_a_file_that_is_no_backup_is_one_sentence(people, photo, tmp_path):
    assert "damaged" in str(people("import", photo("ann 1")).exception)
    assert isinstance(people("import", tmp_path / "missing.npz").exception, OSError)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["us.jpg"], "is not PHOTO=N"),
        (["us.jpg="], "is not PHOTO=N"),
        (["us.jpg=0"], "is not PHOTO=N"),
        (["us.jpg=-1"], "is not PHOTO=N"),
        (["us.jpg=²"], "is not PHOTO=N"),
        (["=1"], "is not PHOTO=N"),
        (["them.jpg=1"], "none of the photos"),
        (["us.jpg=1"], "several of the photos"),
    ],
)
def test_an_option_that_names_no_face_of_a_photo_is_one_sentence(tmp_path, words, reason):
    photos = dict.fromkeys([tmp_path / "a" / "us.jpg", tmp_path / "b" / "us.jpg"], "")
    with pytest.raises(CommandError, match=reason):
        choose_faces(words, photos)


def test_a_face_is_named_by_the_path_of_its_photo_or_by_the_name_of_the_file(tmp_path):
    one, other = tmp_path / "a" / "us.jpg", tmp_path / "b" / "a=b.jpg"
    photos = dict.fromkeys([one, other], "")
    assert choose_faces([f"{one}=2", "a=b.jpg=12"], photos) == {one: 2, other: 12}


@pytest.mark.parametrize("words", [[], ["--url", "http://x.test", "--bundle", "bundle"]])
def test_neither_or_both_of_url_and_bundle_are_wrong_arguments(words):
    done = CliRunner().invoke(application(), ["people", "list", *words])
    assert done.exit_code == 2
    assert "Give either --bundle FOLDER or --url URL." in done.stderr


def test_a_bundle_in_s3_is_refused_with_what_to_give():
    done = CliRunner().invoke(application(), ["people", "list", "--bundle", "s3://bucket/bundle"])
    assert "give its --url" in str(done.exception)
