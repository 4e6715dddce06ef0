"""`visage status`: what is deployed to a stage, and how it did in the last day."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Final

from rich.table import Table

from dataset.words import counted
from deploy import status as statuses
from deploy.releases import Live, Release
from deploy.rollout import addresses_of
from deploy.status import Figures, Status
from scripts.console import JSONOption, emit, note, out
from scripts.stages import RegionOption, Stage, StageOption, target_of

_BILL: Final = "docs/costs.md has the prices, docs/hosting.md says where to see the bill."


def status(stage: StageOption, region: RegionOption = None, as_json: JSONOption = False) -> None:
    """Show what is deployed to a stage and since when, and the last day's requests, errors and durations."""
    target = target_of(stage, region, "status")
    outputs = statuses.require_outputs(target)
    addresses = addresses_of(target, outputs)
    found = statuses.read(target, (addresses.api, addresses.site), outputs)
    emit({**asdict(found), "gigabyte_seconds": found.gigabyte_seconds}, as_json=as_json, show=lambda _: _show(found))


def _show(found: Status) -> None:
    out.print(f"API      {found.api}")
    out.print(f"Website  {found.site}")
    out.print(f"Stack    visage-{found.stage} in {found.region}, {found.state}")
    out.print(f"Function {found.function}: {found.package}, {found.memory_mb} MB")
    out.print(_releases(found))
    if not found.live.number:
        note(["No release serves yet: the last deployment was interrupted. Deploy again."])
    out.print(f"Last 24 hours: {_in_words(found.figures)}")
    if found.gigabyte_seconds is not None:
        bill = "" if found.stage == Stage.LOCAL else _BILL
        out.print(f"Computing: {found.gigabyte_seconds:,.0f} GB-seconds, without starts. {bill}".strip())
    if found.alarms:
        note([f"These alarms went off: {', '.join(found.alarms)}. docs/runbook.md says what to do."])


def _releases(found: Status) -> Table:
    table = Table("Release", "Model", "Made (UTC)", "Requests", "Since (UTC)")
    for release in found.releases:
        serves = release.number == found.live.number
        since = _time(found.live.since) if serves else ""
        table.add_row(release.number, release.model, _time(release.made), _share(release, found.live), since)
    return table


def _share(release: Release, live: Live) -> str:
    if release.number == live.number:
        return f"{1 - live.share:.0%}"
    return f"{live.share:.0%} (canary)" if release.number == live.canary else ""


def _time(text: str) -> str:
    """Return a time of AWS without its seconds and in UTC, or as it is if it has another form."""
    try:
        return f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%d %H:%M}"
    except ValueError:
        return text


def _in_words(figures: Figures) -> str:
    parts = [
        _count(figures.requests, "request"),
        _count(figures.failed, "server error"),
        _count(figures.calls, "call", " of the function"),
        _count(figures.errors, "call", " without an answer"),
        _count(figures.throttled, "call", " refused"),
        None if figures.p95_ms is None else f"95 % answered within {figures.p95_ms:,.0f} ms",
    ]
    return ", ".join(part for part in parts if part) or "CloudWatch has no figures."


def _count(number: int | None, what: str, more: str = "") -> str | None:
    return None if number is None else f"{counted(number, what)}{more}"
