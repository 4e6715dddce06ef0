"""Requests that fail: every error of api/errors.py is caused through the handler."""

import pytest

from preprocess.errors import NoFaceError, PhotoTooLargeError, UnreadablePhotoError, UnsupportedFormatError

FORM = "multipart/form-data; boundary=b"
PART = b'--b\r\ncontent-disposition: form-data; name="image"; filename="a.jpg"\r\n\r\nphoto\r\n'


@pytest.fixture(params=["/recognize", "/detect", "/align"])
def post(request, client):
    """POST to each address that takes photos."""

    def post(body, content_type=None, **options):
        answer = client.post(request.param, body, content_type, **options)
        return answer.status, answer.problem

    return post


@pytest.mark.parametrize("content_type", [None, "image/jpeg", FORM, "text/plain"])
@pytest.mark.parametrize("body", [None, b""])
def test_no_body_is_an_image_missing(post, body, content_type):
    assert post(body, content_type) == (400, "image-missing")


def test_an_empty_part_is_an_image_missing(post):
    assert post(PART.replace(b"photo", b"") + b"--b--\r\n", FORM) == (400, "image-missing")


def test_a_form_without_the_part_is_an_image_missing(post):
    assert post(PART.replace(b'"image"', b'"file"') + b"--b--\r\n", FORM) == (400, "image-missing")


def test_a_text_in_the_place_of_the_photo_is_an_image_missing(post):
    assert post(PART.replace(b'; filename="a.jpg"', b"") + b"--b--\r\n", FORM) == (400, "image-missing")


def test_two_photos_are_one_too_many(post):
    assert post(PART + PART + b"--b--\r\n", FORM) == (400, "several-images")


def test_a_photo_and_a_text_of_that_name_are_one_too_many(post):
    text = PART.replace(b'; filename="a.jpg"', b"")
    assert post(PART + text + b"--b--\r\n", FORM) == (400, "several-images")


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=wrong",
        'multipart/form-data; boundary="é"',
    ],
    ids=["none", "empty", "wrong", "not ascii"],
)
def test_a_boundary_that_does_not_fit_is_a_malformed_upload(post, content_type):
    assert post(PART + b"--b--\r\n", content_type) == (400, "malformed-upload")


@pytest.mark.parametrize("body", [PART[:-20], PART, b"--b", b"--b\r\n\r\n\r\n--b--\r\n", b"\r\n", b"--b--"])
def test_a_form_that_breaks_off_is_a_bad_request(client, body):
    answer = client.post("/recognize", body, FORM)
    assert answer.status == 400
    assert answer.problem in {"malformed-upload", "image-missing"}


@pytest.mark.parametrize("part", [PART, PART.replace(b'"image"', b'"note"'), PART.replace(b'; filename="a.jpg"', b"")])
@pytest.mark.parametrize("count", [17, 1000])
def test_a_form_of_many_small_parts_is_malformed_and_not_too_large(client, part, count):
    answer = client.post("/recognize", part * count + b"--b--\r\n", FORM)
    assert (answer.status, answer.problem) == (400, "malformed-upload")
    assert "more than 16 parts" in answer.json["detail"]


def test_a_form_of_as_many_parts_as_allowed_is_read(client, recognizer):
    notes = PART.replace(b'"image"', b'"note"') * 15
    assert client.post("/recognize", notes + PART + b"--b--\r\n", FORM).status == 200
    assert recognizer.photos == [b"photo"]


def test_a_too_large_body_is_reported_as_too_large_however_many_parts_it_has(client):
    part = PART.replace(b"photo", bytes(1_000_000))
    answer = client.post("/recognize", part * 5 + b"--b--\r\n", FORM)
    assert (answer.status, answer.problem) == (413, "too-large")
    assert "5,000," in answer.json["detail"]


@pytest.mark.parametrize("size", [4_500_001, 5_000_000])
def test_a_photo_of_more_than_four_and_a_half_megabytes_is_too_large(client, size):
    assert client.upload(bytes(size)).problem == "too-large"
    assert client.post("/recognize", bytes(size), "image/jpeg").status == 413


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/json", "application/x-www-form-urlencoded", "multipart/mixed; boundary=b", "a/b/c"],
)
def test_a_body_that_is_neither_form_nor_image_is_an_unsupported_content_type(post, content_type):
    assert post(b"photo", content_type) == (415, "unsupported-content-type")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (UnsupportedFormatError("It is a poem."), (415, "unsupported-format")),
        (PhotoTooLargeError("It has many pixels."), (413, "too-large")),
        (UnreadablePhotoError("It is torn."), (422, "unreadable-photo")),
        (NoFaceError("It is a landscape."), (422, "no-face")),
    ],
    ids=lambda value: "" if isinstance(value, Exception) else value[1],
)
def test_an_error_of_a_photo_keeps_its_own_sentence(client, recognizer, error, expected):
    recognizer.error = error
    answer = client.upload(b"photo")
    assert (answer.status, answer.problem) == expected
    assert answer.json["detail"] == str(error)


def test_an_unforeseen_error_reveals_no_details(client, recognizer):
    recognizer.error = RuntimeError("the password is swordfish")
    answer = client.upload(b"photo")
    assert (answer.status, answer.problem) == (500, "internal-error")
    assert b"swordfish" not in answer.body
    assert b"Traceback" not in answer.body


def test_the_next_request_after_an_unforeseen_error_is_answered(client, recognizer):
    recognizer.error = MemoryError()
    assert client.upload(b"photo").status == 500
    recognizer.error = None
    assert client.upload(b"photo").status == 200


@pytest.mark.parametrize("path", ["/", "/recognise", "/recognize/", "/recognize/x", "/%00", "/é"])
def test_an_address_that_does_not_exist_is_not_found(client, path):
    for method in ("GET", "POST", "OPTIONS", "BREW"):
        answer = client.send(method, path, b"photo")
        assert (answer.status, answer.problem) == (404, "not-found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/recognize", "POST"),
        ("PUT", "/recognize", "POST"),
        ("DELETE", "/align", "POST"),
        ("POST", "/labels", "GET"),
        ("BREW", "/health", "GET"),
    ],
)
def test_a_method_that_is_not_offered_is_not_allowed(client, method, path, allowed):
    answer = client.send(method, path, b"photo")
    assert (answer.status, answer.problem) == (405, "method-not-allowed")
    assert allowed in answer.headers["allow"]


def test_an_error_may_be_read_by_any_page(client):
    answer = client.get("/nowhere")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cache-control"] == "no-store"


def test_an_error_carries_the_gateways_request_id(client):
    assert client.get("/nowhere").json["request_id"] == "request-1"


def test_a_problem_is_not_base64(client, context):
    event = client.event("GET", "/nowhere", None, {}, encoded=False)
    assert client.handler(event, context)["isBase64Encoded"] is False
