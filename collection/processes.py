"""Answers the batches of a manifest in this machine's processes, one core each.

A batch whose process is killed is done again, photo by photo, in a process of its own. If a photo kills that one too,
its row says so, and the other photos have their answers.
"""

import heapq
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

from batch import parts
from batch.contract import Batch, Header, batch_name
from batch.errors import BatchUnavailableError, OutputError
from batch.opening import source_at
from batch.parts import Part
from batch.sources import Source
from batch.storage import Storage, storage_at
from batch.worker import answer, failed_part
from dataset.errors import WorkerKilledError
from dataset.workers import parallel_stream
from model.errors import ModelError
from model.settings import Settings

if TYPE_CHECKING:
    from model.recognizer import Recognizer
    from model.rosters import Rosters

_ATTEMPTS: Final = 3
_PAUSE_S: Final = 2.0
"""A batch is tried so often while S3 cannot be reached, with a pause that doubles; boto3 has tried five times by then.
"""

_MOST_KILLED: Final = 3
"""How often a process may be killed. If memory runs out again and again, the command ends and says so."""

_HELD: Final = 4
"""Batches for each process that are kept back until the end."""

OnDone = Callable[[int], object]
"""Takes the number of photos that are answered since the last call."""


@dataclass(frozen=True, slots=True)
class Job:
    """What every process needs: where photos, answers and bundle are, and whose rows they are."""

    source: str
    output: str
    bundle: str
    header: Header


class _Task(NamedTuple):
    """A batch of a job; a single one is not written, and its part is returned."""

    job: Job
    batch: Batch
    single: bool = False


@dataclass(frozen=True, slots=True)
class _Tools:
    """What a process loads once."""

    source: Source
    output: Storage
    recognizer: "Recognizer"
    rosters: "Rosters"


def answer_all(job: Job, output: Storage, batches: Iterable[Batch], workers: int, on_done: OnDone) -> None:
    """Write the part of every batch; batches are taken as they are wanted.

    Raises:
        WorkerKilledError: processes are killed again and again.
        BatchError, OSError: S3 refuses or cannot be reached, or the disk is full. Whole parts stay.
    """
    coming = _Coming(smallest_last(batches, _HELD * workers))
    for killed in range(_MOST_KILLED + 1):
        try:
            with parallel_stream(_answer, (_Task(job, batch) for batch in coming), workers) as results:
                for _ in results:
                    on_done(len(coming.done().photos))
        except WorkerKilledError:
            if killed == _MOST_KILLED:
                raise
            _answer_suspects(job, output, coming.taken(), on_done)
        else:
            return


def smallest_last(batches: Iterable[Batch], held: int) -> Iterator[Batch]:
    """Yield batches, so many of the smallest ones at the end: all processes then end at nearly the same time."""
    smallest: list[tuple[int, str, Batch]] = []
    for batch in batches:
        heapq.heappush(smallest, (-len(batch.photos), batch.name, batch))
        if len(smallest) > held:
            yield heapq.heappop(smallest)[-1]
    while smallest:
        yield heapq.heappop(smallest)[-1]


class _Coming:
    """Batches on their way to the processes, so that it is known which ones were in their hands."""

    def __init__(self, batches: Iterable[Batch]) -> None:
        self._batches = iter(batches)
        self._taken: list[Batch] = []

    def __iter__(self) -> Iterator[Batch]:
        for batch in self._batches:
            self._taken.append(batch)
            yield batch

    def done(self) -> Batch:
        """Return the first one that is taken, and forget it: results come in order."""
        return self._taken.pop(0)

    def taken(self) -> list[Batch]:
        """Return those that are taken and not done, and forget them."""
        taken, self._taken = self._taken, []
        return taken


def _answer_suspects(job: Job, output: Storage, batches: list[Batch], on_done: OnDone) -> None:
    """Answer the batches that were in the hands of processes when one of them was killed."""
    written = parts.existing(output, embeddings=job.header.keep_embeddings)
    for batch in batches:
        if batch.name not in written or batch.name in batch.reuse:
            parts.write(output, _photo_by_photo(job, batch))
        on_done(len(batch.photos))


def _photo_by_photo(job: Job, batch: Batch) -> Part:
    """Return the part of a batch; a photo that kills its process has a row that says so."""
    singles = [
        _Task(job, Batch(batch_name(job.header, [listed]), (listed,), batch.reuse), single=True)
        for listed in batch.photos
    ]
    found: list[Part] = []
    while len(found) < len(singles):
        try:
            with parallel_stream(_answer, singles[len(found) :], 1) as results:
                found.extend(part for part in results if part is not None)
        except WorkerKilledError:
            found.append(failed_part(batch.photos[len(found)], job.header))
    return Part.joined(batch.name, found)


def _answer(task: _Task) -> Part | None:
    """Answer a batch in a worker process, and write its part; return that of a single photo instead."""
    tools = _tools(task.job)
    for attempt in range(_ATTEMPTS):
        tools.rosters.show(tools.recognizer)
        try:
            part = answer(task.batch, tools.source, tools.output, tools.recognizer, task.job.header)
            if task.single:
                return part
            parts.write(tools.output, part)
        except BatchUnavailableError:
            if attempt == _ATTEMPTS - 1:
                raise
            time.sleep(_PAUSE_S * 2**attempt)
        else:
            return None
    return None


@cache
def _tools(job: Job) -> _Tools:
    """Load the bundle and open source and output, once a process."""
    from model.recognizer import Recognizer  # noqa: PLC0415  # torch takes a second, which the parent does not need
    from model.rosters import Rosters  # noqa: PLC0415

    settings = replace(Settings.read(), location=job.bundle, threads=1)
    recognizer = Recognizer.load(job.bundle, settings)
    if recognizer.version != job.header.model:
        raise OutputError("The bundle was replaced while the batch ran. Run the same command again.")
    return _Tools(source_at(job.source), storage_at(job.output), recognizer, Rosters(settings, _ignore))


def _ignore(_error: ModelError) -> None:
    """Go on without a roster, or with the one at hand: rows say which version they are by."""
