"""A whole deployment: stack, model and website, in an order that keeps the API answering."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import requests

from deploy import local, stack, website
from deploy.errors import DeployError
from deploy.owner import UNSAID, Owner
from deploy.stack import DEFAULT_ENGINE, Engine, Function, Hosting, Outputs
from deploy.steps import Step, silent
from deploy.target import Target
from deploy.website import Page, Site
from model import bundle as bundles
from model.bundle import Bundle
from model.storage import Connect
from model.version import VERSION

_ANSWER_SECONDS: Final = 180
_REQUEST_SECONDS: Final = 70
"""Longer than two starts of the function take. A second request before that would start a second function."""

_NO_MODEL: Final = "models/none"

Publish = Callable[[Path, str, Connect], object]
"""Uploads the bundle in a folder to "s3://bucket/prefix", through the clients that the function makes."""


def _publish(directory: Path, location: str, connect: Connect) -> None:
    bundles.publish(directory, location, lambda *_: None, connect)


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a deployment answers; neither address ends in a slash."""

    api: str
    site: str


def bring_up(
    target: Target,
    bundle: Bundle,
    engine: Engine = DEFAULT_ENGINE,
    hosting: Hosting = Hosting.CLOUDFRONT,
    site: Site | None = None,
    step: Step = silent,
    publish: Publish = _publish,
    owner: Owner = UNSAID,
) -> Addresses:
    """Deploy the bundle with all that serves it; return once the API answers with that model and that engine.

    Where the stack exists, the model is uploaded before the stack is updated, so that the API answers throughout.

    Raises:
        BundleError: the bundle cannot be uploaded.
        DeployError: AWS refuses, the deployment tool is missing or failed, or the API does not answer.
    """
    site = site or website.build()
    function = stack.function(target, engine, step)
    outputs = _deploy_stack_and_model(target, bundle, function, hosting, step, publish)
    addresses = _addresses(target, outputs)
    with step("Uploading the website"):
        _upload_website(target, outputs, site.pages(addresses.site, addresses.api, owner))
    with step("Waiting for the API"):
        _wait_for(_health_address(target, addresses.api), bundle.manifest.version, engine)
    return addresses


def _deploy_stack_and_model(
    target: Target, bundle: Bundle, function: Function, hosting: Hosting, step: Step, publish: Publish
) -> Outputs:
    prefix = f"models/{bundle.manifest.version}"
    existing = stack.outputs(target)
    if existing is None and function.package == "snapshot" and target.local is None:
        # AWS starts this function while it deploys it, and takes a snapshot of its memory. The model must be in the
        # bucket by then, so the bucket is made first.
        with step("Deploying the stack without a model"):
            stack.deploy(target, _NO_MODEL, function, hosting)
        existing = stack.outputs(target)
    if existing:
        publish(bundle.directory, f"s3://{existing.model_bucket}/{prefix}", target.connect)
    with step("Deploying the stack"):
        stack.deploy(target, prefix, function, hosting)
    outputs = stack.outputs(target)
    if outputs is None:
        raise DeployError(f"The stack {target.stack} has no outputs. Delete it, and deploy again.")
    publish(bundle.directory, f"s3://{outputs.model_bucket}/{prefix}", target.connect)
    return outputs


def _upload_website(target: Target, outputs: Outputs, pages: Sequence[Page]) -> None:
    with target.client("s3") as s3:
        website.upload(s3, outputs.site_bucket, pages)
    if outputs.site_id and target.local is None:
        with target.client("cloudfront") as cloudfront:
            website.refresh(cloudfront, outputs.site_id)


def _addresses(target: Target, outputs: Outputs) -> Addresses:
    with target.client("apigatewayv2") as gateway:
        api = gateway.get_api(ApiId=outputs.api_id)["ApiEndpoint"]
    if target.local is None:
        return Addresses(api, outputs.site_address)
    label = (urlsplit(outputs.site_address).hostname or "").partition(".")[0]
    if outputs.site_id:
        return Addresses(api, f"http://{label}.cloudfront.localhost:{target.local.port}")
    # MiniStack serves a website's bucket like any other, without an index document.
    return Addresses(api, f"http://{label}.s3.localhost:{target.local.port}/index.html")


def _health_address(target: Target, api: str) -> str:
    """Return the address of the function's health. MiniStack answers /health itself, but passes //health on."""
    return f"{api}//health" if target.local else f"{api}/health"


def _wait_for(health: str, version: str, engine: Engine) -> None:
    """Ask for the health until this model and this engine answer; this also starts the function."""
    deadline = time.monotonic() + _ANSWER_SECONDS
    answer = _get(health)
    while not (f'"{version}"' in answer and f'"{engine}"' in answer):
        if time.monotonic() > deadline:
            raise DeployError(f"The deployment is done, but model {version} with {engine} does not answer: {answer}")
        time.sleep(1)
        answer = _get(health)


def _get(address: str) -> str:
    """Return the API's answer at an address, or the reason why there is none."""
    url, headers = local.direct(address)
    try:
        with requests.Session() as session:
            session.headers["User-Agent"] = f"visage/{VERSION}"
            session.trust_env = not headers  # no proxy can reach the local API
            return session.get(url, headers=headers, timeout=_REQUEST_SECONDS).text
    except requests.RequestException as error:
        return str(error)
