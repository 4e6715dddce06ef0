"""The deployed API: real uploads through API Gateway and Lambda, and the names that come back."""

import io
import json
import subprocess

import numpy as np
import pytest
from PIL import Image

from scripts import samples as sample_photos


@pytest.fixture
def unseen(samples):
    """A photo of Barack Obama that training never saw."""
    return samples / sample_photos.UNSEEN


@pytest.fixture
def recognize(stack):
    """POST to /recognize."""

    def recognize(**options):
        return stack.post(f"{stack.api}/recognize", **options)

    return recognize


def problem(answer):
    """Return the status of a problem document, after checking its form."""
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == answer.status_code
    return answer.status_code


def test_curl_gets_the_right_name(stack, unseen):
    command = ["curl", "--silent", "--show-error", "--form", f"image=@{unseen}", f"{stack.api}/recognize"]
    answer = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert answer["label"] == "Barack Obama"
    assert answer["known"] is True


def test_a_multipart_upload_gets_the_right_name(recognize, unseen):
    answer = recognize(files={"image": ("photo.jpg", unseen.read_bytes(), "image/jpeg")})
    assert answer.status_code == 200
    assert answer.json()["label"] == "Barack Obama"


def test_a_photo_sent_without_a_form_gets_the_right_name(recognize, unseen):
    answer = recognize(data=unseen.read_bytes(), headers={"Content-Type": "image/jpeg"})
    assert answer.status_code == 200
    assert answer.json()["label"] == "Barack Obama"


def test_strangers_are_nobody_known(recognize, samples):
    photo = (samples / sample_photos.STRANGERS).read_bytes()
    answer = recognize(files={"image": ("photo.jpg", photo, "image/jpeg")}).json()
    assert answer["known"] is False
    assert answer["label"] is None


def test_align_answers_a_jpeg(stack, unseen):
    answer = stack.post(f"{stack.api}/align", files={"image": ("photo.jpg", unseen.read_bytes())})
    assert answer.headers["content-type"] == "image/jpeg"
    assert Image.open(io.BytesIO(answer.content)).format == "JPEG"


def test_the_labels_are_the_folders_that_were_trained_on(stack, samples):
    folders = {folder.name for folder in (samples / sample_photos.PEOPLE).iterdir()}
    assert set(stack.get(f"{stack.api}/labels").json()["labels"]) == folders


def test_health_names_the_model_and_the_engine(stack):
    # MiniStack keeps the path /health for itself; API Gateway takes a second slash for one.
    answer = stack.get(f"{stack.api}//health").json()
    assert answer["model"]["version"] == stack.get(f"{stack.api}/labels").json()["model"]["version"]
    assert answer["engine"]["name"] == "torchscript"


def test_an_unknown_path_is_a_problem_of_the_function(stack):
    assert problem(stack.get(f"{stack.api}/nobody")) == 404


def test_a_file_that_is_no_photo_is_refused(recognize):
    assert problem(recognize(files={"image": ("photo.jpg", b"Dear diary", "image/jpeg")})) == 415


def test_a_photo_without_a_face_is_a_problem(recognize):
    empty = io.BytesIO()
    Image.fromarray(np.full((300, 400, 3), 200, dtype=np.uint8)).save(empty, "JPEG")
    assert problem(recognize(files={"image": ("photo.jpg", empty.getvalue(), "image/jpeg")})) == 422


def test_a_photo_of_five_megabytes_is_too_large(recognize):
    assert problem(recognize(files={"image": ("photo.jpg", bytes(5_000_000), "image/jpeg")})) == 413


@pytest.mark.parametrize("photo", [b"Dear diary", b"\xff\xd8\xff\xe0 cut off", bytes(5_000_000)])
def test_after_a_bad_photo_the_next_one_is_answered(recognize, unseen, photo):
    assert 400 <= recognize(files={"image": ("photo.jpg", photo, "image/jpeg")}).status_code < 500
    assert recognize(files={"image": ("photo.jpg", unseen.read_bytes(), "image/jpeg")}).status_code == 200


@pytest.mark.parametrize("path", ["labels", "nobody"])
def test_a_website_anywhere_may_read_the_answers(stack, path):
    answer = stack.get(f"{stack.api}/{path}", headers={"Origin": "http://elsewhere.test"})
    assert answer.headers["access-control-allow-origin"] == "*"


def test_a_website_anywhere_may_watch_its_upload(stack):
    asked = {"Origin": "http://elsewhere.test", "Access-Control-Request-Method": "POST"}
    answer = stack.send("OPTIONS", f"{stack.api}/recognize", headers=asked)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "POST" in answer.headers["access-control-allow-methods"]
