"""The roster: people who are known by embeddings alone, and who come and go while the service runs.

A roster does not change: each change makes another one. `model.roster_storage` keeps the newest.

As a file it is `roster.npz`: `document`, JSON in UTF-8, and arrays with a row for each embedding. Of the people, the
document has a list for each field; of their photos' qualities, how many there are.

| array | content |
| --- | --- |
| `embeddings` | (E, 512) int16: those of unit length times UNIT, rounded |
| `owners` | (E,) the number of the person that each is of, in the order of the document |
| `near` | (E,) whether it is a near miss: the face of somebody else who was taken for the person |
| `penalties` | (E,) half of how alike each is to the cohort; NaN where nobody has computed it |
| `norms` | (E,) the length of each when the cohort's mean is subtracted; NaN where nobody has computed it |
| `strangers`, `nearest` | (2, D) each drawn stranger's largest score, and with whom; -1 where nobody has computed it |
| `alike` | (2,) how much more alike the people are than the cohort lets expect; NaN where nobody has computed it |

| `qualities` | (Q,) float64, those of all people's photos in a row |

The first row of `strangers`, `nearest` and `alike` is by the FEW first photos of each person, and the second by all.
"""

import base64
import hashlib
import io
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import accumulate, chain, pairwise
from typing import Any, Final, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from model.cohort import FloatArray
from model.errors import (
    BadNameError,
    NameTakenError,
    PersonChangedError,
    RosterError,
    RosterUnreadableError,
    UnknownPersonError,
)
from model.prototypes import IntArray
from preprocess.files import DAMAGED_ARRAYS
from preprocess.names import REFUSED, key, normalised

FILE: Final = "roster.npz"

MAX_CHARACTERS: Final = 100
"""Of a name."""

MAX_PHOTOS: Final = 16
"""Embeddings that are kept of a person's photos: as many as prototypes of a person on whom a network was trained."""

FEW: Final = 3
"""How many of each person's photos determine the bar of people with so few: `model.roster_gallery` says why."""

MAX_NEAR_MISSES: Final = 16
MAX_PEOPLE: Final = 50_000
"""More do not fit into the memory of the function; docs/scale.md has the arithmetic."""

ANSWERS_KEPT: Final = timedelta(hours=24)
MAX_ANSWERS: Final = 200

_FORMAT: Final = 1
_ID_BYTES: Final = 8
_ID_CHARACTERS: Final = 12
_MAX_REMOVED: Final = 10_000
UNIT: Final = 32767
"""What 1 is in the stored embeddings. Integers are as exact as half floats, which NumPy takes four times as
long to turn into floats: with 10,000 people of three photos each, 40 ms of each start."""

_FORBIDDEN: Final = "/\\<>"
"""What would make a name a path or HTML. Other places that show names escape them anyway."""

Stored = npt.NDArray[np.int16]
Flags = npt.NDArray[np.bool_]


class Person(NamedTuple):
    """Somebody on the roster. `id` never changes; times are ISO 8601 in UTC.

    It is a tuple, because 10,000 of them are read when a function starts: dataclasses take three times as long.

    `trained` says that the network was trained on a person of this name, who got further photos or near misses here.
    `revision` is the version of the roster that last changed the person. `qualities`, 0 to 1, are those of the photos;
    there are none if that of any of them is not known.
    """

    id: str
    name: str
    created: str
    changed: str
    revision: int
    trained: bool = False
    thumbnail: bool = False
    qualities: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered to a request that may be sent again: `request` is the digest of its key and its sender."""

    request: str
    body: str
    time: str
    status: int
    answer: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Roster:
    """The people of an embedding space. See the module for the arrays; `cohort` is the digest that they depend on.

    `removed` are the ids of people who were removed, so that an older copy does not bring them back.
    """

    space: str
    version: int = 0
    people: tuple[Person, ...] = ()
    embeddings: Stored = field(default_factory=lambda: np.zeros((0, 512), np.int16))
    owners: IntArray = field(default_factory=lambda: np.zeros(0, np.int64))
    near: Flags = field(default_factory=lambda: np.zeros(0, np.bool_))
    penalties: FloatArray = field(default_factory=lambda: np.zeros(0, np.float32))
    norms: FloatArray = field(default_factory=lambda: np.zeros(0, np.float32))
    strangers: FloatArray = field(default_factory=lambda: np.zeros((2, 0), np.float32))
    nearest: IntArray = field(default_factory=lambda: np.zeros((2, 0), np.int64))
    alike: FloatArray = field(default_factory=lambda: np.full(2, np.nan, np.float32))
    cohort: str = ""
    removed: tuple[str, ...] = ()
    answers: tuple[Answer, ...] = ()

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {person.id: number for number, person in enumerate(self.people)}

    @cached_property
    def _by_key(self) -> dict[str, Person]:
        return {key(person.name): person for person in self.people}

    def find(self, identity: str) -> Person | None:
        """Return the person with this id, if there is one."""
        number = self._numbers.get(identity)
        return None if number is None else self.people[number]

    def person(self, identity: str) -> Person:
        """Return the person with this id.

        Raises:
            UnknownPersonError: there is none.
        """
        person = self.find(identity)
        if person is None:
            raise UnknownPersonError(identity)
        return person

    def number_of(self, identity: str) -> int:
        """Return the number of a person who is on the roster."""
        return self._numbers[identity]

    def named(self, name: str) -> Person | None:
        """Return the person whom somebody means who says this name, if there is one."""
        return self._by_key.get(key(name))

    def rows(self, identity: str, *, near: bool = False) -> FloatArray:
        """Return the (K, 512) embeddings of a person's photos, or of the near misses; none of who is not here."""
        mine = (self.owners == self._numbers.get(identity, -1)) & (self.near == near)
        return restored(self.embeddings[mine])

    def count(self, identity: str, *, near: bool = False) -> int:
        """Return how many embeddings of photos, or of near misses, a person has."""
        photos, misses = self._counts
        return int((misses if near else photos)[self._numbers[identity]])

    @cached_property
    def _counts(self) -> tuple[IntArray, IntArray]:
        size = len(self.people)
        return (
            np.bincount(self.owners[~self.near], minlength=size),
            np.bincount(self.owners[self.near], minlength=size),
        )

    def with_person(
        self, name: str, embeddings: FloatArray, qualities: Sequence[float], identity: str | None = None
    ) -> tuple[Self, Person]:
        """Return the roster with a new person, by (K, 512) embeddings of photos and their qualities; and the person.

        Without qualities, those of the person are not known. `identity` is the person's id, by default a new one.

        Raises:
            BadNameError, NameTakenError: the name cannot be used.
            RosterError: there are MAX_PEOPLE people.
        """
        name = checked_name(name)
        self._check_free(name)
        if len(self.people) >= MAX_PEOPLE:
            raise RosterError(f"The roster has {len(self.people):,} people, and it can have no more.")
        moment = now()
        person = Person(identity or new_id(), name, moment, moment, self.version + 1)
        roster = replace(self, people=(*self.people, person)).with_photos(person.id, embeddings, qualities)
        return roster, roster.person(person.id)

    def with_trained(self, identity: str, name: str) -> Self:
        """Return the roster with an entry, if there is none yet, for a person on whom the network was trained."""
        if identity in self._numbers:
            return self
        moment = now()
        person = Person(identity, name, moment, moment, self.version + 1, trained=True)
        return replace(self, people=(*self.people, person))

    def with_photos(self, identity: str, embeddings: FloatArray, qualities: Sequence[float]) -> Self:
        """Return the roster with (K, 512) embeddings of further photos of a person.

        At most MAX_PHOTOS are kept: those that differ most from each other.

        Raises:
            UnknownPersonError: there is no such person.
        """
        return self._with_rows(self.person(identity), embeddings, qualities)

    def with_near_miss(self, identity: str, embedding: FloatArray) -> Self:
        """Return the roster with the (512,) embedding of somebody else who was taken for this person.

        Raises:
            UnknownPersonError: there is no such person.
        """
        person = self.person(identity)
        misses = np.concatenate([self.rows(identity, near=True), embedding[None]])[-MAX_NEAR_MISSES:]
        return self._with_embeddings(self._touched(person), self.rows(identity), misses)

    def without_near_misses(self, identity: str) -> Self:
        """Return the roster without the near misses of a person.

        Raises:
            UnknownPersonError: there is no such person.
        """
        rows = self.rows(self.person(identity).id)
        return self._with_embeddings(self._touched(self.person(identity)), rows, rows[:0])

    def renamed(self, identity: str, name: str) -> Self:
        """Return the roster in which a person has another name.

        Raises:
            UnknownPersonError: there is no such person.
            BadNameError, NameTakenError: the name cannot be used.
        """
        person, name = self.person(identity), checked_name(name)
        if key(name) != key(person.name):
            self._check_free(name)
        return self._with_person(self._touched(person)._replace(name=name))

    def with_thumbnail(self, identity: str, *, kept: bool) -> Self:
        """Return the roster that says whether a thumbnail is kept of a person."""
        return self._with_person(self.person(identity)._replace(thumbnail=kept))

    def without(self, identity: str) -> Self:
        """Return the roster without a person, their embeddings, and what was answered about them.

        Raises:
            UnknownPersonError: there is no such person.
        """
        number = self.number_of(self.person(identity).id)
        kept = self.owners != number
        owners = self.owners[kept]
        nearest = np.where(self.nearest == number, -1, self.nearest)
        return replace(
            self,
            people=self.people[:number] + self.people[number + 1 :],
            embeddings=self.embeddings[kept],
            owners=owners - (owners > number),
            near=self.near[kept],
            penalties=self.penalties[kept],
            norms=self.norms[kept],
            nearest=nearest - (nearest > number),
            alike=np.full_like(self.alike, np.nan),
            removed=(*self.removed, identity)[-_MAX_REMOVED:],
            answers=tuple(answer for answer in self.answers if identity not in json.dumps(answer.answer)),
        )

    def check_unchanged(self, identity: str, revision: int | None) -> None:
        """Check that nobody has changed a person since `revision`, if that is given.

        Raises:
            UnknownPersonError: there is no such person.
            PersonChangedError: somebody has.
        """
        if revision is not None and self.person(identity).revision != revision:
            raise PersonChangedError(self.person(identity).name)

    def answered(self, request: str) -> Answer | None:
        """Return what was answered to a request, if it was one of the last MAX_ANSWERS in ANSWERS_KEPT."""
        found = [answer for answer in self._recent_answers() if answer.request == request]
        return found[-1] if found else None

    def with_answer(self, answer: Answer) -> Self:
        """Return the roster that remembers what was answered to a request. Answers older than ANSWERS_KEPT go."""
        return replace(self, answers=(*self._recent_answers(), answer)[-MAX_ANSWERS:])

    def _recent_answers(self) -> list[Answer]:
        oldest = (datetime.now(UTC) - ANSWERS_KEPT).isoformat()
        return [answer for answer in self.answers if answer.time >= oldest]

    def merged(self, other: "Roster", *, restore: bool = False) -> tuple[Self, list[str]]:
        """Return the roster with everybody of another one who is neither here nor was removed here.

        With `restore`, those who were removed here come back, too. Whoever is here stays as they are here. Also return
        a remark on each person who was left out, because the name is taken here by somebody else.

        Raises:
            RosterError: there would be more than MAX_PEOPLE people.
        """
        gone = {*self._numbers, *(() if restore else self.removed)}
        missing = [person for person in other.people if person.id not in gone]
        taken = [person for person in missing if self.named(person.name) is not None]
        remarks = [f'"{person.name}" was left out: there is somebody else of this name.' for person in taken]
        added = [person for person in missing if person not in taken]
        if not added:
            return self, remarks
        if len(self.people) + len(added) > MAX_PEOPLE:
            raise RosterError(
                f"The roster would have {len(self.people) + len(added):,} people. It can have {MAX_PEOPLE:,}."
            )
        back = {person.id for person in added}
        numbers = {other.number_of(person.id): len(self.people) + at for at, person in enumerate(added)}
        rows = np.flatnonzero(np.isin(other.owners, list(numbers)))
        owners = other.owners[rows].tolist()
        revised = (person._replace(revision=self.version + 1, thumbnail=False) for person in added)
        roster = replace(
            self,
            people=(*self.people, *revised),
            embeddings=np.concatenate([self.embeddings, other.embeddings[rows]]),
            owners=np.concatenate([self.owners, np.array([numbers[owner] for owner in owners], np.int64)]),
            near=np.concatenate([self.near, other.near[rows]]),
            penalties=np.concatenate([self.penalties, np.full(len(rows), np.nan, np.float32)]),
            norms=np.concatenate([self.norms, np.full(len(rows), np.nan, np.float32)]),
            removed=tuple(identity for identity in self.removed if identity not in back),
        )
        return roster, remarks

    def numbered(self, version: int) -> Self:
        """Return the roster as the one of this version."""
        return replace(self, version=version)

    def _check_free(self, name: str) -> None:
        taken = self.named(name)
        if taken is not None:
            raise NameTakenError(taken.name, taken.id)

    def _touched(self, person: Person) -> Person:
        return person._replace(changed=now(), revision=self.version + 1)

    def _with_person(self, person: Person) -> Self:
        number = self._numbers[person.id]
        return replace(self, people=(*self.people[:number], person, *self.people[number + 1 :]))

    def _with_rows(self, person: Person, embeddings: FloatArray, qualities: Sequence[float]) -> Self:
        rows = np.concatenate([self.rows(person.id), embeddings.astype(np.float32)])
        scores = (*person.qualities, *(round(float(quality), 3) for quality in qualities))
        kept = most_different(rows, MAX_PHOTOS)
        known = tuple(scores[row] for row in kept) if len(scores) == len(rows) else ()
        person = self._touched(person)._replace(qualities=known)
        return self._with_embeddings(person, rows[kept], self.rows(person.id, near=True))

    def _with_embeddings(self, person: Person, photos: FloatArray, misses: FloatArray) -> Self:
        """Return the roster in which a person has these (K, 512) photos and (M, 512) near misses, and no others."""
        roster = self._with_person(person)
        number, others = self._numbers[person.id], self.owners != self._numbers[person.id]
        count = len(photos) + len(misses)
        return replace(
            roster,
            embeddings=np.concatenate([self.embeddings[others], stored(photos), stored(misses)]),
            owners=np.concatenate([self.owners[others], np.full(count, number)]),
            near=np.concatenate([self.near[others], np.arange(count) >= len(photos)]),
            penalties=np.concatenate([self.penalties[others], np.full(count, np.nan, np.float32)]),
            norms=np.concatenate([self.norms[others], np.full(count, np.nan, np.float32)]),
            nearest=np.where(self.nearest == number, -1, self.nearest),
        )

    def to_bytes(self) -> bytes:
        """Return the content of the file."""
        people = {name: [getattr(person, name) for person in self.people] for name in Person._fields}
        qualities = people["qualities"]
        document = {
            "format": _FORMAT,
            "space": self.space,
            "version": self.version,
            "cohort": self.cohort,
            "people": {**people, "qualities": list(map(len, qualities))},
            "removed": list(self.removed),
            "answers": list(map(asdict, self.answers)),
        }
        file = io.BytesIO()
        np.savez(
            file,
            document=np.frombuffer(json.dumps(document, ensure_ascii=False).encode(), np.uint8),
            embeddings=self.embeddings,
            owners=self.owners.astype(np.int32),
            near=self.near,
            penalties=self.penalties.astype(np.float32),
            norms=self.norms.astype(np.float32),
            strangers=self.strangers.astype(np.float32),
            nearest=self.nearest.astype(np.int32),
            alike=self.alike.astype(np.float32),
            qualities=np.array(list(chain.from_iterable(qualities)), np.float64),
        )
        return file.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Read the content of the file.

        Raises:
            RosterUnreadableError: it is damaged, or a newer version of Visage wrote it.
        """
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as stored:
                arrays = dict(stored)
            document = json.loads(arrays.pop("document").tobytes())
            if document["format"] > _FORMAT:
                raise RosterUnreadableError("A newer version of Visage wrote the roster. Update Visage.")
            roster = cls(
                space=str(document["space"]),
                version=int(document["version"]),
                cohort=str(document["cohort"]),
                people=_people(document["people"], arrays["qualities"]),
                removed=tuple(map(str, document["removed"])),
                answers=tuple(Answer(**fields) for fields in document["answers"]),
                **{name: arrays[name].astype(kind, copy=False, casting="same_kind") for name, kind in _KINDS.items()},
            )
            _check(roster)
        except _DAMAGED as error:
            raise RosterUnreadableError("The roster is damaged. Bring back a former version of it.") from error
        return roster


_KINDS: Final[Mapping[str, Any]] = {
    "embeddings": np.int16,
    "owners": np.int64,
    "near": np.bool_,
    "penalties": np.float32,
    "norms": np.float32,
    "strangers": np.float32,
    "nearest": np.int64,
    "alike": np.float32,
}

_DAMAGED: Final = (*DAMAGED_ARRAYS, LookupError, RecursionError)


def _people(columns: Mapping[str, Any], stored_qualities: npt.NDArray[np.float64]) -> tuple[Person, ...]:
    """Return people by the values of all of them, for each field. One object for each person would be read slower."""
    qualities = stored_qualities.astype(np.float64, casting="same_kind").tolist()
    ends = list(accumulate(columns["qualities"], initial=0))
    if ends[-1] != len(qualities):
        raise ValueError("there are other qualities than people have")
    values = {**columns, "qualities": [tuple(qualities[start:end]) for start, end in pairwise(ends)]}
    return tuple(map(Person._make, zip(*(values[name] for name in Person._fields), strict=True)))


def _check(roster: Roster) -> None:
    """Check that the arrays fit each other.

    Raises:
        ValueError: they do not.
    """
    rows, people = len(roster.owners), len(roster.people)
    fits = (
        roster.embeddings.shape == (rows, 512)
        and len(roster.near) == len(roster.penalties) == len(roster.norms) == rows
        and roster.strangers.shape == roster.nearest.shape == (2, roster.strangers.shape[-1])
        and roster.alike.shape == (2,)
        and (not rows or (roster.owners.min() >= 0 and roster.owners.max() < people))
        and (not roster.nearest.size or (roster.nearest.min() >= -1 and roster.nearest.max() < people))
        and len({person.id for person in roster.people}) == people
        and all(isinstance(person.name, str) and isinstance(person.revision, int) for person in roster.people)
    )
    if not fits:
        raise ValueError("the arrays do not fit each other")


def stored(embeddings: FloatArray) -> Stored:
    """Return (N, 512) unit-length embeddings as a roster keeps them."""
    rows: Stored = np.rint(embeddings * np.float32(UNIT)).astype(np.int16)
    return rows


def restored(rows: Stored) -> FloatArray:
    """Return the (N, 512) float32 embeddings that are kept as `rows`."""
    embeddings: FloatArray = np.multiply(rows, np.float32(1 / UNIT), dtype=np.float32)
    return embeddings


def most_different(embeddings: FloatArray, count: int) -> list[int]:
    """Return the rows, in their order, of at most `count` of (N, 512) embeddings that differ most from each other.

    Again and again, the second of the two that are most alike is left out.
    """
    rows = list(range(len(embeddings)))
    alike = embeddings @ embeddings.T
    np.fill_diagonal(alike, -np.inf)
    while len(rows) > count:
        part = alike[np.ix_(rows, rows)]
        one, other = divmod(int(part.argmax()), len(rows))
        del rows[max(one, other)]
    return rows


def checked_name(name: str) -> str:
    """Return a name as it is kept: in Unicode's NFC form, without spaces around it.

    Raises:
        BadNameError: it cannot be used; the text says why.
    """
    name = normalised(name.strip())
    if not name or not key(name):
        raise BadNameError("The name is empty. Give one that can be seen.")
    if len(name) > MAX_CHARACTERS:
        raise BadNameError(f"The name has {len(name):,} characters. It may have {MAX_CHARACTERS}.")
    if REFUSED.search(name) or not _is_text(name):
        raise BadNameError("The name must be one line, without control characters.")
    found = sorted(set(name) & set(_FORBIDDEN))
    if found or set(name) == {"."}:
        raise BadNameError(f"A name may not contain {' '.join(found)}." if found else "The name has only dots.")
    return name


def _is_text(name: str) -> bool:
    """Whether UTF-8 can encode a name: half of a character cannot be."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def new_id() -> str:
    """Return a new id: 12 of the characters a to z and 2 to 7."""
    return _as_id(secrets.token_bytes(_ID_BYTES))


def trained_id(label: str) -> str:
    """Return the id of a person on whom a network was trained. It is the same in every bundle."""
    return _as_id(hashlib.sha256(f"trained {label}".encode()).digest()[:_ID_BYTES])


def _as_id(data: bytes) -> str:
    return base64.b32encode(data).decode().lower()[:_ID_CHARACTERS]


def now() -> str:
    """Return the time in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
