"""Measures `visage batch` beside the API: `python -m bench.batch BUNDLE PHOTOS [ROUNDS]`, three rounds by default.

In each round, the API answers all photos of a folder in a warm process on one core, and then `visage batch` does on all
cores, the start of its processes included. docs/batch.md has the results.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from bench.memory import require_linux, use_cores
from model.settings import ROOT, Settings, cores

_ROUNDS: Final = 3
_API: Final = "--api"
_WARM_UP: Final = 3
"""Photos that are answered before the time counts."""

_THREADS: Final = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def main(bundle: Path, photos: Path, rounds: int = _ROUNDS) -> None:
    """Print a row for each round, and the median of their ratios."""
    require_linux()
    count = len(_files(photos))
    _print(f"Photos: {count:,}. Cores: {cores()}.")
    _print("| round | API on one core, photos a second | visage batch | ratio |")
    _print(4 * "| --- " + "|")
    ratios = []
    for number in range(1, rounds + 1):
        with tempfile.TemporaryDirectory() as output:
            api = [sys.executable, "-m", "bench.batch", _API, str(photos)]
            ours = float(_run(api, {**_THREADS, "VISAGE_MODEL": str(bundle)}))
            command = [sys.executable, "-m", "scripts", "batch", str(photos), output, "--bundle", str(bundle), "--json"]
            began = time.perf_counter()
            _run(command, {})
            rate = count / (time.perf_counter() - began)
        ratios.append(rate / ours)
        _print(f"| {number} | {ours:.1f} | {rate:.1f} | {ratios[-1]:.2f} |")
    _print(f"Median ratio: {statistics.median(ratios):.2f}")


def answer(photos: Path) -> None:
    """Print how many photos a second the API answers in this process, on one core, by the bundle in the settings."""
    use_cores(1)
    import handler  # noqa: PLC0415  # its threads start on the core

    client = handler.app.test_client()
    contents = [path.read_bytes() for path in _files(photos)]
    for data in contents[:_WARM_UP]:
        client.post("/recognize", data=data, content_type="image/jpeg")
    began = time.perf_counter()
    for data in contents:
        client.post("/recognize", data=data, content_type="image/jpeg")
    _print(json.dumps(len(contents) / (time.perf_counter() - began)))


def _files(photos: Path) -> list[Path]:
    return sorted(path for path in photos.rglob("*") if path.is_file())


def _run(command: list[str], environment: Mapping[str, str]) -> str:
    """Return what a command prints; it runs without the policy for shared cores."""
    inherited = Settings.read().environment
    kept = {name: value for name, value in inherited.items() if name not in {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"}}
    printed = subprocess.check_output(command, cwd=ROOT, env={**kept, **environment}, text=True)
    return printed.strip().rpartition("\n")[2]


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    if sys.argv[1] == _API:
        answer(Path(sys.argv[2]))
    else:
        main(Path(sys.argv[1]).absolute(), Path(sys.argv[2]).absolute(), *map(int, sys.argv[3:]))
