"""A process that starts, answers and tells how long that took: what a cold start is.

What `bench.fresh.start` wants comes as JSON on standard input. Its last line of output
is a JSON object:

| member | content |
| --- | --- |
| `ms` | from the parent's start of this process to the first answer |
| `stages_ms` | the same by stage |
| `names` | who is in each of the photos |
| `resident_mb`, `peak_mb` | memory after `early` answers and after all, and the most it ever was |
"""

import time

_BEGAN = time.monotonic()

import base64  # noqa: E402
import json  # noqa: E402
import sys  # noqa: E402
from collections.abc import Callable  # noqa: E402
from pathlib import Path  # noqa: E402
from types import SimpleNamespace  # noqa: E402
from typing import Any  # noqa: E402

from bench.memory import memory  # noqa: E402

Ask = Callable[[str], str | None]
"""A photo's path to who is in it."""


def main() -> None:
    """Start what the order names, ask it for every photo, and report."""
    order = json.load(sys.stdin)
    watch = _Stopwatch(order["began"])
    watch.tell("interpreter", _BEGAN)
    ask = _function(watch) if order["name"].startswith("visage") else _contestant(order, watch)
    names, resident = [ask(order["photos"][0])], []
    watch.tell("first request")
    for number, photo in enumerate(order["photos"][1:], start=2):
        names.append(ask(photo))
        if number == order["early"]:
            resident.append(memory()[0])
    now, peak = memory()
    report = {"ms": sum(watch.stages.values()), "stages_ms": watch.stages, "names": names}
    print(json.dumps({**report, "resident_mb": [*resident, now], "peak_mb": peak}))  # noqa: T201


class _Stopwatch:
    """Milliseconds by stage, from a moment of the machine's monotonic clock, which all processes share on Linux."""

    def __init__(self, began: float) -> None:
        self._last, self.stages = began, dict[str, float]()

    def tell(self, stage: str, moment: float | None = None) -> None:
        """End a stage, now or at a `moment`."""
        ended = moment or time.monotonic()
        self.stages[stage] = 1000 * (ended - self._last)
        self._last = ended


def _function(watch: _Stopwatch) -> Ask:
    """Return what asks our function, which loads its model when it is imported."""
    from handler import lambda_handler  # noqa: PLC0415

    watch.tell("init")
    context = SimpleNamespace(
        function_name="visage", memory_limit_in_mb=3008, invoked_function_arn="arn", aws_request_id="request"
    )

    def ask(photo: str) -> str | None:
        answer = lambda_handler(_event(Path(photo).read_bytes()), context)
        faces = json.loads(answer["body"]).get("faces")
        return faces[0]["predictions"][0]["label"] if faces else None

    return ask


def _event(photo: bytes) -> dict[str, Any]:
    """Return what API Gateway makes of a posted photo: payload 2.0, the body as base64."""
    http = {"method": "POST", "path": "/recognize"}
    return {
        "version": "2.0",
        "rawPath": "/recognize",
        "headers": {"content-type": "image/jpeg"},
        "requestContext": {"http": http, "stage": "$default", "requestId": "request"},
        "body": base64.b64encode(photo).decode(),
        "isBase64Encoded": True,
    }


def _contestant(order: dict[str, Any], watch: _Stopwatch) -> Ask:
    """Return what asks a contestant, which has learned everybody before."""
    from dataclasses import replace  # noqa: PLC0415
    from pkgutil import resolve_name  # noqa: PLC0415

    from bench.contestants import CONTESTANTS, Setup  # noqa: PLC0415

    make = resolve_name(CONTESTANTS[order["name"]])
    watch.tell("imports")
    setup = Setup(*map(Path, order["setup"]))
    if order["fetch"]:
        setup = replace(setup, run=_fetch(order["fetch"]))
        watch.tell("fetch")
    contestant = make(setup)
    contestant.learn({})
    watch.tell("load")
    return lambda photo: contestant.answer(Path(photo).read_bytes()).name


def _fetch(location: str) -> Path:
    """Fetch a training run's network as boto3's documentation does."""
    import tempfile  # noqa: PLC0415

    import boto3  # noqa: PLC0415

    bucket, _, prefix = location.removeprefix("s3://").partition("/")
    folder, client = Path(tempfile.mkdtemp()), boto3.client("s3")
    for name in ("run.json", "network.pt"):
        client.download_file(bucket, f"{prefix}/{name}", str(folder / name))
    return folder


if __name__ == "__main__":
    main()
