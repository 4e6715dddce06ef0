"""Which photos are kept, which are set aside, and why."""

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
from dataset.candidates import Candidate, Candidates, FloatArray
from dataset.consensus import AGREEMENT, Choice
from dataset.errors import PrepareError

MIN_FACE: Final = 32
"""Pixels. Of web photos, smaller faces are hardly alike to the same person's large ones; from 37 on they are."""

MIN_SHARPNESS: Final = 24.0
"""Variance of the Laplacian under which a face is blurred. The median web photo has some hundreds."""

MAX_HASH_DISTANCE: Final = 4
DUPLICATE: Final = 0.95
"""Two photos are one picture where their hashes differ in at most so many bits and their cosine is at least this."""

TWINS: Final = 0.8
"""Cosine from which the mean faces of two people are likely to be one person's."""


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
    """What speaks against a photo: the kind of thing, and a sentence."""

    cause: Cause
    reason: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one photo: its chip, or why it has none.

    Paths are relative, with slashes: `photo` to the photos, `chip` and `thumbnail` to the aligned faces. `faces` counts
    those found, `agreement` is the cosine with the mean of the person's other photos.
    """

    photo: str
    person: str
    chip: str | None = None
    cause: Cause | None = None
    reason: str | None = None
    agreement: float | None = None
    faces: int = 0
    thumbnail: str | None = None


@dataclass
class Overrides:
    """Photos that the owner wants kept or dropped whatever their faces say; remembered from call to call."""

    keep: set[str] = field(default_factory=set)
    drop: set[str] = field(default_factory=set)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what earlier calls were told.

        Raises:
            PrepareError: the file is damaged.
        """
        if not path.exists():
            return cls()
        try:
            return cls(**{name: set(photos) for name, photos in json.loads(path.read_text(encoding="utf-8")).items()})
        except (ValueError, TypeError, AttributeError) as error:
            raise PrepareError(f"{path} is damaged. Delete it, and give your --keep and --drop again.") from error

    def add(self, keep: Iterable[str], drop: Iterable[str]) -> None:
        """Add what this call is told; the last word counts."""
        self.keep = (self.keep | set(keep)) - set(drop)
        self.drop = (self.drop - set(keep)) | set(drop)

    def write(self, path: Path) -> None:
        """Remember."""
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part")
        unfinished.write_text(json.dumps({"keep": sorted(self.keep), "drop": sorted(self.drop)}, indent=1), "utf-8")
        unfinished.replace(path)


def select(found: Sequence[Candidates], overrides: Overrides) -> tuple[list[Outcome], list[str]]:
    """Return what becomes of each photo, in order, and a sentence for everything that is odd about the people.

    `found` has the photos of one person after those of another.
    """
    people = {name: list(photos) for name, photos in groupby(found, key=lambda photo: photo.person)}
    views = {name: _View(photos, overrides) for name, photos in people.items()}
    centres = {name: view.centre for name, view in views.items() if view.centre is not None}
    outcomes = [outcome for view in views.values() for outcome in view.outcomes(centres)]
    return outcomes, [*_no_consensus(views), *_twins(centres), *_same_files(found)]


class _View:
    """One person's photos, and whom they agree on."""

    def __init__(self, photos: Sequence[Candidates], overrides: Overrides) -> None:
        self._photos, self._overrides = photos, overrides
        self._offering = [photo for photo in photos if photo.faces and photo.photo not in overrides.drop]
        vectors = [np.stack([face.vector() for face in photo.faces]) for photo in self._offering]
        agreed = consensus.find(vectors) if vectors else None
        self.has_faces = bool(vectors)
        self.centre = agreed.centre if agreed else None
        self._choices = dict(zip((p.photo for p in self._offering), agreed.choices if agreed else (), strict=True))

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
        )

    def _objection(self, photo: Candidates, centres: dict[str, FloatArray]) -> Objection | None:
        """Return what speaks against a photo by itself; None if nothing does."""
        if not photo.faces:
            return Objection(Cause.UNUSABLE, str(photo.reason))
        if photo.photo in self._overrides.drop:
            return Objection(Cause.DROPPED, "You dropped it.")
        if photo.photo in self._overrides.keep:
            return None
        if self.centre is None:
            return Objection(Cause.NO_CONSENSUS, "The photos of this folder show no one person.")
        choice = self._choices[photo.photo]
        face = photo.faces[choice.face]
        return self._other_person(photo.person, choice, face, centres) or _too_poor(face)

    def _other_person(
        self, person: str, choice: Choice, face: Candidate, centres: dict[str, FloatArray]
    ) -> Objection | None:
        """Return whether a face is somebody else's: nobody's that we know, or another folder's."""
        if choice.agreement is None:
            return None
        if choice.agreement < AGREEMENT:
            reason = f"Its face is not the one that the other photos show (alike {choice.agreement:.2f})."
            return Objection(Cause.OTHER_PERSON, reason)
        vector = face.vector()
        rivals = {name: float(centre @ vector) for name, centre in centres.items() if name != person}
        nearest = max(rivals, key=rivals.__getitem__, default=person)
        if rivals.get(nearest, -1) <= choice.agreement or _are_twins(centres, nearest, person):
            return None
        reason = f"It looks more like {nearest} ({rivals[nearest]:.2f}) than like {person} ({choice.agreement:.2f})."
        return Objection(Cause.OTHER_PERSON, reason)

    def _copies(self, photos: Sequence[Candidates]) -> dict[str, Objection]:
        """Object to every photo that shows what a better one shows; kept and large ones come first."""
        faces = {photo.photo: photo.faces[self._choices[photo.photo].face] for photo in photos}
        keep = self._overrides.keep
        originals: list[str] = []
        objections: dict[str, Objection] = {}
        for name in sorted(faces, key=lambda name: (name not in keep, -faces[name].box.area, name)):
            original = next((other for other in originals if _is_copy(faces[name], faces[other])), None)
            if original and name not in keep:
                objections[name] = Objection(Cause.COPY, f"It is nearly the same picture as {original}.")
            else:
                originals.append(name)
        return objections


def _too_poor(face: Candidate) -> Objection | None:
    """Return what a face lacks to be of help."""
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


def _are_twins(centres: dict[str, FloatArray], one: str, other: str) -> bool:
    return float(centres[one] @ centres[other]) >= TWINS


def _no_consensus(views: dict[str, _View]) -> Iterator[str]:
    for name, view in views.items():
        if view.has_faces and view.centre is None:
            yield (
                f'The photos of "{name}" show no one person: no face agrees with a third of them. All are set '
                "aside. Look at the report, and --keep those that are right."
            )


def _twins(centres: dict[str, FloatArray]) -> Iterator[str]:
    for one, other in combinations(centres, 2):
        if _are_twins(centres, one, other):
            alike = float(centres[one] @ centres[other])
            yield (
                f'"{one}" and "{other}" look like one person (alike {alike:.2f}). If they are, put their photos '
                "into one folder; twins will be taken for each other."
            )


def _same_files(found: Sequence[Candidates]) -> Iterator[str]:
    """Tell of people whose folders hold the same files."""
    owners: dict[str, set[str]] = {}
    for photo in found:
        if photo.sha256:
            owners.setdefault(photo.sha256, set()).add(photo.person)
    shared = Counter(pair for people in owners.values() for pair in combinations(sorted(people), 2))
    for (one, other), files in shared.items():
        yield f'"{one}" and "{other}" have {files} {"file" if files == 1 else "files"} in common.'
