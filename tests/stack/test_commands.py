"""`visage deploy` to the tests' local AWS, and the benchmark's requests to the deployed API."""

import json
from dataclasses import replace

import pytest

from bench import load
from deploy import local
from deploy.access import Access, Auth
from deploy.options import Options
from deploy.rollout import Addresses, Plan
from deploy.stack import Engine, Hosting
from deploy.traffic import Canary
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
    assert json.loads(ended.out) == {"api": stack.api, "site": stack.site, "remarks": []}
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


@pytest.fixture
def nowhere(stack, monkeypatch):
    """A stage of an account that nothing was deployed to."""
    monkeypatch.setattr(deploy, "aws_target", lambda stage, *_, **__: replace(stack.target, stage=stage))


def test_a_deployment_goes_as_its_options_say(stack, here, bundle, visage, monkeypatch):
    plans = []
    addresses = Addresses("http://api.test", "http://site.test")
    monkeypatch.setattr(deploy, "bring_up", lambda *_, plan, **__: plans.append(plan) or addresses)
    words = "--canary 5 --canary-minutes 2 --keep-releases 1 --keep-warm 1 --max-concurrency 3 --no-snapshot --alarms"
    others = ("--alarm-email", "ada@example.org", "--auth", "key")
    assert visage("deploy", "--bundle", bundle, *words.split(), *others).status == 0
    options = Options.kept(stack.target).changed(
        keep_warm=1, max_concurrency=3, snapshot=False, alarms=True, alarm_email="ada@example.org"
    )
    assert plans == [Plan(options, Canary(5, 2), 1, Access(Auth.KEY))]


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ("--canary 10", 1, "A canary needs a release with --engine torchscript that serves already"),
        ("--budget 20", 1, "--budget needs somebody to write to"),
        ("--alarm-email nobody", 1, "nobody is not a mail address"),
        ("--keep-warm 3 --max-concurrency 2", 1, "is more than --max-concurrency 2 allows"),
        ("--canary 0", 2, "--canary"),
        ("--canary 100", 2, "--canary"),
        ("--keep-releases 0", 2, "--keep-releases"),
        ("--budget -1", 2, "--budget"),
    ],
)
def test_options_that_cannot_be_are_one_sentence_before_anything_is_deployed(
    here, nowhere, bundle, visage, words, status, said
):
    ended = visage("deploy", "--stage", "dev", "--bundle", bundle, *words.split())
    assert ended.status == status
    assert said in " ".join(ended.err.split())
    assert "Deploying the stack" not in ended.err


def test_the_local_aws_has_no_budgets(here, bundle, visage):
    ended = visage("deploy", "--bundle", bundle, "--budget", "20", "--alarm-email", "ada@example.org")
    assert ended.status == 1
    assert "The local AWS costs nothing" in ended.err


def test_the_benchmark_counts_the_answers_of_the_deployed_api(stack, samples):
    photos = [("Barack Obama", samples / sample_photos.UNSEEN), ("Nobody", samples / sample_photos.STRANGERS)]
    row = load._ask(stack.api, photos, Engine.TORCHSCRIPT, 1, 2, stack.local)
    assert (row.engine, row.clients, row.requests, row.right, row.errors) == ("torchscript", 1, 2, 1, 0)
    assert 0 < row.p50_ms <= row.p95_ms
    assert row.p99_ms is None
    assert row.processes >= 1
    assert row.resident_mb > 100
