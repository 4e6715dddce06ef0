"""Runs one contestant in a new process and reports how long its start took.

Standard input has the order of `bench.fresh.start` as JSON. The last line of standard output is the report:

| member | content |
| --- | --- |
| `ms` | time from the start of this process to the first answer |
| `stages_ms` | the same time, divided into stages |
| `names` | the name of the person in each photo |
| `resident_mb`, `peak_mb` | memory after `early` answers and after all answers, and its maximum |
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
"""Returns the name of the person in the photo at a path."""


def main() -> None:
    """Start the contestant of the order, ask it about every photo, and print the report."""
    order = json.load(sys.stdin)
    watch = _Stopwatch(order["began"])
    watch.end("interpreter", _BEGAN)
    ask = _function(watch) if order["name"].startswith("visage") else _contestant(order, watch)
    names, resident = [ask(order["photos"][0])], []
    watch.end("first request")
    for number, photo in enumerate(order["photos"][1:], start=2):
        names.append(ask(photo))
        if number == order["early"]:
            resident.append(memory()[0])
    now, peak = memory()
    report = {"ms": sum(watch.stages.values()), "stages_ms": watch.stages, "names": names}
    print(json.dumps({**report, "resident_mb": [*resident, now], "peak_mb": peak}))  # noqa: T201


class _Stopwatch:
    """Milliseconds of each stage, by the monotonic clock, which all processes share on Linux."""

    def __init__(self, began: float) -> None:
        self._last, self.stages = began, dict[str, float]()

    def end(self, stage: str, moment: float | None = None) -> None:
        """End a stage now, or at an earlier `moment`."""
        ended = moment or time.monotonic()
        self.stages[stage] = 1000 * (ended - self._last)
        self._last = ended


def _function(watch: _Stopwatch) -> Ask:
    """Return a function that asks the Lambda function, which loads its model when it is imported."""
    from handler import lambda_handler  # noqa: PLC0415

    watch.end("init")
    context = SimpleNamespace(
        function_name="visage", memory_limit_in_mb=3008, invoked_function_arn="arn", aws_request_id="request"
    )

    def ask(photo: str) -> str | None:
        answer = lambda_handler(_event(Path(photo).read_bytes()), context)
        faces = json.loads(answer["body"]).get("faces")
        return faces[0]["predictions"][0]["label"] if faces else None

    return ask


def _event(photo: bytes) -> dict[str, Any]:
    """Return the event that API Gateway makes of a posted photo: payload format 2.0, the body in base64."""
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
    """Return a function that asks a contestant, which has learned everybody before."""
    from dataclasses import replace  # noqa: PLC0415
    from pkgutil import resolve_name  # noqa: PLC0415

    from bench.contestants import CONTESTANTS, Setup  # noqa: PLC0415
    from model.settings import Settings  # noqa: PLC0415

    make = resolve_name(CONTESTANTS[order["name"]])
    watch.end("imports")
    setup = Setup(*map(Path, order["setup"]))
    if order["fetch"]:
        setup = replace(setup, run=_fetch(order["fetch"]))
        watch.end("fetch")
    contestant = make(setup, Settings.read())
    contestant.learn({})
    watch.end("load")
    return lambda photo: contestant.answer(Path(photo).read_bytes()).name


def _fetch(location: str) -> Path:
    """Download the network of a training run as boto3's documentation does."""
    import tempfile  # noqa: PLC0415
    from contextlib import closing  # noqa: PLC0415

    import boto3  # noqa: PLC0415

    bucket, _, prefix = location.removeprefix("s3://").partition("/")
    folder = Path(tempfile.mkdtemp())  # in the folder of this process, which bench.fresh removes
    with closing(boto3.client("s3")) as client:
        for name in ("run.json", "network.pt"):
            client.download_file(bucket, f"{prefix}/{name}", str(folder / name))
    return folder


if __name__ == "__main__":
    main()
