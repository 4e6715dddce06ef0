"""Starts a fresh process, has it answer, and reads what it tells of itself."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from bench.contest import ContestError, engine_environment, environment
from bench.contestants import Setup
from model.settings import ROOT, cores


@dataclass(frozen=True)
class Report:
    """What `bench.fresh_process` tells: times in milliseconds, memory in millions of bytes."""

    ms: float
    stages_ms: Mapping[str, float]
    names: Sequence[str | None]
    resident_mb: Sequence[float]
    peak_mb: float


def start(
    name: str,
    photos: Sequence[Path],
    setup: Setup,
    inherited: Mapping[str, str],
    *,
    fetch: str | None = None,
    early: int = 0,
) -> Report:
    """Start the contestant `name` in a process of its own, and ask it for every photo.

    Its environment is `inherited`, and its folder of temporary files is empty. One that is not ours fetches its network
    from `fetch`, "s3://bucket/prefix", where that is given. After `early` answers it looks at its memory.

    Raises:
        ContestError: it ended without a report.
    """
    order = {
        "name": name,
        "setup": [str(path.resolve()) for path in astuple(setup)],
        "photos": [str(photo.resolve()) for photo in photos],
        "fetch": fetch,
        "early": early,
    }
    engine = {"AWS_LAMBDA_FUNCTION_NAME": "visage", "VISAGE_ENGINE": name.removeprefix("visage-")}
    ours = engine if name.startswith("visage") else {}
    with tempfile.TemporaryDirectory() as folder:
        variables = environment(cores(), inherited) | engine_environment(name) | ours | {"TMPDIR": folder}
        words = json.dumps(order | {"began": time.monotonic()})
        command = [sys.executable, "-m", "bench.fresh_process"]
        done = subprocess.run(
            command, input=words, cwd=ROOT, env=variables, capture_output=True, text=True, check=False
        )
    if done.returncode:
        raise ContestError(f"{name} ended with status {done.returncode}: {done.stderr.strip()[-300:]}")
    return _read(done.stdout)


def _read(output: str) -> Report:
    """Read the report, and divide our init as the function's log does."""
    lines = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    report: dict[str, Any] = lines[-1]
    startup = next((line["startup_ms"] for line in lines if "startup_ms" in line), None)
    if startup:
        report["stages_ms"] = _divided(report["stages_ms"], startup)
    return Report(**report)


def _divided(stages: Mapping[str, float], startup: Mapping[str, float]) -> dict[str, float]:
    """Divide "init" by the recognizer's own times; "fetch" runs beside them all, and is what was waited for."""
    steps = {
        "library": startup["import"],
        "fetch": startup["fetch"],
        "load": startup["load"],
        "warm-up": startup["warm_up"],
    }
    imports = max(0.0, stages["init"] - sum(steps.values()))
    others = {"interpreter": stages["interpreter"], "imports": imports}
    return {**others, **steps, "first request": stages["first request"]}
