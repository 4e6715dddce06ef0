"""Decides which photos are kept, which are set aside, and why."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import combinations, groupby
from pathlib import Path
from typing import Final, Self

import numpy as np

from dataset import consensus
from dataset.candidates import Candidate, Candidates
from dataset.consensus import AGREEMENT, Choice, FloatArray
from dataset.errors import PrepareError
from dataset.labels import normalised
from preprocess.files import read_json, write_text

MIN_FACE: Final = 32
"""Pixels. In web photos, embeddings of smaller faces differ too much from the same person's large faces."""

MIN_SHARPNESS: Final = 24.0
"""Variance of the Laplacian under which a face is blurred. The median web photo has some hundreds."""

MAX_HASH_DISTANCE: Final = 4
"""Photos whose hashes differ in more bits than this are different pictures."""

DUPLICATE: Final = 0.95
"""Photos whose faces have a smaller cosine than this are different pictures."""

SAME_PERSON: Final = 0.8
"""Cosine from which the mean faces of two folders are likely to be one person's."""


class Cause(StrEnum):
    """Why a photo is set aside."""

    UNUSABLE = "unusable"
    DROPPED = "dropped"
    NO_CONSENSUS = "no consensus"
    OTHER_PERSON = "other person"
    SMALL = "small"
    BLURRED = "blurred"
    COPY = "copy"


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a photo should be set aside: the kind of reason, and a sentence."""

    cause: Cause
    reason: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """The decision on one photo: its chip, or why it has none.

    Paths are relative, with slashes: `photo` to the photos, `chip` and `thumbnail` to the aligned faces. `faces` counts
    those found, `agreement` is the cosine with the mean of the person's other photos. The file of a photo that is not
    `complete` ends early.
    """

    photo: str
    person: str
    chip: str | None = None
    cause: Cause | None = None
    reason: str | None = None
    agreement: float | None = None
    faces: int = 0
    thumbnail: str | None = None
    complete: bool = True


@dataclass
class Overrides:
    """Photos, by name in NFC, that the owner decided to keep or to drop; they are remembered from call to call."""

    keep: set[str] = field(default_factory=set)
    drop: set[str] = field(default_factory=set)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the decisions of earlier calls.

        Raises:
            PrepareError: the file is damaged.
        """
        if not path.exists():
            return cls()
        try:
            return cls(**{name: set(map(normalised, photos)) for name, photos in read_json(path).items()})
        except (ValueError, TypeError, AttributeError) as error:
            raise PrepareError(f"{path} is damaged. Delete it, and give your --keep and --drop again.") from error

    def add(self, keep: Iterable[str], drop: Iterable[str]) -> None:
        """Add the decisions of this call, which replace earlier ones on the same photos."""
        kept, dropped = set(map(normalised, keep)), set(map(normalised, drop))
        self.keep = (self.keep | kept) - dropped
        self.drop = (self.drop - kept) | dropped

    def keeps(self, photo: str) -> bool:
        """Whether the owner decided to keep a photo."""
        return normalised(photo) in self.keep

    def drops(self, photo: str) -> bool:
        """Whether the owner decided to drop a photo."""
        return normalised(photo) in self.drop

    def without(self, name: str) -> Self:
        """Return the decisions on the photos of everybody but one person."""
        person = normalised(name)
        others = [{photo for photo in photos if photo.partition("/")[0] != person} for photos in (self.keep, self.drop)]
        return type(self)(*others)

    def write(self, path: Path) -> None:
        """Write the file that `read` reads."""
        write_text(path, json.dumps({"keep": sorted(self.keep), "drop": sorted(self.drop)}, indent=1))


def select(found: Sequence[Candidates], overrides: Overrides) -> tuple[list[Outcome], list[str]]:
    """Return the outcome of each photo, in order, and a sentence on everything that looks like a mistake.

    `found` has the photos of one person after those of another.
    """
    people = {name: list(photos) for name, photos in groupby(found, key=lambda photo: photo.person)}
    everybody = {name: _PersonPhotos(photos, overrides) for name, photos in people.items()}
    centres = {name: own.centre for name, own in everybody.items() if own.centre is not None}
    outcomes = [outcome for own in everybody.values() for outcome in own.outcomes(centres)]
    return outcomes, [*_no_consensus(everybody), *_lookalikes(centres), *_same_files(found)]


class _PersonPhotos:
    """One person's photos, and the consensus on which face is the person's."""

    def __init__(self, photos: Sequence[Candidates], overrides: Overrides) -> None:
        self._photos, self._overrides = photos, overrides
        self._usable = [photo for photo in photos if photo.faces and not overrides.drops(photo.photo)]
        vectors = [np.stack([face.vector() for face in photo.faces]) for photo in self._usable]
        agreed = consensus.find(vectors) if vectors else None
        self.has_faces = bool(vectors)
        self.centre = agreed.centre if agreed else None
        self._choices = dict(zip((p.photo for p in self._usable), agreed.choices if agreed else (), strict=True))

    def outcomes(self, centres: dict[str, FloatArray]) -> Iterator[Outcome]:
        """Yield each photo's outcome; `centres` are the mean faces of everybody."""
        objections = {photo.photo: self._objection(photo, centres) for photo in self._photos}
        objections |= self._copies([photo for photo in self._photos if not objections[photo.photo]])
        for photo in self._photos:
            yield self._outcome(photo, objections[photo.photo])

    def _outcome(self, photo: Candidates, objection: Objection | None) -> Outcome:
        choice = self._choices.get(photo.photo)
        face = photo.faces[choice.face if choice else 0] if photo.faces else None
        return Outcome(
            photo.photo,
            photo.person,
            chip=None if objection else f"{photo.photo}.jpg",
            cause=objection.cause if objection else None,
            reason=objection.reason if objection else None,
            agreement=choice.agreement if choice else None,
            faces=len(photo.faces),
            thumbnail=face.chip if face else photo.thumbnail,
            complete=photo.complete,
        )

    def _objection(self, photo: Candidates, centres: dict[str, FloatArray]) -> Objection | None:
        """Return why a photo should be set aside, whatever the other photos are; None if it should not."""
        if not photo.faces:
            return Objection(Cause.UNUSABLE, str(photo.reason))
        if self._overrides.drops(photo.photo):
            return Objection(Cause.DROPPED, "You dropped it.")
        if self._overrides.keeps(photo.photo):
            return None
        if self.centre is None:
            return Objection(Cause.NO_CONSENSUS, "The photos of this folder do not show one person in common.")
        choice = self._choices[photo.photo]
        face = photo.faces[choice.face]
        return self._other_person(photo.person, choice, face, centres) or _too_poor(face)

    def _other_person(
        self, person: str, choice: Choice, face: Candidate, centres: dict[str, FloatArray]
    ) -> Objection | None:
        """Object to a face that is not the person's: one that nobody has, or one of another folder's person."""
        if choice.agreement is None:
            return None
        if choice.agreement < AGREEMENT:
            reason = f"Its face is not the one in the person's other photos (similarity {choice.agreement:.2f})."
            return Objection(Cause.OTHER_PERSON, reason)
        vector = face.vector()
        rivals = {name: float(centre @ vector) for name, centre in centres.items() if name != person}
        nearest = max(rivals, key=rivals.__getitem__, default=person)
        if rivals.get(nearest, -1) <= choice.agreement or _look_like_one(centres, nearest, person):
            return None
        reason = f"It looks more like {nearest} ({rivals[nearest]:.2f}) than like {person} ({choice.agreement:.2f})."
        return Objection(Cause.OTHER_PERSON, reason)

    def _copies(self, photos: Sequence[Candidates]) -> dict[str, Objection]:
        """Object to every photo that is a copy of a better one: one with --keep, or with a larger face."""
        faces = {photo.photo: photo.faces[self._choices[photo.photo].face] for photo in photos}
        keeps = self._overrides.keeps
        originals: list[str] = []
        objections: dict[str, Objection] = {}
        for name in sorted(faces, key=lambda name: (not keeps(name), -faces[name].box.area, name)):
            original = next((other for other in originals if _is_copy(faces[name], faces[other])), None)
            if original and not keeps(name):
                objections[name] = Objection(Cause.COPY, f"It is nearly the same picture as {original}.")
            else:
                originals.append(name)
        return objections


def _too_poor(face: Candidate) -> Objection | None:
    """Object to a face that is too small or too blurred to be useful."""
    side = min(face.box.width, face.box.height)
    if side < MIN_FACE:
        return Objection(Cause.SMALL, f"The face is too small: {side} pixels, {MIN_FACE} are needed.")
    if face.sharpness < MIN_SHARPNESS:
        reason = f"The face is too blurred: sharpness {face.sharpness:.0f}, {MIN_SHARPNESS:.0f} is needed."
        return Objection(Cause.BLURRED, reason)
    return None


def _is_copy(face: Candidate, other: Candidate) -> bool:
    distance = (int(face.image_hash, 16) ^ int(other.image_hash, 16)).bit_count()
    return distance <= MAX_HASH_DISTANCE and float(face.vector() @ other.vector()) >= DUPLICATE


def _look_like_one(centres: dict[str, FloatArray], one: str, other: str) -> bool:
    return float(centres[one] @ centres[other]) >= SAME_PERSON


def _no_consensus(everybody: dict[str, _PersonPhotos]) -> Iterator[str]:
    for name, own in everybody.items():
        if own.has_faces and own.centre is None:
            yield (
                f'The photos of "{name}" do not show one person in common: no face is similar to one in a third of '
                "them. All are set aside. Look at the report, and --keep those that are right."
            )


def _lookalikes(centres: dict[str, FloatArray]) -> Iterator[str]:
    for one, other in combinations(centres, 2):
        if _look_like_one(centres, one, other):
            similarity = float(centres[one] @ centres[other])
            yield (
                f'"{one}" and "{other}" look like one person (similarity {similarity:.2f}). If they are, put their '
                "photos into one folder. If they are twins, they will be confused with each other."
            )


def _same_files(found: Sequence[Candidates]) -> Iterator[str]:
    """Yield a remark on each pair of people whose folders hold the same files."""
    owners: dict[str, set[str]] = {}
    for photo in found:
        if photo.sha256:
            owners.setdefault(photo.sha256, set()).add(photo.person)
    shared = Counter(pair for people in owners.values() for pair in combinations(sorted(people), 2))
    for (one, other), files in shared.items():
        yield f'"{one}" and "{other}" have {files} {"file" if files == 1 else "files"} in common.'
