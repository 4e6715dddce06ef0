"""The releases of a stage: published versions of its function, and the alias that the API calls.

The stack makes the alias once (`LiveAlias` in serverless.yml). Afterwards it is moved here, without CloudFormation: a
version serves only once it has answered, and the one before it serves again within seconds.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from botocore.exceptions import ClientError

from deploy.errors import DeployError

ALIAS: Final = "live"
"""The name of the alias in serverless.yml."""

KEPT: Final = 3
"""As many releases are kept: the one that serves, and two that served before it, so that one can still go back when the
repair of a bad release was bad, too. `maxImageCount` in serverless.yml keeps their images. AWS bills the snapshot of
each release until 14 days after its last use."""

_UNPUBLISHED: Final = "$LATEST"
_AFTER: Final = "after release "
_SINCE: Final = "since "

_ACCESS: Final = {"VISAGE_AUTH": "none", "VISAGE_LABELS": "public"}
"""The settings that say who may use the API, and what they were before there was a choice."""


@dataclass(frozen=True, slots=True)
class Release:
    """A published version of the function.

    `number` is Lambda's number of the version. `model` and `engine` are those that it serves. `made` is when its code
    and settings were deployed, as ISO 8601. `access` says who may use it. `before` is the number of the release that it
    was published to replace, "" where there was none.
    """

    number: str
    model: str
    engine: str
    made: str
    access: str = ""
    before: str = ""


@dataclass(frozen=True, slots=True)
class Live:
    """Where the alias points.

    `number` is the release that serves, "" before the first deployment has ended. `since` is when it began to, as ISO
    8601, "" where nobody wrote that down. `canary` is the release that gets `share` of the requests, from 0 to 1.
    """

    number: str
    since: str = ""
    canary: str = ""
    share: float = 0


def live(functions: Any, name: str) -> Live:
    """Return what serves; `functions` is a boto3 client of Lambda, `name` the function's.

    A stack of an earlier version of Visage has no alias.
    """
    try:
        alias = functions.get_alias(FunctionName=name, Name=ALIAS)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        return Live("")
    number = alias["FunctionVersion"]
    weights = alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
    canary, share = next(iter(weights.items()), ("", 0))
    since = alias.get("Description", "").removeprefix(_SINCE)
    return Live("" if number == _UNPUBLISHED else number, since, canary, float(share))


def published(functions: Any, name: str) -> list[Release]:
    """Return the releases of a function, the newest first."""
    pages = functions.get_paginator("list_versions_by_function").paginate(FunctionName=name)
    found = [each for page in pages for each in page["Versions"] if each["Version"] != _UNPUBLISHED]
    return sorted(map(_release, found), key=lambda release: int(release.number), reverse=True)


def publish(functions: Any, name: str, before: str) -> str:
    """Publish the function as it was deployed, to replace the release `before`; return the number of the new release.

    AWS publishes nothing, and returns the newest release, if neither code nor settings have changed since then.
    """
    words = {"Description": f"{_AFTER}{before}"} if before else {}
    version: str = functions.publish_version(FunctionName=name, **words)["Version"]
    return version


def move(functions: Any, name: str, number: str, canary: tuple[str, float] | None = None) -> None:
    """Let the API call this release; `canary` is another one, and the share of the requests that it gets."""
    functions.update_alias(
        FunctionName=name,
        Name=ALIAS,
        FunctionVersion=number,
        Description=f"{_SINCE}{datetime.now(UTC).isoformat(timespec='seconds')}",
        RoutingConfig={"AdditionalVersionWeights": dict([canary] if canary else ())},
    )


def former(releases: Sequence[Release], number: str) -> Release | None:
    """Return the release that served before the one with this number, None if it is not known or was deleted.

    A release says which one it replaced. Where that one is gone, or nobody wrote it down, it is the next older one.
    """
    by_number = {release.number: release for release in releases}
    before = by_number[number].before if number in by_number else ""
    older = [release for release in releases if number and int(release.number) < int(number)]
    return by_number.get(before) or (older[0] if older else None)


def chosen(releases: Sequence[Release], serving: str, wanted: str) -> Release:
    """Return the release that `wanted` names, by its number or by its model; of several with that model, the newest.

    Raises:
        DeployError: there is none but the one that serves.
    """
    named = [release for release in releases if wanted in {release.number, release.model}]
    others = [release for release in named if release.number != serving]
    if others:
        return others[0]
    if named:
        raise DeployError(f"Release {serving} (model {named[0].model}) serves already.")
    listed = ", ".join(f"{release.number} (model {release.model})" for release in releases) or "none"
    raise DeployError(f"There is no release {wanted}. There are: {listed}.")


def prune(functions: Any, name: str, serving: str, keep: int = KEPT) -> list[str]:
    """Delete all releases but `keep`: the one that serves, and those that served before it. Return their numbers."""
    releases = published(functions, name)
    kept = set(_chain(releases, serving, keep))
    gone = [release.number for release in releases if release.number not in kept]
    for number in gone:
        with suppress(functions.exceptions.ResourceConflictException):  # somebody's own alias points to it
            functions.delete_function(FunctionName=name, Qualifier=number)
    return gone


def _chain(releases: Sequence[Release], number: str, length: int) -> Iterator[str]:
    for _ in range(length):
        yield number
        before = former(releases, number)
        if before is None:
            return
        number = before.number


def _release(version: dict[str, Any]) -> Release:
    variables = version.get("Environment", {}).get("Variables", {})
    _, said, before = version.get("Description", "").partition(_AFTER)
    return Release(
        version["Version"],
        variables.get("VISAGE_MODEL", "").rpartition("/")[2],
        variables.get("VISAGE_ENGINE", ""),
        version.get("LastModified", ""),
        " ".join(variables.get(name, usual) for name, usual in _ACCESS.items()),
        before if said and before.isdecimal() else "",
    )
