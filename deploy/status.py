"""What is deployed to a stage, since when, and how it did in the last day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from deploy import releases, stack, stack_state
from deploy.errors import DeployError
from deploy.releases import Live, Release
from deploy.stack import Outputs
from deploy.target import Target

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Figures:
    """What CloudWatch counted in the last 24 hours; None where it has no figures.

    `requests`, `failed` (answers 5xx) and `p95_ms` are API Gateway's, also of requests that never reached the function.
    Where it has no durations, `p95_ms` is the function's. `calls`, `errors` (calls without an answer), `throttled` and
    `seconds` (the sum of all calls) are the function's, too.
    """

    requests: int | None
    failed: int | None
    p95_ms: float | None
    calls: int | None
    errors: int | None
    throttled: int | None
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Status:
    """What is deployed to a stage.

    `package` is "image" or "zip". `memory_mb` is the function's memory. `alarms` are the names of those that went off.
    """

    stage: str
    region: str
    state: str
    api: str
    site: str
    function: str
    package: str
    memory_mb: int
    live: Live
    releases: tuple[Release, ...]
    figures: Figures
    alarms: tuple[str, ...]

    @property
    def gigabyte_seconds(self) -> float | None:
        """What the function used in the last day, in the unit in which AWS bills it; starts are not in it."""
        return None if self.figures.seconds is None else self.figures.seconds * self.memory_mb / 1024


def read(target: Target, addresses: tuple[str, str], outputs: Outputs) -> Status:
    """Return what is deployed; `addresses` are those of API and website.

    Raises:
        DeployError: AWS refuses, or cannot be reached.
    """
    name = outputs.function_name
    with target.client("lambda") as functions:
        function = functions.get_function_configuration(FunctionName=name)
        live = releases.live(functions, name)
        published = releases.published(functions, name)
    with target.client("cloudwatch") as cloudwatch:
        figures = _figures(cloudwatch, outputs.api_id, name)
        gone_off = alarms(cloudwatch, target.stack)
    return Status(
        target.stage,
        target.region,
        stack_state.state(target),
        *addresses,
        name,
        function.get("PackageType", "Zip").lower(),
        function["MemorySize"],
        live,
        tuple(published),
        figures,
        gone_off,
    )


def require_outputs(target: Target) -> Outputs:
    """Return the outputs of the stack.

    Raises:
        DeployError: nothing is deployed to the stage, or its deployment has not ended.
    """
    outputs = stack.outputs(target)
    if outputs and outputs.function_name:
        return outputs
    where = f"stage {target.stage} in {target.region}"
    deploy = f"`visage deploy --stage {target.stage} --region {target.region}`"
    now = stack_state.state(target)
    if not now:
        raise DeployError(f"Nothing is deployed to {where}. {deploy} deploys to it; --region names another region.")
    if stack_state.is_busy(now):
        raise DeployError(f"AWS still works on {where} ({now}). Run the same command again later.")
    raise DeployError(f"The deployment to {where} has not ended well ({now}). Run {deploy}; it says what to do.")


def _figures(cloudwatch: Any, api: str, function: str) -> Figures:
    of_api, of_function = ("AWS/ApiGateway", "ApiId", api), ("AWS/Lambda", "FunctionName", function)
    slowest = _day(cloudwatch, *of_api, "Latency", "p95") or _day(cloudwatch, *of_function, "Duration", "p95")
    durations = _day(cloudwatch, *of_function, "Duration", "Sum")
    return Figures(
        requests=_count(_day(cloudwatch, *of_api, "Count", "Sum")),
        failed=_count(_day(cloudwatch, *of_api, "5xx", "Sum")),
        p95_ms=max(slowest) if slowest else None,
        calls=_count(_day(cloudwatch, *of_function, "Invocations", "Sum")),
        errors=_count(_day(cloudwatch, *of_function, "Errors", "Sum")),
        throttled=_count(_day(cloudwatch, *of_function, "Throttles", "Sum")),
        seconds=sum(durations) / 1000 if durations else None,
    )


def _day(cloudwatch: Any, namespace: str, dimension: str, value: str, metric: str, statistic: str) -> Sequence[float]:
    """Return a statistic of a metric for the last day: one value, two where CloudWatch splits it, none without any."""
    now = datetime.now(UTC)
    kind = "ExtendedStatistics" if statistic.startswith("p") else "Statistics"
    answer = cloudwatch.get_metric_statistics(
        Namespace=namespace,
        MetricName=metric,
        Dimensions=[{"Name": dimension, "Value": value}],
        StartTime=now - _DAY,
        EndTime=now,
        Period=int(_DAY.total_seconds()),
        **{kind: [statistic]},
    )
    return [point.get("ExtendedStatistics", point)[statistic] for point in answer["Datapoints"]]


def _count(values: Sequence[float]) -> int | None:
    return round(sum(values)) if values else None


def alarms(cloudwatch: Any, stack_name: str) -> tuple[str, ...]:
    """Return the names of the stage's alarms that went off; the template gives them the stack's name."""
    pages = cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=f"{stack_name}-", StateValue="ALARM")
    return tuple(alarm["AlarmName"] for page in pages for alarm in page["MetricAlarms"])
