"""`visage deploy`: deploys stack, model and website."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer

from deploy import local, package, stack, website
from deploy.access import Access, Auth
from deploy.options import BATCH_CONCURRENCY, MOST_CONCURRENCY, Options, Thumbnails
from deploy.owner import MAX_LIVE, UNSAID, Owner
from deploy.releases import KEPT
from deploy.rollout import Addresses, Plan, bring_up
from deploy.stack import DEFAULT_ENGINE, Engine, Hosting
from deploy.target import Target, aws_target, local_target
from deploy.traffic import Canary
from model import bundle as bundles
from model.bundle import Bundle
from model.engines import ENGINES, Packaging
from model.errors import BundleError
from scripts import checks
from scripts.console import SETTINGS, CommandError, JSONOption, emit, note, out, require_checkout, step
from scripts.publish import send
from scripts.stages import RegionOption, Stage, StageOption

_SECONDS_LOCAL: Final = 15
"""Measured: the steps that three runs of `make demo` on two cores printed took 8 to 10 seconds; start and upload of the
model are not in them."""

_MEGABYTES: Final = 300
"""The local AWS's own packages, and those of a function that is deployed as a zip."""

_NO_CAMERA: Final = (
    "On AWS, this website uses plain HTTP: browsers mark it as not secure and do not let it use the camera. "
    "`--website cloudfront` serves it over HTTPS."
)


_WATCHING: Final = "Costs and watching (kept for later deployments)"
_BATCHES: Final = "Batches (kept for later deployments)"
_KEYS: Final = "{} `visage keys create NAME --stage {}` makes one."
_ASKS: Final = "The API asks for keys."
_ASKS_OWNER: Final = "The API asks for a key where its owner alone may do something."

_ANY_ACCESS: Final = Access(Auth.JWT, "https://issuer.test", "audience")
"""Stands for what is deployed, to which most changes can be made, when options are checked before anything is done."""


def deploy(
    stage: StageOption = Stage.LOCAL,
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
    owner_link: Annotated[
        bool | None,
        typer.Option(
            "--owner-link/--no-owner-link", help="Whether visitors see a link to the owner's page, owner.html."
        ),
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
    auth: Annotated[
        Auth | None,
        typer.Option(
            help="What a request must have: nothing, a key, a JWT, or a signature. (default: as before, `none`)"
        ),
    ] = None,
    issuer: Annotated[str | None, typer.Option(metavar="URL", help="With --auth jwt: who makes the tokens.")] = None,
    audience: Annotated[str | None, typer.Option(metavar="ID", help="With --auth jwt: whom they are for.")] = None,
    private_labels: Annotated[
        bool | None,
        typer.Option("--private-labels/--public-labels", help="Whether the list of people needs a key in any case."),
    ] = None,
    canary: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=99,
            metavar="PERCENT",
            help="Give the new release this share of the requests first; take it back if one of them fails.",
        ),
    ] = None,
    canary_minutes: Annotated[
        float, typer.Option(min=0.1, max=24 * 60, metavar="MINUTES", help="With --canary: for how long.")
    ] = 10,
    keep_releases: Annotated[
        int,
        typer.Option(min=1, max=100, metavar="N", help="Releases that are kept; 1 deletes all former ones."),
    ] = KEPT,
    keep_warm: Annotated[
        int | None,
        typer.Option(
            min=0, metavar="N", rich_help_panel=_WATCHING, help="Instances that are always ready, billed by the hour."
        ),
    ] = None,
    snapshot: Annotated[
        bool | None,
        typer.Option(
            "--snapshot/--no-snapshot",
            rich_help_panel=_WATCHING,
            help="Whether a zip starts from a snapshot (SnapStart).",
        ),
    ] = None,
    max_concurrency: Annotated[
        int | None,
        typer.Option(
            min=0, metavar="N", rich_help_panel=_WATCHING, help="Instances that may run at once; 0: no limit."
        ),
    ] = None,
    budget: Annotated[
        float | None,
        typer.Option(
            min=0,
            metavar="DOLLARS",
            rich_help_panel=_WATCHING,
            help="Mail when the account's month costs more; 0: no mail.",
        ),
    ] = None,
    alarm_email: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", rich_help_panel=_WATCHING, help="Who gets mails of alarms and budget."),
    ] = None,
    alarms: Annotated[bool | None, typer.Option("--alarms/--no-alarms", rich_help_panel=_WATCHING)] = None,
    dashboard: Annotated[bool | None, typer.Option("--dashboard/--no-dashboard", rich_help_panel=_WATCHING)] = None,
    access_logs: Annotated[
        bool | None,
        typer.Option(
            "--access-logs/--no-access-logs", rich_help_panel=_WATCHING, help="Logs of the API, without addresses."
        ),
    ] = None,
    site_logs: Annotated[
        bool | None,
        typer.Option(
            "--site-logs/--no-site-logs", rich_help_panel=_WATCHING, help="Logs of the website, with addresses."
        ),
    ] = None,
    thumbnails: Annotated[
        Thumbnails | None,
        typer.Option(
            help="Who may see a picture of each person who is added: the owner, or visitors, too. "
            "(default: none, and none are kept)"
        ),
    ] = None,
    waf: Annotated[
        str | None,
        typer.Option(metavar="ARN", rich_help_panel=_WATCHING, help="AWS WAF's web ACL in front of the website."),
    ] = None,
    batch: Annotated[
        bool | None,
        typer.Option(
            "--with-batch/--without-batch",
            rich_help_panel=_BATCHES,
            help="Whether `visage batch --stage` can recognise a bucket of photos.",
        ),
    ] = None,
    batch_source: Annotated[
        str | None,
        typer.Option(metavar="S3-ADDRESS", rich_help_panel=_BATCHES, help="The folder of photos that it may read."),
    ] = None,
    batch_output: Annotated[
        str | None,
        typer.Option(metavar="S3-ADDRESS", rich_help_panel=_BATCHES, help="The folder that it may write results to."),
    ] = None,
    batch_concurrency: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=MOST_CONCURRENCY,
            metavar="N",
            rich_help_panel=_BATCHES,
            help=f"Batches at once. (default: as before, {BATCH_CONCURRENCY}; on the local AWS, one a core)",
        ),
    ] = None,
    region: RegionOption = None,
    as_json: JSONOption = False,
) -> None:
    """Deploy stack, model and website, and print the addresses of API and website.

    Owner, contact, consent, --owner-link and --live are kept for later deployments, and so are the options for costs,
    for watching, for batches and for who may use the API; an empty text removes one.
    """
    require_checkout("deploy")
    said = (owner, contact, _consent(consent, consent_text), live, owner_link)
    UNSAID.changed(*said)
    _ANY_ACCESS.changed(auth, issuer, audience, private_labels)
    if stage is Stage.LOCAL and budget:
        raise CommandError("The local AWS costs nothing, and has no budgets. Leave out --budget.")
    options = {
        "keep_warm": keep_warm,
        "snapshot": snapshot,
        "max_concurrency": max_concurrency,
        "budget": budget,
        "alarm_email": alarm_email,
        "alarms": alarms,
        "dashboard": dashboard,
        "access_logs": access_logs,
        "site_logs": site_logs,
        "waf": waf,
        "thumbnails": thumbnails,
        "batch": batch,
        "batch_source": batch_source,
        "batch_output": batch_output,
        "batch_concurrency": batch_concurrency,
    }
    if batch and (batch_source is None) != (batch_output is None):
        Options().changed(batch=True, batch_source=batch_source, batch_output=batch_output)
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
    access = stack.access(target).changed(auth, issuer, audience, private_labels)
    plan = Plan(
        Options.kept(target).changed(**options),
        Canary(canary, canary_minutes) if canary else None,
        keep_releases,
        access,
    )
    addresses = bring_up(target, loaded, engine, hosting, site, step, send, responsible, plan=plan)
    emit(asdict(addresses), as_json=as_json, show=lambda _: _show(addresses))
    note(addresses.remarks)
    if hosting is Hosting.S3:
        note([_NO_CAMERA])
    if access.uses_keys:
        note([_KEYS.format(_ASKS if access.visitors_need_keys else _ASKS_OWNER, stage)])
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
    with step("Starting the local AWS"):
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
