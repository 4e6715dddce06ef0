"""Every error of S3 is reported in one sentence."""

from contextlib import closing

import pytest
from boto3.exceptions import S3UploadFailedError
from botocore import exceptions
from botocore.exceptions import ClientError
from s3transfer.exceptions import RetriesExceededError, S3DownloadFailedError

from model.errors import BundleError, BundleUnavailableError
from model.storage import Bucket


class Client:
    """A fake S3 client whose requests raise `error`."""

    def __init__(self, error):
        self.error = error

    def get_object(self, **_):
        raise self.error

    def close(self):
        pass


def raised(error):
    """Return our error for reading a file while boto3 raises `error`."""
    with closing(Bucket("s3://bucket/prefix", lambda *_, **__: Client(error))) as bucket:
        with pytest.raises(BundleError) as caught:
            bucket.read("manifest.json")
        return caught.value


def answer(code, status):
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "GetObject")


@pytest.mark.parametrize(
    "error",
    [
        exceptions.EndpointConnectionError(endpoint_url="https://s3"),
        exceptions.ConnectTimeoutError(endpoint_url="https://s3"),
        exceptions.ReadTimeoutError(endpoint_url="https://s3"),
        exceptions.ConnectionClosedError(endpoint_url="https://s3"),
        exceptions.ProxyConnectionError(proxy_url="http://proxy"),
        exceptions.SSLError(endpoint_url="https://s3", error="certificate"),
        exceptions.IncompleteReadError(actual_bytes=1, expected_bytes=2),
        exceptions.ResponseStreamingError(error="reset"),
        RetriesExceededError(OSError("reset")),
        S3DownloadFailedError("reset"),
        S3UploadFailedError("reset"),
        OSError(28, "No space left on device"),
        answer("SlowDown", 503),
        answer("InternalError", 500),
        answer("RequestTimeout", 400),
    ],
    ids=repr,
)
def test_a_temporary_failure_is_an_unavailable_bundle(error):
    assert isinstance(raised(error), BundleUnavailableError)


@pytest.mark.parametrize(
    "error",
    [
        exceptions.NoCredentialsError(),
        exceptions.PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"),
        exceptions.CredentialRetrievalError(provider="sso", error_msg="expired"),
        exceptions.TokenRetrievalError(provider="sso", error_msg="expired"),
        exceptions.UnauthorizedSSOTokenError(),
        exceptions.NoRegionError(),
        exceptions.ProfileNotFound(profile="nobody"),
        exceptions.ConfigParseError(path="config", error="torn"),
        exceptions.InvalidConfigError(error_msg="torn"),
        exceptions.InvalidRetryModeError(provided_retry_mode="x", valid_modes="y"),
        RuntimeError("Credentials were refreshed, but the refreshed credentials are still expired."),
    ],
    ids=repr,
)
def test_settings_of_aws_that_are_wrong_say_what_to_do(error):
    found = raised(error)
    assert not isinstance(found, BundleUnavailableError)
    assert "aws configure" in str(found)
    assert "\n" not in str(found)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (answer("NoSuchKey", 404), "No bundle at s3://bucket/prefix"),
        (answer("404", 404), "No bundle at"),
        (answer("NoSuchBucket", 404), "No bundle at"),
        (answer("AccessDenied", 403), "Access to s3://bucket/prefix is denied"),
        (answer("ExpiredToken", 400), "refuses s3://bucket/prefix: ExpiredToken"),
        (answer("PermanentRedirect", 301), "PermanentRedirect"),
        (exceptions.ParamValidationError(report="Invalid bucket name"), "not an address that S3 accepts"),
    ],
    ids=str,
)
def test_an_answer_that_will_not_change_is_a_bundle_error(error, sentence):
    found = raised(error)
    assert not isinstance(found, BundleUnavailableError)
    assert sentence in str(found)


def test_an_error_that_is_not_of_aws_stays_as_it_is():
    with (
        closing(Bucket("s3://bucket/prefix", lambda *_, **__: Client(RuntimeError("our bug")))) as bucket,
        pytest.raises(RuntimeError, match="our bug"),
    ):
        bucket.read("manifest.json")


@pytest.mark.parametrize("name", ["UPPER CASE", "a", "b" * 300, "..", "bücket", "a:b", "-", "a\nb", "arn:aws:s3:::x"])
def test_a_bucket_name_that_s3_does_not_accept_is_a_bundle_error(name, monkeypatch):
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(variable, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)
    with closing(Bucket(f"s3://{name}/prefix")) as bucket, pytest.raises(BundleError):
        bucket.read("manifest.json")


@pytest.mark.parametrize("location", ["", "s3://", "s3:///prefix", "https://bucket/prefix", "bucket"])
def test_an_invalid_location_is_a_bundle_error(location):
    with pytest.raises(BundleError, match="not the address of a bundle"):
        Bucket(location)


def test_a_missing_aws_profile_is_reported_in_one_sentence(monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)
    with pytest.raises(BundleError, match=r"nobody.*aws configure"):
        Bucket("s3://bucket/prefix")
