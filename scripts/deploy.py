"""`visage deploy`: stack, model and website in one go, in the order that keeps the API answering."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.text import Text

from deploy import local, stack, website
from deploy.rollout import Addresses, bring_up
from deploy.stack import Engine, Hosting, Target
from model import bundle as bundles
from model.bundle import Bundle
from model.engines import ENGINES
from model.errors import BundleError
from scripts.console import CommandError, JSONOption, console, emit, out
from scripts.publish import send

_NO_CAMERA: Final = (
    "On AWS, this website is plain HTTP: browsers show it as not secure and give it no camera. "
    "`--website cloudfront` serves it over HTTPS."
)


class Stage(StrEnum):
    """Where to: this machine, or one of two stages on AWS."""

    LOCAL = "local"
    DEV = "dev"
    PROD = "prod"


def deploy(
    stage: Annotated[Stage, typer.Option(help="`local` is this machine; the others, AWS.")] = Stage.LOCAL,
    bundle: Annotated[Path, typer.Option(help="Folder of the bundle to serve.")] = Path("bundle"),
    engine: Annotated[
        Engine, typer.Option(help="What runs the network: `torchscript` in a container image, `onnx` in a zip.")
    ] = Engine.TORCHSCRIPT,
    hosting: Annotated[
        Hosting,
        typer.Option("--website", help="What serves the website: `cloudfront` over HTTPS, or `s3` over HTTP."),
    ] = Hosting.CLOUDFRONT,
    examples: Annotated[
        list[Path] | None,
        typer.Option("--example", metavar="PHOTO", help="A photo to try the website with; may be given again."),
    ] = None,
    region: Annotated[str | None, typer.Option(help="AWS region; else that of your AWS settings.")] = None,
    as_json: JSONOption = False,
) -> None:
    """Deploy stack, model and website in one go, and print their two addresses."""
    loaded = _load(bundle, engine)
    site = website.build(examples or ())
    addresses = bring_up(_target(stage, region, engine), loaded, engine, hosting, site, _step, send)
    emit(asdict(addresses), as_json=as_json, show=lambda _: _show(addresses))
    if hosting is Hosting.S3:
        console.print(Text("note", "yellow"), _NO_CAMERA)


def _target(stage: Stage, region: str | None, engine: Engine) -> Target:
    if stage is not Stage.LOCAL:
        return stack.aws_target(stage.value, region, engine)
    aws = local.default()
    with _step("Starting the local AWS"):
        aws.start()
    return stack.local_target(aws)


def _load(bundle: Path, engine: Engine) -> Bundle:
    try:
        loaded = bundles.load(str(bundle))
    except BundleError as error:
        raise CommandError(f"{error} `visage export` makes a bundle; --bundle says where it is.") from error
    missing = set(ENGINES[engine].files) - set(loaded.manifest.files)
    if missing:
        raise CommandError(
            f"The bundle at {bundle} has no {min(missing)}, which --engine {engine} serves: it is older than that. "
            "Export its run again, and deploy."
        )
    return loaded


def _show(addresses: Addresses) -> None:
    out.print(f"API      {addresses.api}")
    out.print(f"Website  {addresses.site}")


@contextmanager
def _step(name: str) -> Iterator[None]:
    """Show that something goes on, and afterwards how long it took."""
    start = time.monotonic()
    with console.status(name):
        yield
    console.print(Text("✓", "green"), name, Text(f"{time.monotonic() - start:.1f} s", "dim"))
