"""`visage deploy`: deploys stack, model and website."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.text import Text

from deploy import local, package, stack, website
from deploy.owner import MAX_LIVE, UNSAID, Owner
from deploy.rollout import Addresses, bring_up
from deploy.stack import DEFAULT_ENGINE, Engine, Hosting
from deploy.target import Target, aws_target, local_target
from model import bundle as bundles
from model.bundle import Bundle
from model.engines import ENGINES, Packaging
from model.errors import BundleError
from scripts import checks
from scripts.console import SETTINGS, CommandError, JSONOption, console, emit, note, out, require_checkout
from scripts.publish import send

_SECONDS_LOCAL: Final = 15
"""Measured: the steps that three runs of `make demo` on two cores printed took 8 to 10 seconds; start and upload of the
model are not in them."""

_MEGABYTES: Final = 300
"""The local AWS's own packages, and those of a function that is deployed as a zip."""

_NO_CAMERA: Final = (
    "On AWS, this website uses plain HTTP: browsers mark it as not secure and do not let it use the camera. "
    "`--website cloudfront` serves it over HTTPS."
)


class Stage(StrEnum):
    """What to deploy to: this machine, or one of two stages on AWS."""

    LOCAL = "local"
    DEV = "dev"
    PROD = "prod"


def deploy(
    stage: Annotated[Stage, typer.Option(help="`local` is this machine, the others are on AWS.")] = Stage.LOCAL,
    bundle: Annotated[Path, typer.Option(help="Folder of the bundle to serve.")] = Path("bundle"),
    engine: Annotated[
        Engine, typer.Option(help="What runs the network: `torchscript` in a container image, `onnx` in a zip.")
    ] = DEFAULT_ENGINE,
    hosting: Annotated[
        Hosting,
        typer.Option("--website", help="What serves the website: `cloudfront` over HTTPS, or `s3` over HTTP."),
    ] = Hosting.CLOUDFRONT,
    examples: Annotated[
        list[Path] | None,
        typer.Option("--example", metavar="PHOTO", help="An example photo for the website. Repeat for more."),
    ] = None,
    owner: Annotated[
        str | None, typer.Option(metavar="NAME", help="Who runs the website, for its privacy page.")
    ] = None,
    contact: Annotated[
        str | None, typer.Option(metavar="MAIL|URL", help="How visitors reach the owner, for the privacy page.")
    ] = None,
    consent: Annotated[
        bool | None,
        typer.Option("--consent/--no-consent", help="Whether visitors must agree before their first photo is sent."),
    ] = None,
    consent_text: Annotated[
        str | None, typer.Option(metavar="SENTENCE", help="What they agree to, in your own words; implies --consent.")
    ] = None,
    live: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=MAX_LIVE,
            metavar="NUMBER",
            help="Pictures a second that a visitor's running camera may send; 0 for none.",
        ),
    ] = None,
    region: Annotated[str | None, typer.Option(help="AWS region. (default: that of your AWS settings)")] = None,
    as_json: JSONOption = False,
) -> None:
    """Deploy stack, model and website, and print the addresses of API and website.

    Owner, contact, consent and --live are kept for later deployments; an empty text removes one.
    """
    require_checkout("deploy")
    said = (owner, contact, _consent(consent, consent_text), live)
    UNSAID.changed(*said)
    _check(stage, engine)
    loaded = _load(bundle, engine)
    site = website.build(examples or ())
    checks.announce(
        f"Deploying stack, model and website to stage {stage}",
        _SECONDS_LOCAL if stage is Stage.LOCAL else 0,
        as_json=as_json,
    )
    target = _target(stage, region, engine)
    responsible = Owner.kept(target).changed(*said)
    addresses = bring_up(target, loaded, engine, hosting, site, _step, send, responsible)
    emit(asdict(addresses), as_json=as_json, show=lambda _: _show(addresses))
    if hosting is Hosting.S3:
        note([_NO_CAMERA])
    if responsible.missing:
        note([f"The privacy page lacks its owner. Deploy again with {' and '.join(responsible.missing)}; it is kept."])


def _consent(wanted: bool | None, text: str | None) -> str | bool | None:
    if text and wanted is False:
        raise CommandError("--no-consent and --consent-text contradict each other. Give one of them.")
    return wanted if text is None else text


def _check(stage: Stage, engine: Engine) -> None:
    stack.check_tools(SETTINGS)
    if stage is Stage.LOCAL:
        local.default(SETTINGS).check()
        if ENGINES[engine].packaging is not Packaging.IMAGE:
            package.require_interpreter(SETTINGS)
    checks.target(SETTINGS.cache, _MEGABYTES)


def _target(stage: Stage, region: str | None, engine: Engine) -> Target:
    if stage is not Stage.LOCAL:
        return aws_target(stage.value, region, SETTINGS, needs_docker=ENGINES[engine].packaging is Packaging.IMAGE)
    aws = local.default(SETTINGS)
    with _step("Starting the local AWS"):
        aws.start()
    return local_target(aws)


def _load(bundle: Path, engine: Engine) -> Bundle:
    try:
        loaded = bundles.load(str(bundle))
    except BundleError as error:
        raise CommandError(f"{error} `visage export` makes a bundle. --bundle names its folder.") from error
    missing = set(ENGINES[engine].files) - set(loaded.manifest.files)
    if missing:
        raise CommandError(
            f"The bundle at {bundle} has no {min(missing)}, which --engine {engine} needs: an older version made it. "
            "Export its run again, and deploy."
        )
    return loaded


def _show(addresses: Addresses) -> None:
    out.print(f"API      {addresses.api}")
    out.print(f"Website  {addresses.site}")


@contextmanager
def _step(name: str) -> Iterator[None]:
    """Show a spinner during the block, and afterwards how long it took."""
    start = time.monotonic()
    with console.status(name):
        yield
    console.print(Text("✓", "green"), name, Text(f"{time.monotonic() - start:.1f} s", "dim"))
