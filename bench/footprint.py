"""Measures memory after many requests, and the size of what is deployed."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from itertools import cycle, islice
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement

from bench import fresh
from bench.subject import Subject
from dataset.progress import OnStep
from dataset.words import counted
from deploy import package
from model.settings import ROOT

ENGINES: Final = ("visage-torchscript", "visage-onnx")

_EARLY, _REQUESTS = 100, 2000


@dataclass(frozen=True)
class Memory:
    """The resident memory of a process after `early` requests and after all, and its maximum, in MB."""

    contestant: str
    early: int
    requests: int
    right: int
    early_mb: float
    late_mb: float
    peak_mb: float


@dataclass(frozen=True)
class Size:
    """The size of what an engine deploys, without the model, in MB; `parts` has the largest parts."""

    contestant: str
    what: str
    mb: float
    parts: dict[str, float]


def measure_memory(subject: Subject, on_step: OnStep, early: int = _EARLY, count: int = _REQUESTS) -> list[Memory]:
    """Let the function of each engine answer many requests in one process, with the held-out photos again and again.

    Raises:
        ContestError: the process ended early.
    """
    asked = list(islice(cycle(subject.held_out), count))
    found = []
    environment = {**subject.settings.environment, "VISAGE_MODEL": str(subject.setup.bundle.resolve())}
    for done, name in enumerate(ENGINES, start=1):
        report = fresh.start(name, [photo for _, photo in asked], subject.setup, environment, early=early)
        right = sum(answer == person for answer, (person, _) in zip(report.names, asked, strict=True))
        early_mb, late_mb = report.resident_mb
        found.append(Memory(name, early, count, right, early_mb, late_mb, report.peak_mb))
        on_step(f"{counted(count, 'request')} to one process, engines", done, len(ENGINES))
    return found


def measure_size(subject: Subject, on_step: OnStep) -> list[Size]:
    """Measure the unpacked zip, and the packages that the image installs.

    Raises:
        DeployError: the zip cannot be made.
    """
    zipped = package.parts(package.build(subject.settings))
    on_step("Measuring what is deployed", 1, 2)
    installed = {name: _bytes(name) for name in _closure(_required())}
    on_step("Measuring what is deployed", 2, 2)
    return [
        _size("visage-torchscript", "the image's Python packages", installed),
        _size("visage-onnx", "the zip, unpacked", zipped),
    ]


def _size(contestant: str, what: str, parts: dict[str, int]) -> Size:
    largest = sorted(parts.items(), key=lambda part: -part[1])[:5]
    return Size(contestant, what, sum(parts.values()) / 1e6, {name: size / 1e6 for name, size in largest})


def _required() -> Iterator[Requirement]:
    """Yield the requirements of requirements.txt."""
    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            yield Requirement(line)


def _closure(requirements: Iterator[Requirement]) -> set[str]:
    """Return the names of the installed distributions that `requirements` need, directly or not."""
    found, waiting = set(), list(requirements)
    while waiting:
        requirement = waiting.pop()
        wanted = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if not wanted or requirement.name in found:
            continue
        try:
            waiting += map(Requirement, distribution(requirement.name).requires or ())
            found.add(requirement.name)
        except PackageNotFoundError:
            continue
    return found


def _bytes(name: str) -> int:
    paths = [Path(str(file.locate())) for file in distribution(name).files or ()]
    return sum(path.stat().st_size for path in paths if path.is_file())
