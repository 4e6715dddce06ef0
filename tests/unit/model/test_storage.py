"""Every error of S3 is reported in one sentence."""

from contextlib import closing
from types import SimpleNamespace

import pytest
from boto3.exceptions import S3UploadFailedError
from botocore import exceptions
from botocore.exceptions import ClientError
from s3transfer.exceptions import RetriesExceededError, S3DownloadFailedError

from model.errors import (
    BundleError,
    BundleUnavailableError,
    SharedChangedError,
    SharedError,
    SharedMissingError,
    SharedUnavailableError,
)
from model.storage import Bucket, SharedObject


class Client:
    """A fake S3 client whose requests raise `error`."""

    def __init__(self, error):
        self.error = error

    exceptions = SimpleNamespace(ClientError=ClientError)

    def get_object(self, **_):
        raise self.error

    put_object = get_object

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


def shared(error):
    return closing(SharedObject("s3://models/access/keys.json", lambda *_, **__: Client(error)))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (answer("NoSuchKey", 404), SharedMissingError),
        (answer("NoSuchBucket", 404), SharedError),
        (answer("AccessDenied", 403), SharedError),
        (answer("ExpiredToken", 400), SharedError),
        (answer("SlowDown", 503), SharedUnavailableError),
        (exceptions.ReadTimeoutError(endpoint_url="https://s3"), SharedUnavailableError),
        (exceptions.NoCredentialsError(), SharedError),
    ],
    ids=str,
)
def test_an_object_that_cannot_be_read_says_whether_to_try_again(error, expected):
    with shared(error) as found, pytest.raises(SharedError) as caught:
        found.read()
    assert type(caught.value) is expected
    assert "models/access/keys.json" in str(caught.value)
    assert "bundle" not in str(caught.value)


def test_an_object_that_has_not_changed_is_not_read_again():
    with shared(answer("304", 304)) as found:
        assert found.newer('"etag"') is None


@pytest.mark.parametrize(
    ("seen", "error"),
    [
        ('"etag"', answer("PreconditionFailed", 412)),
        ('"etag"', answer("ConditionalRequestConflict", 409)),
        ('"etag"', answer("NoSuchKey", 404)),
        ("", answer("PreconditionFailed", 412)),
    ],
)
def test_a_version_that_somebody_else_has_replaced_is_not_overwritten(seen, error):
    with shared(error) as found, pytest.raises(SharedChangedError):
        found.replace(b"{}", seen)


@pytest.mark.parametrize("error", [answer("AccessDenied", 403), answer("NoSuchBucket", 404), answer("SlowDown", 503)])
def test_a_refused_change_is_not_taken_for_somebody_elses(error):
    with shared(error) as found, pytest.raises(SharedError) as caught:
        found.replace(b"{}", '"etag"')
    assert not isinstance(caught.value, SharedChangedError)


@pytest.mark.parametrize("location", ["", "s3://", "s3://bucket", "s3://bucket/", "https://bucket/key"])
def test_an_object_without_an_address_is_an_error(location):
    with pytest.raises(SharedError, match="not the address of an object"):
        SharedObject(location)
