"""Events as API Gateway, schedulers and strangers send them: none may break the function."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

FORM = "multipart/form-data; boundary=b"


@pytest.mark.parametrize("body", ["not base64!", "a", "aGVsbG8", "aGVs bG8=", "é", "====", "\ud800"])
def test_a_body_that_is_not_the_base64_it_is_said_to_be_is_a_malformed_upload(client, body):
    event = client.event("POST", "/recognize", b"", {"content-type": "image/jpeg"}, encoded=True)
    answer = client.invoke({**event, "body": body})
    assert (answer.status, answer.problem) == (400, "malformed-upload")


def test_a_stage_with_a_name_is_no_part_of_the_address(client):
    client.stage = "dev"
    assert client.get("/labels").status == 200


def test_a_stage_named_like_an_address_does_not_hide_it(client):
    client.stage = "labels"
    assert client.get("/health").status == 200


def test_a_stage_left_in_the_path_by_a_custom_domain_is_taken_off(client):
    client.stage = "dev"
    event = client.event("GET", "/labels", None, {"host": "faces.example.org"}, encoded=False)
    path = "rawPath" if client.version == "2.0" else "path"
    assert client.invoke({**event, path: "/dev/labels"}).status == 200


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
def test_what_an_event_may_lack_is_not_missed(client, missing, null):
    event = client.event("GET", "/labels", None, {}, encoded=False)
    event.pop(missing, None)
    assert client.invoke({**event, missing: None} if null else event).status == 200


def test_headers_of_a_rest_api_may_come_in_lists_only(client, recognizer):
    event = client.event("POST", "/recognize", b"photo", {}, encoded=True)
    event |= {"httpMethod": "POST", "path": "/recognize", "headers": None}
    event["multiValueHeaders"] = {"Content-Type": ["image/jpeg"]}
    assert client.invoke(event).status == 200
    assert recognizer.photos == [b"photo"]


def test_a_load_balancer_gets_the_description_it_wants(client, context):
    event = client.event("GET", "/labels", None, {}, encoded=False)
    event["requestContext"]["elb"] = {"targetGroupArn": "arn:aws:elasticloadbalancing:target"}
    assert client.handler(event, context)["statusDescription"] == "200 OK"


@pytest.mark.parametrize("source", ["aws.events", "aws.scheduler", "serverless-plugin-warmup"])
def test_a_scheduled_call_keeps_the_model_loaded(client, context, source):
    assert client.handler({"source": source}, context) == {"warm": True}


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
                "source",
                "cookies",
                "requestPath",
            ]
        ),
        JUNK,
    )
)
def test_no_event_breaks_the_function(client, junk):
    event = client.event("POST", "/recognize", b"photo", {"content-type": "image/jpeg"}, encoded=True)
    assert client.invoke({**event, **junk}).status < 500 if junk.get("source") is None else True
