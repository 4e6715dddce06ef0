"""The CloudFormation stack: deploys serverless.yml with the tool `osls`, and reads the outputs."""

import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from botocore.exceptions import ClientError
from filelock import FileLock

from deploy import package
from deploy.access import OPEN, Access
from deploy.aws_errors import advice
from deploy.errors import DeployError
from deploy.machine import Machine
from deploy.steps import Step, silent
from deploy.target import Target
from model.engines import ENGINES, Packaging
from model.settings import ROOT, Settings

OSLS: Final = ROOT / "node_modules" / ".bin" / "osls"
_POLL_MILLISECONDS: Final = 250
"""How often osls asks the local AWS whether it is done."""


Engine = StrEnum("Engine", {name.upper(): name for name in ENGINES})  # type: ignore[misc]  # known at runtime only
"""An engine's name; `model.engines` says how each is deployed."""

DEFAULT_ENGINE: Final = Engine(next(iter(ENGINES)))


class Hosting(StrEnum):
    """What serves the website: CloudFront over HTTPS, or the bucket itself over HTTP."""

    CLOUDFRONT = "cloudfront"
    S3 = "s3"


@dataclass(frozen=True, slots=True)
class Function:
    """The function to deploy. Its fields have the names of serverless.yml's parameters.

    `package` is "image", "zip" or "snapshot", which is a zip that AWS starts from a snapshot. `artifact` is the zip to
    deploy, "" where osls or Docker makes the package. `python` is the interpreter that runs the function on the local
    AWS, "" on AWS.
    """

    engine: Engine
    package: str
    artifact: str = ""
    python: str = ""


@dataclass(frozen=True, slots=True)
class Outputs:
    """The outputs of a deployed stack.

    `site_id` is the CloudFront distribution, None where there is none. `upload_address` is that of the bucket of
    uploads; it and `function_name` are "" if an earlier version of Visage deployed the stack. `options` are those of
    `deploy.options`, as JSON. `batch` is None without --with-batch.
    """

    api_id: str
    model_bucket: str
    site_bucket: str
    site_address: str
    site_id: str | None
    function_name: str = ""
    options: str = "{}"
    upload_address: str = ""
    access: Access = OPEN
    batch: Machine | None = None


def function(target: Target, engine: Engine, step: Step = silent, *, snapshot: bool = True) -> Function:
    """Return the function that serves with `engine`, and build its zip where it is deployed as one.

    Without `snapshot`, AWS starts a zip as it starts every function.

    The local AWS has no images. There, what AWS gets as an image runs in the checkout's environment. A zip contains its
    libraries, so it runs in a Python without any.

    Raises:
        DeployError: the zip cannot be made, or no Python of this machine can run it.
    """
    description = ENGINES[engine]
    if description.packaging is Packaging.IMAGE:
        return Function(engine, "image", python=sys.executable)
    python = str(package.require_interpreter(target.settings)) if target.local else ""
    with step("Packaging the function"):
        archive = package.build(target.settings, ROOT / description.requirements)
    return Function(engine, "snapshot" if snapshot and description.snapshot else "zip", str(archive), python)


def check_tools(settings: Settings) -> None:
    """Check that the deployment tool is there.

    Raises:
        DeployError: it is missing, or Node.js is.
    """
    if shutil.which("node", path=settings.environment.get("PATH")) is None:
        raise DeployError("Node.js is missing. Install version 20.19 or newer, and deploy again.")
    if not OSLS.exists():
        raise DeployError("The deployment tool is missing. Run `make setup`, and deploy again.")


def deploy(
    target: Target, model: str, serving: Function, hosting: Hosting, options: Mapping[str, str] | None = None
) -> None:
    """Create or update the stack.

    `model` is the prefix in the bucket of models that the function will read, `options` are further parameters of
    serverless.yml.

    Raises:
        DeployError: the deployment tool is missing, or it failed.
    """
    check_tools(target.settings)
    log = target.settings.cache / "deploy" / f"{target.stage}.log"
    with osls_lock(target), log.open("wb") as file:
        done = subprocess.run(
            [OSLS, "deploy", *arguments(target, model, serving, hosting, options)],
            cwd=ROOT,
            env=_osls_environment(target),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode:
        raise DeployError(f"The stack was not deployed: {_reason(log)} The full log is {log}.")


def outputs(target: Target) -> Outputs | None:
    """Return the outputs of the stack, None where it does not exist or was never deployed to the end.

    Raises:
        DeployError: CloudFormation cannot be reached, or refuses to answer.
    """
    with target.client("cloudformation") as cloudformation:
        try:
            (stack,) = cloudformation.describe_stacks(StackName=target.stack)["Stacks"]
        except ClientError as error:
            if error.response["Error"]["Code"] == "ValidationError":  # how CloudFormation says "no such stack"
                return None
            raise
    values = {item["OutputKey"]: item["OutputValue"] for item in stack.get("Outputs", ())}
    if not {"HttpApiId", "ModelBucket", "SiteBucket", "SiteAddress"} <= set(values):
        return None
    return Outputs(
        values["HttpApiId"],
        values["ModelBucket"],
        values["SiteBucket"],
        values["SiteAddress"],
        values.get("SiteId"),
        values.get("FunctionName", ""),
        values.get("Options", "{}"),
        values.get("UploadAddress", ""),
        Access.deployed(values),
        Machine.deployed(values),
    )


def access(target: Target) -> Access:
    """Return who may use the deployed API; before the first deployment, everybody.

    Raises:
        DeployError: CloudFormation cannot be reached, or refuses to answer.
    """
    deployed = outputs(target)
    return deployed.access if deployed else OPEN


@contextmanager
def osls_lock(target: Target) -> Iterator[None]:
    """Let one osls run at a time: all of them build in the checkout's folder .serverless."""
    folder = target.settings.cache / "deploy"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "lock"):
        yield


def arguments(
    target: Target, model: str, serving: Function, hosting: Hosting, options: Mapping[str, str] | None = None
) -> list[str]:
    """Return the arguments of osls for this deployment."""
    given = {name: value for name, value in {**asdict(serving), "endpoint": target.endpoint}.items() if value}
    parameters = {"model": model, "website": hosting, **given, **(options or {})}
    return [
        *("--stage", target.stage, "--region", target.region),
        *(word for name, value in parameters.items() for word in ("--param", f"{name}={value}")),
    ]


def _osls_environment(target: Target) -> dict[str, str]:
    extra = {"NODE_NO_WARNINGS": "1"}
    if target.local:
        extra["SLS_AWS_MONITORING_FREQUENCY"] = str(_POLL_MILLISECONDS)
    return {**target.settings.environment, **extra}


def _reason(log: Path) -> str:
    """Return the sentence in which osls gave the reason, or one that says that it gave none."""
    _, found, rest = log.read_text(encoding="utf-8", errors="replace").partition("Error:\n")
    first = rest.strip().split("\n\n")[0]
    return advice(" ".join(first.split())) if found and first else "osls did not say why."
