"""A contest: several ways of naming a face learn the same people and are asked the same photos, turn by turn.

Each contestant is a process of its own, so that thread pools, memory and imports do not mix, and while one answers the
others wait. On a machine that is slower now and then all of them are, and their ratios hold.
"""

import json
import os
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
from model.engines import ENGINES
from model.settings import ROOT

FloatArray = npt.NDArray[np.float64]

OnStep = Callable[[str, int, int], None]
"""A step's name, how much of it is done, and how much there is."""

_THREAD_COUNTS: Final = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
SHARED_CORES: Final = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
"""Variables that the Makefile sets for processes that share the cores."""

_ANSWER: Final = tuple(field.name for field in fields(Answer))


class ContestError(Exception):
    """A contestant that cannot go on; its text says which and why."""


@dataclass(frozen=True)
class Result:
    """What a contestant did: P photos, each asked in R rounds.

    `answers` has a tuple of R answers a photo, `milliseconds` is (P, R), and `people` says who is in each photo.
    `resident_mb` and `peak_mb` are the process's memory at the end, and the most it ever was.
    """

    name: str
    people: tuple[str, ...]
    answers: tuple[tuple[Answer, ...], ...]
    milliseconds: FloatArray
    resident_mb: float
    peak_mb: float

    @property
    def rounds_ms(self) -> list[float]:
        """The mean over photos, round by round."""
        return [float(mean) for mean in self.milliseconds.mean(axis=0)]

    @property
    def mean_ms(self) -> float:
        """The mean over photos of the median over rounds."""
        return float(np.median(self.milliseconds, axis=1).mean())

    def percentile_ms(self, percent: float) -> float:
        """Return the time within which `percent` of all answers came."""
        return float(np.percentile(self.milliseconds, percent))

    @property
    def right(self) -> int:
        """Photos named right in every round."""
        return self._count(lambda answer, person: answer.name == person)

    @property
    def recognised(self) -> int:
        """Of those, photos whose name the contestant was sure of."""
        return self._count(lambda answer, person: answer.name == person and answer.known)

    @property
    def without_face(self) -> int:
        """Photos in which no face was found."""
        return self._count(lambda answer, _: answer.faces == 0)

    @property
    def stages_ms(self) -> dict[str, float]:
        """Each step's mean over the photos with a face of its median over rounds; empty for those who tell none."""
        told = [answers for answers in self.answers if answers[0].stages]
        steps = told[0][0].stages if told else {}
        return {
            step: float(np.median([[answer.stages[step] for answer in answers] for answers in told], axis=1).mean())
            for step in steps
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
    on_step: OnStep = lambda *_: None,
) -> dict[str, Result]:
    """Let the contestants `names` learn `people`, then name the `photos`, pairs of who it is and the file.

    All are asked a photo one after another, each photo beginning with another of them, `rounds` times over. The first
    photo is asked once more beforehand, which does not count. `threads` is how many cores a contestant may use.

    Raises:
        ContestError: a contestant ended, or said something that is no answer.
    """
    files = [file.resolve() for _, file in photos]
    with ExitStack() as stack:
        # All are started before the first is waited for, so that they load at the same time.
        contestants = [stack.enter_context(_started(name, threads, setup)) for name in names]
        for contestant in contestants:
            contestant.hear("ready")
        _teach(contestants, people, files[0], on_step)
        _examine(contestants, files, rounds, on_step)
        return {contestant.name: contestant.result([person for person, _ in photos]) for contestant in contestants}


class _Contestant:
    """A running process of `bench.contestant_process`, and what it has answered."""

    def __init__(self, name: str, process: subprocess.Popen[str], errors: IO[bytes]) -> None:
        self.name = name
        self._process, self._errors = process, errors
        self._replies: list[tuple[Answer, float]] = []

    def hear(self, *fields: str) -> dict[str, Any]:
        """Wait for a message, and return its `fields`."""
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise ContestError(f"{self.name} ended with status {self._process.wait()}: {self._last_words()}")
        try:
            message = json.loads(line)
            return {field: message[field] for field in fields}
        except (ValueError, LookupError, TypeError) as error:
            raise ContestError(f"{self.name} said something that is no answer: {line.strip()}") from error

    def learn(self, people: Mapping[str, Sequence[Path]]) -> None:
        """Hand over everybody's photos, and wait until they are learned."""
        photos = {name: [str(photo.resolve()) for photo in owned] for name, owned in people.items()}
        self._ask({"learn": photos}, "learned")

    def answer(self, photo: Path) -> tuple[Answer, float]:
        """Return who is in the photo, and the milliseconds it took to say so."""
        reply = self._ask({"answer": str(photo)}, "ms", *_ANSWER)
        return Answer(**{field: reply[field] for field in _ANSWER}), reply["ms"]

    def examine(self, photo: Path) -> None:
        """Ask for an answer that counts."""
        self._replies.append(self.answer(photo))

    def result(self, people: Sequence[str]) -> Result:
        """Return all that counts; `people` says who is in each photo of a round."""
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
            with suppress(BrokenPipeError):  # it has ended, and hear() says why
                self._process.stdin.write(json.dumps(question) + "\n")
                self._process.stdin.flush()
        return self.hear(*fields)

    def _last_words(self) -> str:
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing."


@contextmanager
def _started(name: str, threads: int, setup: Setup) -> Iterator[_Contestant]:
    """Start a contestant; it has ended when the context has."""
    command = [sys.executable, "-m", "bench.contestant_process", name, "--threads", str(threads)]
    command += ["--setup", *(str(path.resolve()) for path in astuple(setup))]
    with TemporaryFile() as errors:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=ROOT,
            env=environment(threads) | engine_environment(name),
        )
        try:
            yield _Contestant(name, process, errors)
        finally:
            process.kill()
            process.communicate()


def environment(threads: int, inherited: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment of a process that has `threads` cores to itself while it answers."""
    # Waiting threads may spin, as they would where nothing else runs: the Makefile's policy is for shared cores.
    kept = {name: value for name, value in inherited.items() if name not in SHARED_CORES}
    return kept | dict.fromkeys(_THREAD_COUNTS, str(threads))


def engine_environment(contestant: str) -> dict[str, str]:
    """Return the variables that the deployed function gives to an engine of ours; none for other contestants."""
    engine = ENGINES.get(contestant.removeprefix("visage-")) if contestant.startswith("visage-") else None
    return dict(engine.environment) if engine else {}


def _teach(
    contestants: Sequence[_Contestant], people: Mapping[str, Sequence[Path]], photo: Path, on_step: OnStep
) -> None:
    """Let one after another learn the people, and answer a first time, which is when libraries set themselves up."""
    for done, contestant in enumerate(contestants, start=1):
        contestant.learn(people)
        contestant.answer(photo)
        on_step("Learning people, contestants", done, len(contestants))


def _examine(contestants: Sequence[_Contestant], photos: Sequence[Path], rounds: int, on_step: OnStep) -> None:
    """Ask every photo of every contestant, in an order that moves on by one with each photo, and with each round."""
    for number in range(rounds):
        for at, photo in enumerate(photos):
            first = (number + at) % len(contestants)
            for contestant in [*contestants[first:], *contestants[:first]]:
                contestant.examine(photo)
            on_step("Asking photos", number * len(photos) + at + 1, rounds * len(photos))
