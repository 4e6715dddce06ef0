"""Finds the photos of an output in which a face is, best first.

Every face of the index is compared with the one that is searched for. First, the similarity of all faces is computed by
blocks: the cosine after the mean embedding of strangers is subtracted. The score of `model.verification` is at least a
constant lower. So the score is computed only for faces that can reach the bar, and none of those is missed.

A face passes one of two bars. `POSSIBLE` is that of verification: 1 in 1,000 pairs of different people reaches it, and
so do a thousand strangers among a million faces. `LIKELY` is higher, so that a stated number of strangers reaches it
among all faces that are searched.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from batch import parts
from batch.errors import MissingError, OutputError
from batch.parts import EMBEDDING_SIZE, HalfArray
from batch.rows import Row
from batch.storage import Storage
from collection.face_index import FACE_BYTES, FaceIndex
from model.cohort import Cohort, FloatArray
from model.settings import cores
from model.verification import CAUTIOUS, compare, penalties, threshold_at

LIKELY: Final = "likely"
POSSIBLE: Final = "possible"

STRANGERS: Final = 1.0
"""How many faces of other people may pass for likely on average, among all that are searched."""

_BLOCK: Final = 512
"""Faces that are compared at once: they have 1 MB as floats, and stay in a processor's cache."""

_NO_COPIES_OF_THE_SIGN: Final = np.int32(-0x70000001)
"""The bits of a float but the three after the sign, to which shifting a number with a sign copies it: 0x8FFFFFFF."""

_COMPARED: Final = 8192
"""Faces whose scores are computed at once, 16 MB."""

_ROUNDING: Final = 0.002
"""Cosines of half floats whose length is taken for 1 may be wrong by less. Of 100,000 faces, 0.0003 was the most."""

_MOST_PARTS: Final = 64
"""Parts whose rows stay in memory. The best photos of one person are often in one part."""

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Bars:
    """The scores from which a face is likely or possibly that of the person, and how many strangers reach each.

    `strangers` are faces of other people among all that are searched, on average; None where nobody has measured it.
    """

    likely: float
    possible: float
    likely_strangers: float | None
    possible_strangers: float | None


@dataclass(frozen=True, slots=True)
class Hit:
    """A photo in which the face may be. `row` is the photo's in the output, `face` the number of its face, from 1."""

    row: Row
    face: int
    score: float
    similarity: float
    match: str
    part: str


@dataclass(frozen=True, slots=True)
class Found:
    """The photos that may show the person, best first, and how many faces pass each bar.

    `nearest` is the largest similarity of all `faces`, None without faces. `damaged` names parts that cannot be read.
    """

    hits: tuple[Hit, ...]
    faces: int
    likely: int
    possible: int
    bars: Bars
    nearest: float | None
    damaged: tuple[str, ...]


def search(
    output: Storage,
    index: FaceIndex,
    face: FloatArray,
    cohort: Cohort,
    bars: Bars,
    model: str,
    top: int,
) -> Found:
    """Return the best photos for a (512,) unit-length embedding, at most `top`, each with its best face.

    Rows of another version of the model than `model` are left out: they are of an output that is being done again.

    Raises:
        BatchError, OSError: the output or the index cannot be read.
    """
    similarities = scan(index, face, cohort)
    faces, scores, exact = _passing(index, face, cohort, similarities, bars.possible)
    rows = _Rows(output)
    hits: list[Hit] = []
    photos: set[str] = set()
    for number, score, similarity in zip(faces, scores, exact, strict=True):
        if len(hits) == top:
            break
        part, place = index.place(int(number))
        found = rows.of_face(part.name, part.faces, place)
        if found is None or found[0]["photo"] in photos or found[0]["model"] != model:
            continue
        photos.add(found[0]["photo"])
        match = LIKELY if score >= bars.likely else POSSIBLE
        hits.append(Hit(*found, float(score), float(similarity), match, part.name))
    damaged = {entry.name for entry in index.damaged} | rows.damaged
    return Found(
        tuple(hits),
        len(index),
        int((scores >= bars.likely).sum()),
        len(scores),
        bars,
        float(similarities.max()) if len(similarities) else None,
        tuple(sorted(damaged)),
    )


def bars_for(cohort: Cohort, faces: int, strangers: float = STRANGERS) -> Bars:
    """Return the bars for a search among so many faces."""
    if not len(cohort.verification):
        return Bars(CAUTIOUS, CAUTIOUS, None, None)
    measured, possible, _ = map(float, cohort.verification)
    rate = min(strangers / max(faces, 1), measured)
    return Bars(threshold_at(cohort, rate), possible, rate * faces, measured * faces)


def scan(index: FaceIndex, face: FloatArray, cohort: Cohort) -> FloatArray:
    """Return the similarity of a (512,) unit-length embedding with all faces of an index: (F,), off by `_ROUNDING`.

    Raises:
        OSError: the index cannot be read.
    """
    similarities = np.empty(len(index), np.float32)
    share = -(-len(index) // cores() // _BLOCK) * _BLOCK
    with ThreadPoolExecutor(cores()) as pool:
        shares = [slice(start, min(start + share, len(index))) for start in range(0, len(index), share or 1)]
        for done in [pool.submit(_scan, index, face, cohort, similarities[part], part.start) for part in shares]:
            done.result()
    # A cosine above 1 is of embeddings that are no numbers.
    return np.where(np.abs(similarities) < 1 + _ROUNDING, similarities, np.float32(-1))


def _scan(index: FaceIndex, face: FloatArray, cohort: Cohort, similarities: FloatArray, first: int) -> None:
    """Compute the similarities (N,) of the faces from number `first` on."""
    wanted, mean = cohort.centred(face[None])[0], cohort.mean
    offset, length = float(wanted @ mean), float(mean @ mean)
    half, single = np.empty((_BLOCK, EMBEDDING_SIZE), np.float16), np.empty((_BLOCK, EMBEDDING_SIZE), np.float32)
    with index.path.open("rb") as file, np.errstate(all="ignore"):
        file.seek(first * FACE_BYTES)
        for start in range(0, len(similarities), _BLOCK):
            block = similarities[start : start + _BLOCK]
            if file.readinto(half[: len(block)]) != len(block) * FACE_BYTES:  # type: ignore[arg-type]
                raise OSError(f"The index {index.path} was cut off. Run the same command again.")
            faces = to_single(half[: len(block)], single[: len(block)])
            block[:] = (faces @ wanted - offset) / np.sqrt(np.maximum(1 - 2 * (faces @ mean) + length, 1e-6))


def to_single(half: HalfArray, single: FloatArray) -> FloatArray:
    """Convert finite half floats to floats, into `single`, and return it: in a fifth of the time of NumPy's `astype`.

    Sign, exponent and fraction move to their places in a float, whose exponent is then too small by 112: 127 - 15.
    Numbers that are not finite become large ones. Source: IEEE 754-2019, table 3.5.
    """
    bits = single.view(np.int32)
    np.left_shift(half.view(np.int16), 13, out=bits, dtype=np.int32)
    np.bitwise_and(bits, _NO_COPIES_OF_THE_SIGN, out=bits)
    return np.multiply(single, np.float32(2.0**112), out=single)


def _passing(
    index: FaceIndex, face: FloatArray, cohort: Cohort, similarities: FloatArray, bar: float
) -> tuple[Numbers, FloatArray, FloatArray]:
    """Return the faces whose score reaches the bar, best first, with their scores and similarities."""
    least = 0.0
    if len(cohort.verification):
        least = float(penalties(face[None], cohort)[0] + cohort.verification[2])
    candidates = np.flatnonzero(similarities >= bar + least - _ROUNDING)
    scores, exact = np.empty(len(candidates), np.float32), np.empty(len(candidates), np.float32)
    embeddings = index.embeddings()
    for start in range(0, len(candidates), _COMPARED):
        block = slice(start, start + _COMPARED)
        similar, score = compare(face[None], embeddings[candidates[block]].astype(np.float32), cohort)
        exact[block], scores[block] = similar[0], (score if len(cohort.verification) else similar)[0]
    order = np.argsort(-scores, kind="stable")[: int((scores >= bar).sum())]
    return candidates[order], scores[order], exact[order]


class _Rows:
    """The rows of the parts in which something was found. Parts that cannot be read are named in `damaged`."""

    def __init__(self, output: Storage) -> None:
        self.damaged: set[str] = set()
        self._read = lru_cache(_MOST_PARTS)(self._faces_of)
        self._output = output

    def of_face(self, part: str, faces: int, place: int) -> tuple[Row, int] | None:
        """Return the row of a face and its number in the photo, None if the part is gone or damaged."""
        found = self._read(part)
        if found and len(found) != faces:
            self.damaged.add(part)
        return found[place] if len(found) == faces else None

    def _faces_of(self, part: str) -> list[tuple[Row, int]]:
        try:
            rows = parts.read_rows(self._output, part)
        except OutputError:
            self.damaged.add(part)
        except MissingError:  # a batch that runs has replaced it
            pass
        else:
            return list(_faces(rows))
        return []


def _faces(rows: list[Row]) -> Iterator[tuple[Row, int]]:
    for row in rows:
        for number in range(1, len(row["faces"]) + 1):
            yield row, number


def hit_json(hit: Hit) -> dict[str, Any]:
    """Return the JSON of a hit: the photo, and what the output says of the face."""
    face = hit.row["faces"][hit.face - 1]
    return {
        "photo": hit.row["photo"],
        "match": hit.match,
        "score": round(hit.score, 4),
        "similarity": round(hit.similarity, 4),
        "face": hit.face,
        "box": face["box"],
        "label": face["label"],
        "part": hit.part,
    }
