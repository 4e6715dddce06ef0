"""`visage remove`: removes a stage, all its models and its website."""

import sys
from typing import Annotated

import typer

from deploy import removal
from deploy.removal import STAYS, Contents
from deploy.target import Target
from scripts.console import CommandError, JSONOption, console, emit, out, step
from scripts.stages import RegionOption, StageOption, target_of


def remove(
    stage: StageOption,
    region: RegionOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: JSONOption = False,
) -> None:
    """Remove a stage: API, function, published models with all versions, website, logs and images.

    Whatever interrupts it, the same command goes on.
    """
    target = target_of(stage, region, "remove")
    found = removal.contents(target)
    if found and not yes:
        _ask(target, found)
    removal.remove(target, found, step)
    result = {
        "stage": target.stage,
        "region": target.region,
        "removed": [
            *found.buckets,
            *filter(None, [found.state and target.stack, found.repository]),
        ],
    }
    emit(result, as_json=as_json, show=lambda _: _show(target, found))


def _ask(target: Target, found: Contents) -> None:
    """Ask for the stage's name.

    Raises:
        CommandError: the answer is another one, or nobody can answer.
    """
    for line in _described(target, found):
        console.print(line, soft_wrap=True)
    if not sys.stdin or not sys.stdin.isatty():
        raise CommandError("Nobody is there to be asked. Give --yes to delete all of this.")
    answer = typer.prompt("It cannot be brought back. Type the name of the stage to delete it", err=True)
    if answer.strip() != target.stage:
        raise CommandError("Nothing was deleted.")


def _described(target: Target, found: Contents) -> list[str]:
    where = f"account {_account(target)}, region {target.region}" if target.local is None else "the local AWS"
    lines = [f"To be deleted in {where}:"]
    if found.state:
        lines.append(f"  the stack {target.stack} with API, function, logs and website")
    lines += [f"  the bucket {bucket} and all versions of what is in it" for bucket in found.buckets]
    if found.repository:
        lines.append(f"  the images in {found.repository}")
    return lines


def _account(target: Target) -> str:
    with target.client("sts") as sts:
        account: str = sts.get_caller_identity()["Account"]
    return account


def _show(target: Target, found: Contents) -> None:
    if not found:
        out.print(f"There is nothing of stage {target.stage} in {target.region}. --region names another region.")
        return
    out.print(f"Stage {target.stage} is removed.")
    if target.local is None:
        out.print(STAYS)
