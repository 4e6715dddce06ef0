"""`visage rollback`: lets the API call the release before."""

from dataclasses import asdict
from typing import Annotated

import typer

from deploy.status import require_outputs
from deploy.traffic import Service, roll_back
from scripts.console import JSONOption, emit, out, step
from scripts.stages import RegionOption, StageOption, target_of


def rollback(
    stage: StageOption,
    region: RegionOption = None,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="RELEASE|MODEL", help="Which one, as `visage status` lists them. (default: the one before)"
        ),
    ] = None,
    as_json: JSONOption = False,
) -> None:
    """Let the API answer with the release before: its code, its model and its settings. It takes seconds.

    The website stays as it is. The next `visage deploy` makes a new release, and this one is the one before that.
    """
    target = target_of(stage, region, "rollback")
    name = require_outputs(target).function_name
    with target.client("lambda") as functions:
        release = roll_back(Service(target, functions, name), to, step)
    emit(
        asdict(release),
        as_json=as_json,
        show=lambda _: out.print(f"Release {release.number} serves: model {release.model} with {release.engine}."),
    )
