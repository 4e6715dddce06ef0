"""Photos that are too large for a request: where they are sent, and how they are taken from there."""

import base64
import io
import json

import boto3
import pytest
from botocore import exceptions

from model.errors import BundleUnavailableError
from model.uploads import MAX_UPLOAD_BYTES, Uploads
from tests.gateway import VERSIONS, Client

KEY = "uploads/" + "k" * 43
BUCKET = "large-photos"


class S3:
    """A bucket in memory, with the invitations of a real client."""

    def __init__(self, name, config):
        assert name == "s3"
        self._real = boto3.Session("key", "secret", region_name="us-east-1").client("s3", config=config)
        self.objects = {}
        self.error = None
        self.undeletable = False

    def generate_presigned_post(self, *given, **options):
        return self._real.generate_presigned_post(*given, **options)

    def get_object(self, Bucket, Key):  # noqa: N803  # boto3's own names
        assert Bucket == BUCKET
        if self.error:
            raise self.error
        if Key not in self.objects:  # what S3 answers to whoever may not list the bucket
            raise exceptions.ClientError({"Error": {"Code": "AccessDenied"}}, "GetObject")
        return {"Body": io.BytesIO(self.objects[Key])}

    def delete_object(self, Bucket, Key):  # noqa: N803
        assert Bucket == BUCKET
        if self.undeletable:
            raise exceptions.ReadTimeoutError(endpoint_url="https://s3")
        del self.objects[Key]


@pytest.fixture
def s3():
    made = []
    uploads = Uploads(BUCKET, lambda name, config: made.append(S3(name, config)) or made[0])
    uploads.invite()
    (client,) = made
    client.uploads = uploads
    client.objects[KEY] = bytes(12_000_000)
    return client


@pytest.fixture(params=VERSIONS)
def client(request, serve, recognizer, s3):
    return Client(serve(lambda: recognizer, uploads=s3.uploads), request.param)


def ask(client, key=KEY, path="/recognize", content_type="application/json"):
    return client.post(path, json.dumps({"upload": key}).encode(), content_type)


@pytest.mark.parametrize("path", ["/recognize", "/detect", "/align"])
@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
def test_a_key_stands_for_its_photo_wherever_a_photo_may_be_sent(client, recognizer, s3, path, content_type):
    assert ask(client, path=path, content_type=content_type).status == 200
    assert recognizer.photos == [bytes(12_000_000)]
    assert s3.objects == {}


def test_an_upload_can_be_used_once(client):
    assert ask(client).status == 200
    again = ask(client)
    assert (again.status, again.problem) == (404, "unknown-upload")


def test_an_upload_is_deleted_whatever_becomes_of_its_photo(client, recognizer, s3):
    recognizer.error = RuntimeError("no photo")
    assert ask(client).status == 500
    assert s3.objects == {}


def test_an_upload_that_cannot_be_deleted_is_recognised_all_the_same(client, s3):
    s3.undeletable = True
    assert ask(client).status == 200


@pytest.mark.parametrize(
    "key",
    ["", "uploads/", "uploads/short", f"{KEY}/..", "../models/x", f"x/{'k' * 43}", f"{KEY}\n", "u" * 3000, "é" * 43],
)
def test_what_was_never_a_key_is_unknown_and_s3_is_not_asked(client, s3, key):
    s3.error = AssertionError("S3 was asked")
    answer = ask(client, key)
    assert (answer.status, answer.problem) == (404, "unknown-upload")


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"upload": 7}', b'{"upload": null}', b'"uploads/k"', b"{", b"\xff"])
def test_other_json_is_refused_with_what_to_send(client, body):
    answer = client.post("/recognize", body, "application/json")
    assert answer.status == 415
    assert "POST /uploads" in answer.json["detail"]


def test_while_the_model_is_not_available_no_upload_is_used(serve, s3):
    def fail():
        raise BundleUnavailableError("no S3")

    answer = ask(Client(serve(fail, uploads=s3.uploads), "2.0"))
    assert (answer.status, answer.problem) == (503, "model-unavailable")
    assert list(s3.objects) == [KEY]


@pytest.mark.parametrize(
    "error",
    [
        exceptions.EndpointConnectionError(endpoint_url="https://s3"),
        exceptions.ClientError({"Error": {"Code": "SlowDown"}}, "GetObject"),
        exceptions.IncompleteReadError(actual_bytes=1, expected_bytes=2),
        exceptions.NoCredentialsError(),
        OSError("reset"),
    ],
)
def test_while_s3_does_not_answer_uploads_are_unavailable(client, s3, error):
    s3.error = error
    answer = ask(client)
    assert (answer.status, answer.problem, answer.headers["retry-after"]) == (503, "uploads-unavailable", "5")


def test_an_invitation_allows_one_photo_of_limited_size_for_some_minutes(client):
    answer = client.post("/uploads")
    assert answer.status == 201
    invitation = answer.json
    assert (invitation["expires_in_s"], invitation["max_bytes"]) == (300, MAX_UPLOAD_BYTES)
    assert invitation["url"] == f"https://{BUCKET}.s3.us-east-1.amazonaws.com/"
    conditions = json.loads(base64.b64decode(invitation["fields"]["policy"]))["conditions"]
    assert ["content-length-range", 1, MAX_UPLOAD_BYTES] in conditions
    assert {"key": invitation["upload"]} in conditions
    assert {"Content-Type": "application/octet-stream"} in conditions
    assert {"bucket": BUCKET} in conditions


def test_no_two_invitations_have_the_same_key(client):
    assert len({client.post("/uploads").json["upload"] for _ in range(20)}) == 20


def test_where_there_is_no_bucket_the_photo_itself_must_be_sent(serve, recognizer):
    client = Client(serve(lambda: recognizer), "2.0")
    for answer in (client.post("/uploads"), ask(client)):
        assert (answer.status, answer.problem) == (404, "no-uploads")
        assert "Send the photo itself" in answer.json["detail"]


def test_neither_key_nor_address_of_an_upload_is_logged(client, capsys):
    client.post("/uploads")
    ask(client)
    ask(client)
    printed = capsys.readouterr()
    assert "uploads/k" not in printed.out + printed.err
    assert BUCKET not in printed.out + printed.err
