"""Stack, model and website in one go, in the order that keeps the API answering."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import boto3
import requests

from deploy import local, stack, website
from deploy.errors import DeployError
from deploy.stack import Engine, Function, Hosting, Outputs, Target
from deploy.steps import Step, silent
from deploy.website import Site
from model import bundle as bundles
from model.bundle import Bundle

_ANSWER_SECONDS: Final = 180
_ONE_ANSWER_SECONDS: Final = 70
"""More than two starts of the function may take: to ask again before is to start one more beside them."""

_NO_MODEL: Final = "models/none"

Publish = Callable[[Path, str], object]
"""Uploads the bundle in a folder to "s3://bucket/prefix"."""


def _publish(directory: Path, location: str) -> None:
    bundles.publish(directory, location, lambda *_: None)


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a deployment answers; neither address ends in a slash."""

    api: str
    site: str


def bring_up(
    target: Target,
    bundle: Bundle,
    engine: Engine = Engine.TORCHSCRIPT,
    hosting: Hosting = Hosting.CLOUDFRONT,
    site: Site | None = None,
    step: Step = silent,
    publish: Publish = _publish,
) -> Addresses:
    """Deploy the bundle with everything that serves it; return once the API answers with that model and that engine.

    The model goes to a standing stack before the stack turns to it, so that the API answers throughout.

    Raises:
        DeployError: the deployment tool is missing or failed, or the API does not answer.
    """
    site = site or website.build()
    function = stack.function(target, engine, step)
    with target.entered():
        outputs = _stack_and_model(target, bundle, function, hosting, step, publish)
        addresses = _addresses(target, outputs)
        with step("Uploading the website"):
            website.upload(outputs.site_bucket, site.pages(addresses.site, addresses.api))
            if outputs.site_id and target.local is None:
                website.refresh(outputs.site_id)
    with step("Waiting for the API"):
        _wait_for(_health_address(target, addresses.api), bundle.manifest.version, engine)
    return addresses


def _stack_and_model(
    target: Target, bundle: Bundle, function: Function, hosting: Hosting, step: Step, publish: Publish
) -> Outputs:
    prefix = f"models/{bundle.manifest.version}"
    standing = stack.outputs(target)
    if standing is None and function.engine is Engine.ONNX and target.local is None:
        # AWS starts this function once, when it is deployed, and keeps what it has in memory then. Its model must be
        # there before.
        with step("Deploying the stack without a model"):
            stack.deploy(target, _NO_MODEL, function, hosting)
        standing = stack.outputs(target)
    if standing:
        publish(bundle.directory, f"s3://{standing.model_bucket}/{prefix}")
    with step("Deploying the stack"):
        stack.deploy(target, prefix, function, hosting)
    outputs = stack.outputs(target)
    if outputs is None:
        raise DeployError(f"The stack {target.stack} has no outputs. Delete it, and deploy again.")
    publish(bundle.directory, f"s3://{outputs.model_bucket}/{prefix}")
    return outputs


def _addresses(target: Target, now: Outputs) -> Addresses:
    api = boto3.client("apigatewayv2").get_api(ApiId=now.api_id)["ApiEndpoint"]
    if target.local is None:
        return Addresses(api, now.site_address)
    label = (urlsplit(now.site_address).hostname or "").partition(".")[0]
    if now.site_id:
        return Addresses(api, f"http://{label}.cloudfront.localhost:{target.local.port}")
    # MiniStack serves a website's bucket as any other, without an index document.
    return Addresses(api, f"http://{label}.s3.localhost:{target.local.port}/index.html")


def _health_address(target: Target, api: str) -> str:
    """Return where the function tells its health; MiniStack keeps the path /health for itself, and not //health."""
    return f"{api}//health" if target.local else f"{api}/health"


def _wait_for(health: str, version: str, engine: Engine) -> None:
    """Ask for the health until that of model and engine answers; this also starts the function."""
    deadline = time.monotonic() + _ANSWER_SECONDS
    answer = _get(health)
    while not (f'"{version}"' in answer and f'"{engine}"' in answer):
        if time.monotonic() > deadline:
            raise DeployError(f"All is deployed, but model {version} with {engine} does not answer: {answer}")
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
