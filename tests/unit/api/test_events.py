"""Events of API Gateway, of schedulers and of unknown senders: none may make the function fail."""

import io
from functools import partial
from urllib.parse import quote

import pytest
from flask import Flask, request
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from urllib3.filepost import encode_multipart_formdata

from api import gateway
from tests.gateway import SENDERS, Client, read_event

FORM = "multipart/form-data; boundary=b"


@pytest.mark.parametrize("body", ["not base64!", "a", "aGVsbG8", "aGVs bG8=", "é", "====", "\ud800"])
def test_a_body_declared_as_base64_that_is_not_base64_is_a_malformed_upload(client, body):
    event = client.event("POST", "/recognize", b"", {"content-type": "image/jpeg"}, encoded=True)
    answer = client.invoke({**event, "body": body})
    assert (answer.status, answer.problem) == (400, "malformed-upload")


@pytest.mark.parametrize("path", ["/labels", "/health", "/openapi.json"])
def test_every_kind_of_event_is_answered(sender, path):
    assert sender.get(path).status == 200


def test_every_kind_of_event_gets_a_problem_as_text(sender, context):
    returned = sender.handler(sender.event("GET", "/nowhere", None, {}, encoded=False), context)
    assert returned["isBase64Encoded"] is False
    assert '"urn:visage:problem:not-found"' in returned["body"]


SHADES = {"": 50, "?face=2": 200, "?face=3&note=a%26face%3D1": 125, "?%66ace=%32": 200, "?note=%2541+b&face=3": 125}
"""Query strings, some of them encoded, and the grey of the face that each asks FakeRecognizer for."""


@pytest.mark.parametrize(("query", "shade"), SHADES.items())
def test_the_query_string_of_every_sender_is_read(sender, photo, query, shade):
    answer = sender.upload(photo, path=f"/align{query}")
    assert Image.open(io.BytesIO(answer.body)).getpixel((16, 16)) == (shade,) * 3


@pytest.mark.parametrize("null", [True, False], ids=["null", "absent"])
def test_the_query_string_of_a_rest_api_may_come_without_lists(serve, recognizer, photo, null):
    rest_api = Client(serve(lambda: recognizer), "1.0")
    body, content_type = encode_multipart_formdata([("image", ("photo.jpg", photo, "image/jpeg"))])
    event = rest_api.event("POST", "/align?face=2", body, {"content-type": content_type}, encoded=True)
    assert event.pop("multiValueQueryStringParameters") == {"face": ["2"]}
    answer = rest_api.invoke(event | {"multiValueQueryStringParameters": None} if null else event)
    assert Image.open(io.BytesIO(answer.body)).getpixel((16, 16)) == (200,) * 3


@pytest.mark.parametrize("version", ["1.0", "load balancer", "load balancer with lists"])
def test_a_parameter_in_the_place_of_a_list_is_read(serve, recognizer, photo, version):
    client = Client(serve(lambda: recognizer), version)
    event = client.event("POST", "/align", photo, {"content-type": "image/jpeg"}, encoded=True)
    answer = client.invoke(event | {"multiValueQueryStringParameters": {"face": "2"}})
    assert Image.open(io.BytesIO(answer.body)).getpixel((16, 16)) == (200,) * 3


@pytest.mark.parametrize("value", ["a b", "a+b", "50%", "%41", "%2541", "a&face=1", "ü", ""])
def test_a_parameter_is_decoded_once(serve, value):
    """Only API Gateway's REST APIs decode the query string before they send the event."""
    seen = []
    app = Flask("echo")
    app.add_url_rule("/labels", "labels", lambda: seen.append(request.args["note"]) or "")
    for version in SENDERS:
        client = Client(partial(gateway.answer, app), version)
        assert client.get(f"/labels?note={quote(value)}").status == 200
    assert seen == [value] * len(SENDERS)


@pytest.mark.parametrize("stage", ["dev", "labels", "health", "None"])
@pytest.mark.parametrize("path", ["/labels", "/health"])
def test_a_stage_of_any_name_is_removed_from_the_path(client, stage, path):
    client.stage = stage
    assert client.get(path).status == 200


@pytest.mark.parametrize("stage", ["dev", "labels", "health"])
def test_a_path_that_repeats_the_stage_is_not_found(client, stage):
    client.stage = stage
    assert client.get(f"/{stage}/labels").status == 404


def test_a_stage_that_a_custom_domain_leaves_in_the_path_is_removed(client):
    client.stage = "dev"
    event = client.event("GET", "/labels", None, {"host": "faces.example.org"}, encoded=False)
    path = "rawPath" if client.version == "2.0" else "path"
    assert client.invoke({**event, path: "/dev/labels"}).status == 200


def test_a_custom_domain_may_leave_out_the_stage(client):
    client.stage = "labels"
    event = client.event("GET", "/labels", None, {"host": "faces.example.org"}, encoded=False)
    event["rawPath" if client.version == "2.0" else "path"] = "/labels"
    event["requestContext"]["path"] = "/labels"
    assert client.invoke(event).status == 200


def test_a_custom_domain_may_give_a_rest_api_any_base_path(serve, recognizer):
    rest_api = Client(serve(lambda: recognizer), "1.0")
    event = rest_api.event("GET", "/labels", None, {"host": "example.org"}, encoded=False)
    event["requestContext"]["path"] = event["path"] = "/faces/labels"
    assert rest_api.invoke(event).status == 200


@pytest.mark.parametrize("path", ["/None/labels", "/$default/labels", "//labels/labels", "/dev/labels"])
def test_where_there_is_no_stage_nothing_is_taken_off(serve, recognizer, path):
    for version in ("2.0", "function URL", "load balancer", "load balancer with lists"):
        assert Client(serve(lambda: recognizer), version).get(path).status == 404


def test_behind_the_website_the_api_has_a_prefix_that_is_no_part_of_its_addresses(sender):
    assert sender.get("/api/labels").status == 200
    assert sender.get("/api/openapi.json").status == 200
    for path in ("/api", "/api/", "/apilabels", "/api/api/labels", "/labels/api"):
        assert sender.get(path).status == 404


@pytest.mark.parametrize("stage", [None, 7, ["dev"], {}])
def test_a_stage_that_is_not_a_name_is_ignored(client, stage):
    event = client.event("GET", "/labels", None, {}, encoded=False)
    event["requestContext"]["stage"] = stage
    path = "rawPath" if client.version == "2.0" else "path"
    assert client.invoke({**event, path: "/labels"}).status == 200
    assert client.invoke({**event, path: f"/{stage}/labels"}).status == 404


@pytest.mark.parametrize(
    "missing",
    [
        "body",
        "headers",
        "multiValueHeaders",
        "isBase64Encoded",
        "queryStringParameters",
        "pathParameters",
        "cookies",
    ],
)
@pytest.mark.parametrize("null", [True, False], ids=["null", "absent"])
def test_optional_fields_of_an_event_may_be_missing(client, missing, null):
    event = client.event("GET", "/labels", None, {}, encoded=False)
    event.pop(missing, None)
    assert client.invoke({**event, missing: None} if null else event).status == 200


@pytest.mark.parametrize(
    ("version", "headers"), [("load balancer", "headers"), ("load balancer with lists", "multiValueHeaders")]
)
def test_a_load_balancer_gets_the_description_and_the_headers_that_it_expects(
    serve, recognizer, context, version, headers
):
    balancer = Client(serve(lambda: recognizer), version)
    returned = balancer.handler(balancer.event("GET", "/labels", None, {}, encoded=False), context)
    assert returned["statusDescription"] == "200 OK"
    assert headers in returned


@pytest.mark.parametrize("source", ["aws.events", "aws.scheduler", "serverless-plugin-warmup"])
def test_a_scheduled_call_keeps_the_model_loaded(client, recognizer, context, source):
    event = read_event("schedule") | {"source": source}
    said = {"warm": True, "version": recognizer.version, "engine": "torchscript"}
    assert client.handler(event, context) == said | {"was_warm": False}
    assert client.handler(event, context) == said | {"was_warm": True}


@pytest.mark.parametrize("event", [{}, [], None, "text", 7, {"Records": [{"s3": {}}]}, {"httpMethod": "GET"}])
def test_an_event_that_is_no_request_gets_a_problem(client, context, event):
    answer = client.handler(event, context)
    assert answer["statusCode"] == 400
    assert "urn:visage:problem:malformed-upload" in answer["body"]


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)
HEADERS = st.dictionaries(
    st.sampled_from(["content-type", "host", "content-length", "x-forwarded-proto", "x-forwarded-port", "cookie"]),
    st.text(max_size=40) | st.sampled_from([FORM, "image/jpeg", "-1", "99999999999", "chunked"]),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(headers=HEADERS, path=st.text(max_size=20), method=st.text(max_size=8), body=st.binary(max_size=200))
def test_no_request_ends_in_a_server_error(client, headers, path, method, body):
    assert client.send(method or "GET", f"/{path}", body, headers).status < 500
    assert client.send("POST", "/recognize", body, headers).status < 500


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.lists(
        st.sampled_from(
            [
                b"--b",
                b"--",
                b"\r\n",
                b"\n",
                b'content-disposition: form-data; name="image"',
                b'; filename="a.jpg"',
                b"content-type: text/plain; charset=x",
                b"photo",
                b":",
                b"\0",
                b"\xff",
                b"content-length: -1",
            ]
        ),
        max_size=20,
    )
)
def test_no_form_ends_in_a_server_error(client, body):
    assert client.post("/recognize", b"".join(body), FORM).status < 500


PARAMETERS = st.lists(
    st.sampled_from(
        ["boundary", "=", '"', "b", ";", " ", "*", "0", "*=", "%", "utf-8''", "\\", ",", "é", "9" * 30, "(c)"]
    ),
    max_size=9,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parameters=PARAMETERS)
def test_no_content_type_of_a_form_ends_in_a_server_error(client, parameters):
    assert (
        client.post("/recognize", b"--b\r\n\r\n--b--\r\n", f"multipart/form-data;{''.join(parameters)}").status == 400
    )


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    junk=st.dictionaries(
        st.sampled_from(
            [
                "headers",
                "multiValueHeaders",
                "requestContext",
                "body",
                "isBase64Encoded",
                "version",
                "path",
                "rawPath",
                "httpMethod",
                "cookies",
                "requestPath",
                "pathParameters",
                "queryStringParameters",
                "multiValueQueryStringParameters",
                "rawQueryString",
            ]
        ),
        JUNK,
    )
)
def test_no_event_breaks_the_function(client, junk):
    event = client.event("POST", "/recognize", b"photo", {"content-type": "image/jpeg"}, encoded=True)
    assert client.invoke({**event, **junk}).status < 500
