"""Starts a contestant in a new process, lets it answer, and reads its report."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from bench.contest import process_environment
from bench.contestants import Setup
from bench.errors import ContestError
from model.settings import ROOT, cores


@dataclass(frozen=True)
class Report:
    """The report of `bench.fresh_process`: times in milliseconds, memory in millions of bytes."""

    ms: float
    stages_ms: Mapping[str, float]
    names: Sequence[str | None]
    resident_mb: Sequence[float]
    peak_mb: float


def start(
    name: str,
    photos: Sequence[Path],
    setup: Setup,
    environment: Mapping[str, str],
    *,
    fetch: str | None = None,
    early: int = 0,
) -> Report:
    """Start the contestant `name` in a new process, and ask it about every photo.

    The process inherits `environment`, and gets an empty folder for temporary files. A contestant that is not ours
    downloads its network from `fetch`, "s3://bucket/prefix", if given. Memory is read after `early` answers, and at
    the end.

    Raises:
        ContestError: the process ended without a report.
    """
    order = {
        "name": name,
        "setup": [str(path.resolve()) for path in astuple(setup)],
        "photos": [str(photo.resolve()) for photo in photos],
        "fetch": fetch,
        "early": early,
    }
    function = {"AWS_LAMBDA_FUNCTION_NAME": "visage", "VISAGE_ENGINE": name.removeprefix("visage-")}
    ours = function if name.startswith("visage") else {}
    with tempfile.TemporaryDirectory() as folder:
        variables = process_environment(name, cores(), environment) | ours | {"TMPDIR": folder}
        words = json.dumps(order | {"began": time.monotonic()})
        command = [sys.executable, "-m", "bench.fresh_process"]
        done = subprocess.run(
            command, input=words, cwd=ROOT, env=variables, capture_output=True, text=True, check=False
        )
    if done.returncode:
        raise ContestError(f"{name} ended with status {done.returncode}: {done.stderr.strip()[-300:]}")
    return _read(done.stdout)


def _read(output: str) -> Report:
    """Read the report. The init of our function is divided as in the function's log."""
    lines = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    report: dict[str, Any] = lines[-1]
    startup = next((line["startup_ms"] for line in lines if "startup_ms" in line), None)
    if startup:
        report["stages_ms"] = _divided(report["stages_ms"], startup)
    return Report(**report)


def _divided(stages: Mapping[str, float], startup: Mapping[str, float]) -> dict[str, float]:
    """Divide "init" by the times in `startup`. "fetch" is only the waiting: the download runs beside other stages."""
    steps = {
        "library": startup["import"],
        "fetch": startup["fetch"],
        "load": startup["load"],
        "warm-up": startup["warm_up"],
    }
    imports = max(0.0, stages["init"] - sum(steps.values()))
    others = {"interpreter": stages["interpreter"], "imports": imports}
    return {**others, **steps, "first request": stages["first request"]}
