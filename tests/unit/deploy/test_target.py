"""A target connects to its own AWS only, shows no credentials, and fails in one sentence."""

import logging
import os
import traceback
from contextlib import closing
from dataclasses import asdict, replace
from pprint import pformat

import boto3
import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    ProfileNotFound,
    UnauthorizedSSOTokenError,
)

from deploy.aws_errors import sentence
from deploy.errors import DeployError
from deploy.local import LocalAWS
from deploy.target import Target, aws_target, local_target, translate_errors
from model.settings import Settings
from model.version import VERSION

SECRETS = ("AKIASECRETSECRETSECR", "s3cr3t/s3cr3t", "t0ken-t0ken")


@pytest.fixture
def real_account(monkeypatch):
    """An environment with credentials, a profile that does not exist, a proxy and another endpoint."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in zip(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"), SECRETS, strict=True):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_PROFILE", "missing")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://elsewhere.test")
    monkeypatch.setenv("AWS_USE_FIPS_ENDPOINT", "true")
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.test:3128")
    return Settings.read()


@pytest.fixture
def local(real_account, tmp_path):
    return LocalAWS(4599, tmp_path / "home", real_account)


def test_no_part_of_a_target_prints_credentials(real_account, local, caplog, monkeypatch):
    monkeypatch.delenv("AWS_PROFILE")
    target = Target("dev", "eu-central-1", real_account, session=boto3.Session(*SECRETS[:2]))
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("deploy").debug("%s %r", target, target)
    shown = [repr(thing) + str(thing) for thing in (target, local, local_target(local), real_account, target.session)]
    assert not [secret for secret in SECRETS for text in [*shown, caplog.text] if secret in text]


def test_settings_never_print_credentials(real_account, local):
    settings = [real_account, local.settings, replace(real_account, threads=1)]
    dictionaries = [asdict(thing) for thing in settings]
    mappings = [thing.environment for thing in settings]
    shown = [
        show(thing) for show in (str, repr, pformat, "{}".format) for thing in [*settings, *dictionaries, *mappings]
    ]
    assert not [secret for secret in SECRETS for text in shown if secret in text]
    assert real_account.environment["AWS_SESSION_TOKEN"] == SECRETS[2]


def test_an_error_that_is_not_of_aws_stays_as_it_is():
    with pytest.raises(RuntimeError, match="our bug"), translate_errors():
        raise RuntimeError("our bug")


def test_a_traceback_with_a_target_in_it_shows_no_credentials(real_account, monkeypatch):
    monkeypatch.delenv("AWS_PROFILE")
    target = Target("dev", "eu-central-1", real_account, session=boto3.Session(*SECRETS[:2]))
    with pytest.raises(DeployError) as caught, target.client("s3"):
        raise NoCredentialsError
    lines = traceback.TracebackException.from_exception(caught.value, capture_locals=True).format()
    assert not [secret for secret in SECRETS if secret in "".join(lines)]


def test_a_client_of_the_local_aws_ignores_the_users_environment(local):
    with closing(local_target(local).connect("s3")) as client:
        assert client.meta.endpoint_url == local.endpoint
        assert client.meta.config.proxies == {}
        assert client._request_signer._credentials.access_key == "test"
        assert client.meta.region_name == "us-east-1"


def test_connecting_leaves_the_environment_as_it_is(local):
    before = dict(os.environ)
    with local_target(local).client("s3"):
        assert dict(os.environ) == before
    assert dict(os.environ) == before


def test_a_child_process_gets_the_local_aws_and_no_account(local):
    environment = local_target(local).settings.environment
    assert environment["AWS_ENDPOINT_URL"] == local.endpoint
    assert not set(SECRETS) & set(environment.values())
    assert {"AWS_PROFILE", "AWS_ENDPOINT_URL_S3", "HTTP_PROXY"}.isdisjoint(environment)


def test_every_request_names_visage_and_its_version(local):
    with local_target(local).client("s3") as client:
        assert f"visage/{VERSION}" in client.meta.config.user_agent


def test_a_client_is_closed_after_its_block(local, monkeypatch):
    closed = []
    target = local_target(local)
    with target.client("s3") as client:
        monkeypatch.setattr(client, "close", lambda: closed.append(True))
    assert closed == [True]


def test_a_missing_profile_is_one_sentence_that_names_it(real_account):
    with pytest.raises(DeployError, match=r"profile \(missing\) could not be found.*AWS_PROFILE"):
        aws_target("dev", None, real_account, needs_docker=False)


def test_an_aws_that_cannot_be_reached_is_one_sentence(monkeypatch, real_account):
    monkeypatch.delenv("AWS_PROFILE")
    monkeypatch.delenv("HTTP_PROXY")
    monkeypatch.delenv("AWS_USE_FIPS_ENDPOINT")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(DeployError, match=r"^AWS cannot be reached: .*127\.0\.0\.1:9"):
        aws_target("dev", None, Settings.read(), needs_docker=False)


@pytest.mark.parametrize(("region", "endpoint"), [(None, "garbage"), ("no such region", None)])
def test_malformed_aws_settings_are_reported_in_one_sentence(monkeypatch, real_account, region, endpoint):
    for name in ("AWS_PROFILE", "HTTP_PROXY", "AWS_USE_FIPS_ENDPOINT"):
        monkeypatch.delenv(name)
    if endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    with pytest.raises(DeployError, match=r"^The AWS settings cannot be used: .*(garbage|no such region)"):
        aws_target("dev", region, Settings.read(), needs_docker=False)


def refusal(code, message="Because."):
    return ClientError({"Error": {"Code": code, "Message": message}}, "GetCallerIdentity")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (NoCredentialsError(), "There are no AWS credentials to use"),
        (RuntimeError("Credentials were refreshed, but the refreshed credentials are still expired."), "have expired"),
        (UnauthorizedSSOTokenError(), "aws sso login"),
        (ProfileNotFound(profile="x"), "profile (x) could not be found"),
        (EndpointConnectionError(endpoint_url="https://sts.test"), "AWS cannot be reached"),
        (refusal("ExpiredToken"), "does not accept your credentials (ExpiredToken"),
        (refusal("InvalidClientTokenId"), "does not accept your credentials"),
        (refusal("AccessDenied"), "do not allow GetCallerIdentity"),
        (refusal("403", ""), "do not allow GetCallerIdentity (403)"),
        (refusal("Throttling", "Rate\nexceeded"), "AWS refused GetCallerIdentity (Throttling: Rate exceeded)"),
        (ClientError({}, "GetCallerIdentity"), "AWS refused GetCallerIdentity"),
        (refusal("InvalidParameterValueException", "SnapStart is not supported in this region"), "--no-snapshot"),
        (
            refusal("InvalidParameterValueException", "decreases UnreservedConcurrentExecution below 10"),
            "Service Quotas",
        ),
        (refusal("ResourceNotFoundException", "Function not found"), "visage remove"),
        (refusal("AccessDenied", "Your account must be verified before you can add CloudFront"), "--website s3"),
    ],
)
def test_every_error_of_aws_is_one_line(error, said):
    assert said in sentence(error)
    assert "\n" not in sentence(error)
    with pytest.raises(DeployError), translate_errors():
        raise error
