"""The stages that commands work on: this machine's local AWS, and two on AWS."""

from enum import StrEnum
from typing import Annotated

import typer

from deploy import local
from deploy.target import Target, aws_target, local_target
from scripts.console import SETTINGS, CommandError, require_checkout


class Stage(StrEnum):
    """What to deploy to: this machine, or one of two stages on AWS."""

    LOCAL = "local"
    DEV = "dev"
    PROD = "prod"


StageOption = Annotated[Stage, typer.Option(help="`local` is this machine, the others are on AWS.")]
RegionOption = Annotated[str | None, typer.Option(help="AWS region. (default: that of your AWS settings)")]


def target_of(stage: Stage, region: str | None, command: str) -> Target:
    """Return the target of a stage that something was deployed to; `command` needs it.

    Raises:
        CommandError: the local AWS does not run, so that nothing is deployed to it.
        DeployError: AWS accepts no credentials of the user's.
    """
    require_checkout(command)
    if stage is not Stage.LOCAL:
        return aws_target(stage.value, region, SETTINGS, needs_docker=False)
    aws = local.default(SETTINGS)
    if not aws.running():
        raise CommandError("The local AWS does not run, so nothing is deployed to it. `visage deploy` starts it.")
    return local_target(aws)
