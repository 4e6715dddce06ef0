"""What boto3's errors mean, in one sentence each that says what to do."""

from typing import Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)
from botocore.exceptions import ConnectionError as NoConnectionError

_REFUSED_CREDENTIALS: Final = frozenset(
    {
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidToken",
        "MissingAuthenticationToken",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
"""Error codes by which services refuse a caller.

Source: https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html and S3's list of error codes.
"""

_LOG_IN: Final = "Log in with `aws configure` or `aws sso login`, or set AWS_PROFILE, and run the same command again."


_ADVICE: Final = {
    "security token included in the request": _LOG_IN,
    "ResourceNotFoundException": (
        "If somebody deleted it by hand, run `visage remove` for this stage, and deploy again."
    ),
    "UnreservedConcurrentExecution": (
        "Your account may not run that many functions at once. Give smaller numbers for --max-concurrency and "
        "--keep-warm, 0 for none, or ask AWS for a higher quota of Lambda's `Concurrent executions` in Service Quotas."
    ),
    "SnapStart": "If this region has no SnapStart, deploy with --no-snapshot, or choose another --region.",
    "account must be verified": (
        "AWS Support verifies it on request. Until then, deploy with --website s3, which needs no CloudFront."
    ),
    "memorySize' value failed": (
        "New accounts have a smaller limit of memory. Ask AWS Support to raise it, or lower memorySize in "
        "serverless.yml."
    ),
}
"""Words by which AWS refuses what a new account or a region may not have, and what to do then."""


def advice(reason: str) -> str:
    """Return a reason of AWS's with what to do about it, where that is known."""
    lower = reason.lower()
    return " ".join([reason, *(what for words, what in _ADVICE.items() if words.lower() in lower)])


def sentence(error: Exception) -> str:
    """Return one line for an error of boto3 or botocore: what is wrong, and what to do."""
    if isinstance(error, ClientError):
        return _refusal(error)
    reason = _line(error)
    if is_expiry(error):
        return f"Your AWS credentials have expired. {_LOG_IN}"
    if isinstance(error, ProfileNotFound):
        return f"{reason}. Set AWS_PROFILE to one that `aws configure list-profiles` names."
    if isinstance(
        error,
        NoCredentialsError | PartialCredentialsError | CredentialRetrievalError | SSOError | TokenRetrievalError,
    ):
        return f"There are no AWS credentials to use ({reason}). {_LOG_IN}"
    if isinstance(error, HTTPClientError | NoConnectionError):
        return f"AWS cannot be reached: {reason}"
    return f"The AWS settings cannot be used: {reason}" if isinstance(error, BotoCoreError) else reason


def is_expiry(error: Exception) -> bool:
    """Tell whether botocore says that the credentials have expired, for which it raises a plain RuntimeError."""
    return isinstance(error, RuntimeError) and "refreshed credentials are still expired" in str(error)


def _refusal(error: ClientError) -> str:
    details = error.response.get("Error", {})
    code, message = str(details.get("Code", "")), " ".join(str(details.get("Message", "")).split())
    if code in _REFUSED_CREDENTIALS:
        return f"AWS does not accept your credentials ({code}: {message}). {_LOG_IN}"
    if code.startswith("AccessDenied") or code in {"403", "UnauthorizedOperation"}:
        return advice(f"Your AWS credentials do not allow {error.operation_name} ({message or code}).")
    return advice(f"AWS refused {error.operation_name} ({code}: {message}).")


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
