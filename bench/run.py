"""`make bench`: measures everything in one run, and writes bench/results.json and docs/performance.md.

An interrupted run continues with the missing parts. A run of some parts only prints their tables and leaves the page
alone, because all published figures come from one run.
"""

import argparse
import json
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
from bench.errors import BenchError
from bench.memory import require_linux
from bench.subject import Subject, code_of
from dataset.errors import PrepareError
from dataset.progress import OnStep
from dataset.words import counted
from deploy.errors import DeployError
from evaluation.code import digest_of_code
from evaluation.figures import write_json
from model.errors import ModelError
from model.settings import ROOT, Settings, cores
from scripts import samples
from scripts.console import CommandError, console, out, progress, steps
from training.errors import TrainingError

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

_PACKAGES: Final = (
    "api",
    "batch",
    "bench",
    "collection",
    "dataset",
    "deploy",
    "evaluation",
    "model",
    "preprocess",
    "scripts",
    "training",
)


def main() -> None:
    """Measure what the arguments say. Exit with 0, or 1 and a sentence, or 130 when interrupted."""
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument(
        "photos", type=Path, nargs="?", help="a folder with one folder for each person; else the sample photos"
    )
    parser.add_argument("--only", type=lambda text: text.split(","), help=f"some of {','.join(PARTS)}")
    arguments = parser.parse_args()
    unknown = set(arguments.only or ()) - set(PARTS)
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}. There are {', '.join(PARTS)}.")
    settings = Settings.read()
    try:
        require_linux()
        run(arguments.photos or _samples(settings.cache), settings.cache / "bench", settings, arguments.only)
    except (BenchError, ModelError, TrainingError, PrepareError, DeployError, CommandError) as error:
        console.print(str(error), style="red")
        sys.exit(1)
    except KeyboardInterrupt:
        console.print("Interrupted. The same command continues with the missing parts.")
        sys.exit(130)


def run(photos: Path, home: Path, settings: Settings, only: Sequence[str] | None) -> None:
    """Measure all parts and publish them, or measure `only` some and print them."""
    home.mkdir(parents=True, exist_ok=True)
    with progress() as bar:
        measured = subject.build(photos, home, settings, steps(bar))
    if only:
        parts = {name: _measure(name, measured) for name in only}
        out.print(report.tables(report.read(parts), _about(measured)))
        return
    about, folder = _begin(measured, home)
    parts = {name: _measure_once(folder / f"{name}.json", name, measured) for name in PARTS}
    report.write(report.read(parts), about)
    shutil.rmtree(folder)
    out.print(f"{report.FIGURES}\n{report.PAGE}")


def _samples(cache: Path) -> Path:
    folder = cache / "samples" / "photos"
    samples.fetch(folder)
    return folder / samples.PEOPLE


def _begin(measured: Subject, home: Path) -> tuple[dict[str, str], Path]:
    """Return the description of the run and the folder of its parts; continue an interrupted run of the same code."""
    folder = home / "unfinished"
    mark, same = folder / "run.json", {"code": _digest(), "photos": str(measured.photos.resolve())}
    begun = json.loads(mark.read_text(encoding="utf-8")) if mark.exists() else {}
    if begun.get("same") != same:
        shutil.rmtree(folder, ignore_errors=True)
        begun = {"same": same, "about": _about(measured)}
        write_json(mark, begun)
    return dict(begun["about"]), folder


def _digest() -> str:
    return digest_of_code([ROOT / "handler.py", *code_of(*_PACKAGES)])


def _measure_once(file: Path, name: str, measured: Subject) -> list[dict[str, Any]]:
    """Return the rows of a part from `file`; measure it first if this run has not."""
    if not file.exists():
        write_json(file, _measure(name, measured))
    return list(json.loads(file.read_text(encoding="utf-8")))


def _measure(name: str, measured: Subject) -> list[dict[str, Any]]:
    console.rule(name, align="left")
    with progress() as bar:
        return [asdict(row) for row in PARTS[name](measured, steps(bar))]


def _about(measured: Subject) -> dict[str, str]:
    """Describe what was measured, when, and on which machine."""
    learned, people = sum(map(len, measured.people.values())), len(measured.people)
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": f"{_processor()}, {counted(cores(), 'core')}",
        "Python": platform.python_version(),
        **{name: version(name) for name in ("torch", "onnxruntime", "dlib-bin", "facenet-pytorch", "face_recognition")},
        "photos": f"{counted(learned, 'photo')} of {counted(people, 'person')} to learn from, "
        f"{len(measured.held_out)} to be named",
        "bundle": json.loads((measured.setup.bundle / "manifest.json").read_text(encoding="utf-8"))["version"],
    }


def _processor() -> str:
    """Return the name of the processor, from Linux's /proc/cpuinfo."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
