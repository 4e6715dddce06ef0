"""`visage forget`: a person taken out of a bundle."""

from pathlib import Path
from typing import Annotated, Any

import typer

from model import bundle as bundles
from scripts.console import JSONOption, OutputOption, emit, out
from training.enrolment import forget as forget_person


def forget(
    bundle: Annotated[Path, typer.Argument(help="What `visage export` or `visage enroll` made.")],
    name: Annotated[str, typer.Argument(help="Whom to forget.")],
    output: OutputOption = None,
    as_json: JSONOption = False,
) -> None:
    """Take a person out of a bundle: the name, the embeddings, and the network's weights for them."""
    target = output or bundle
    made = forget_person(bundles.load(str(bundle)), name, target, replace_existing=target == bundle)
    result = {"bundle": str(target), "version": made.manifest.version, "labels": list(made.manifest.people)}
    emit(result, as_json=as_json, show=_show)


def _show(result: dict[str, Any]) -> None:
    out.print(f"{result['bundle']}: version {result['version']}, knows {', '.join(result['labels'])}")
    out.print("Publish it for the API to forget too; versions published before are still in their bucket.")
