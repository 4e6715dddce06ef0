"""Where a deployment goes: one stage in one region of one AWS, with its credentials and its connections."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from deploy.aws_errors import is_expiry, sentence
from deploy.errors import DeployError
from deploy.local import ACCESS_KEY, REGION, LocalAWS
from model.settings import Settings
from model.version import VERSION

_USER_AGENT: Final = Config(user_agent_extra=f"visage/{VERSION}")
_NO_PROXY: Final = Config(proxies={})
"""No proxy can reach the local AWS."""


@dataclass(frozen=True, slots=True)
class Target:
    """One stage in one region of one AWS; `local` is that AWS when it is this machine.

    `settings.environment` is for child processes. This process connects through `client`: its own environment is never
    changed.
    """

    stage: str
    region: str
    settings: Settings = field(repr=False)
    local: LocalAWS | None = None
    session: boto3.Session = field(default_factory=boto3.Session, repr=False, compare=False)

    @property
    def stack(self) -> str:
        """The name of its CloudFormation stack."""
        return f"visage-{self.stage}"

    @property
    def endpoint(self) -> str | None:
        """The address of the local AWS. None is AWS itself, or what the user's AWS settings put in its place."""
        return self.local.endpoint if self.local else None

    def connect(self, service: str, config: Config | None = None) -> Any:
        """Return a boto3 client for an AWS service. The caller closes it.

        Raises:
            DeployError: the address or the region in the user's AWS settings has not the form of one.
        """
        merged = _USER_AGENT.merge(config) if config else _USER_AGENT
        if self.local:
            merged = merged.merge(_NO_PROXY)
        try:
            return self.session.client(service, region_name=self.region, endpoint_url=self.endpoint, config=merged)
        except ValueError as error:
            raise DeployError(f"The AWS settings cannot be used: {error}") from error

    @contextmanager
    def client(self, service: str, config: Config | None = None) -> Iterator[Any]:
        """Yield a boto3 client for an AWS service, and close it.

        Raises:
            DeployError: AWS cannot be reached, does not accept the credentials or refuses a request in the block.
        """
        with translate_errors(), closing(self.connect(service, config)) as client:
            yield client


@contextmanager
def translate_errors() -> Iterator[None]:
    """Turn every error of boto3 in the block into a DeployError of one sentence."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise DeployError(sentence(error)) from error
    except RuntimeError as error:
        if not is_expiry(error):
            raise
        raise DeployError(sentence(error)) from error


def local_target(local: LocalAWS) -> Target:
    """Return the target for a local AWS, which must run: no real account can be reached through it."""
    settings = replace(local.settings, environment=local.environment())
    return Target("local", REGION, settings, local, _isolated_session())


def aws_target(stage: str, region: str | None, settings: Settings, *, needs_docker: bool) -> Target:
    """Return the target for a stage on AWS, in `region` or else in the one that the user's AWS settings name.

    Raises:
        DeployError: AWS accepts no credentials of the user's, or there is no Docker where the engine needs it.
    """
    if needs_docker:
        _require_docker(stage, settings)
    with translate_errors():
        session = boto3.Session()
        chosen = region or session.region_name or REGION
    environment = {**settings.environment, "AWS_REGION": chosen, "AWS_DEFAULT_REGION": chosen}
    target = Target(stage, chosen, replace(settings, environment=environment), session=session)
    with target.client("sts") as sts:
        sts.get_caller_identity()
    return target


def _isolated_session() -> boto3.Session:
    """Return a session with the local AWS's credentials that reads neither environment variables nor profiles."""
    files = ("config_file", "credentials_file")
    variables = {
        name: (key, None, os.devnull if name in files else default, convert)
        for name, (key, _, default, convert) in botocore.session.Session.SESSION_VARIABLES.items()
    }
    return boto3.Session(
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=ACCESS_KEY,
        region_name=REGION,
        botocore_session=botocore.session.Session(session_vars=variables),
    )


def _require_docker(stage: str, settings: Settings) -> None:
    docker = shutil.which("docker", path=settings.environment.get("PATH"))
    if docker is None or subprocess.run([docker, "info"], capture_output=True, check=False).returncode:
        raise DeployError(
            f"Stage {stage} deploys a container image, and no Docker answers. "
            "Install or start Docker, or deploy with --engine onnx, which needs none."
        )
