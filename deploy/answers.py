"""Waits until what was deployed answers with its model: the function itself, and then the API in front of it."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import requests

from deploy import local
from deploy.errors import DeployError
from model.version import VERSION

_PREPARING_SECONDS: Final = 1200
"""AWS takes minutes to make a snapshot. It says when that failed."""

_FUNCTION_SECONDS: Final = 300
"""From the first call on."""

_API_SECONDS: Final = 180
_REQUEST_SECONDS: Final = 70
"""Longer than two starts of the function take. A second request before that would start a second function."""

_PAUSE_SECONDS: Final = 1

_PREPARING: Final = "AWS is still preparing it."

_PING: Final = json.dumps({"source": "aws.scheduler"}).encode()
"""The function's answer to this event says whether it has its model, since when, and which one it is."""

_NOT_YET: Final = frozenset({"ResourceConflictException", "SnapStartNotReadyException", "TooManyRequestsException"})
"""Codes of Lambda for a function that cannot be called at this moment.

Source: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html.
"""

Wanted = Mapping[str, str]
"""The version of the model and the name of the engine that must answer, as `version` and `engine`."""


def wait_for_function(
    functions: Any,
    name: str,
    wanted: Wanted,
    *,
    from_snapshot: bool = False,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Call the function until it answers with what is `wanted`.

    `functions` is a boto3 client of Lambda. `name` may end in ":" and the number of a published version.
    `from_snapshot` says that AWS starts it from a snapshot, which must have contained the model.

    Raises:
        DeployError: AWS could not start the function, its snapshot lacks the model, or it does not answer in time.
    """
    latest, deadline = clock() + _PREPARING_SECONDS, None
    while (reason := missing(functions, name, wanted, from_snapshot=from_snapshot)) is not None:
        if reason != _PREPARING and deadline is None:
            deadline = clock() + _FUNCTION_SECONDS
        if clock() > (latest if deadline is None else deadline):
            raise DeployError(f"The function {name} does not work: {reason} {_see(name)}")
        sleep(_PAUSE_SECONDS)


def wait_for_api(api: str, wanted: Wanted) -> None:
    """Ask the API at this address for its health until what is `wanted` answers.

    Raises:
        DeployError: it does not answer in time.
    """
    deadline = time.monotonic() + _API_SECONDS
    health = _health_address(api)
    answer = _get(health)
    while not all(f'"{value}"' in answer for value in wanted.values()):
        if time.monotonic() > deadline:
            described = " with ".join(wanted.values())
            raise DeployError(f"The deployment is done, but model {described} does not answer: {answer}")
        time.sleep(_PAUSE_SECONDS)
        answer = _get(health)


def missing(functions: Any, name: str, wanted: Wanted, *, from_snapshot: bool = False) -> str | None:
    """Call the function once; return why it does not answer with what is `wanted`, None if it does.

    Raises:
        DeployError: waiting will not help.
    """
    state = functions.get_function_configuration(FunctionName=name)
    if state["State"] == "Failed":
        reason = " ".join(str(state.get("StateReason", "")).split()).rstrip(".") or "AWS gave no reason"
        raise DeployError(f"AWS cannot start the function {name}: {reason}. {_see(name)}")
    if state["State"] == "Pending":
        return _PREPARING
    try:
        called = functions.invoke(FunctionName=name, Payload=_PING)
    except functions.exceptions.ClientError as error:
        if error.response["Error"]["Code"] not in _NOT_YET:
            raise
        return f"{error.response['Error']['Message']}."
    answer = json.loads(called["Payload"].read())
    if "FunctionError" in called or not isinstance(answer, dict):
        return f"It ended with an error: {answer}."
    if from_snapshot and not answer.get("was_warm"):
        raise DeployError(f"The snapshot of the function {name} lacks the model. {_see(name)}")
    return None if wanted.items() <= answer.items() else f"It answers {answer}."


def _see(name: str) -> str:
    return f"Its log /aws/lambda/{name.partition(':')[0]} says more."


def _health_address(api: str) -> str:
    """Return the address of the function's health. MiniStack answers /health itself, but passes //health on."""
    _, headers = local.direct(api)
    return f"{api}//health" if headers else f"{api}/health"


def _get(address: str) -> str:
    """Return the API's answer at an address, or the reason why there is none."""
    url, headers = local.direct(address)
    try:
        with requests.Session() as session:
            session.headers["User-Agent"] = f"visage/{VERSION}"
            session.trust_env = not headers  # no proxy can reach the local API
            return session.get(url, headers=headers, timeout=_REQUEST_SECONDS).text
    except requests.RequestException as error:
        return str(error)
