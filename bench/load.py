"""Measures the deployed API with several clients at a time, through the API Gateway of a local AWS."""

import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, cycle, islice
from pathlib import Path
from typing import Final

import numpy as np
import requests

from bench.memory import memory
from bench.subject import Subject
from dataset.progress import OnStep
from deploy.local import LocalAWS, direct, temporary
from deploy.rollout import bring_up
from deploy.stack import Engine
from deploy.target import local_target
from model import bundle as bundles

_CLIENTS: Final = (1, 2, 4, 8)
_REQUESTS: Final = 120
_TIMEOUT_SECONDS: Final = 60

Photos = Sequence[tuple[str, Path]]


@dataclass(frozen=True)
class Load:
    """The requests of `clients` that each send one after another. Memory is that of all processes of the function."""

    engine: str
    clients: int
    requests: int
    right: int
    errors: int
    per_second: float
    p50_ms: float
    p95_ms: float
    p99_ms: float | None
    processes: int
    resident_mb: float


@dataclass(frozen=True, slots=True)
class _Reply:
    ms: float
    answered: bool
    right: bool


def measure(
    subject: Subject,
    on_step: OnStep,
    engines: Sequence[Engine] = tuple(Engine),
    clients: Sequence[int] = _CLIENTS,
    count: int = _REQUESTS,
) -> list[Load]:
    """Deploy the bundle with one engine after another, and send requests from more and more clients.

    Raises:
        DeployError: the local AWS or the deployment fails.
    """
    found = []
    for engine in engines:
        with temporary(subject.home / "local-aws", subject.settings) as aws:
            addresses = bring_up(local_target(aws), bundles.load(str(subject.setup.bundle)), engine)
            for done, number in enumerate(clients, start=1):
                found.append(_ask(addresses.api, subject.held_out, engine, number, count, aws))
                on_step(f"Clients of {engine}, from 1 to {clients[-1]}", done, len(clients))
    return found


def _ask(api: str, photos: Photos, engine: str, clients: int, count: int, aws: LocalAWS) -> Load:
    """Send `count` requests, after a few that make AWS start all the processes that it will need."""
    asked = list(islice(cycle(photos), count))
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(lambda _: _client(api, photos[:2]), range(clients)))
        began = time.perf_counter()
        replies = list(chain(*pool.map(lambda at: _client(api, asked[at::clients]), range(clients))))
        seconds = time.perf_counter() - began
    milliseconds = [reply.ms for reply in replies]
    resident = _resident_mb(aws)
    return Load(
        engine=str(engine),
        clients=clients,
        requests=count,
        right=sum(reply.right for reply in replies),
        errors=sum(not reply.answered for reply in replies),
        per_second=count / seconds,
        p50_ms=float(np.percentile(milliseconds, 50)),
        p95_ms=float(np.percentile(milliseconds, 95)),
        p99_ms=float(np.percentile(milliseconds, 99)) if count >= 1000 else None,
        processes=len(resident),
        resident_mb=sum(resident),
    )


def _client(api: str, photos: Photos) -> list[_Reply]:
    """Send one photo after another over one connection. Status 422, for a photo without a face, is an answer too."""
    url, headers = direct(f"{api}/recognize")
    replies = []
    with requests.Session() as session:
        session.trust_env = False  # a proxy cannot reach the local API
        for person, photo in photos:
            data = photo.read_bytes()
            began = time.perf_counter()
            status, name = 0, None
            with suppress(requests.RequestException):
                answer = session.post(
                    url, data, headers=headers | {"Content-Type": "image/jpeg"}, timeout=_TIMEOUT_SECONDS
                )
                status = answer.status_code
                name = answer.json()["faces"][0]["predictions"][0]["label"] if status == requests.codes.ok else None
            replies.append(_Reply(1000 * (time.perf_counter() - began), status in {200, 422}, name == person))
    return replies


def _resident_mb(aws: LocalAWS) -> list[float]:
    """Return the resident memory of each process of the function. They are in the process group of the local AWS."""
    found, group = [], aws.pid
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # the process has ended
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if os.getpgid(int(folder.name)) == group and b"awslambdaric" in words:
                found.append(memory(folder.name)[0])
    return found
