"""Answers one batch with a loaded model: photos are read side by side while others are recognised."""

import hashlib
import logging
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from batch import parts
from batch.contract import Batch, Header, Listed, batch_name
from batch.errors import BatchUnavailableError, UnreadError
from batch.parts import HalfArray, Part, no_faces
from batch.rows import (
    AGAIN,
    FAILED,
    NO_FACE,
    NOT_A_PHOTO,
    RECOGNISED,
    TOO_LARGE,
    UNAVAILABLE,
    UNKNOWN,
    UNREADABLE,
    Row,
    row_of,
    text_of,
)
from batch.sources import Source
from batch.storage import Storage
from preprocess.errors import (
    NoFaceError,
    PhotoError,
    PhotoTooLargeError,
    UnreadablePhotoError,
    UnsupportedFormatError,
)

if TYPE_CHECKING:
    from model.recognizer import Recognition

READERS: Final = 8
"""Photos that are read at the same time."""

_MOST_BYTES: Final = 64_000_000
"""How much of photos may wait in memory, unless one alone is larger."""

_OF_ERROR: Final = {
    NoFaceError: NO_FACE,
    PhotoTooLargeError: TOO_LARGE,
    UnreadablePhotoError: UNREADABLE,
    UnsupportedFormatError: NOT_A_PHOTO,
}
"""The status of a photo that raises an error."""

_KILLED: Final = "The process that recognised this photo was killed, probably because its memory ran out."

logger = logging.getLogger(__name__)


class Model(Protocol):
    """What a batch needs of a `model.recognizer.Recognizer`."""

    version: str

    def recognize(self, data: bytes) -> "Recognition":
        """Return who is in a photo."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """A photo's row, and the (n, 512) float16 embeddings of its faces, None where they are not kept."""

    row: Row
    embeddings: HalfArray | None


def answer(batch: Batch, source: Source, output: Storage, model: Model, header: Header) -> Part:
    """Return the rows of a batch. The caller writes them (`batch.parts.write`), and lets the model know the roster.

    Rows of unchanged photos are taken from the parts that the batch names. A photo that cannot be read or recognised
    has a row that says so.

    Raises:
        BatchUnavailableError: S3 cannot be reached now, or none of several photos could be read.
        BatchError: S3 refuses, for instance because credentials have expired.
        OSError: the output cannot be read.
    """
    former = _former(batch, output, header)
    found = former.copy()
    wanted = [listed for listed in batch.photos if listed not in former]
    for listed, data in _read_ahead(source, wanted):
        found[listed] = _answered(listed, data, model, header)
    _check_reachable([found[listed].row for listed in wanted])
    answers = [found[listed] for listed in batch.photos]
    return Part(batch.name, [each.row for each in answers], _joined(answers) if header.keep_embeddings else None)


def failed_part(listed: Listed, header: Header) -> Part:
    """Return the part of a photo that killed the process which recognised it."""
    row = row_of(listed, header.model, FAILED, detail=_KILLED)
    return Part(batch_name(header, [listed]), [row], no_faces(kept=header.keep_embeddings))


def _former(batch: Batch, output: Storage, header: Header) -> dict[Listed, _Answer]:
    """Return the answers of photos that have not changed since a former run."""
    wanted: dict[tuple[Any, ...], Listed] = {
        (text_of(listed.key), listed.etag, listed.size): listed for listed in batch.photos
    }
    found = {}
    for row, embeddings in parts.former_rows(output, batch.reuse, embeddings=header.keep_embeddings):
        listed = wanted.get((row["photo"], row["etag"], row["bytes"]))
        if listed and row["status"] not in AGAIN and row.get("model") == header.model and listed.etag is not None:
            found[listed] = _Answer(row, embeddings)
    return found


def _read_ahead(source: Source, wanted: Sequence[Listed]) -> Iterator[tuple[Listed, "Future[bytes]"]]:
    """Yield each photo with its bytes or its error, in order, while the next ones are read."""
    waiting: deque[tuple[Listed, Future[bytes]]] = deque()
    coming = deque(wanted)
    with ThreadPoolExecutor(READERS) as pool:
        try:
            while coming or waiting:
                while coming and _has_room(waiting, coming[0]):
                    listed = coming.popleft()
                    waiting.append((listed, pool.submit(source.read, listed)))
                yield waiting.popleft()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _has_room(waiting: Sequence[tuple[Listed, object]], following: Listed) -> bool:
    held = sum(listed.size for listed, _ in waiting)
    return not waiting or (len(waiting) < READERS and held + following.size <= _MOST_BYTES)


def _answered(listed: Listed, reading: "Future[bytes]", model: Model, header: Header) -> _Answer:
    """Return the answer for a photo whose bytes are read, or cannot be."""
    nothing = no_faces(kept=header.keep_embeddings)
    try:
        data = reading.result()
    except UnreadError as error:
        return _Answer(row_of(listed, header.model, error.status, detail=error.detail), nothing)
    except BatchUnavailableError as error:
        return _Answer(row_of(listed, header.model, UNAVAILABLE, detail=str(error)), nothing)
    except PhotoError as error:
        return _Answer(row_of(listed, header.model, _status(error), detail=str(error)), nothing)
    digest = hashlib.sha256(data).hexdigest()
    try:
        found = model.recognize(data)
    except PhotoError as error:
        detail = None if isinstance(error, NoFaceError) else str(error)
        return _Answer(row_of(listed, header.model, _status(error), detail=detail, sha256=digest), nothing)
    except Exception as error:  # the outermost edge of one photo: the other photos of the batch have answers
        logger.exception("a photo failed")
        detail = f"Visage failed on this photo ({type(error).__name__}), which is an error of Visage. Please report it."
        return _Answer(row_of(listed, header.model, FAILED, detail=detail, sha256=digest), nothing)
    status = RECOGNISED if any(face.known for face in found.faces) else UNKNOWN
    row = row_of(listed, header.model, status, sha256=digest, recognition=found)
    return _Answer(row, None if nothing is None or found.embeddings is None else found.embeddings.astype(np.float16))


def _status(error: PhotoError) -> str:
    return next((status for kind, status in _OF_ERROR.items() if isinstance(error, kind)), UNREADABLE)


def _check_reachable(rows: Sequence[Row]) -> None:
    """Raise BatchUnavailableError if none of several photos could be read: it is not a photo that is at fault."""
    if len(rows) > 1 and all(row["status"] == UNAVAILABLE for row in rows):
        raise BatchUnavailableError(rows[0]["detail"])


def _joined(answers: Sequence[_Answer]) -> HalfArray:
    """Return the (F, 512) embeddings of all faces."""
    return np.concatenate([each.embeddings for each in answers if each.embeddings is not None])
