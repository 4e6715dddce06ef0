"""The `stack` fixture: the real stack with the real bundle on a local AWS that only the tests know."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest
import requests

from deploy import website
from deploy.local import LocalAWS, direct, temporary
from deploy.rollout import Addresses, bring_up
from deploy.stack import Engine, Target, local_target
from deploy.website import Site
from model import bundle as bundles
from scripts import samples as sample_photos


@dataclass(frozen=True)
class Stack:
    """Addresses of a deployed stack, and the ways to ask it."""

    target: Target
    local: LocalAWS
    website: Site
    api: str
    site: str

    @property
    def endpoint(self) -> str:
        return self.local.endpoint

    def deploy(self, bundle: Path, engine: Engine = Engine.TORCHSCRIPT) -> Addresses:
        return bring_up(self.target, bundles.load(str(bundle)), engine, site=self.website)

    def outputs(self) -> dict[str, str]:
        (described,) = self.client("cloudformation").describe_stacks(StackName=self.target.stack)["Stacks"]
        return {item["OutputKey"]: item["OutputValue"] for item in described["Outputs"]}

    def get(self, url: str, **options) -> requests.Response:
        return self.send("GET", url, **options)

    def post(self, url: str, **options) -> requests.Response:
        return self.send("POST", url, **options)

    def client(self, service: str):
        with self.target.entered():
            return boto3.client(service)

    def send(self, method: str, url: str, headers=(), **options) -> requests.Response:
        address, host = direct(url)
        with requests.Session() as session:
            session.trust_env = False
            return session.request(method, address, headers={**host, **dict(headers)}, timeout=30, **options)


@pytest.fixture(scope="session")
def stack(bundle: Path, samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The deployed stack, two example photos included; it and its local AWS go when the tests end."""
    with temporary(tmp_path_factory.mktemp("local-aws")) as local:
        target = local_target(local)
        site = website.build([samples / sample_photos.UNSEEN, samples / sample_photos.STRANGERS])
        addresses = bring_up(target, bundles.load(str(bundle)), site=site)
        yield Stack(target, local, site, addresses.api, addresses.site)
