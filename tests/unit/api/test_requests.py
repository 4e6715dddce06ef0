"""Requests that succeed, and their answers. tests/unit/api/test_uploads.py has every way to send a photo."""

import base64
import io

import pytest
from PIL import Image

from model.version import VERSION
from tests.gateway import ADA, ZOE

SEEN = {
    "box": {"left": 12, "top": 8, "width": 21, "height": 21},
    "detection_score": 0.91,
    "landmarks": {
        "right_eye": {"x": 17, "y": 15},
        "left_eye": {"x": 28, "y": 15},
        "nose": {"x": 22.5, "y": 20},
        "mouth_right": {"x": 18, "y": 25},
        "mouth_left": {"x": 27, "y": 25},
    },
    "pose": {"yaw": -2.1, "pitch": 1.4, "roll": 0},
    "quality": {"size": 21, "sharpness": 412.6, "brightness": 121.3, "share": 0.1436, "score": 0.5378},
    "advice": ["too_small", "covered"],
}
"""What is seen of the face in the fake recognizer's answer."""


def test_the_largest_photo_that_fits_is_accepted_in_a_form(client, recognizer):
    assert client.upload(bytes(4_500_000)).status == 200
    assert len(recognizer.photos[0]) == 4_500_000


def test_a_photo_is_never_written_to_disk(client, monkeypatch):
    def no_file(*_args, **_kwargs):
        raise AssertionError("a temporary file was made")

    monkeypatch.setattr("tempfile.SpooledTemporaryFile", no_file)
    monkeypatch.setattr("tempfile.TemporaryFile", no_file)
    assert client.upload(bytes(2_000_000)).status == 200


def test_a_recognition_is_answered_as_documented(client, photo):
    prediction = {"label": "Ada Lovelace", "probability": 0.998, "enrolled": False, "id": ADA}
    other = {"label": "Zoë Ünal", "probability": 0.002, "enrolled": True, "id": ZOE}
    assert client.upload(photo).json == {
        "label": "Ada Lovelace",
        "probability": 0.998,
        "known": True,
        "enrolled": False,
        "faces": [
            {
                **SEEN,
                "label": "Ada Lovelace",
                "probability": 0.998,
                "similarity": 0.8312,
                "known": True,
                "enrolled": False,
                "id": ADA,
                "predictions": [prediction, other],
            }
        ],
        "image": {"width": 64, "height": 48, "complete": True, "rotation": 0},
        "model": {"version": "0123456789ab", "roster": 1},
        "timing_ms": {"decode": 8.1, "detect": 31.0, "align": 1.2, "recognize": 62.5, "total": 103.0},
    }


def test_a_detection_is_answered_as_documented_and_names_nobody(client, photo):
    assert client.upload(photo, path="/detect").json == {
        "faces": [SEEN],
        "image": {"width": 64, "height": 48, "complete": True, "rotation": 0},
        "model": {"version": "0123456789ab"},
        "timing_ms": {"decode": 8.1, "detect": 31.0, "align": 1.2, "total": 40.3},
    }


def test_embeddings_are_answered_as_documented_with_the_name_of_their_space(owner, recognizer, photo):
    recognizer.faces = 2
    answer = owner.upload(photo, path="/embed").json
    vectors = [face.pop("embedding") for face in answer["faces"]]
    assert vectors == 2 * [512 * [0.044194]]
    assert answer == {
        "faces": [SEEN, SEEN],
        "image": {"width": 64, "height": 48, "complete": True, "rotation": 0},
        "model": {"version": "0123456789ab"},
        "timing_ms": {"decode": 8.1, "detect": 31.0, "align": 1.2, "embed": 62.5, "total": 103.0},
        "space": "casia-webface-0123456789ab",
    }


def test_a_json_answer_is_not_base64(client, context, photo):
    event = client.event("POST", "/recognize", photo, {"content-type": "image/jpeg"}, encoded=True)
    answer = client.handler(event, context)
    assert answer["isBase64Encoded"] is False
    assert answer["body"].startswith('{"label":"Ada Lovelace"')


def test_an_aligned_face_comes_back_as_a_base64_jpeg(client, context, photo):
    event = client.event("POST", "/align", photo, {"content-type": "image/jpeg"}, encoded=True)
    answer = client.handler(event, context)
    assert answer["isBase64Encoded"] is True
    image = Image.open(io.BytesIO(base64.b64decode(answer["body"])))
    assert (image.format, image.size) == ("JPEG", (32, 32))


@pytest.mark.parametrize(("query", "shade"), [("", 50), ("?face=1", 50), ("?face=2", 200), ("?face=3", 125)])
def test_any_face_of_a_photo_can_be_had_aligned(client, photo, query, shade):
    image = Image.open(io.BytesIO(client.upload(photo, path=f"/align{query}").body))
    assert image.getpixel((16, 16)) == (shade, shade, shade)


@pytest.mark.parametrize("face", ["4", "20"])
def test_a_face_number_that_the_photo_does_not_have_is_a_problem(client, photo, face):
    answer = client.upload(photo, path=f"/align?face={face}")
    assert (answer.status, answer.problem) == (400, "unknown-face")
    assert "1 to 3" in answer.json["detail"]


@pytest.mark.parametrize("face", ["0", "-1", "one", "abc", "", "1.0", "01", "%2B1", "²", "%EF%BC%91", "21", "9" * 5000])
def test_a_number_that_no_face_can_have_is_refused_before_the_model_is_needed(client, serve, photo, face):
    def load():
        raise AssertionError("the model was loaded")

    client.handler = serve(load)
    answer = client.upload(photo, path=f"/align?face={face}")
    assert (answer.status, answer.problem) == (400, "unknown-face")
    assert "1 to 20" in answer.json["detail"]


def test_labels_are_the_people_how_well_they_are_known_and_the_version(client):
    assert client.get("/labels").json == {
        "labels": ["Ada Lovelace", "Zoë Ünal"],
        "people": [{"label": "Ada Lovelace", "enrolled": False}, {"label": "Zoë Ünal", "enrolled": True}],
        "threshold": 0.5124,
        "measured": {
            "held_out": {"faces": 81, "name_right": 1.0, "recognised": 0.98, "expected_calibration_error": 0.01},
            "false_accept_rate": 0.01,
            "measured_on": "LFW",
        },
        "model": {"version": "0123456789ab", "roster": 1},
    }


def test_health_tells_version_engine_and_uptime(client):
    health = client.get("/health").json
    assert health["status"] == "ok"
    assert health["version"] == VERSION
    assert health["model"] == {"version": "0123456789ab"}
    assert health["engine"] == {"name": "torchscript", "precision": "float32", "threads": 2}
    assert health["uptime_s"] >= 0


def test_a_double_slash_at_the_start_of_a_path_is_accepted(client, photo):
    assert client.upload(photo, path="//recognize").status == 200


def test_any_page_may_read_an_answer(client, photo):
    headers = client.upload(photo).headers
    assert headers["access-control-allow-origin"] == "*"
    assert headers["cache-control"] == "no-store"
    assert {"ETag", "Location", "Retry-After", "X-Request-Id"} <= set(
        headers["access-control-expose-headers"].split(", ")
    )


@pytest.mark.parametrize("path", ["/recognize", "/detect", "/align", "/labels", "/health", "/openapi.json"])
def test_a_preflight_is_answered_without_a_body(client, path):
    answer = client.send("OPTIONS", path, headers={"origin": "https://example.org"})
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == "*"
    methods, headers = (answer.headers[f"access-control-allow-{name}"].split(", ") for name in ("methods", "headers"))
    assert {"POST", "PATCH", "DELETE"} <= set(methods)
    assert {"Authorization", "Content-Type", "Idempotency-Key", "If-Match"} <= set(headers)


def test_the_gateways_request_id_comes_back(client):
    assert client.get("/labels").headers["x-request-id"] == "request-1"
