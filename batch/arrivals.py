"""New photos: S3 puts a message into a queue for each, and each gets its row at once, in a part of its own.

The next run of the output takes these rows into the parts of its batches. Messages may come twice: a part is named by
its photo, so the second one changes nothing.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from urllib.parse import unquote_plus

from batch import parts, planning, worker
from batch.contract import HEADER, Batch, Header, Listed, batch_name, order
from batch.errors import BatchError, ChangedError, MissingError, OutputError
from batch.parts import Part
from batch.rows import UNAVAILABLE
from batch.serving import Serving
from batch.sources import is_photo_key
from batch.storage import Storage
from model.errors import ModelError

WATCHES: Final = "watches.json"
"""The file, in the folder of all outputs of a stage, that says where the rows of new photos go."""

_GONE: Final = frozenset({ChangedError.status, MissingError.status})
"""The statuses of a photo that another message is about, or none."""

OnFailure = Callable[..., None]
"""Takes a message, and fields to log with it."""


@dataclass(frozen=True, slots=True)
class Watch:
    """A source whose new photos get their rows in an output. Both are addresses in S3."""

    source: str
    output: str


class _Arrival(NamedTuple):
    """A photo that arrived, by its address in S3, and the message that says so."""

    message: str
    address: str
    etag: str
    size: int


def watches(base: Storage) -> list[Watch]:
    """Return what is watched.

    Raises:
        OutputError: the file that says it is damaged.
        BatchError: it cannot be read.
    """
    try:
        return [Watch(str(each["source"]), str(each["output"])) for each in json.loads(base.read(WATCHES))]
    except MissingError:
        return []
    except (ValueError, TypeError, KeyError) as error:
        raise OutputError(f"{WATCHES} in {base.location} is damaged. Remove it, and use --watch again.") from error


def set_watches(base: Storage, wanted: Iterable[Watch]) -> None:
    """Watch these, and nothing else; raise BatchError if it cannot be written."""
    listed = [{"source": watch.source, "output": watch.output} for watch in wanted]
    base.write(WATCHES, json.dumps(listed, indent=2).encode())


def answer(
    records: Sequence[Mapping[str, Any]], serving: Serving, base: str | None, on_failure: OnFailure
) -> dict[str, Any]:
    """Write the rows of the photos that the messages of a queue are about. Return which messages SQS must send again.

    `base` is the folder of all outputs. Photos that are not watched any more are passed over.

    Raises:
        BatchError: it cannot be read what is watched.
    """
    failed: set[str] = set()
    groups: dict[Watch, list[_Arrival]] = defaultdict(list)
    watched = watches(serving.output(base)) if base else []
    for record in records:
        try:
            for arrival in _arrivals(record):
                watch = _watch_of(arrival, watched)
                if watch is not None:
                    groups[watch].append(arrival)
        except (ValueError, TypeError, KeyError, AttributeError):
            on_failure("a message of the queue is not of S3")
            failed.add(record["messageId"])
    for watch, arrived in groups.items():
        try:
            failed.update(_answer(watch, arrived, serving))
        except (BatchError, ModelError, OSError) as error:
            on_failure("arrivals failed", error=type(error).__name__, reason=str(error))
            failed.update(arrival.message for arrival in arrived)
    return {"batchItemFailures": [{"itemIdentifier": message} for message in sorted(failed)]}


def _arrivals(record: Mapping[str, Any]) -> Iterator[_Arrival]:
    """Yield the photos that a message is about: none for the one by which S3 tries the queue."""
    body = json.loads(record["body"])
    for event in body.get("Records", ()):
        found = event["s3"]["object"]
        address = f"s3://{event['s3']['bucket']['name']}/{unquote_plus(found['key'])}"
        yield _Arrival(record["messageId"], address, found["eTag"], int(found.get("size", 0)))


def _watch_of(arrival: _Arrival, watched: Sequence[Watch]) -> Watch | None:
    """Return the watch of a photo: that of the innermost folder."""
    over = [watch for watch in watched if arrival.address.startswith(watch.source)]
    return max(over, key=lambda watch: len(watch.source), default=None)


def _answer(watch: Watch, arrived: Sequence[_Arrival], serving: Serving) -> set[str]:
    """Write the rows of photos of one source; return the messages about those that could not be read."""
    output = serving.output(watch.output)
    header = planning.read_header(output)
    if header is None:
        raise OutputError(f"{watch.output} has no {HEADER}. Watch its source again.")
    messages: dict[Listed, list[str]] = defaultdict(list)
    for arrival in arrived:
        key = arrival.address.removeprefix(watch.source)
        if is_photo_key(key, Counter()):
            messages[Listed(key, arrival.etag, arrival.size)].append(arrival.message)
    photos = tuple(sorted(messages, key=lambda listed: order(listed.key)))
    if not photos:
        return set()
    batch = Batch("arrivals", photos)
    part = worker.answer(batch, serving.source(watch.source), output, serving.model(header), header)
    failed: set[str] = set()
    for listed, single in zip(photos, _singly(part, photos, header), strict=True):
        status = single.rows[0]["status"]
        if status == UNAVAILABLE:
            failed.update(messages[listed])
        elif status not in _GONE:
            parts.write(output, single)
    return failed


def _singly(part: Part, photos: Sequence[Listed], header: Header) -> Iterator[Part]:
    """Yield the part of each photo alone."""
    for listed, (row, embeddings) in zip(photos, part.by_photo(), strict=True):
        yield Part(batch_name(header, [listed]), [row], embeddings)
