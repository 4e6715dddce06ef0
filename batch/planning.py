"""Lists a source and writes the manifest of the batches that are to be done.

Keys are listed in their order, and a batch ends after a key whose hash says so. So a photo that is new, gone or changed
changes its own batch and no other: the parts of the others stay. (Content-defined chunking; Muthitacharoen et al., "A
low-bandwidth network file system", 2001.) Everything is streamed: memory depends on the number of batches alone, by
about a hundred bytes each.
"""

import gzip
import hashlib
import heapq
import json
import secrets
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

from batch import parts
from batch.contract import HEADER, MANIFESTS, Batch, Header, Listed, batch_name, compact, order
from batch.errors import MissingError, OutputError, SourceError
from batch.inventory import InventorySource
from batch.sources import Source
from batch.storage import Storage
from preprocess.temporary import temporary_folder

AVERAGE: Final = 32
"""Photos between two keys that end a batch, on average."""

MOST_PHOTOS: Final = 64
MOST_BYTES: Final = 128_000
"""The most photos of a batch, and characters of its line. An input of Step Functions may have 256 KB, and it also has
what every batch needs. Source: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html."""

MOST_REUSED: Final = 64
"""The most parts whose rows a batch may reuse: as many as it can have photos."""

SUMMARY: Final = "summary.json"

_INDEX: Final = ".index.gz"
_PLAN: Final = ".json"

OnPhotos = Callable[[int], object]
"""Takes the number of photos that are listed so far."""


class Indexed(NamedTuple):
    """A batch in the index of a run: its name, the first and last of its keys, and how many photos it has."""

    name: str
    first: str
    last: str
    photos: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run has to do.

    The source has `photos` in `batches`; those to do are `photos_to_do` in `to_do`. `left_out` counts what is no photo,
    by its kind. The parts `stale` belong to no batch any more. `started` is in seconds since 1970.
    """

    run: str
    generation: int
    started: float
    photos: int = 0
    batches: int = 0
    photos_to_do: int = 0
    to_do: int = 0
    left_out: dict[str, int] | None = None
    stale: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, text: bytes) -> Self:
        """Read a plan; raise OutputError if it is damaged."""
        try:
            fields = json.loads(text)
            return cls(**fields | {"stale": tuple(fields["stale"])})
        except (ValueError, KeyError, TypeError) as error:
            raise OutputError("The plan of the run is damaged. Run the batch again.") from error


def new_run() -> str:
    """Return a name for a run; names sort by time, to the microsecond."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}-{secrets.token_hex(3)}"


def manifest_file(run: str) -> str:
    """Return the file of the batches that a run has to do, one JSON object a line."""
    return f"{MANIFESTS}/{run}.jsonl"


def plan_file(run: str) -> str:
    """Return the file of a run's plan."""
    return f"{MANIFESTS}/{run}{_PLAN}"


def index_file(run: str) -> str:
    """Return the file that lists every batch of the source when the run was planned."""
    return f"{MANIFESTS}/{run}{_INDEX}"


def read_header(output: Storage) -> Header | None:
    """Return the header of an output, None for a new one; raise OutputError if it is damaged."""
    try:
        return Header.from_json(output.read(HEADER))
    except MissingError:
        return None


def open_output(output: Storage, header: Header, *, new: bool) -> Header:
    """Return the header of an output, which is written if there is none, or with `new`.

    An output keeps its options: embeddings are kept if its header says so.

    Raises:
        OutputError: it has the rows of another source or model, or was made without the embeddings that are wanted.
        BatchError, OSError: it cannot be read or written.
    """
    if new:
        header = replace(header, generation=_generation(output) + 1)
    else:
        former = read_header(output)
        if former is not None:
            _check_same(output, former, header)
            return former
    output.write(HEADER, header.to_json())
    return header


def plan(
    source: Source, output: Storage, header: Header, run: str, on_photos: OnPhotos = lambda _: None, now: float = 0
) -> Plan:
    """List the source, and write the manifest, the index and the plan of a run. `now` is by default the time.

    Raises:
        SourceError: the source cannot be listed, or the output is inside it.
        BatchError, OSError: it cannot be reached, or the output cannot be read or written.
    """
    check_apart(source.location, output.location)
    planner = _Planner(output, header, run, now or time.time())
    with temporary_folder() as folder:
        return planner.write(source, folder, on_photos)


def check_source(source: Source) -> None:
    """Check that a source has a photo, before anything is written. An inventory is read only later.

    Raises:
        SourceError: it cannot be listed, or has none.
        BatchError, OSError: it cannot be reached.
    """
    if not isinstance(source, InventorySource):
        with closing(source.photos()) as photos:
            next(photos)


def check_apart(source: str, output: str) -> None:
    """Check that an output is not inside its source.

    Raises:
        SourceError: it is, so that its files would be taken for photos.
    """
    if source.startswith("s3://") or output.startswith("s3://"):
        inside = f"{output.rstrip('/')}/".startswith(f"{source.rstrip('/')}/")
    else:
        inside = Path(output).resolve().is_relative_to(Path(source).resolve())
    if inside:
        raise SourceError(f"The output {output} is inside the source {source}. Give another output.")


def batches_of(photos: Iterable[Listed], header: Header) -> Iterator[Batch]:
    """Cut photos, which come in the order of their keys, into batches.

    Raises:
        SourceError: they come in another order.
    """
    batch: list[Listed] = []
    length, last = 0, b""
    for listed in photos:
        this, own = order(listed.key), len(compact(listed)) + 1
        if this <= last:
            raise SourceError("The source does not list its photos in the order of their keys. Give an S3 inventory.")
        if batch and length + own > MOST_BYTES - _REST:
            yield _batch(batch, header)
            batch, length = [], 0
        batch.append(listed)
        length, last = length + own, this
        if len(batch) == MOST_PHOTOS or _ends(this):
            yield _batch(batch, header)
            batch, length = [], 0
    if batch:
        yield _batch(batch, header)


def read_plan(output: Storage, run: str) -> Plan:
    """Return the plan of a run; raise MissingError if there is none, OutputError if it is damaged."""
    return Plan.from_json(output.read(plan_file(run)))


def latest_run(output: Storage) -> str | None:
    """Return the newest run whose plan is written, None if there is none."""
    runs = [name.removesuffix(_PLAN) for name in output.names(MANIFESTS) if name.endswith(_PLAN)]
    return max(runs, default=None)


def manifest(output: Storage, run: str) -> Iterator[Batch]:
    """Yield the batches that a run has to do; a temporary copy of the manifest is read.

    Raises:
        MissingError: there is no such run.
        OutputError: the manifest is damaged.
    """
    with temporary_folder() as folder:
        output.fetch(manifest_file(run), folder / "manifest")
        with (folder / "manifest").open("rb") as lines:
            yield from map(Batch.from_json, lines)


def index(output: Storage, run: str) -> Iterator[Indexed]:
    """Yield every batch of the source, in the order of its keys; it raises what `manifest` does."""
    with temporary_folder() as folder:
        output.fetch(index_file(run), folder / "index")
        yield from _read_index(folder / "index")


def remove_older_runs(output: Storage, run: str) -> None:
    """Remove the manifests of all runs that began before this one."""
    for name in list(output.names(MANIFESTS)):
        if name.partition(".")[0] < run:
            output.remove(f"{MANIFESTS}/{name}")


_REST: Final = len(compact({"batch": "0" * 24, "photos": [], "reuse": ["0" * 24] * MOST_REUSED}))
"""The characters of a line besides its photos, at most."""


class _Planner:
    """Writes the files of one run."""

    def __init__(self, output: Storage, header: Header, run: str, now: float) -> None:
        self._output, self._header, self._run, self._now = output, header, run, now
        self._stale = parts.existing(output)
        self._existing = self._stale & parts.embedded(output) if header.keep_embeddings else self._stale.copy()
        self._again = _again(output) & self._existing
        self._counts: Counter[str] = Counter()

    def write(self, source: Source, folder: Path, on_photos: OnPhotos) -> Plan:
        """Write manifest, index and plan, the plan last; `folder` is for temporary files."""
        former = _Former(self._former(folder))
        with ExitStack() as stack:
            manifest = stack.enter_context((folder / "manifest").open("w", encoding="ascii"))
            index = stack.enter_context(gzip.open(folder / "index", "wt", encoding="ascii"))
            for batch in batches_of(source.photos(), self._header):
                self._count(batch)
                index.write(_index_line(batch))
                reuse = former.overlapping(batch)
                if self._is_to_do(batch):
                    again = (batch.name,) if batch.name in self._again else ()
                    chosen = (*again, *self._arrived(batch), *reuse)[:MOST_REUSED]
                    manifest.write(f"{replace(batch, reuse=chosen).to_json()}\n")
                on_photos(self._counts["photos"])
        self._output.store(index_file(self._run), folder / "index")
        self._output.store(manifest_file(self._run), folder / "manifest")
        plan = Plan(
            self._run,
            self._header.generation,
            self._now,
            **self._counts,
            left_out=dict(source.left_out),
            stale=tuple(sorted(self._stale)),
        )
        self._output.write(plan_file(self._run), json.dumps(asdict(plan)).encode())
        return plan

    def _is_to_do(self, batch: Batch) -> bool:
        return batch.name not in self._existing or batch.name in self._again

    def _arrived(self, batch: Batch) -> Iterator[str]:
        """Yield the parts of photos that arrived since the former run, see `batch.arrivals`."""
        for listed in batch.photos:
            name = batch_name(self._header, [listed])
            if name in self._existing and name != batch.name:
                yield name

    def _count(self, batch: Batch) -> None:
        self._stale.discard(batch.name)
        self._counts.update(photos=len(batch.photos), batches=1)
        if self._is_to_do(batch):
            self._counts.update(photos_to_do=len(batch.photos), to_do=1)

    def _former(self, folder: Path) -> Iterator[Indexed]:
        """Yield the batches of former runs whose parts exist, in the order of their keys."""
        copies = []
        for number, run in enumerate(_runs(self._output, self._header.generation)):
            with suppress(MissingError):
                copies.append(folder / f"former-{number}")
                self._output.fetch(index_file(run), copies[-1])
        indices = [_read_index(copy) for copy in copies if copy.exists()]
        for indexed in heapq.merge(*indices, key=lambda indexed: order(indexed.first)):
            if indexed.name in self._existing:
                yield indexed


class _Former:
    """The batches of former runs, in the order of their keys, beside the new ones in theirs."""

    def __init__(self, coming: Iterator[Indexed]) -> None:
        self._coming = coming
        self._next = next(coming, None)
        self._open: list[Indexed] = []

    def overlapping(self, batch: Batch) -> tuple[str, ...]:
        """Return the names of those that may have photos of this batch, which follows the one before."""
        first, last = order(batch.photos[0].key), order(batch.photos[-1].key)
        while self._next is not None and order(self._next.first) <= last:
            self._open.append(self._next)
            self._next = next(self._coming, None)
        self._open = [indexed for indexed in self._open if order(indexed.last) >= first]
        return tuple(dict.fromkeys(indexed.name for indexed in self._open if indexed.name != batch.name))


def _batch(photos: list[Listed], header: Header) -> Batch:
    return Batch(batch_name(header, photos), tuple(photos))


def _ends(key: bytes) -> bool:
    """Whether a batch ends after a photo with this key."""
    return int.from_bytes(hashlib.sha256(key).digest()[:4]) % AVERAGE == 0


def _index_line(batch: Batch) -> str:
    return f"{compact(Indexed(batch.name, batch.photos[0].key, batch.photos[-1].key, len(batch.photos)))}\n"


def _read_index(path: Path) -> Iterator[Indexed]:
    try:
        with gzip.open(path, "rt", encoding="ascii") as lines:
            for line in lines:
                name, first, last, photos = json.loads(line)
                yield Indexed(str(name), str(first), str(last), int(photos))
    except (gzip.BadGzipFile, zlib.error, EOFError, ValueError, TypeError) as error:
        raise OutputError("The index of a run is damaged. Give --new to do everything again.") from error


def _runs(output: Storage, generation: int) -> Iterator[str]:
    """Yield the former runs of this generation: `--new` uses no row of an earlier one."""
    for name in sorted(output.names(MANIFESTS)):
        if name.endswith(_PLAN):
            with suppress(MissingError, OutputError):
                plan = read_plan(output, name.removesuffix(_PLAN))
                if plan.generation == generation:
                    yield plan.run


def _again(output: Storage) -> set[str]:
    """Return the batches with photos that the last complete run could not read, and that may be readable now."""
    return set(map(str, read_summary(output).get("again", ())))


def read_summary(output: Storage) -> dict[str, Any]:
    """Return the summary of an output, an empty one if there is none or it is damaged."""
    try:
        summary = json.loads(output.read(SUMMARY))
    except (MissingError, ValueError):
        return {}
    return summary if isinstance(summary, dict) else {}


def complete_run(summary: Mapping[str, Any]) -> str | None:
    """Return the run that a summary is of, None if something is missing, or there is no summary."""
    last = summary.get("run")
    name = last.get("name") if isinstance(last, dict) else None
    return name if summary.get("complete") and isinstance(name, str) else None


def _generation(output: Storage) -> int:
    """Return the generation of an output, 0 for a new one; of a damaged one, a number that none had before."""
    try:
        header = read_header(output)
    except OutputError:
        return int(time.time())
    return header.generation if header else 0


def _check_same(output: Storage, former: Header, wanted: Header) -> None:
    if former.model != wanted.model:
        raise OutputError(
            f"{output.location} holds the rows of another model: {former.model}, and this one is {wanted.model}. "
            "Give another output, or --new to do everything again."
        )
    if former.engine != wanted.engine:
        raise OutputError(
            f"{output.location} was made with the engine {former.engine}, not with {wanted.engine}. Set "
            f"VISAGE_ENGINE={former.engine}, or give --new to do everything again."
        )
    if former.source != wanted.source:
        raise OutputError(
            f"{output.location} holds the rows of {former.source}, not of {wanted.source}. Give another output, or "
            "--new to do everything again."
        )
    if wanted.keep_embeddings and not former.keep_embeddings:
        raise OutputError(
            f"{output.location} was made without embeddings. Give another output, or --new to do everything again."
        )
