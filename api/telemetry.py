"""Logs and metrics: one line a request, and nothing in it of the photo or of who is on it."""

import os
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

Handler = Callable[[Any, Any], dict[str, Any]]

SERVICE: Final = "visage"
NAMESPACE: Final = "Visage"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What there is to know about an answered request; `route` is the rule, never the address sent."""

    request_id: str
    method: str
    route: str
    status: int
    duration_ms: float
    problem: str | None = None
    faces: int | None = None
    timing_ms: dict[str, float] | None = None


class Telemetry:
    """Powertools for AWS Lambda, set up; POWERTOOLS_* variables change level, service name and namespace."""

    def __init__(self) -> None:
        service = os.environ.get("POWERTOOLS_SERVICE_NAME", SERVICE)
        namespace = os.environ.get("POWERTOOLS_METRICS_NAMESPACE", NAMESPACE)
        self.logger = Logger(service=service, utc=True)
        self._metrics = Metrics(service=service, namespace=namespace)

    def watch(self, handler: Handler) -> Handler:
        """Return `handler` with Lambda's context in its log lines, and with metrics published.

        Traces come from Lambda itself, which times initialisation and every call; X-Ray's SDK would add one segment
        around the handler, and 0.2 s to a cold start.
        """
        measured = self._metrics.log_metrics(handler, capture_cold_start_metric=True)
        watched: Handler = self.logger.inject_lambda_context(measured, clear_state=True)
        return watched

    def report(self, outcome: Outcome) -> None:
        """Write the one line of a request."""
        self.logger.info("request", **{key: value for key, value in asdict(outcome).items() if value is not None})

    def measure(self, outcome: Outcome) -> None:
        """Add a request's metrics to those that the handler publishes when it returns."""
        self.count("Requests")
        self._metrics.add_metric("Duration", MetricUnit.Milliseconds, outcome.duration_ms)
        if outcome.faces is not None:
            self.count("Recognitions")
            self.count("Faces", outcome.faces)
        if outcome.problem == "no-face":
            self.count("NoFace")
        if outcome.status >= 500:  # where HTTP's server errors begin
            self.count("ServerErrors")

    def count(self, name: str, value: int = 1) -> None:
        """Add `value` to the count `name`."""
        self._metrics.add_metric(name, MetricUnit.Count, value)

    def model_ready(self, version: str, startup_ms: Mapping[str, float]) -> None:
        """Log which model was loaded, and how long that took."""
        self.logger.info("model ready", version=version, startup_ms=startup_ms)

    def model_unavailable(self, error: BaseException | None) -> None:
        """Log why the model could not be loaded."""
        self.logger.error("model unavailable", error=type(error).__name__, reason=str(error))

    def unexpected(self, error: BaseException) -> None:
        """Log an error that nobody foresaw: its class and place; its text might hold a client's data."""
        where = traceback.format_list(traceback.extract_tb(error.__traceback__))
        self.logger.error("unexpected error", error=type(error).__name__, where=where)
