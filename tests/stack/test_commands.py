"""`visage deploy` to the tests' local AWS, and the benchmark's requests to the deployed API."""

import json
from dataclasses import replace

import pytest

from bench import load
from deploy import local
from deploy.rollout import Addresses
from deploy.stack import Engine, Hosting
from scripts import deploy
from scripts import samples as sample_photos


@pytest.fixture
def here(stack, monkeypatch):
    """Make the tests' local AWS that of the command line."""
    monkeypatch.setattr(local, "default", lambda _: stack.local)


def test_deploying_what_is_deployed_prints_the_same_addresses(stack, here, bundle, samples, visage):
    photos = [
        word for name in (sample_photos.UNSEEN, sample_photos.STRANGERS) for word in ("--example", samples / name)
    ]
    ended = visage("deploy", "--bundle", bundle, *photos, "--json")
    assert ended.status == 0
    assert json.loads(ended.out) == {"api": stack.api, "site": stack.site}
    assert "✓ Waiting for the API" in ended.err


@pytest.fixture
def asked(monkeypatch):
    """What the command would deploy; nothing is deployed."""
    found = []

    def bring_up(target, bundle, engine, hosting, *_, plan):
        found.append((target.stage, engine, hosting))
        return Addresses("http://api.test", "http://site.test")

    monkeypatch.setattr(deploy, "bring_up", bring_up)
    return found


def test_a_plain_website_on_aws_is_deployed_with_a_remark_on_http(stack, here, asked, bundle, visage):
    ended = visage("deploy", "--bundle", bundle, "--website", "s3")
    assert ended.status == 0
    assert asked == [("local", Engine.TORCHSCRIPT, Hosting.S3)]
    assert ended.out.split() == ["API", "http://api.test", "Website", "http://site.test"]
    assert "do not let it use the camera" in " ".join(ended.err.split())


def test_a_stage_on_aws_asks_the_users_account(stack, here, asked, bundle, visage, monkeypatch):
    monkeypatch.setattr(deploy, "aws_target", lambda stage, *_, **__: replace(stack.target, stage=stage))
    ended = visage("deploy", "--stage", "dev", "--engine", "onnx", "--bundle", bundle, "--json")
    assert ended.status == 0
    assert asked == [("dev", Engine.ONNX, Hosting.CLOUDFRONT)]


def test_the_benchmark_counts_the_answers_of_the_deployed_api(stack, samples):
    photos = [("Barack Obama", samples / sample_photos.UNSEEN), ("Nobody", samples / sample_photos.STRANGERS)]
    row = load._ask(stack.api, photos, Engine.TORCHSCRIPT, 1, 2, stack.local)
    assert (row.engine, row.clients, row.requests, row.right, row.errors) == ("torchscript", 1, 2, 1, 0)
    assert 0 < row.p50_ms <= row.p95_ms
    assert row.p99_ms is None
    assert row.processes >= 1
    assert row.resident_mb > 100
