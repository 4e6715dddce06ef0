"""A whole deployment: stack, model and website, in an order that keeps the API answering."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from deploy import answers, arrivals, keys, releases, rosters, stack, stack_state, website
from deploy.access import Access
from deploy.errors import DeployError
from deploy.options import Options, Thumbnails
from deploy.owner import UNSAID, Owner
from deploy.stack import DEFAULT_ENGINE, Engine, Function, Hosting, Outputs
from deploy.steps import Step, silent
from deploy.target import Target
from deploy.traffic import Canary, Service, keep_warm, put_live
from deploy.website import Page, Services, Site
from model import bundle as bundles
from model.bundle import Bundle
from model.roster_storage import roster_key
from model.space import embedding_space
from model.storage import Connect

Publish = Callable[[Path, str, Connect], object]
"""Uploads the bundle in a folder to "s3://bucket/prefix", through the clients that the function makes."""


def _publish(directory: Path, location: str, connect: Connect) -> None:
    bundles.publish(directory, location, lambda *_: None, connect)


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a deployment answers; neither address ends in a slash. `remarks` are what its owner should know."""

    api: str
    site: str
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """How a deployment goes: with which options, and whether the new release first gets a share of the requests only.

    `options` and `access` None are those of the last deployment. `kept` is how many releases are kept, the new one
    included.
    """

    options: Options | None = None
    canary: Canary | None = None
    kept: int = releases.KEPT
    access: Access | None = None


USUAL: Final = Plan()
"""As the last deployment, and without a canary."""


def bring_up(
    target: Target,
    bundle: Bundle,
    engine: Engine = DEFAULT_ENGINE,
    hosting: Hosting = Hosting.CLOUDFRONT,
    site: Site | None = None,
    step: Step = silent,
    publish: Publish = _publish,
    owner: Owner = UNSAID,
    *,
    plan: Plan = USUAL,
) -> Addresses:
    """Deploy the bundle with all that serves it; return once function and API answer with that model and that engine.

    The API answers throughout: what served before serves until the new release has answered.

    Raises:
        BundleError: the bundle cannot be uploaded.
        DeployError: AWS refuses, the deployment tool is missing or failed, what was deployed does not answer, or it
            failed as a canary. The release before goes on serving then.
    """
    site = site or website.build()
    stack_state.check(target, step)
    if plan.canary:
        _require_former(target, engine)
    options = plan.options or Options.kept(target)
    access = plan.access or stack.access(target)
    function = stack.function(target, engine, step, snapshot=options.starts_from_snapshot)
    parameters = options.parameters() | access.parameters()
    outputs = _deploy_stack_and_model(target, bundle, function, hosting, parameters, step, publish)
    keys.make_object(target)
    remarks = rosters.join(target, bundle, outputs.model_bucket, thumbnails=options.thumbnails != Thumbnails.NONE)
    wanted = {"version": bundle.manifest.version, "engine": str(engine)}
    with target.client("lambda") as functions:
        service = Service(target, functions, outputs.function_name)
        number = _release(service, wanted, function, options, plan.canary, step)
        addresses = addresses_of(target, outputs)
        with step("Uploading the website"):
            services = _services_of_page(target, outputs, addresses.api)
            services = replace(services, references=options.thumbnails == Thumbnails.VISITORS)
            _upload_website(target, outputs, site.pages(addresses.site, services, owner))
        with step("Waiting for the API"):
            answers.wait_for_api(addresses.api, wanted)
        releases.prune(functions, outputs.function_name, number, plan.kept)
    return replace(addresses, remarks=tuple(remarks))


def _deploy_stack_and_model(
    target: Target,
    bundle: Bundle,
    function: Function,
    hosting: Hosting,
    options: Mapping[str, str],
    step: Step,
    publish: Publish,
) -> Outputs:
    prefix = f"models/{bundle.manifest.version}"
    options = {**options, "roster": roster_key(embedding_space(bundle.manifest))}
    existing = stack.outputs(target)
    if existing and existing.batch and options.get("batchSource") != existing.batch.place:
        arrivals.unwatch_all(target, existing.batch)
    if existing:
        # Where the engine changes, the API calls the other function as soon as the stack has it.
        publish(bundle.directory, f"s3://{existing.model_bucket}/{prefix}", target.connect)
    with step("Deploying the stack"):
        stack.deploy(target, prefix, function, hosting, options)
    outputs = stack.outputs(target)
    if outputs is None:
        raise DeployError(f"The stack {target.stack} has no outputs. Delete it, and deploy again.")
    publish(bundle.directory, f"s3://{outputs.model_bucket}/{prefix}", target.connect)
    return outputs


def _release(
    service: Service, wanted: answers.Wanted, function: Function, options: Options, canary: Canary | None, step: Step
) -> str:
    """Put the function that was deployed behind the API; return the number of its release."""
    from_snapshot = function.package == "snapshot" and service.target.local is None  # the local AWS takes none
    if not options.keep_warm:
        keep_warm(service, 0)  # AWS keeps no instances of a snapshot, so this comes first
    number = put_live(service, wanted, from_snapshot=from_snapshot, canary=canary, step=step)
    if options.keep_warm:
        with step(f"Keeping {options.keep_warm} instances warm"):
            keep_warm(service, options.keep_warm)
    return number


def _require_former(target: Target, engine: Engine) -> None:
    """Check that a release with this engine serves, beside which a canary can be tried.

    Raises:
        DeployError: there is none.
    """
    existing = stack.outputs(target)
    if existing and existing.function_name:
        with target.client("lambda") as functions:
            serving = releases.live(functions, existing.function_name).number
            published = releases.published(functions, existing.function_name)
        if any(release.number == serving and release.engine == engine for release in published):
            return
    raise DeployError(
        f"A canary needs a release with --engine {engine} that serves already, and stage {target.stage} has none. "
        "Deploy without --canary."
    )


def _upload_website(target: Target, outputs: Outputs, pages: Sequence[Page]) -> None:
    with target.client("s3") as s3:
        website.upload(s3, outputs.site_bucket, pages)
    if outputs.site_id and target.local is None:
        with target.client("cloudfront") as cloudfront:
            website.refresh(cloudfront, outputs.site_id)


def _services_of_page(target: Target, outputs: Outputs, api: str) -> Services:
    """Return what the page connects to. Behind CloudFront, that passes requests on to the API."""
    if target.local:
        return Services(api, target.local.endpoint)
    return Services("/api" if outputs.site_id else api, outputs.upload_address)


def addresses_of(target: Target, outputs: Outputs) -> Addresses:
    """Return where a deployed stack answers.

    Raises:
        DeployError: AWS refuses, or cannot be reached.
    """
    with target.client("apigatewayv2") as gateway:
        api = gateway.get_api(ApiId=outputs.api_id)["ApiEndpoint"]
    if target.local is None:
        return Addresses(api, outputs.site_address)
    label = (urlsplit(outputs.site_address).hostname or "").partition(".")[0]
    if outputs.site_id:
        return Addresses(api, f"http://{label}.cloudfront.localhost:{target.local.port}")
    # MiniStack serves a website's bucket like any other, without an index document.
    return Addresses(api, f"http://{label}.s3.localhost:{target.local.port}/index.html")
