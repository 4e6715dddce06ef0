"""The `stack` fixture: the real stack with the real bundle, on a local AWS that only the tests use."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest
import requests

from deploy import website
from deploy.local import LocalAWS, direct, temporary
from deploy.options import Options
from deploy.rollout import Addresses, Plan, bring_up
from deploy.stack import Engine
from deploy.target import Target, local_target
from deploy.website import Services, Site
from model import bundle as bundles
from scripts import samples as sample_photos
from scripts.console import SETTINGS

BATCH = {"batch": True, "batch_source": "s3://photos", "batch_output": "s3://results", "batch_concurrency": 2}
"""The options by which the stack can recognise a bucket of photos; tests/stack/test_batch.py makes the buckets."""


@dataclass(frozen=True)
class Stack:
    """The addresses of a deployed stack, and functions that send requests to it."""

    target: Target
    local: LocalAWS
    website: Site
    api: str
    site: str

    @property
    def endpoint(self) -> str:
        return self.local.endpoint

    @property
    def services(self) -> Services:
        return Services(self.api, self.endpoint)

    def deploy(self, bundle: Path, engine: Engine = Engine.TORCHSCRIPT) -> Addresses:
        return bring_up(self.target, bundles.load(str(bundle)), engine, site=self.website)

    def outputs(self) -> dict[str, str]:
        with self.target.client("cloudformation") as cloudformation:
            (described,) = cloudformation.describe_stacks(StackName=self.target.stack)["Stacks"]
        return {item["OutputKey"]: item["OutputValue"] for item in described["Outputs"]}

    def get(self, url: str, **options) -> requests.Response:
        return self.send("GET", url, **options)

    def post(self, url: str, **options) -> requests.Response:
        return self.send("POST", url, **options)

    def client(self, service: str) -> AbstractContextManager:
        return self.target.client(service)

    def send(self, method: str, url: str, headers=(), **options) -> requests.Response:
        address, host = direct(url)
        with requests.Session() as session:
            session.trust_env = False
            return session.request(method, address, headers={**host, **dict(headers)}, timeout=30, **options)


@contextmanager
def environment_of(local: LocalAWS) -> Iterator[None]:
    """Make this process's environment that of a local AWS, for code that reads it."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            patch.delenv(name)
        for name, value in local.environment().items():
            patch.setenv(name, value)
        patch.setattr(boto3, "DEFAULT_SESSION", None)  # it remembers the former credentials
        yield


@pytest.fixture(scope="session")
def stack(bundle: Path, samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The deployed stack, two example photos included; it and its local AWS go when the tests end."""
    with temporary(tmp_path_factory.mktemp("local-aws"), SETTINGS) as local:
        target = local_target(local)
        site = website.build([samples / sample_photos.UNSEEN, samples / sample_photos.STRANGERS])
        addresses = bring_up(
            target, bundles.load(str(bundle)), site=site, plan=Plan(Options.of(target).changed(**BATCH))
        )
        yield Stack(target, local, site, addresses.api, addresses.site)
