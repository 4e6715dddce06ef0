"""Makes the Flask app: its routes, and what all requests share: limits, CORS, problem documents and a log line."""

import time
import uuid
from functools import partial
from typing import Any, Final

from flask import Flask, Response, g, jsonify, request
from flask.json.provider import DefaultJSONProvider

from api.access import Guard, guard_for, route_of
from api.errors import (
    MEDIA_TYPE,
    MalformedUploadError,
    ModelUnavailableError,
    RosterUnavailableError,
    document,
    headers,
    problem_of,
)
from api.loading import ModelLoader
from api.routes import routes
from api.telemetry import Outcome, Telemetry
from api.upload import MAX_RECEIVED_BYTES
from model.rosters import Rosters
from model.settings import AccessSettings, Settings
from model.uploads import Uploads

HEADERS: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "ETag, Location, Retry-After, WWW-Authenticate, X-Request-Id",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}
"""Headers of every answer. The function answers CORS requests itself: do not also enable CORS in API Gateway."""

PREFLIGHT: Final = {
    "Access-Control-Allow-Methods": "GET, POST, PATCH, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match",
    "Access-Control-Max-Age": "86400",
}


class _Json(DefaultJSONProvider):
    """JSON whose keys keep their order, and whose text is not escaped to ASCII."""

    sort_keys = False
    ensure_ascii = False


class VisageApp(Flask):
    """Flask that answers with readable JSON."""

    json_provider_class = _Json


def create_app(
    model: ModelLoader,
    telemetry: Telemetry,
    uploads: Uploads | None = None,
    guard: Guard | None = None,
    rosters: Rosters | None = None,
) -> Flask:
    """Return the app that answers with `model`, takes large photos from `uploads`, and reports to `telemetry`.

    The people of `rosters` are known besides those of the model; without, nobody can be added. Without a `guard`,
    visitors may use it.
    """
    rosters = rosters or Rosters(Settings.read({}), telemetry.roster_unavailable)
    guard = guard or guard_for(AccessSettings(), telemetry.keys_unavailable)
    app = VisageApp("visage", static_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=MAX_RECEIVED_BYTES)
    app.url_map.merge_slashes = False
    app.register_blueprint(routes(model, uploads, guard.access, rosters))
    app.before_request(_begin)
    app.before_request(_preflight)
    app.before_request(partial(_admit, guard))
    _answer_errors(app, telemetry)
    _finish_with(app, telemetry)
    return app


def _begin() -> None:
    g.started = time.perf_counter()
    g.request_id = _request_id()
    if request.environ.get("serverless.event", {}).get("bodyIsUnreadable"):
        raise MalformedUploadError("The body is declared to be base64, and it is not.")


def _request_id() -> str:
    """Return API Gateway's id of the request, which the client also sees; without it, Lambda's id or a new one."""
    context = request.environ.get("serverless.event", {}).get("requestContext", {})
    invocation = getattr(request.environ.get("serverless.context"), "aws_request_id", None)
    return str(context.get("requestId") or invocation or uuid.uuid4())


def _preflight() -> Response | None:
    """Answer a CORS preflight request."""
    if request.method != "OPTIONS" or request.routing_exception is not None:
        return None
    return Response(status=204, headers=PREFLIGHT)


def _admit(guard: Guard, /) -> None:
    """Refuse a request before its body is looked at and the model is loaded."""
    if request.url_rule is not None:
        claims = _claims()
        key = guard.admit(route_of(request.url_rule.rule), request.authorization, claims)
        g.is_owner = guard.is_owner(key, request.authorization, claims)
        g.key = key and key.id


def _claims() -> dict[str, Any]:
    """Return the claims of the JWT that API Gateway has checked; none where it checks none."""
    context = request.environ.get("serverless.event", {}).get("requestContext", {})
    authorizer = context.get("authorizer")
    jwt = authorizer.get("jwt") if isinstance(authorizer, dict) else None
    claims = jwt.get("claims") if isinstance(jwt, dict) else None
    return claims if isinstance(claims, dict) else {}


def _answer_errors(app: Flask, telemetry: Telemetry) -> None:
    @app.errorhandler(Exception)
    def answer(error: Exception) -> Response:
        problem = problem_of(error)
        g.problem = problem.name
        if isinstance(error, ModelUnavailableError):
            telemetry.model_unavailable(error.__cause__)
        elif isinstance(error, RosterUnavailableError):
            telemetry.roster_unavailable(error.__cause__)
        elif problem.status >= 500:  # where HTTP's server errors begin
            telemetry.unexpected(error)
        response = jsonify(document(error, g.request_id))
        response.status_code, response.mimetype = problem.status, MEDIA_TYPE
        response.headers.update(headers(error))
        return response


def _finish_with(app: Flask, telemetry: Telemetry) -> None:
    @app.after_request
    def finish(response: Response) -> Response:
        response.headers.update({**HEADERS, "X-Request-Id": g.request_id})
        outcome = _outcome(response.status_code)
        telemetry.report(outcome)
        if "serverless.event" in request.environ:
            telemetry.measure(outcome)
        return response


def _outcome(status: int) -> Outcome:
    return Outcome(
        request_id=g.request_id,
        method=request.method if request.url_rule else "-",
        route=route_of(request.url_rule.rule) if request.url_rule else "-",
        status=status,
        duration_ms=round(1000 * (time.perf_counter() - g.started), 1),
        problem=g.get("problem"),
        key=g.get("key"),
        faces=g.get("faces"),
        timing_ms=g.get("timing_ms"),
    )
