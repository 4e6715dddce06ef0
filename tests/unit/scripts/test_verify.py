"""`visage verify` answers whether two photos show one person; its status is 0 if there is an answer."""

import json

import pytest
from typer.testing import CliRunner

from scripts.command_line import application
from scripts.errors import CommandError

FACE = {"face": 1, "faces": 1, "advice": []}
ONE = {"same": True, "similarity": 0.7, "score": 0.31, "threshold": 0.066, "false_accept_rate": 0.001}
ONE |= {"a": FACE, "b": FACE}
TWO = ONE | {"same": False, "similarity": 0.1, "score": -0.2}


@pytest.fixture
def photos(tmp_path):
    names = [tmp_path / "ann.jpg", tmp_path / "bob.jpg"]
    for name in names:
        name.write_bytes(b"photo")
    return names


def verify(*words):
    return CliRunner().invoke(application(), ["verify", *map(str, words)])


@pytest.mark.parametrize(("answer", "verdict"), [(ONE, "bob.jpg show one person."), (TWO, "bob.jpg show two people.")])
def test_both_answers_are_status_0(api, photos, answer, verdict):
    api.answers = [(200, answer), (200, answer)]
    done = verify("--url", api.url, *photos)
    assert done.exit_code == 0
    assert verdict in done.stdout.replace("\n", " ")
    assert "0.10%" in done.stdout
    done = verify("--url", api.url, "--json", *photos)
    assert (done.exit_code, json.loads(done.stdout)) == (0, answer)


def test_the_photos_and_the_numbers_of_the_faces_are_sent_with_the_key(api, photos, variable):
    variable("visage_dev_key")
    api.answers = [(200, ONE)]
    verify("--url", api.url, "--face-b", "3", *photos)
    assert api.keys[-1] == "Bearer visage_dev_key"
    for name in (b'name="a"; filename', b'name="b"; filename', b'name="face_a"\r\n\r\n1', b'name="face_b"\r\n\r\n3'):
        assert name in api.bodies[-1]


def test_photos_that_are_too_large_together_go_through_s3(api, photos):
    for photo in photos:
        photo.write_bytes(bytes(2_500_000))
    invitations = [{"upload": f"uploads/{n}", "url": f"{api.url}/bucket", "fields": {"key": "x"}} for n in "ab"]
    api.answers = [answer for each in invitations for answer in ((201, each), (204, b""))] + [(200, ONE)]
    assert verify("--url", api.url, *photos).exit_code == 0
    assert json.loads(api.bodies[-1]) == {"a": "uploads/a", "b": "uploads/b", "face_a": 1, "face_b": 1}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((422, {"detail": "Photo `a`: No face was found."}), "Photo `a`: No face was found."),
        ((502, b"<html>"), "without JSON"),
        ((200, {"faces": []}), "Status 200."),
        ((200, ONE | {"same": "yes"}), "Status 200."),
        ((200, ONE | {"a": None}), "Status 200."),
        ((404, {"detail": "There is nothing at this address."}), "There is nothing at this address."),
        ((401, {"detail": "A key is needed."}), "set VISAGE_KEY"),
    ],
)
def test_without_an_answer_the_status_is_1_and_the_reason_one_sentence(api, photos, answer, reason):
    api.answers = [answer]
    done = verify("--url", api.url, *photos)
    assert isinstance(done.exception, CommandError)
    assert reason in str(done.exception)
    assert done.stdout == ""


def test_what_makes_an_answer_doubtful_is_said(api, photos):
    several = FACE | {"face": 2, "faces": 3, "advice": ["too_small", "blurred"]}
    api.answers = [(200, ONE | {"b": several, "false_accept_rate": None})]
    done = verify("--url", api.url, *photos)
    said = " ".join(done.stderr.split())
    assert "not measured" in done.stdout
    assert "bob.jpg shows 3 faces; number 2 was compared. --face-b takes another." in said
    assert "bob.jpg is too small, blurred: the answer may be wrong." in said
    assert "ann.jpg shows" not in said


@pytest.mark.parametrize("words", [[], ["--url", "http://x.test", "--bundle", "bundle"]])
def test_neither_or_both_ways_to_compare_are_wrong_arguments(photos, words):
    done = verify(*words, *photos)
    assert (done.exit_code, "Give either --bundle DIR or --url URL." in done.stderr) == (2, True)


@pytest.mark.parametrize(("name", "reason"), [("missing.jpg", "There is no photo"), (".", "it is no file")])
def test_what_is_no_photo_is_said_before_anything_is_sent(photos, tmp_path, name, reason):
    done = verify("--url", "http://127.0.0.1:9", photos[0], tmp_path / name)
    assert reason in str(done.exception)
