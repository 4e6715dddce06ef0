"""Measures cold starts: the time from the start of a process to its first answer, with the model in S3.

S3 is that of a local AWS, which shares the processor with the measured process. Every contestant that downloads from it
pays for that.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np

from bench import fresh
from bench.contest import contest
from bench.subject import Subject
from dataset.progress import OnStep
from deploy.local import LocalAWS, temporary
from deploy.target import local_target
from model import bundle as bundles

CONTESTANTS: Final = ("visage-torchscript", "visage-onnx", "plain", "facenet-pytorch", "face_recognition")

ROUNDS: Final = 7
_BUCKET: Final = "bench"
_COMPARE_ENCODINGS: Final = frozenset({"facenet-pytorch", "face_recognition"})
"""Contestants that need the encodings of everybody's photos before they start."""


@dataclass(frozen=True)
class ColdStart:
    """The starts of a contestant: how many first answers were right, the time of each, and the median of each stage."""

    contestant: str
    starts: int
    right: int
    rounds_ms: list[float]
    stages_ms: dict[str, float]
    peak_mb: float


def measure(
    subject: Subject, on_step: OnStep, rounds: int = ROUNDS, names: Sequence[str] = CONTESTANTS
) -> list[ColdStart]:
    """Start every contestant once a round, one after another. Each round begins with another contestant.

    All contestants of a round get the same photo. The first round does not count: it fills the system's file cache.

    Raises:
        ContestError: a contestant does not start.
    """
    peers = [name for name in names if name in _COMPARE_ENCODINGS]
    if peers:
        contest(
            peers,
            subject.people,
            subject.held_out[:1],
            rounds=1,
            threads=1,
            setup=subject.setup,
            environment=subject.settings.environment,
            on_step=on_step,
        )
    reports: dict[str, list[fresh.Report]] = {name: [] for name in names}
    people = []
    with temporary(subject.home / "local-aws", subject.settings) as aws, _published(subject, aws) as environment:
        for number in range(-1, rounds):
            person, photo = subject.held_out[number % len(subject.held_out)]
            people.append(person)
            first = number % len(names)
            for at, name in enumerate([*names[first:], *names[:first]], start=1):
                fetch = f"s3://{_BUCKET}/run" if name == "plain" else None
                reports[name].append(fresh.start(name, [photo], subject.setup, environment, fetch=fetch))
                on_step("Cold starts", (number + 1) * len(names) + at, (rounds + 1) * len(names))
    return [_summary(name, counted[1:], people[1:]) for name, counted in reports.items()]


@contextmanager
def _published(subject: Subject, aws: LocalAWS) -> Iterator[Mapping[str, str]]:
    """Upload the bundle and the training run; yield the environment in which processes find them."""
    target = local_target(aws)
    with target.client("s3") as client:
        client.create_bucket(Bucket=_BUCKET)
        bundles.publish(subject.setup.bundle, f"s3://{_BUCKET}/bundle", lambda *_: None, target.connect)
        for name in ("run.json", "network.pt"):
            client.upload_file(str(subject.setup.run / name), _BUCKET, f"run/{name}")
        yield {**aws.environment(), "VISAGE_MODEL": f"s3://{_BUCKET}/bundle"}


def _summary(name: str, reports: list[fresh.Report], people: list[str]) -> ColdStart:
    return ColdStart(
        contestant=name,
        starts=len(reports),
        right=sum(report.names == [person] for report, person in zip(reports, people, strict=True)),
        rounds_ms=[report.ms for report in reports],
        stages_ms={
            stage: float(np.median([report.stages_ms[stage] for report in reports])) for stage in reports[0].stages_ms
        },
        peak_mb=max(report.peak_mb for report in reports),
    )
