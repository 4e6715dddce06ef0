"""Passes the HTTP events of AWS to the app: REST APIs, HTTP APIs, function URLs and load balancers.

| event | field of the path | is the stage in the path? | query string |
| --- | --- | --- | --- |
| REST API (payload 1.0) | `path` | only behind a custom domain, as base path | decoded, in lists |
| HTTP API (payload 2.0) | `rawPath` | yes, unless it is `$default` | `rawQueryString` |
| function URL (payload 2.0) | `rawPath` | no | `rawQueryString` |
| load balancer | `path` | there are no stages | not decoded; in lists if the target group is set up so |

Sources: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html,
https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html,
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html
"""

import base64
import binascii
import json
from typing import Any, Final
from urllib.parse import parse_qs

import serverless_wsgi
from flask import Flask

from api.errors import MEDIA_TYPE, MalformedUploadError, document

WARMERS: Final = ("aws.events", "aws.scheduler", "serverless-plugin-warmup")
"""Sources of events that only keep a function warm."""


BESIDE_WEBSITE: Final = "/api"
"""Where CloudFront has the API, at the address of the website."""

OF_CONNECTION: Final = {"connection", "content-length", "expect", "te", "trailer", "transfer-encoding", "upgrade"}
"""Headers that say how the body was transferred to AWS. Werkzeug would not read the body of a chunked request."""


def is_request(event: Any) -> bool:
    """Return whether `event` is an HTTP request."""
    return isinstance(event, dict) and bool(_method(event) and _path(event))


def is_warmer(event: Any) -> bool:
    """Return whether a scheduler sent `event` to keep the function warm."""
    return isinstance(event, dict) and event.get("source") in WARMERS


def answer(app: Flask, event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Return the answer of `app` to the request in `event`, in the form that its sender expects."""
    returned = serverless_wsgi.handle_request(app, _normalized(event), context)
    return {"body": "", "isBase64Encoded": False, **_with_problem_as_text(returned)}  # a load balancer needs both


def refuse(request_id: str) -> dict[str, Any]:
    """Return the answer to an event that is not a request: a problem document in the form of an HTTP answer."""
    error = MalformedUploadError("This function answers HTTP requests, and the event is not one.")
    return {
        "statusCode": 400,
        "headers": {"Content-Type": MEDIA_TYPE},
        "body": json.dumps(document(error, request_id)),
        "isBase64Encoded": False,
    }


def _normalized(event: dict[str, Any]) -> dict[str, Any]:
    """Return `event` as payload 1.0, with its body decoded and nulls replaced.

    serverless-wsgi does not check events: broken base64, or null instead of an object, would end in a 500.
    """
    context = _mapping(event.get("requestContext"))
    body = _body(event)
    return {
        "httpMethod": _method(event),
        "path": _address(event),
        "multiValueQueryStringParameters": _query(event),
        "headers": {name: _header(value) for name, value in _end_to_end(event.get("headers")).items()},
        "multiValueHeaders": _multi_value_headers(event),
        "requestContext": {
            "requestId": context.get("requestId"),
            "authorizer": context.get("authorizer"),
            **_load_balancer(context),
        },
        "body": body or b"",
        "bodyIsUnreadable": body is None,
        "isBase64Encoded": False,
    }


def _method(event: dict[str, Any]) -> str:
    http = _mapping(_mapping(event.get("requestContext")).get("http"))
    return _text(event.get("httpMethod") or http.get("method"))


def _path(event: dict[str, Any]) -> str:
    return _text(event.get("rawPath") or event.get("path"))


def _address(event: dict[str, Any]) -> str:
    """Return the path of the request without what is put in front of it: a stage, a base path, or BESIDE_WEBSITE."""
    path = _path_of_stage(event)
    return path.removeprefix(BESIDE_WEBSITE) if path.startswith(f"{BESIDE_WEBSITE}/") else path


def _path_of_stage(event: dict[str, Any]) -> str:
    """Return the path of the request without the stage or base path that API Gateway puts in front of it."""
    path = _path(event)
    context = _mapping(event.get("requestContext"))
    stage = context.get("stage")
    if not isinstance(stage, str) or stage in {"", "$default"}:
        return path
    if context.get("path") == f"/{stage}{path}":  # a REST API at its own address: `path` has no stage
        return path
    proxy = _mapping(event.get("pathParameters")).get("proxy")
    if isinstance(proxy, str) and proxy and path.endswith(f"/{proxy}"):  # what the route `/{proxy+}` matched
        return f"/{proxy}"
    # A path that equals the stage's name is an address of the API, behind a custom domain that hides the stage.
    return path.removeprefix(f"/{stage}") if path.startswith(f"/{stage}/") else path


def _query(event: dict[str, Any]) -> dict[str, list[str]]:
    """Return the decoded parameters. Those of a load balancer stay encoded, because serverless-wsgi decodes them."""
    raw = event.get("rawQueryString")
    if raw:
        return parse_qs(_text(raw), keep_blank_values=True)
    given = _mapping(event.get("multiValueQueryStringParameters") or event.get("queryStringParameters"))
    return {
        name: [_text(value) for value in (values if isinstance(values, list) else [values])]
        for name, values in given.items()
    }


def _end_to_end(headers: Any) -> dict[str, Any]:
    """Return the headers without those of the client's connection: the event has the body in whole."""
    return {name: value for name, value in _mapping(headers).items() if name.lower() not in OF_CONNECTION}


def _multi_value_headers(event: dict[str, Any]) -> dict[str, list[str]]:
    headers = _end_to_end(event.get("multiValueHeaders"))
    return {name: [_header(value) for value in values] for name, values in headers.items() if isinstance(values, list)}


def _load_balancer(context: dict[str, Any]) -> dict[str, Any]:
    """Return the field that marks an event of a load balancer: serverless-wsgi then adds `statusDescription`."""
    return {"elb": context["elb"]} if context.get("elb") else {}


def _body(event: dict[str, Any]) -> bytes | None:
    """Return the bytes of the body; None if it is declared to be base64 and is not."""
    body = _text(event.get("body"))
    if str(event.get("isBase64Encoded")).lower() != "true":  # some senders write it as text
        return body.encode()
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        return None


def _with_problem_as_text(returned: dict[str, Any]) -> dict[str, Any]:
    """Return the answer, a problem document as text: serverless-wsgi encodes it as if it were binary data."""
    headers = returned.get("headers") or returned.get("multiValueHeaders") or {}
    if returned.get("isBase64Encoded") and MEDIA_TYPE in headers.get("Content-Type", ()):
        return {**returned, "body": base64.b64decode(returned["body"]).decode(), "isBase64Encoded": False}
    return returned


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _header(value: Any) -> str:
    """Return a header's value in one line, because Werkzeug raises an error for two lines."""
    return _text(value).replace("\r", " ").replace("\n", " ")


def _text(value: Any) -> str:
    """Return `value` as text that UTF-8 can encode; None becomes an empty text."""
    return "" if value is None else str(value).encode(errors="replace").decode()
