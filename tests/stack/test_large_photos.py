"""Photos that are too large for a request, over a real connection to the local AWS's S3."""

import io
import json
import subprocess
import sys

import pytest
from PIL import Image

from model.settings import ROOT
from model.uploads import MAX_UPLOAD_BYTES
from scripts import samples as sample_photos


@pytest.fixture(scope="module")
def large(samples):
    """A TIFF of 12 MB that shows Barack Obama. Training never saw it, and browsers cannot open it."""
    file = io.BytesIO()
    with Image.open(samples / sample_photos.UNSEEN) as photo:
        photo.convert("RGB").resize((1450, 2780)).save(file, "TIFF")
    assert len(file.getvalue()) > 12_000_000
    return file.getvalue()


@pytest.fixture
def bucket(stack):
    return stack.outputs()["UploadBucket"]


@pytest.fixture
def invitation(stack):
    answer = stack.post(f"{stack.api}/uploads")
    assert answer.status_code == 201
    return answer.json()


@pytest.fixture
def send(stack, invitation):
    """POST a file to S3 as the invitation says; return the status."""

    def send(content, **changed):
        return stack.post(invitation["url"], data=invitation["fields"] | changed, files={"file": content}).status_code

    return send


@pytest.fixture
def ask(stack, invitation):
    return lambda path="/recognize": stack.post(f"{stack.api}{path}", json={"upload": invitation["upload"]})


def is_there(stack, bucket, key):
    with stack.client("s3") as s3:
        return bool(s3.list_objects_v2(Bucket=bucket, Prefix=key)["KeyCount"])


def test_a_photo_of_12_megabytes_is_named_and_deleted(stack, bucket, invitation, send, ask, large):
    assert send(large) == 204
    assert is_there(stack, bucket, invitation["upload"])
    answer = ask()
    assert answer.status_code == 200
    assert answer.json()["label"] == "Barack Obama"
    assert not is_there(stack, bucket, invitation["upload"])
    assert ask().json()["type"] == "urn:visage:problem:unknown-upload"


def test_a_file_that_is_no_photo_is_refused_and_deleted(stack, bucket, invitation, send, ask):
    assert send(b"no photo") == 204
    assert ask().status_code == 415
    assert not is_there(stack, bucket, invitation["upload"])


def test_a_key_that_was_never_used_is_unknown(ask):
    assert ask().status_code == 404


@pytest.mark.parametrize("changed", [{"key": "uploads/mine"}, {"Content-Type": "text/html"}, {"key": "models/none"}])
def test_s3_takes_nothing_else_than_what_the_invitation_says(send, changed):
    assert send(b"content", **changed) == 403


def test_s3_takes_nothing_that_is_larger(send):
    assert send(bytes(MAX_UPLOAD_BYTES + 1)) in {400, 403}


def test_the_command_line_sends_a_large_photo_by_itself(stack, large, tmp_path):
    (tmp_path / "large.tif").write_bytes(large)
    done = subprocess.run(
        [sys.executable, "-m", "scripts", "recognize", tmp_path / "large.tif", "--url", stack.api, "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (answer,) = json.loads(done.stdout).values()
    assert answer["label"] == "Barack Obama"


def test_the_command_line_compares_a_large_photo_with_a_small_one_by_itself(stack, visage, large, samples, tmp_path):
    (tmp_path / "large.tif").write_bytes(large)
    other = samples / sample_photos.PEOPLE / "Barack Obama" / "obama.jpg"
    ended = visage("verify", tmp_path / "large.tif", other, "--url", stack.api, "--json")
    assert ended.status == 0, ended.err
    assert json.loads(ended.out)["same"] is True
