"""Compares several face recognisers: all learn the same people and name the same photos, in turn.

Each contestant runs in its own process, so that thread pools, memory and imports stay apart. While one answers, the
others wait. When the machine becomes slow for a while, all contestants are slow, and the ratios of their times hold.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, Final

import numpy as np
import numpy.typing as npt

from bench.contestants import Answer, Setup
from bench.errors import ContestError
from dataset.progress import OnStep
from model.engines import ENGINES
from model.settings import ROOT

FloatArray = npt.NDArray[np.float64]

_THREAD_COUNTS: Final = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_SHARED_CORES: Final = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
"""The Makefile sets these for processes that share the cores; a contestant has its cores to itself."""

_ANSWER: Final = tuple(field.name for field in fields(Answer))


@dataclass(frozen=True)
class Result:
    """The answers and times of a contestant for P photos in R rounds.

    `answers` has R answers for each photo, `milliseconds` is (P, R), `people` has the name of the person in each photo.
    `resident_mb` is the memory of the process at the end, `peak_mb` its maximum.
    """

    name: str
    people: tuple[str, ...]
    answers: tuple[tuple[Answer, ...], ...]
    milliseconds: FloatArray
    resident_mb: float
    peak_mb: float

    @property
    def rounds_ms(self) -> list[float]:
        """The mean over photos of each round."""
        return [float(mean) for mean in self.milliseconds.mean(axis=0)]

    @property
    def mean_ms(self) -> float:
        """The mean over photos of the median over rounds."""
        return float(np.median(self.milliseconds, axis=1).mean())

    def percentile_ms(self, percent: float) -> float:
        """Return the time that `percent` of all answers took at most."""
        return float(np.percentile(self.milliseconds, percent))

    @property
    def right(self) -> int:
        """The number of photos with the right name in every round."""
        return self._count(lambda answer, person: answer.name == person)

    @property
    def recognised(self) -> int:
        """The number of photos with the right name, given as known, in every round."""
        return self._count(lambda answer, person: answer.name == person and answer.known)

    @property
    def without_face(self) -> int:
        """The number of photos in which no face was found."""
        return self._count(lambda answer, _: answer.faces == 0)

    @property
    def stages_ms(self) -> dict[str, float]:
        """For each stage, the mean over photos with a face of the median over rounds; empty without stages."""
        staged = [answers for answers in self.answers if answers[0].stages]
        stages = staged[0][0].stages if staged else {}
        return {
            stage: float(np.median([[answer.stages[stage] for answer in answers] for answers in staged], axis=1).mean())
            for stage in stages
        }

    def _count(self, holds: Callable[[Answer, str], bool]) -> int:
        pairs = zip(self.answers, self.people, strict=True)
        return sum(all(holds(answer, person) for answer in answers) for answers, person in pairs)


def contest(
    names: Sequence[str],
    people: Mapping[str, Sequence[Path]],
    photos: Sequence[tuple[str, Path]],
    *,
    rounds: int,
    threads: int,
    setup: Setup,
    environment: Mapping[str, str],
    on_step: OnStep = lambda *_: None,
) -> dict[str, Result]:
    """Let the contestants `names` learn `people`, then name the `photos`, pairs of a person and a file.

    All contestants get the same photo before the next one. Each photo begins with another contestant. The first photo
    is asked once before, which does not count. A contestant may use `threads` cores, and inherits `environment`.

    Raises:
        ContestError: a contestant ended, or sent an unreadable answer.
    """
    files = [file.resolve() for _, file in photos]
    with ExitStack() as stack:
        # All processes start before the first one is waited for, so that they load at the same time.
        contestants = [stack.enter_context(_started(name, threads, setup, environment)) for name in names]
        for contestant in contestants:
            contestant.receive("ready")
        _learn(contestants, people, files[0], on_step)
        _ask_all(contestants, files, rounds, on_step)
        return {contestant.name: contestant.result([person for person, _ in photos]) for contestant in contestants}


def process_environment(contestant: str, threads: int, inherited: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a contestant's process with `threads` cores to itself.

    Contestants of ours get the variables that their engine's deployed function has.
    """
    kept = {name: value for name, value in inherited.items() if name not in _SHARED_CORES}
    engine = ENGINES.get(contestant.removeprefix("visage-")) if contestant.startswith("visage-") else None
    return kept | dict.fromkeys(_THREAD_COUNTS, str(threads)) | dict(engine.environment if engine else {})


class _ContestantProcess:
    """A running process of `bench.contestant_process`, and its answers so far."""

    def __init__(self, name: str, process: subprocess.Popen[str], errors: IO[bytes]) -> None:
        self.name = name
        self._process, self._errors = process, errors
        self._replies: list[tuple[Answer, float]] = []

    def receive(self, *fields: str) -> dict[str, Any]:
        """Wait for a message and return its `fields`."""
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise ContestError(f"{self.name} ended with status {self._process.wait()}: {self._last_error()}")
        try:
            message = json.loads(line)
            return {field: message[field] for field in fields}
        except (ValueError, LookupError, TypeError) as error:
            raise ContestError(f"{self.name} sent an unreadable answer: {line.strip()}") from error

    def learn(self, people: Mapping[str, Sequence[Path]]) -> None:
        """Send the paths of everybody's photos, and wait until they are learned."""
        photos = {name: [str(photo.resolve()) for photo in paths] for name, paths in people.items()}
        self._ask({"learn": photos}, "learned")

    def answer(self, photo: Path) -> tuple[Answer, float]:
        """Return the answer for a photo, and its time in milliseconds."""
        reply = self._ask({"answer": str(photo)}, "ms", *_ANSWER)
        return Answer(**{field: reply[field] for field in _ANSWER}), reply["ms"]

    def answer_counted(self, photo: Path) -> None:
        """Ask for an answer, and keep it for the result."""
        self._replies.append(self.answer(photo))

    def result(self, people: Sequence[str]) -> Result:
        """Return the answers kept; `people` has the person in each photo of a round."""
        answers = [answer for answer, _ in self._replies]
        rounds = [answers[start : start + len(people)] for start in range(0, len(answers), len(people))]
        return Result(
            name=self.name,
            people=tuple(people),
            answers=tuple(zip(*rounds, strict=True)),
            milliseconds=np.array([ms for _, ms in self._replies]).reshape(-1, len(people)).T,
            **self._ask({"memory": True}, "resident_mb", "peak_mb"),
        )

    def _ask(self, question: Mapping[str, Any], *fields: str) -> dict[str, Any]:
        if self._process.stdin:
            with suppress(BrokenPipeError):  # the process has ended, and receive() raises the reason
                self._process.stdin.write(json.dumps(question) + "\n")
                self._process.stdin.flush()
        return self.receive(*fields)

    def _last_error(self) -> str:
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it wrote no error."


@contextmanager
def _started(name: str, threads: int, setup: Setup, environment: Mapping[str, str]) -> Iterator[_ContestantProcess]:
    """Start a contestant's process, and kill it when the context ends."""
    command = [sys.executable, "-m", "bench.contestant_process", name, "--threads", str(threads)]
    command += ["--setup", *(str(path.resolve()) for path in astuple(setup))]
    with (
        TemporaryFile() as errors,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=ROOT,
            env=process_environment(name, threads, environment),
        ) as process,
    ):
        try:
            yield _ContestantProcess(name, process, errors)
        finally:
            process.kill()
            process.communicate()


def _learn(
    contestants: Sequence[_ContestantProcess], people: Mapping[str, Sequence[Path]], photo: Path, on_step: OnStep
) -> None:
    """Let the contestants learn one after another. Each then answers once, because libraries set themselves up then."""
    for done, contestant in enumerate(contestants, start=1):
        contestant.learn(people)
        contestant.answer(photo)
        on_step("Learning people, contestants", done, len(contestants))


def _ask_all(contestants: Sequence[_ContestantProcess], photos: Sequence[Path], rounds: int, on_step: OnStep) -> None:
    """Ask every contestant about every photo. With each photo and each round, the next contestant begins."""
    for number in range(rounds):
        for at, photo in enumerate(photos):
            first = (number + at) % len(contestants)
            for contestant in [*contestants[first:], *contestants[:first]]:
                contestant.answer_counted(photo)
            on_step("Asking photos", number * len(photos) + at + 1, rounds * len(photos))
