"""Moves the API's requests to a release once it has answered: all at once, or a share of them first; and back again.

A share of the requests goes to a canary by the weights of the alias. We watch it ourselves. AWS CodeDeploy would do
both, but it owns the alias then, so that nothing else may move it; it needs an application, a group and a role for each
stage, and it takes a canary back for alarms only, which cannot tell the two releases apart.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from deploy import answers, releases
from deploy.answers import Wanted
from deploy.errors import DeployError
from deploy.releases import ALIAS, Release
from deploy.steps import Step, silent
from deploy.target import Target, translate_errors

_PAUSE_SECONDS: Final = 15
"""Between two looks at a canary. AWS shows logs after some seconds."""

_WARM_SECONDS: Final = 600
"""AWS needs minutes to keep instances ready."""

_SERVER_ERROR: Final = 500
"""Where HTTP's server errors begin."""


@dataclass(frozen=True, slots=True)
class Canary:
    """A share of the requests, 1 to 99 %, that a new release gets first, and for how many minutes."""

    percent: int
    minutes: float = 10

    @property
    def share(self) -> float:
        """The share from 0 to 1."""
        return self.percent / 100


@dataclass(frozen=True, slots=True)
class Service:
    """The function of a stage, and Lambda's client to move its releases with."""

    target: Target
    functions: Any
    name: str

    @property
    def words(self) -> str:
        """The options that name the stage to a command."""
        return f"--stage {self.target.stage} --region {self.target.region}"


def put_live(
    service: Service,
    wanted: Wanted,
    *,
    from_snapshot: bool,
    canary: Canary | None = None,
    step: Step = silent,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> str:
    """Publish the function as it was deployed, and let the API call that release; return its number.

    The release that served before goes on serving until the new one has answered with what is `wanted`.

    Raises:
        DeployError: the new release does not answer, or failed as a canary. The one before serves all requests.
    """
    before = releases.live(service.functions, service.name).number
    number = releases.publish(service.functions, service.name, before)
    with step("Waiting for the function"):
        try:
            answers.wait_for_function(
                service.functions, f"{service.name}:{number}", wanted, from_snapshot=from_snapshot
            )
        except DeployError as error:
            raise DeployError(f"{error} {_goes_on(before)}".strip()) from error
    if canary and before and before != number:
        with step(f"Watching release {number} with {canary.percent} % of the requests for {canary.minutes:g} minutes"):
            answered = _try(service, before, number, canary, clock, sleep)
        with step(f"Moving all requests to release {number}: it answered {answered} of them, without a fault"):
            releases.move(service.functions, service.name, number)
    elif before != number or releases.live(service.functions, service.name).canary:
        releases.move(service.functions, service.name, number)
    return number


def roll_back(service: Service, wanted: str | None, step: Step = silent) -> Release:
    """Let the API call the release before, or the one with the number or the model `wanted`; return that release.

    A canary that is still being watched ends: without `wanted`, the release beside it gets all requests.

    Raises:
        DeployError: there is no such release, it does not answer, or others than now could use it.
    """
    live = releases.live(service.functions, service.name)
    published = releases.published(service.functions, service.name)
    if not live.number:
        raise DeployError(f"No release serves yet. `visage deploy {service.words}` makes one.")
    release = _before(published, live, wanted)
    _require_same_access(service, published, live.number, release)
    with step(f"Asking release {release.number} for an answer"):
        answers.wait_for_function(
            service.functions,
            f"{service.name}:{release.number}",
            {"version": release.model, "engine": release.engine},
        )
    releases.move(service.functions, service.name, release.number)
    return release


def keep_warm(
    service: Service,
    instances: int,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Keep this many instances of the release that serves ready, whichever it is; 0 ends that.

    Raises:
        DeployError: AWS cannot.
    """
    alias = {"FunctionName": service.name, "Qualifier": ALIAS}
    if not instances:
        with suppress(service.functions.exceptions.ProvisionedConcurrencyConfigNotFoundException):
            service.functions.delete_provisioned_concurrency_config(**alias)
        return
    service.functions.put_provisioned_concurrency_config(**alias, ProvisionedConcurrentExecutions=instances)
    deadline = clock() + _WARM_SECONDS
    while (answer := service.functions.get_provisioned_concurrency_config(**alias))["Status"] != "READY":
        if answer["Status"] == "FAILED" or clock() > deadline:
            reason = answer.get("StatusReason", "it takes longer than usual")
            raise DeployError(f"AWS cannot keep {instances} instances warm: {reason}. The deployment itself is done.")
        sleep(_PAUSE_SECONDS)


def _before(published: list[Release], live: releases.Live, wanted: str | None) -> Release:
    if wanted is not None:
        return releases.chosen(published, "" if live.canary else live.number, wanted)
    if live.canary:
        return releases.chosen(published, "", live.number)
    before = releases.former(published, live.number)
    if before is None:
        raise DeployError(
            f"Release {live.number} is the only one. A change of the engine deletes former ones, and so does "
            "--keep-releases 1. Deploy another bundle with `visage deploy --bundle`."
        )
    return before


def _require_same_access(service: Service, published: list[Release], serving: str, release: Release) -> None:
    """Check that going back opens the API to nobody: who may use it is part of a release.

    Raises:
        DeployError: it was deployed for others.
    """
    now = next((each.access for each in published if each.number == serving), release.access)
    if release.access != now:
        raise DeployError(
            f"Release {release.number} was deployed with other access ({release.access}) than the one that serves "
            f"({now}). Deploy the bundle with model {release.model} instead: "
            f"`visage deploy {service.words} --bundle`; the access stays as it is."
        )


def _try(
    service: Service,
    before: str,
    number: str,
    canary: Canary,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> int:
    """Give the new release its share of the requests; return how many it answered. Whatever happens, end with none."""
    releases.move(service.functions, service.name, before, (number, canary.share))
    try:
        return _watch(service, number, canary, clock, sleep)
    except BaseException as failure:
        _take_back(service, before, number, canary, failure)
        raise


def _take_back(service: Service, before: str, number: str, canary: Canary, failure: BaseException) -> None:
    try:
        with translate_errors():
            releases.move(service.functions, service.name, before)
    except DeployError as error:
        raise DeployError(
            f"{error} Release {number} goes on getting {canary.percent} % of the requests. To end that, run "
            f"`visage rollback {service.words}`."
        ) from failure
    if isinstance(failure, DeployError):
        raise DeployError(f"Release {number} was taken back: {failure} {_goes_on(before)}") from failure


def _watch(
    service: Service, number: str, canary: Canary, clock: Callable[[], float], sleep: Callable[[float], None]
) -> int:
    """Look at the canary's requests until its time is over; return how many there were.

    Raises:
        DeployError: one of them failed.
    """
    begun, deadline = datetime.now(UTC), clock() + canary.minutes * 60
    while True:
        done = clock() >= deadline
        statuses = list(_statuses(service, number, begun))
        failed = [status for status in statuses if status >= _SERVER_ERROR]
        log = f"The log /aws/lambda/{service.name} says more, in its streams with [{number}]."
        if failed:
            raise DeployError(f"{len(failed)} of its {len(statuses)} answers had status {failed[0]}. {log}")
        if errors := _errors(service, number, begun):
            raise DeployError(f"{errors} of its calls ended without an answer. {log}")
        if done:
            return len(statuses)
        sleep(min(_PAUSE_SECONDS, deadline - clock()))


def _statuses(service: Service, number: str, begun: datetime) -> Iterator[int]:
    """Yield the status of each request that a release has answered, from its log: its streams name the release."""
    days = {begun.date(), datetime.now(UTC).date()}
    with service.target.client("logs") as logs:
        for day in sorted(days):
            streams = f"{day:%Y/%m/%d}/[{number}]"
            pages = logs.get_paginator("filter_log_events").paginate(
                logGroupName=f"/aws/lambda/{service.name}",
                logStreamNamePrefix=streams,
                startTime=int(begun.timestamp() * 1000),
                filterPattern='{ $.message = "request" }',
            )
            for page in pages:
                for event in page["events"]:
                    if event["logStreamName"].startswith(streams):  # the local AWS ignores prefix and pattern
                        yield from _status(event["message"])


def _status(line: str) -> Iterator[int]:
    """Yield the status in a line of the log, if it is one of a request."""
    try:
        fields = json.loads(line)
    except ValueError:
        return
    if isinstance(fields, dict) and fields.get("message") == "request":
        yield int(fields["status"])


def _errors(service: Service, number: str, begun: datetime) -> int:
    """Return how many calls of a release ended without an answer: a crash, or no time or memory left."""
    dimensions = {"FunctionName": service.name, "Resource": f"{service.name}:{ALIAS}", "ExecutedVersion": number}
    with service.target.client("cloudwatch") as cloudwatch:
        answer = cloudwatch.get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName="Errors",
            Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
            StartTime=begun.replace(second=0, microsecond=0),
            EndTime=datetime.now(UTC),
            Period=60,
            Statistics=["Sum"],
        )
    return int(sum(point["Sum"] for point in answer["Datapoints"]))


def _goes_on(before: str) -> str:
    return f"Release {before} goes on serving all requests." if before else ""
