"""Hands API Gateway's events to the app: REST and HTTP APIs, both payload versions, in one shape.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

import base64
import binascii
import json
from typing import Any, Final
from urllib.parse import parse_qs

import serverless_wsgi
from flask import Flask

from api.errors import MEDIA_TYPE, MalformedUploadError, document

serverless_wsgi.TEXT_MIME_TYPES.append(MEDIA_TYPE)

WARMERS: Final = ("aws.events", "aws.scheduler", "serverless-plugin-warmup")
"""Sources of events that only keep a function warm."""


def is_request(event: Any) -> bool:
    """Whether `event` is an HTTP request: from a REST API, an HTTP API, a function URL or a load balancer."""
    return isinstance(event, dict) and bool(_method(event) and _path(event))


def is_warmer(event: Any) -> bool:
    """Whether `event` is a scheduler's, sent to keep the function warm."""
    return isinstance(event, dict) and event.get("source") in WARMERS


def answer(app: Flask, event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Return what `app` answers to the request in `event`, in the form that API Gateway takes."""
    answered: dict[str, Any] = serverless_wsgi.handle_request(app, _one_shape(event), context)
    return answered


def refuse(request_id: str) -> dict[str, Any]:
    """Return the answer to an event that is no request: a problem document, as the API would send it."""
    error = MalformedUploadError("This function answers API Gateway; the event is not one of its requests.")
    return {
        "statusCode": 400,
        "headers": {"Content-Type": MEDIA_TYPE},
        "body": json.dumps(document(error, request_id)),
        "isBase64Encoded": False,
    }


def _one_shape(event: dict[str, Any]) -> dict[str, Any]:
    """Return `event` as payload 1.0, with its body decoded and nothing null.

    serverless-wsgi trusts an event: broken base64 or a null where it reads an object would end in a 500.
    """
    context = _mapping(event.get("requestContext"))
    body = _body(event)
    return {
        "httpMethod": _method(event),
        "path": _without_stage(_path(event), context.get("stage")),
        "multiValueQueryStringParameters": _query(event),
        "headers": {name: _header(value) for name, value in _mapping(event.get("headers")).items()},
        "multiValueHeaders": _multi_value_headers(event),
        "requestContext": {"requestId": context.get("requestId"), **_balancer(context)},
        "body": body or b"",
        "bodyIsUnreadable": body is None,
        "isBase64Encoded": False,
    }


def _method(event: dict[str, Any]) -> str:
    http = _mapping(_mapping(event.get("requestContext")).get("http"))
    return _text(event.get("httpMethod") or http.get("method"))


def _path(event: dict[str, Any]) -> str:
    return _text(event.get("rawPath") or event.get("path"))


def _without_stage(path: str, stage: Any) -> str:
    """Take off the stage, which HTTP APIs leave in the path (REST APIs do behind a custom domain)."""
    prefix = f"/{stage}"
    return path.removeprefix(prefix) or "/" if f"{path}/".startswith(f"{prefix}/") else path


def _query(event: dict[str, Any]) -> dict[str, list[str]]:
    raw = event.get("rawQueryString")
    if raw:
        return parse_qs(_text(raw), keep_blank_values=True)
    parameters = _mapping(event.get("multiValueQueryStringParameters"))
    return {name: list(map(_text, values)) for name, values in parameters.items() if isinstance(values, list)}


def _multi_value_headers(event: dict[str, Any]) -> dict[str, list[str]]:
    headers = _mapping(event.get("multiValueHeaders"))
    return {name: [_header(value) for value in values] for name, values in headers.items() if isinstance(values, list)}


def _balancer(context: dict[str, Any]) -> dict[str, Any]:
    """Keep the mark of a load balancer: it wants a description beside the status."""
    return {"elb": context["elb"]} if context.get("elb") else {}


def _body(event: dict[str, Any]) -> bytes | None:
    """Return the body's bytes, None where it is said to be base64 and is not."""
    body = _text(event.get("body"))
    if not event.get("isBase64Encoded"):
        return body.encode()
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        return None


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _header(value: Any) -> str:
    """Return a header's value in one line; Werkzeug raises at two."""
    return _text(value).replace("\r", " ").replace("\n", " ")


def _text(value: Any) -> str:
    """Return `value` as text that can be encoded; None is empty."""
    return "" if value is None else str(value).encode(errors="replace").decode()
