"""A whole deployment: stack, model and website, in an order that keeps the API answering."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from deploy import answers, stack, website
from deploy.errors import DeployError
from deploy.owner import UNSAID, Owner
from deploy.stack import DEFAULT_ENGINE, Engine, Function, Hosting, Outputs
from deploy.steps import Step, silent
from deploy.target import Target
from deploy.website import Page, Site
from model import bundle as bundles
from model.bundle import Bundle
from model.storage import Connect

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
    """Deploy the bundle with all that serves it; return once function and API answer with that model and that engine.

    Where the stack exists, the model is uploaded before the stack is updated, so that the API answers throughout.

    Raises:
        BundleError: the bundle cannot be uploaded.
        DeployError: AWS refuses, the deployment tool is missing or failed, or what was deployed does not answer.
    """
    site = site or website.build()
    function = stack.function(target, engine, step)
    outputs = _deploy_stack_and_model(target, bundle, function, hosting, step, publish)
    wanted = {"version": bundle.manifest.version, "engine": str(engine)}
    with step("Waiting for the function"), target.client("lambda") as functions:
        answers.wait_for_function(functions, _qualified(outputs.function_name, function, target), wanted)
    addresses = _addresses(target, outputs)
    with step("Uploading the website"):
        _upload_website(target, outputs, site.pages(addresses.site, addresses.api, owner))
    with step("Waiting for the API"):
        answers.wait_for_api(addresses.api, wanted)
    return addresses


def _deploy_stack_and_model(
    target: Target, bundle: Bundle, function: Function, hosting: Hosting, step: Step, publish: Publish
) -> Outputs:
    prefix = f"models/{bundle.manifest.version}"
    existing = stack.outputs(target)
    if existing is None and _has_snapshot(function, target):
        # AWS starts this function while it deploys it, and takes a snapshot of its memory. The model must be in the
        # bucket by then, so the bucket is made first, with a function that needs no model yet.
        with step("Deploying the stack without a model"):
            stack.deploy(target, _NO_MODEL, replace(function, package="zip"), hosting)
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


def _has_snapshot(function: Function, target: Target) -> bool:
    """Tell whether the function starts from a snapshot; on the local AWS, none does."""
    return function.package == "snapshot" and target.local is None


def _qualified(name: str, function: Function, target: Target) -> str:
    """Return the function's name with that of the version that the API calls."""
    return f"{name}:{answers.ALIAS}" if _has_snapshot(function, target) else name


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
