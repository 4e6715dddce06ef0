"""Two photos in one request: how they are sent, and what is said of a pair that cannot be compared."""

import json

import pytest
from urllib3.filepost import encode_multipart_formdata

from preprocess.errors import NoFaceError
from tests.gateway import VERSIONS, Client
from tests.unit.api.test_requests import SEEN

KEYS = {"a": "uploads/one", "b": "uploads/two"}


class Uploads:
    """A fake of the uploads: each photo can be taken once."""

    def __init__(self):
        self.photos = {"uploads/one": b"first", "uploads/two": b"second"}

    def take(self, key):
        return self.photos.pop(key)


def post_json(client, value):
    return client.post("/verify", json.dumps(value).encode(), "application/json")


def test_a_verification_is_answered_as_documented(client, recognizer):
    face = {**SEEN, "face": 1, "faces": 1}
    assert client.compare().json == {
        "same": True,
        "similarity": 0.7123,
        "score": 0.3123,
        "threshold": 0.0661,
        "false_accept_rate": 0.001,
        "a": face,
        "b": face,
        "model": {"version": "0123456789ab"},
        "timing_ms": {"decode": 16.2, "detect": 62, "align": 2.4, "embed": 125, "total": 206.1},
    }
    assert recognizer.photos == [b"first", b"second"]


def test_the_faces_that_are_meant_are_given_by_their_numbers(client, recognizer):
    recognizer.faces = 3
    answer = client.compare(face_a="3", face_b="").json
    assert [(answer[side]["face"], answer[side]["faces"]) for side in ("a", "b")] == [(3, 3), (1, 3)]


@pytest.mark.parametrize("version", VERSIONS)
def test_two_uploads_are_compared_and_used_up(serve, recognizer, version):
    uploads = Uploads()
    recognizer.faces = 2
    client = Client(serve(lambda: recognizer, uploads=uploads), version)
    answer = post_json(client, {**KEYS, "face_a": 2.0, "face_b": None}).json
    assert (answer["a"]["face"], answer["b"]["face"]) == (2, 1)
    assert recognizer.photos == [b"first", b"second"]
    assert uploads.photos == {}


@pytest.mark.parametrize(
    ("fields", "problem", "reason"),
    [
        ({"b": None}, "image-missing", "no part named `b`"),
        ({"a": None}, "image-missing", "no part named `a`"),
        ({"a": "photo.jpg"}, "image-missing", "-F a=@photo.jpg"),
        ({"b": ("b.jpg", b"")}, "image-missing", "Photo `b`: The photo is empty"),
        ({"b": ("b.jpg", b"data:image/jpeg;base64,AAAA")}, "unsupported-format", "Photo `b`: The photo is base64"),
        ({"a": ("a.jpg", bytes(4_600_000))}, "too-large", "4,500,000 bytes of photos"),
        ({"face_a": "0"}, "unknown-face", "`face_a` must be a whole number"),
        ({"face_b": "two"}, "unknown-face", "`face_b` must be a whole number"),
        ({"face_b": "2"}, "unknown-face", "Photo `b`: There is no such face in the photo. `face_b` may be 1 to 1"),
    ],
)
def test_a_pair_that_cannot_be_compared_is_refused_with_the_name_of_the_photo(client, fields, problem, reason):
    answer = client.compare(**fields)
    assert answer.problem == problem
    assert reason in answer.json["detail"]


def test_several_photos_of_one_name_are_refused(client):
    body, content_type = encode_multipart_formdata([("a", ("1.jpg", b"1")), ("a", ("2.jpg", b"2"))])
    answer = client.post("/verify", body, content_type)
    assert (answer.problem, "`a`" in answer.json["detail"]) == ("several-images", True)


def test_a_photo_without_a_face_is_named(client, recognizer):
    recognizer.error = NoFaceError("No face was found.")
    assert client.compare().json["detail"] == "Photo `a`: No face was found."


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ([], "unsupported-content-type"),
        ({"a": "uploads/one"}, "unsupported-content-type"),
        ({"a": 1, "b": 2}, "unsupported-content-type"),
        ({"upload": "uploads/one"}, "unsupported-content-type"),
        ({**KEYS, "face_a": True}, "unknown-face"),
        ({**KEYS, "face_b": 1.5}, "unknown-face"),
        ({**KEYS, "face_b": [1]}, "unknown-face"),
        (KEYS, "no-uploads"),
    ],
)
def test_json_that_names_no_two_uploads_is_refused(client, value, problem):
    assert post_json(client, value).problem == problem


@pytest.mark.parametrize(
    ("body", "content_type", "problem"),
    [
        (b"{", "application/json", "malformed-upload"),
        (b"photo", "image/jpeg", "unsupported-content-type"),
        (b"photo", None, "unsupported-content-type"),
        (b"photo", "multipart/form-data; boundary=x", "malformed-upload"),
        (b"", "multipart/form-data; boundary=x", "image-missing"),
    ],
)
def test_a_body_that_is_no_pair_is_refused(client, body, content_type, problem):
    assert client.post("/verify", body, content_type).problem == problem
