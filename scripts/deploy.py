"""`visage deploy`: stack, model and website in one go, in the order that keeps the API answering."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

import boto3
import requests
import typer
from rich.text import Text

from model import bundle as bundles
from model.bundle import Bundle
from model.errors import BundleError
from model.fetch import NETWORKS
from scripts import local, stack, website
from scripts.console import CommandError, JSONOption, console, emit, out
from scripts.publish import send
from scripts.stack import Engine, Function, Hosting, Outputs, Target
from scripts.website import Site

_ANSWER_SECONDS: Final = 180
_ONE_ANSWER_SECONDS: Final = 70
"""More than two starts of the function may take: to ask again before is to start one more beside them."""

_NO_MODEL: Final = "models/none"

_NO_CAMERA: Final = (
    "On AWS, this website is plain HTTP: browsers show it as not secure and give it no camera. "
    "`--website cloudfront` serves it over HTTPS."
)


class Stage(StrEnum):
    """Where to: this machine, or one of two stages on AWS."""

    LOCAL = "local"
    DEV = "dev"
    PROD = "prod"


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a deployment answers; neither address ends in a slash."""

    api: str
    site: str


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
    addresses = bring_up(_target(stage, region, engine), loaded, engine, hosting, site)
    emit(asdict(addresses), as_json=as_json, show=lambda _: _show(addresses))
    if hosting is Hosting.S3:
        console.print(Text("note", "yellow"), _NO_CAMERA)


def bring_up(
    target: Target,
    bundle: Bundle,
    engine: Engine = Engine.TORCHSCRIPT,
    hosting: Hosting = Hosting.CLOUDFRONT,
    site: Site | None = None,
) -> Addresses:
    """Deploy the bundle with everything that serves it; return once the API answers with that model and that engine.

    The model goes to a standing stack before the stack turns to it, so that the API answers throughout.

    Raises:
        CommandError: the deployment tool is missing or failed, or the API does not answer.
    """
    site = site or website.build()
    function = stack.function(target, engine)
    with target.entered():
        outputs = _stack_and_model(target, bundle, function, hosting)
        addresses = _addresses(target, outputs)
        with _step("Uploading the website"):
            website.upload(outputs.site_bucket, site.pages(addresses.site, addresses.api))
            if outputs.site_id and target.local is None:
                website.refresh(outputs.site_id)
    with _step("Waiting for the API"):
        _wait_for(_health_address(target, addresses.api), bundle.manifest.version, engine)
    return addresses


def _stack_and_model(target: Target, bundle: Bundle, function: Function, hosting: Hosting) -> Outputs:
    prefix = f"models/{bundle.manifest.version}"
    standing = stack.outputs(target)
    if standing is None and function.engine is Engine.ONNX and target.local is None:
        # AWS starts this function once, when it is deployed, and keeps what it has in memory then. Its model must be
        # there before.
        with _step("Deploying the stack without a model"):
            stack.deploy(target, _NO_MODEL, function, hosting)
        standing = stack.outputs(target)
    if standing:
        send(bundle.directory, f"s3://{standing.model_bucket}/{prefix}")
    with _step("Deploying the stack"):
        stack.deploy(target, prefix, function, hosting)
    outputs = stack.outputs(target)
    if outputs is None:
        raise CommandError(f"The stack {target.stack} has no outputs. Delete it, and deploy again.")
    send(bundle.directory, f"s3://{outputs.model_bucket}/{prefix}")
    return outputs


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
    missing = set(NETWORKS[engine]) - set(loaded.manifest.files)
    if missing:
        raise CommandError(
            f"The bundle at {bundle} has no {min(missing)}, which --engine {engine} serves: it is older than that. "
            "Export its run again, and deploy."
        )
    return loaded


def _addresses(target: Target, now: Outputs) -> Addresses:
    api = boto3.client("apigatewayv2").get_api(ApiId=now.api_id)["ApiEndpoint"]
    if target.local is None:
        return Addresses(api, now.site_address)
    label = (urlsplit(now.site_address).hostname or "").partition(".")[0]
    if now.site_id:
        return Addresses(api, f"http://{label}.cloudfront.localhost:{target.local.port}")
    # MiniStack serves a website's bucket as any other, without an index document.
    return Addresses(api, f"http://{label}.s3.localhost:{target.local.port}/index.html")


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


def _health_address(target: Target, api: str) -> str:
    """Return where the function tells its health; MiniStack keeps the path /health for itself, and not //health."""
    return f"{api}//health" if target.local else f"{api}/health"


def _wait_for(health: str, version: str, engine: Engine) -> None:
    """Ask for the health until that of model and engine answers; this also starts the function."""
    deadline = time.monotonic() + _ANSWER_SECONDS
    answer = _get(health)
    while not (f'"{version}"' in answer and f'"{engine}"' in answer):
        if time.monotonic() > deadline:
            raise CommandError(f"All is deployed, but model {version} with {engine} does not answer: {answer}")
        time.sleep(1)
        answer = _get(health)


def _get(address: str) -> str:
    """Return what an address of the API answers, or why it does not."""
    url, headers = local.direct(address)
    try:
        with requests.Session() as session:
            session.trust_env = not headers  # no proxy knows the local API
            return session.get(url, headers=headers, timeout=_ONE_ANSWER_SECONDS).text
    except requests.RequestException as error:
        return str(error)
