"""`make bench`: measures everything in one run, and writes bench/results.json and docs/performance.md from it.

An interrupted run goes on with the parts that are missing. A run of some parts alone prints its tables, and leaves the
page as it is: figures that are published come from one run.
"""

import argparse
import json
import os
import platform
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from bench import cold_start, detection, footprint, load, offline, report, subject, warm
from bench.contest import SHARED_CORES, ContestError, OnStep
from bench.subject import Subject, code_of
from dataset.errors import PrepareError
from evaluation.code import digest_of_code
from model.errors import ModelError
from model.settings import ROOT, cores
from scripts import samples
from scripts.console import CACHE, CommandError, console, out, progress, steps

HOME: Final = CACHE / "bench"

_PACKAGES: Final = ("api", "bench", "dataset", "deploy", "evaluation", "model", "preprocess", "scripts", "training")

PARTS: Final[Mapping[str, Callable[[Subject, OnStep], Sequence[Any]]]] = {
    "warm": warm.measure,
    "cold": cold_start.measure,
    "load": load.measure,
    "prepare": offline.measure_preparing,
    "training": offline.measure_training,
    "memory": footprint.measure_memory,
    "size": footprint.measure_size,
    "detection": detection.measure,
}


def main() -> None:
    """Measure what the arguments say; exit 0, or 1 with a sentence, or 130 when interrupted."""
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("photos", type=Path, nargs="?", help="a folder of people's folders; else the sample photos")
    parser.add_argument("--only", type=lambda text: text.split(","), help=f"some of {','.join(PARTS)}")
    arguments = parser.parse_args()
    unknown = set(arguments.only or ()) - set(PARTS)
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}. There are {', '.join(PARTS)}.")
    for name in SHARED_CORES:  # what is measured has the cores to itself
        os.environ.pop(name, None)
    try:
        run(arguments.photos or _samples(), HOME, arguments.only)
    except (ContestError, ModelError, PrepareError, CommandError) as error:
        console.print(str(error), style="red")
        sys.exit(1)
    except KeyboardInterrupt:
        console.print("Interrupted. The same command goes on with what is missing.")
        sys.exit(130)


def run(photos: Path, home: Path, only: Sequence[str] | None) -> None:
    """Measure all parts and publish, or `only` some and print."""
    home.mkdir(parents=True, exist_ok=True)
    with progress() as bar:
        measured = subject.build(photos, home, steps(bar))
    if only:
        parts = {name: _measure(name, measured) for name in only}
        out.print(report.tables(report.read(parts), _about(measured)))
        return
    about, folder = _begin(measured, home)
    parts = {name: _kept(folder / f"{name}.json", name, measured) for name in PARTS}
    report.write(report.read(parts), about)
    shutil.rmtree(folder)
    out.print(f"{report.FIGURES}\n{report.PAGE}")


def _samples() -> Path:
    folder = CACHE / "samples" / "photos"
    samples.fetch(folder)
    return folder / samples.PEOPLE


def _begin(measured: Subject, home: Path) -> tuple[dict[str, str], Path]:
    """Return what there is to say about the run, and the folder of its parts; go on with one that was interrupted."""
    folder = home / "unfinished"
    mark, same = folder / "run.json", {"code": _code(), "photos": str(measured.photos.resolve())}
    begun = json.loads(mark.read_text(encoding="utf-8")) if mark.exists() else {}
    if begun.get("same") != same:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        begun = {"same": same, "about": _about(measured)}
        mark.write_text(json.dumps(begun), encoding="utf-8")
    return dict(begun["about"]), folder


def _code() -> str:
    return digest_of_code([ROOT / "handler.py", *code_of(*_PACKAGES)])


def _kept(file: Path, name: str, measured: Subject) -> list[dict[str, Any]]:
    """Return a part, measured unless this run has it."""
    if not file.exists():
        rows = _measure(name, measured)
        unfinished = file.with_suffix(".part")
        unfinished.write_text(json.dumps(rows), encoding="utf-8")
        unfinished.rename(file)
    return list(json.loads(file.read_text(encoding="utf-8")))


def _measure(name: str, measured: Subject) -> list[dict[str, Any]]:
    console.rule(name, align="left")
    with progress() as bar:
        return [asdict(row) for row in PARTS[name](measured, steps(bar))]


def _about(measured: Subject) -> dict[str, str]:
    """Say what was measured, when and on what."""
    learned, people = sum(map(len, measured.people.values())), len(measured.people)
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": f"{_processor()}, {cores()} cores",
        "Python": platform.python_version(),
        **{name: version(name) for name in ("torch", "onnxruntime", "dlib-bin", "facenet-pytorch", "face_recognition")},
        "photos": f"{learned} photos of {people} people to learn from, {len(measured.held_out)} to be named",
        "bundle": json.loads((measured.setup.bundle / "manifest.json").read_text(encoding="utf-8"))["version"],
    }


def _processor() -> str:
    """Return the processor's name, as Linux tells it."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
