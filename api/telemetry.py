"""Logs and metrics: one line for each request, with nothing about the photo or the people in it."""

import json
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Final

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from model.errors import ModelError
from model.settings import Settings

Handler = Callable[[Any, Any], dict[str, Any]]

_REFUSED: Final = frozenset({401, 403})
"""The HTTP statuses for a request without the right key."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is logged and measured of a request.

    `route` is the pattern that matched, never the client's own path; `key` is the id of the key, never the key.
    """

    request_id: str
    method: str
    route: str
    status: int
    duration_ms: float
    problem: str | None = None
    key: str | None = None
    faces: int | None = None
    timing_ms: dict[str, float] | None = None


class Telemetry:
    """The logger and the metrics of Powertools for AWS Lambda. Powertools itself reads LOG_LEVEL."""

    def __init__(self, settings: Settings | None = None) -> None:
        """Take the names of service and namespace from `settings`, by default from an empty environment."""
        settings = settings or Settings.read({})
        # In ASCII: then nothing that a text contains ends the line, or cannot be written.
        self.logger = Logger(service=settings.service, utc=True, json_serializer=partial(json.dumps, default=str))
        self._metrics = Metrics(service=settings.service, namespace=settings.namespace)

    def watch(self, handler: Handler) -> Handler:
        """Return `handler` with two additions: Lambda's context in the log lines, and the metrics when it returns.

        X-Ray's SDK is not used: Lambda itself traces the initialisation and every call. The SDK would only add one
        segment around the handler, and 0.2 s to a cold start.
        """
        measured = self._metrics.log_metrics(handler, capture_cold_start_metric=True)
        watched: Handler = self.logger.inject_lambda_context(measured, clear_state=True)
        return watched

    def report(self, outcome: Outcome) -> None:
        """Write the one line of a request."""
        self.logger.info("request", **{key: value for key, value in asdict(outcome).items() if value is not None})

    def measure(self, outcome: Outcome) -> None:
        """Add a request's metrics; the handler publishes them when it returns."""
        self.count("Requests")
        self._metrics.add_metric("Duration", MetricUnit.Milliseconds, outcome.duration_ms)
        if outcome.faces is not None:
            self.count("Recognitions")
            self.count("Faces", outcome.faces)
        if outcome.problem == "no-face":
            self.count("NoFace")
        if outcome.status in _REFUSED:
            self.count("AccessRefused")
        if outcome.problem == "too-many-requests":
            self.count("RateLimited")
        if outcome.status >= 500:  # where HTTP's server errors begin
            self.count("ServerErrors")

    def count(self, name: str, value: int = 1) -> None:
        """Add `value` to the counter `name`."""
        self._metrics.add_metric(name, MetricUnit.Count, value)

    def model_ready(self, version: str, startup_ms: Mapping[str, float]) -> None:
        """Log which model was loaded, and how long that took."""
        self.logger.info("model ready", version=version, startup_ms=startup_ms)

    def model_unavailable(self, error: BaseException | None) -> None:
        """Log the error that prevented a load: the text of an expected error, the traceback of any other.

        None means that there was no attempt; nothing is logged then.
        """
        if error is None:
            return
        if isinstance(error, ModelError):
            self.logger.error("model unavailable", error=type(error).__name__, reason=str(error))
        else:
            self.logger.error("model unavailable", **_location(error))

    def keys_unavailable(self, error: ModelError) -> None:
        """Log why the keys of the API cannot be read."""
        self.logger.error("keys unavailable", error=type(error).__name__, reason=str(error))

    def roster_unavailable(self, error: BaseException | None) -> None:
        """Log why the roster cannot be read or changed. The texts of these errors name no people."""
        self.logger.error("roster unavailable", error=type(error).__name__, reason=str(error))

    def unexpected(self, error: BaseException) -> None:
        """Log an error that the code does not expect."""
        self.logger.error("unexpected error", **_location(error))


def _location(error: BaseException) -> dict[str, Any]:
    """Return the class and traceback of an error and its causes, without their texts: those may hold personal data."""
    where = traceback.format_list(traceback.extract_tb(error.__traceback__))
    fields = {"error": type(error).__name__, "where": where}
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return {**fields, "cause": _location(cause)} if cause else fields
