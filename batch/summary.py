"""Counts the rows of an output, and removes what belongs to no batch any more once everything is done."""

import json
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

from batch import parts
from batch.contract import FORMAT, Header
from batch.cost import Functions, dollars_at_most
from batch.errors import MissingError, OutputError
from batch.planning import SUMMARY, Indexed, Plan, complete_run, index, read_plan, read_summary, remove_older_runs
from batch.rows import AGAIN, Row
from batch.storage import Storage
from model.version import VERSION

_READERS: Final = 8
"""Parts that are read at the same time."""


def roster_name(version: int | None) -> str:
    """Return what a version of the roster is called in a summary."""
    return "none" if version is None else str(version)


class Counts:
    """Counts rows. Each person is named by id and label: an owner may rename somebody while a batch runs."""

    def __init__(self) -> None:
        self.photos = 0
        self.faces = 0
        self.statuses: Counter[str] = Counter()
        self.rosters: Counter[str] = Counter()
        self._faces: Counter[tuple[str, str]] = Counter()
        self._photos: Counter[tuple[str, str]] = Counter()
        self.unknown_faces = 0

    def add(self, row: Row) -> None:
        """Count a row."""
        people = [(str(face["id"]), str(face["label"])) for face in row["faces"] if face["known"]]
        self.photos += 1
        self.faces += len(row["faces"])
        self.unknown_faces += len(row["faces"]) - len(people)
        self.statuses[row["status"]] += 1
        self._faces.update(people)
        self._photos.update(set(people))
        if row["faces"]:
            self.rosters[roster_name(row["roster"])] += 1

    def people(self) -> list[dict[str, Any]]:
        """Return everybody who was recognised, with their photos and faces; most photos first, then by label."""
        found = [
            {"id": identity, "label": label, "photos": photos, "faces": self._faces[identity, label]}
            for (identity, label), photos in self._photos.items()
        ]
        return sorted(found, key=lambda person: (-int(person["photos"]), person["label"], person["id"]))


def finish(
    output: Storage, header: Header, run: str, now: float = 0, functions: Functions | None = None
) -> dict[str, Any]:
    """Write `summary.json` and return its content. Nothing is removed unless every batch of the run has its part.

    Damaged parts are removed and count as missing: a rerun does them. `now` is by default the time, which says how long
    the run took. `functions` are those of AWS that it ran on; the summary then has what it cost.

    S3 has no locks, so a newer run may have ended first: it has done everything that this one had to do, and removed
    its manifest. Then the summary of the newer one is returned.

    Raises:
        MissingError: there is no such run.
        BatchError, OSError: the output cannot be read or written.
    """
    try:
        plan = read_plan(output, run)
    except MissingError:
        newer = read_summary(output)
        if (complete_run(newer) or "") <= run:
            raise
        return newer
    counts, again, missing = Counts(), [], 0
    for name, rows in read_parts(output, index(output, run)):
        if rows is None:
            missing += 1
            continue
        for row in rows:
            counts.add(row)
        if any(row["status"] in AGAIN for row in rows):
            again.append(name)
    seconds = (now or time.time()) - plan.started
    summary = _summary(header, plan, counts, again, missing, seconds)
    if functions is not None:
        summary["run"]["dollars_at_most"] = dollars_at_most(functions, seconds, plan.to_do, plan.photos_to_do)
    output.write(SUMMARY, json.dumps(summary, indent=2, ensure_ascii=False).encode())
    if not missing:
        _tidy(output, plan)
    return summary


def read_parts(output: Storage, batches: Iterable[Indexed]) -> Iterator[tuple[str, list[Row] | None]]:
    """Yield the name and rows of each batch, in order; None for a part that is missing or damaged, which is removed."""
    waiting: deque[tuple[str, Future[list[Row]]]] = deque()
    with ThreadPoolExecutor(_READERS) as pool:
        for indexed in batches:
            waiting.append((indexed.name, pool.submit(parts.read_rows, output, indexed.name)))
            if len(waiting) == _READERS:
                yield _outcome(output, *waiting.popleft())
        while waiting:
            yield _outcome(output, *waiting.popleft())


def _outcome(output: Storage, name: str, reading: "Future[list[Row]]") -> tuple[str, list[Row] | None]:
    try:
        return name, reading.result()
    except MissingError:
        return name, None
    except OutputError:
        parts.remove(output, name)
        return name, None


def _summary(
    header: Header, plan: Plan, counts: Counts, again: list[str], missing: int, seconds: float
) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "complete": not missing,
        "source": header.source,
        "photos": counts.photos,
        "faces": counts.faces,
        "unknown_faces": counts.unknown_faces,
        "statuses": dict(counts.statuses.most_common()),
        "people": counts.people(),
        "left_out": plan.left_out or {},
        "model": header.model,
        "space": header.space,
        "rosters": dict(sorted(counts.rosters.items())),
        "visage": VERSION,
        "run": {
            "name": plan.run,
            "batches": plan.to_do,
            "photos": plan.photos_to_do,
            "seconds": round(seconds, 1),
            "photos_a_second": round(plan.photos_to_do / seconds, 1) if seconds > 0 else None,
        },
        "missing_batches": missing,
        "again": again,
    }


def _tidy(output: Storage, plan: Plan) -> None:
    """Remove the parts that no batch of a complete run names, and the manifests of older runs."""
    for name in plan.stale:
        parts.remove(output, name)
    remove_older_runs(output, plan.run)
