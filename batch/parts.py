"""Parts: the rows of one batch, and the embeddings of their faces.

A part is a file of gzipped JSON Lines, one row a photo in the order of the keys. The same rows give the same bytes on
every machine: there are no times in it. Embeddings are written before the part, so a part that exists is whole.
"""

import io
import json
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from batch.errors import MissingError, OutputError
from batch.rows import Row, line_of
from batch.storage import Storage
from preprocess.files import DAMAGED_ARRAYS

PARTS: Final = "parts"
EMBEDDINGS: Final = "embeddings"

EMBEDDING_SIZE: Final = 512

_GZIP: Final = 31
"""As `wbits`, it makes zlib write gzip's header without a time. Python's `gzip` writes others in other versions."""

_SUFFIX: Final = ".jsonl.gz"
_NPY: Final = ".npy"

_NEEDED: Final = {"photo", "status", "etag", "bytes", "faces", "model", "roster"}

HalfArray = npt.NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class Part:
    """The rows of a batch; `embeddings` (F, 512) float16 are those of all their faces in order, None if not kept."""

    name: str
    rows: list[Row]
    embeddings: HalfArray | None = None

    @classmethod
    def joined(cls, name: str, parts: Sequence[Self]) -> Self:
        """Return the rows of several parts as one part."""
        kept = [part.embeddings for part in parts if part.embeddings is not None]
        return cls(name, [row for part in parts for row in part.rows], np.concatenate(kept) if kept else None)

    def by_photo(self) -> Iterator[tuple[Row, HalfArray | None]]:
        """Yield each row with the (n, 512) embeddings of its faces, None where they are not kept."""
        start = 0
        for row in self.rows:
            end = start + len(row["faces"])
            yield row, None if self.embeddings is None else self.embeddings[start:end]
            start = end


def no_faces(*, kept: bool) -> HalfArray | None:
    """Return the embeddings of a photo without faces, (0, 512); None where they are not kept."""
    return np.empty((0, EMBEDDING_SIZE), np.float16) if kept else None


def part_file(name: str) -> str:
    """Return the file of a part's rows in the output."""
    return f"{PARTS}/{name}{_SUFFIX}"


def embeddings_file(name: str) -> str:
    """Return the file of a part's embeddings in the output."""
    return f"{EMBEDDINGS}/{name}{_NPY}"


def existing(output: Storage, *, embeddings: bool = False) -> set[str]:
    """Return the names of all parts in the output: with `embeddings`, of those alone that have theirs."""
    names = _names(output, PARTS, _SUFFIX)
    return names & embedded(output) if embeddings else names


def embedded(output: Storage) -> set[str]:
    """Return the names of all parts whose embeddings are in the output."""
    return _names(output, EMBEDDINGS, _NPY)


def write(output: Storage, part: Part) -> None:
    """Write a part.

    Raises:
        BatchError, OSError: it cannot be written.
    """
    if part.embeddings is not None:
        output.write(embeddings_file(part.name), _npy(part.embeddings))
    output.write(part_file(part.name), zlib.compress(b"".join(map(line_of, part.rows)), wbits=_GZIP))


def read(output: Storage, name: str, *, embeddings: bool = False) -> Part:
    """Return a part, with its embeddings if they are asked for.

    Raises:
        MissingError: there is no such part, or it has no embeddings.
        OutputError: it is damaged.
        BatchError, OSError: it cannot be read.
    """
    rows = read_rows(output, name)
    if not embeddings:
        return Part(name, rows)
    found = read_embeddings(output, name)
    if len(found) != sum(len(row["faces"]) for row in rows):
        raise OutputError(f"{embeddings_file(name)} of the output does not fit its part. Run the batch again.")
    return Part(name, rows, found)


def read_rows(output: Storage, name: str) -> list[Row]:
    """Return the rows of a part; it raises what `read` does."""
    try:
        lines = zlib.decompress(output.read(part_file(name)), wbits=_GZIP).splitlines()
        rows = [json.loads(line) for line in lines]
        if all(row.keys() >= _NEEDED and isinstance(row["faces"], list) for row in rows):
            return rows
    except (zlib.error, ValueError, AttributeError) as error:
        raise OutputError(f"{part_file(name)} of the output is damaged. Run the batch again.") from error
    raise OutputError(f"{part_file(name)} of the output is damaged. Run the batch again.")


def read_embeddings(output: Storage, name: str) -> HalfArray:
    """Return the (F, 512) float16 embeddings of a part; it raises what `read` does."""
    file = embeddings_file(name)
    try:
        array = np.load(io.BytesIO(output.read(file)), allow_pickle=False)
    except DAMAGED_ARRAYS as error:
        raise OutputError(f"{file} of the output is damaged. Run the batch again.") from error
    if array.dtype != np.float16 or array.shape[1:] != (EMBEDDING_SIZE,):
        raise OutputError(f"{file} of the output is damaged. Run the batch again.")
    return np.asarray(array, np.float16)


def remove(output: Storage, name: str) -> None:
    """Remove a part and its embeddings."""
    output.remove(part_file(name))
    output.remove(embeddings_file(name))


def former_rows(output: Storage, names: tuple[str, ...], *, embeddings: bool) -> Iterator[tuple[Row, HalfArray | None]]:
    """Yield the rows of parts with the embeddings of their faces; parts that are gone or damaged have none."""
    for name in names:
        with suppress(MissingError, OutputError):
            yield from read(output, name, embeddings=embeddings).by_photo()


def _names(output: Storage, folder: str, suffix: str) -> set[str]:
    return {name.removesuffix(suffix) for name in output.names(folder) if name.endswith(suffix)}


def _npy(embeddings: HalfArray) -> bytes:
    file = io.BytesIO()
    np.save(file, np.ascontiguousarray(embeddings, np.float16))
    return file.getvalue()
