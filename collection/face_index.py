"""The index of an output: the embeddings of all its faces in one file, so that a search does not open one a part.

| file | content |
| --- | --- |
| `parts.json` | the format, the name of the other file, and each part's name, version and number of faces |
| `RANDOM.f16` | (F, 512) float16, the faces of the parts in their order, without a header |

An index is made of an output and can be removed at any time. When parts have changed it is written again, and only the
new parts are read. `parts.json` is replaced last, so an index is complete or the former one.
"""

import json
import secrets
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

import numpy as np
from filelock import FileLock

from batch import parts
from batch.errors import MissingError, OutputError
from batch.parts import EMBEDDING_SIZE, HalfArray
from batch.storage import Storage
from preprocess.files import full_disk_as_oserror, read_json, write_text

FACE_BYTES: Final = EMBEDDING_SIZE * np.dtype(np.float16).itemsize

_FORMAT: Final = 1
_PARTS: Final = "parts.json"
_SUFFIX: Final = ".f16"
_LOCK: Final = "lock"
_READERS: Final = 8
"""Parts that are read at the same time."""

_COPIED: Final = 8192
"""Faces that are copied at once from a former index, 8 MB."""

OnParts = Callable[[int, int], object]
"""Takes the number of new parts that are read, and how many there are."""


class Entry(NamedTuple):
    """A part in the index: its name, the version of its embeddings, and its number of faces."""

    name: str
    version: str
    faces: int


@dataclass(frozen=True)
class FaceIndex:
    """The faces of an output. `path` is the file of their embeddings; the parts `damaged` are not in it."""

    path: Path
    entries: tuple[Entry, ...]
    damaged: tuple[Entry, ...] = ()
    _ends: Any = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_ends", np.cumsum([entry.faces for entry in self.entries], dtype=np.int64))

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """Return the index in a folder, None if there is none, or none that this version of Visage can use."""
        try:
            stored = read_json(folder / _PARTS)
            index = cls(
                folder / Path(stored["embeddings"]).name, _entries(stored["parts"]), _entries(stored["damaged"])
            )
            is_whole = stored["format"] == _FORMAT and index.path.stat().st_size == len(index) * FACE_BYTES
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return index if is_whole else None

    def __len__(self) -> int:
        """Return the number of faces."""
        return int(self._ends[-1]) if len(self._ends) else 0

    def is_of(self, there: Mapping[str, str]) -> bool:
        """Whether it has all of these parts and no others; `there` has their versions by their names."""
        return {entry[:2] for entry in (*self.entries, *self.damaged)} == set(there.items())

    def place(self, face: int) -> tuple[Entry, int]:
        """Return the part of a face, and the number of the face there; both numbers begin at 0."""
        number = int(np.searchsorted(self._ends, face, side="right"))
        entry = self.entries[number]
        return entry, face - int(self._ends[number]) + entry.faces

    def embeddings(self) -> HalfArray:
        """Return all embeddings, (F, 512) float16, which are read from the disk where they are used."""
        if not len(self):
            return np.empty((0, EMBEDDING_SIZE), np.float16)
        return np.memmap(self.path, np.float16, "r", shape=(len(self), EMBEDDING_SIZE))


def update(output: Storage, folder: Path, on_parts: OnParts = lambda *_: None) -> FaceIndex:
    """Return the index of an output, which is kept in `folder`; what has changed since the last call is read.

    Raises:
        BatchError, OSError: the output cannot be read, or the index cannot be written.
    """
    former, there = FaceIndex.read(folder), _versions(output)
    if former is not None and former.is_of(there):
        return former
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / _LOCK):  # another search may be writing it
        former = FaceIndex.read(folder)
        if former is not None and former.is_of(there):
            return former
        return _Writer(output, folder, former, on_parts).write(there)


def _entries(stored: Any) -> tuple[Entry, ...]:
    return tuple(Entry(str(name), str(version), int(faces)) for name, version, faces in stored)


def _versions(output: Storage) -> dict[str, str]:
    """Return the parts with embeddings, and a version that changes when the file is written again."""
    names = parts.existing(output)
    listed = {file.key.removesuffix(".npy"): file for file in output.listed(parts.EMBEDDINGS)}
    return {name: f"{file.etag} {file.size}" for name, file in listed.items() if name in names}


class _Writer:
    """Writes an index anew."""

    def __init__(self, output: Storage, folder: Path, former: FaceIndex | None, on_parts: OnParts) -> None:
        self._output, self._folder, self._former, self._on_parts = output, folder, former, on_parts
        self._entries: list[Entry] = []
        self._damaged: list[Entry] = []

    def write(self, there: dict[str, str]) -> FaceIndex:
        path = self._folder / f"{secrets.token_hex(8)}{_SUFFIX}"
        try:
            with full_disk_as_oserror(path), path.open("wb") as file:
                for embeddings in self._all(there):
                    file.write(np.ascontiguousarray(embeddings).data)
            index = FaceIndex(path, tuple(self._entries), tuple(self._damaged))
            self._publish(index)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return index

    def _publish(self, index: FaceIndex) -> None:
        """Make this the index of the folder. Whoever searches in the former one keeps its file open."""
        content = {"format": _FORMAT, "embeddings": index.path.name, "parts": index.entries, "damaged": index.damaged}
        write_text(self._folder / _PARTS, json.dumps(content))
        for other in self._folder.glob(f"*{_SUFFIX}"):
            if other != index.path:
                other.unlink(missing_ok=True)

    def _all(self, there: dict[str, str]) -> Iterator[HalfArray]:
        """Yield the embeddings of all parts: those of the former index first, then the new ones."""
        kept = set()
        if self._former is not None:
            unchanged = [there.get(entry.name) == entry.version for entry in self._former.entries]
            kept = {entry.name for entry, same in zip(self._former.entries, unchanged, strict=True) if same}
            yield from self._copied(self._former, unchanged)
        new = sorted(there.keys() - kept)
        for done, (name, reading) in enumerate(self._read(new), 1):
            try:
                embeddings = reading.result()
                self._entries.append(Entry(name, there[name], len(embeddings)))
                yield embeddings
            except OutputError:
                self._damaged.append(Entry(name, there[name], 0))
            except MissingError:  # it was replaced since it was listed
                pass
            self._on_parts(done, len(new))

    def _copied(self, former: FaceIndex, unchanged: Sequence[bool]) -> Iterator[HalfArray]:
        rows = former.embeddings()
        self._entries += [entry for entry, same in zip(former.entries, unchanged, strict=True) if same]
        wanted = np.repeat(np.array(unchanged, bool), [entry.faces for entry in former.entries])
        for start in range(0, len(rows), _COPIED):
            yield rows[start : start + _COPIED][wanted[start : start + _COPIED]]

    def _read(self, names: Sequence[str]) -> Iterator[tuple[str, "Future[HalfArray]"]]:
        """Yield the names of the parts, and their embeddings once they are read, while the next ones are read."""
        waiting: deque[tuple[str, Future[HalfArray]]] = deque()
        with ThreadPoolExecutor(_READERS) as pool:
            try:
                for name in names:
                    waiting.append((name, pool.submit(parts.read_embeddings, self._output, name)))
                    if len(waiting) == 4 * _READERS:
                        yield waiting.popleft()
                yield from waiting
            finally:
                pool.shutdown(wait=False, cancel_futures=True)
