"""The deployed stack: where it goes, what `osls` makes of serverless.yml there, and what came of it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from deploy import package
from deploy.errors import DeployError
from deploy.local import REGION, LocalAWS, exclusively
from deploy.steps import Step, silent
from model.settings import ROOT, Settings

_OSLS: Final = ROOT / "node_modules" / ".bin" / "osls"
_LOGS: Final = Settings.read().cache / "deploy"
_POLL_MILLISECONDS: Final = 250


class Engine(StrEnum):
    """What runs the network, and with that what the function is: a container image with torch, or a zip without."""

    TORCHSCRIPT = "torchscript"
    ONNX = "onnx"


class Hosting(StrEnum):
    """What serves the website: CloudFront over HTTPS, or its bucket as a plain S3 website."""

    CLOUDFRONT = "cloudfront"
    S3 = "s3"


@dataclass(frozen=True, slots=True)
class Target:
    """One stage in one region of one AWS; `local` is that AWS when it is this machine."""

    stage: str
    region: str
    environment: Mapping[str, str]
    local: LocalAWS | None = None

    @property
    def stack(self) -> str:
        """The name of its CloudFormation stack."""
        return f"visage-{self.stage}"

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Make its environment this process's own for a while: boto3 then talks to this AWS only."""
        before = dict(os.environ)
        _replace_environment(self.environment)
        try:
            yield
        finally:
            _replace_environment(before)


@dataclass(frozen=True, slots=True)
class Function:
    """The function to deploy, by the names of serverless.yml's parameters.

    `artifact` is the zip to deploy as it is, `python` the interpreter that runs it on the local AWS; "" where there is
    no such thing.
    """

    engine: Engine
    artifact: str = ""
    python: str = ""


@dataclass(frozen=True, slots=True)
class Outputs:
    """What a stack says of itself once it stands; `site_id` is that of its distribution, if it has one."""

    api_id: str
    model_bucket: str
    site_bucket: str
    site_address: str
    site_id: str | None


def local_target(local: LocalAWS) -> Target:
    """Return the target for a local AWS, which must run: no real account can be reached through it."""
    return Target("local", REGION, local.environment(), local)


def aws_target(stage: str, region: str | None, engine: Engine) -> Target:
    """Return the target for a stage on AWS, in `region` or else in the one the user's settings name.

    Raises:
        DeployError: there are no credentials, or no Docker to build the image of TorchScript with.
    """
    if engine is Engine.TORCHSCRIPT:
        _require_docker(stage)
    try:
        chosen = region or boto3.Session().region_name or REGION
        boto3.client("sts", region_name=chosen).get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        raise DeployError(
            f"AWS does not let you in ({error}). Run `aws configure`, or set AWS_PROFILE, and deploy again."
        ) from error
    return Target(stage, chosen, os.environ | {"AWS_REGION": chosen, "AWS_DEFAULT_REGION": chosen})


def function(target: Target, engine: Engine, step: Step = silent) -> Function:
    """Return the function that serves with `engine`, its zip packaged where it is one.

    On the local AWS, TorchScript runs in the checkout's environment; the zip brings its own, and gets a bare Python.

    Raises:
        DeployError: the zip cannot be made, or nothing on this machine can run it.
    """
    if engine is Engine.TORCHSCRIPT:
        return Function(engine, python=sys.executable)
    python = str(package.require_interpreter()) if target.local else ""
    with step("Packaging the function"):
        return Function(engine, str(package.build()), python)


def deploy(target: Target, model: str, serving: Function, hosting: Hosting) -> None:
    """Create or update the stack; `model` is the prefix in the bucket of models that the function will read.

    Raises:
        DeployError: the deployment tool is missing, or it failed.
    """
    _require_osls()
    log = _LOGS / f"{target.stage}.log"
    # osls builds in .serverless of the checkout, so one at a time.
    with exclusively(_LOGS / "lock"), log.open("wb") as file:
        done = subprocess.run(
            [_OSLS, "deploy", *_arguments(target, model, serving, hosting)],
            cwd=ROOT,
            env=_tool_environment(target),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode:
        raise DeployError(f"The stack was not deployed: {_reason(log)} The whole story is in {log}.")


def outputs(target: Target) -> Outputs | None:
    """Return what the stack says of itself, None where it does not stand yet. Inside `target.entered()`."""
    try:
        (stack,) = boto3.client("cloudformation").describe_stacks(StackName=target.stack)["Stacks"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":  # CloudFormation's word for "no such stack"
            return None
        raise DeployError(f"CloudFormation does not answer as it should: {error}") from error
    said: dict[str, Any] = {item["OutputKey"]: item["OutputValue"] for item in stack.get("Outputs", ())}
    if "SiteAddress" not in said:
        return None
    return Outputs(said["HttpApiId"], said["ModelBucket"], said["SiteBucket"], said["SiteAddress"], said.get("SiteId"))


def _replace_environment(environment: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    boto3.DEFAULT_SESSION = None  # It remembers the former credentials.


def _arguments(target: Target, model: str, serving: Function, hosting: Hosting) -> list[str]:
    given = {name: value for name, value in asdict(serving).items() if value}
    parameters = {"model": model, "website": hosting, **given}
    return [
        *("--stage", target.stage, "--region", target.region),
        *(word for name, value in parameters.items() for word in ("--param", f"{name}={value}")),
    ]


def _tool_environment(target: Target) -> dict[str, str]:
    quiet = {"NODE_NO_WARNINGS": "1"}
    if target.local:
        quiet["SLS_AWS_MONITORING_FREQUENCY"] = str(_POLL_MILLISECONDS)
    return {**target.environment, **quiet}


def _require_osls() -> None:
    if shutil.which("node") is None:
        raise DeployError("Node.js is missing. Install version 20.19 or newer, and deploy again.")
    if not _OSLS.exists():
        raise DeployError("The deployment tool is missing. Run `make setup`, and deploy again.")


def _require_docker(stage: str) -> None:
    engine = shutil.which("docker")
    if engine is None or subprocess.run([engine, "info"], capture_output=True, check=False).returncode:
        raise DeployError(
            f"Stage {stage} deploys a container image, and no Docker answers. "
            "Install or start Docker, or deploy with --engine onnx, which needs none."
        )


def _reason(log: Path) -> str:
    """Return the sentence in which osls said why, or that it said nothing."""
    _, found, rest = log.read_text(encoding="utf-8", errors="replace").partition("Error:\n")
    first = rest.strip().split("\n\n")[0]
    return " ".join(first.split()) if found and first else "osls did not say why."
