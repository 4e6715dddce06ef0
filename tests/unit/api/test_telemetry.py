"""What the function logs about requests, and what it must not log."""

import json

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from model.errors import ModelError
from model.settings import ROOT
from preprocess.errors import NoFaceError


@pytest.fixture
def metrics(capsys):
    """The metrics published since the test began, by name (CloudWatch's embedded metric format)."""

    def metrics():
        published = {}
        for line in capsys.readouterr().out.splitlines():
            document = json.loads(line)
            if "_aws" not in document:
                continue
            (declared,) = document["_aws"]["CloudWatchMetrics"]
            assert declared["Namespace"] == "Visage"
            published |= {metric["Name"]: document[metric["Name"]] for metric in declared["Metrics"]}
        return published

    return metrics


def test_a_request_is_logged_in_one_line(client, lines):
    client.upload(b"photo")
    (line,) = [line for line in lines() if line["message"] == "request"]
    assert (line["method"], line["route"], line["status"], line["faces"]) == ("POST", "/recognize", 200, 1)
    assert line["timing_ms"]["total"] > 0
    assert line["duration_ms"] > 0


def test_a_line_carries_the_ids_of_request_and_invocation(client, lines):
    client.get("/labels")
    assert lines()[-1]["request_id"] == "request-1"
    assert lines()[-1]["function_request_id"] == "invocation-1"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(reason=st.text(st.characters(), max_size=60))
@example(reason="\u2028\u0085\x1c\r\n\ud800\udcff")
def test_a_line_stays_one_line_whatever_an_error_says(telemetry, lines, reason):
    before = len(lines())
    telemetry.model_unavailable(ModelError(reason))
    (line,) = lines()[before:]
    assert line["reason"].encode("utf-16", "surrogatepass") == reason.encode("utf-16", "surrogatepass")


def test_the_lines_that_alarms_and_canaries_look_for_are_those_that_are_logged(client, telemetry, lines):
    client.get("/labels")
    telemetry.model_ready("0123456789ab", {"load": 1.0, "total": 12_000.0})
    telemetry.model_unavailable(ModelError("It is not there."))
    request, ready, unavailable = lines()[-3:]
    assert (request["message"], request["status"]) == ("request", 200)
    template = (ROOT / "serverless.yml").read_text(encoding="utf-8")
    for line, field in ((ready, ready["startup_ms"]["total"]), (unavailable, unavailable["reason"])):
        assert f'$.message = "{line["message"]}"' in template
        assert field
    assert "$.startup_ms.total > 10000" in template


def test_a_failed_request_logs_its_problem(client, lines, recognizer):
    recognizer.error = NoFaceError("none")
    client.upload(b"photo")
    assert (lines()[-1]["status"], lines()[-1]["problem"]) == (422, "no-face")


def test_an_address_that_does_not_exist_is_not_repeated(client, lines):
    client.send("GET", "/ada@example.org")
    assert lines()[-1]["route"] == "-"
    assert "ada" not in json.dumps(lines())


def test_neither_names_nor_files_nor_bytes_are_logged(client, lines, metrics, recognizer):
    client.upload(b"the bytes of the photo")
    recognizer.error = RuntimeError("Ada Lovelace in photo.jpg")
    client.upload(b"the bytes of the photo")
    said = json.dumps([lines(), metrics()])
    assert not [secret for secret in ("Ada", "photo.jpg", "the bytes", "0.83", "192.0.2.1") if secret in said]


def test_an_unforeseen_error_is_logged_with_its_place(client, lines, recognizer):
    recognizer.error = RuntimeError("secret")
    client.upload(b"photo")
    (line,) = [line for line in lines() if line["message"] == "unexpected error"]
    assert line["error"] == "RuntimeError"
    assert [step for step in line["where"] if "api/routes.py" in step]


def test_a_recognition_is_counted(client, metrics):
    client.upload(b"photo")
    published = metrics()
    assert (published["Requests"], published["Recognitions"], published["Faces"]) == ([1], [1], [1])
    assert published["Duration"][0] > 0


def test_a_photo_without_a_face_is_counted(client, metrics, recognizer):
    recognizer.error = NoFaceError("none")
    client.upload(b"photo")
    assert metrics()["NoFace"] == [1]


def test_the_first_request_of_a_process_is_a_cold_start(client, metrics, monkeypatch):
    monkeypatch.setattr("aws_lambda_powertools.metrics.provider.cold_start.is_cold_start", True)
    client.get("/labels")
    assert metrics()["ColdStart"] == [1]
    client.get("/labels")
    assert "ColdStart" not in metrics()
