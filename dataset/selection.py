"""Decides which photos are kept, which are set aside, and why; and asks the owner what the photos cannot decide."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations, groupby
from typing import Final

import numpy as np

from dataset import neighbours
from dataset.candidates import Candidate, Candidates
from dataset.consensus import AGREEMENT, MIN_PHOTOS, Choice, Consensus, Contender, FaceOfPhoto, FloatArray, FolderFaces
from dataset.copies import same_pictures
from dataset.labels import chip_names
from dataset.overrides import Overrides
from dataset.words import counted

MIN_FACE: Final = 27
"""Pixels of the shorter side. Of 30 web photos, half have a cosine of 0.88 or more between their face's embedding and
that of the same face at 27 pixels, and nine of ten 0.77; at 20 pixels it is 0.74 and 0.64. One of 250 photos of 64
pixels has a smaller face, and 2 of 345 web photos."""

MIN_SHARPNESS: Final = 24.0
"""Variance of the Laplacian under which a face is blurred. It costs as much as MIN_FACE: a Gaussian of 2 % of a face's
width leaves a sharpness of 21 and a cosine of 0.87, one of 3 % leaves 8 and 0.69, medians of the same photos. None of
250 photos of 64 pixels is blurred, and 3 of 355 faces of web photos. Their median has some hundreds."""

DUPLICATE: Final = 0.95
"""Copies of a picture whose faces have a smaller cosine than this are kept: training can learn from the difference."""

SAME_PERSON: Final = 0.8
"""Cosine from which the mean faces of two folders are likely to be one person's."""


MARGIN: Final = 0.1
"""A face that is not this much more similar to the person than to somebody else who is in the person's photos may be
either's: twins."""


FALSE_FACE: Final = (0.6, 0.5)
"""A face with a lower score, and a smaller share of the area of the photo's largest face, may be no face. No picture
without people, of 144, has a face with a higher score, and the best face of none of 410 web photos has a lower one. Of
355 faces in web photos one is such a face, and not the person's."""


class Cause(StrEnum):
    """Why a photo is set aside."""

    UNUSABLE = "unusable"
    DROPPED = "dropped"
    NO_CONSENSUS = "no consensus"
    TIE = "tie"
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


@dataclass(frozen=True, slots=True)
class Option:
    """A possible answer: the text for `--keep`, the chip of the face that it names, and how many photos show who it is.

    `number` is the face's among the `faces` of its photo, counted from the left, from 1.
    """

    keep: str
    thumbnail: str
    number: int
    faces: int
    photos: int


@dataclass(frozen=True, slots=True)
class Question:
    """Who is the person? Several people fit the folder about equally, and one of the options is the answer."""

    person: str
    photos: int
    options: Sequence[Option]

    def __str__(self) -> str:
        """Return the question as a sentence."""
        return (
            f'{counted(len(self.options), "person")} fit the photos of "{self.person}" about equally. All are set '
            "aside until you say who of them it is."
        )


@dataclass(frozen=True)
class Selection:
    """Each photo's outcome, a sentence on everything that looks like a mistake, and what the owner has to decide."""

    outcomes: Sequence[Outcome]
    remarks: Sequence[str]
    questions: Sequence[Question]


def select(found: Sequence[Candidates], overrides: Overrides) -> Selection:
    """Decide on every photo; `found` has the photos of one person after those of another."""
    people = groupby(found, key=lambda photo: photo.person)
    folders = {name: _Folder(list(photos), overrides) for name, photos in people}
    decisions = neighbours.decide({name: folder.faces for name, folder in folders.items() if folder.faces})
    everybody = {name: _PersonPhotos(folder, overrides, decisions.get(name)) for name, folder in folders.items()}
    centres = {name: own.centre for name, own in everybody.items() if own.centre is not None}
    return Selection(
        [outcome for own in everybody.values() for outcome in own.outcomes(centres)],
        [*_same_files(found), *_no_consensus(everybody), *_lookalikes(centres)],
        [question for name, own in everybody.items() if (question := own.question(name))],
    )


class _Folder:
    """One folder's photos; those that may be kept; and the faces in them that may be the person's."""

    def __init__(self, photos: Sequence[Candidates], overrides: Overrides) -> None:
        self.photos = photos
        self.usable = [photo for photo in photos if photo.faces and not overrides.drops(photo.photo)]
        chosen = [overrides.face_of(photo) for photo in self.usable]
        self.answers = {photo.photo: face for photo, face in zip(self.usable, chosen, strict=True) if face is not None}
        self.subjects = [self._subjects(photo) for photo in self.usable]
        self.faces = self._faces(overrides) if self.usable else None

    def _subjects(self, photo: Candidates) -> Sequence[int]:
        """Return the faces that may be the person's; in one or two photos, only those that are good for it."""
        everybody = range(len(photo.faces))
        if len(self.usable) >= MIN_PHOTOS or photo.photo in self.answers:
            return everybody
        largest = max(face.box.area for face in photo.faces)
        return [index for index in everybody if is_good(photo.faces[index], largest)] or everybody

    def _faces(self, overrides: Overrides) -> FolderFaces:
        answers, hints = [], []
        for number, (photo, subjects) in enumerate(zip(self.usable, self.subjects, strict=True)):
            if photo.photo in self.answers:
                answers.append(FaceOfPhoto(number, subjects.index(self.answers[photo.photo])))
            elif len(photo.faces) == 1 and overrides.keeps(photo.photo):
                hints.append(FaceOfPhoto(number, 0))
        vectors = [
            np.stack([photo.faces[index].vector() for index in subjects])
            for photo, subjects in zip(self.usable, self.subjects, strict=True)
        ]
        return FolderFaces(vectors, answers, hints)


class _PersonPhotos:
    """One person's photos, and the consensus on which face is the person's."""

    def __init__(self, folder: _Folder, overrides: Overrides, agreed: Consensus | None) -> None:
        self._folder, self._overrides, self._agreed = folder, overrides, agreed
        self._chips = chip_names(folder.photos[0].person, [photo.photo for photo in folder.photos])
        self.has_faces = agreed is not None
        self.is_tied = bool(agreed and agreed.tied)
        self.centre = agreed.centre if agreed else None
        self._choices = dict(self._chosen(agreed.choices)) if agreed else {}

    def _chosen(self, choices: Sequence[Choice]) -> Iterator[tuple[str, Choice]]:
        """Yield the choice for each photo that may be kept: the face that the owner named, or that of the consensus."""
        for photo, subjects, choice in zip(self._folder.usable, self._folder.subjects, choices, strict=True):
            face = subjects[choice.face]
            answer = self._folder.answers.get(photo.photo, face)
            yield photo.photo, Choice(answer, choice.agreement if answer == face else None, choice.rival)

    def question(self, name: str) -> Question | None:
        """Return what the owner has to decide, if several people fit the folder about equally."""
        if not (self._agreed and self.is_tied):
            return None
        options = map(self._option, self._agreed.tied)
        return Question(
            name, len(self._folder.usable), sorted(options, key=lambda option: (-option.photos, option.keep))
        )

    def _option(self, contender: Contender) -> Option:
        """Return the answer that the folder's person is this contender, by a face that is easy to recognise."""
        usable, subjects = self._folder.usable, self._folder.subjects
        shown = [(usable[at.photo], subjects[at.photo][at.face]) for at in contender.shown]
        photo, face = next(((photo, face) for photo, face in shown if not too_poor(photo.faces[face])), shown[0])
        number = photo.from_left().index(face) + 1
        return Option(f"{photo.photo}#{number}", photo.faces[face].chip, number, len(photo.faces), contender.photos)

    def outcomes(self, centres: dict[str, FloatArray]) -> Iterator[Outcome]:
        """Yield each photo's outcome; `centres` are the mean faces of everybody."""
        objections = {photo.photo: self._objection(photo, centres) for photo in self._folder.photos}
        objections |= self._copies([photo for photo in self._folder.photos if not objections[photo.photo]])
        for photo in self._folder.photos:
            yield self._outcome(photo, objections[photo.photo])

    def _outcome(self, photo: Candidates, objection: Objection | None) -> Outcome:
        choice = self._choices.get(photo.photo)
        face = photo.faces[choice.face if choice else 0] if photo.faces else None
        return Outcome(
            photo.photo,
            photo.person,
            chip=None if objection else self._chips[photo.photo],
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
        if self._is_kept(photo):
            return None
        if self.centre is None:
            return self._nobody(photo)
        choice = self._choices[photo.photo]
        face = photo.faces[choice.face]
        return self._other_person(photo.person, choice, face, centres) or too_poor(face)

    def _is_kept(self, photo: Candidates) -> bool:
        """Whether the owner decided to keep the photo, and it is known whose face is meant."""
        is_clear = self.centre is not None or len(photo.faces) == 1
        return photo.photo in self._folder.answers or (is_clear and self._overrides.keeps(photo.photo))

    def _nobody(self, photo: Candidates) -> Objection:
        """Object to a photo because it is not known who the folder's person is."""
        if self._overrides.keeps(photo.photo):
            faces = counted(len(photo.faces), "face")
            reason = f"It has {faces}. Add to --keep which it is: #1 is the first face from the left."
            return Objection(Cause.TIE, reason)
        if self.is_tied:
            return Objection(Cause.TIE, "Several people fit the photos of this folder about equally. Say who it is.")
        return Objection(Cause.NO_CONSENSUS, "The photos of this folder do not show one person in common.")

    def _other_person(
        self, person: str, choice: Choice, face: Candidate, centres: dict[str, FloatArray]
    ) -> Objection | None:
        """Object to a face that is not the person's: one that nobody has, or one of another folder's person."""
        if choice.agreement is None:
            return None
        if choice.agreement < AGREEMENT:
            reason = f"Its face is not the one in the person's other photos (similarity {choice.agreement:.2f})."
            return Objection(Cause.OTHER_PERSON, reason)
        return self._look_alike(person, choice) or self._neighbour(person, choice, face, centres)

    def _look_alike(self, person: str, choice: Choice) -> Objection | None:
        """Object to a face that is not clearly more similar to the person than to others in the person's photos."""
        agreement, rival = choice.agreement, choice.rival
        if agreement is None or rival is None or agreement - rival >= MARGIN:
            return None
        if rival - agreement >= MARGIN:
            reason = f"It looks more like somebody else in these photos ({rival:.2f}) than like {person} "
            return Objection(Cause.OTHER_PERSON, f"{reason}({agreement:.2f}).")
        reason = f"Somebody else in these photos looks about as much like it ({rival:.2f}) as {person} "
        return Objection(Cause.TIE, f"{reason}({agreement:.2f}). If it is {person}, --keep it.")

    def _neighbour(
        self, person: str, choice: Choice, face: Candidate, centres: dict[str, FloatArray]
    ) -> Objection | None:
        """Object to a face that looks more like the person of another folder."""
        agreement, vector = choice.agreement or 0.0, face.vector()
        rivals = {name: float(centre @ vector) for name, centre in centres.items() if name != person}
        nearest = max(rivals, key=rivals.__getitem__, default=person)
        if rivals.get(nearest, -1) <= agreement or _look_like_one(centres, nearest, person):
            return None
        reason = f"It looks more like {nearest} ({rivals[nearest]:.2f}) than like {person} ({agreement:.2f})."
        return Objection(Cause.OTHER_PERSON, reason)

    def _copies(self, photos: Sequence[Candidates]) -> dict[str, Objection]:
        """Object to every photo that is a copy of a better one: one with --keep, or with a larger face."""
        faces = {photo.photo: photo.faces[self._choices[photo.photo].face] for photo in photos}

        def keeps(name: str) -> bool:
            return name in self._folder.answers or self._overrides.keeps(name)

        names = sorted(faces, key=lambda name: (not keeps(name), -faces[name].box.area, name))
        objections: dict[str, Objection] = {}
        for better, worse in sorted(same_pictures([faces[name] for name in names], DUPLICATE)):
            if names[better] not in objections and not keeps(names[worse]):
                reason = f"It is nearly the same picture as {names[better]}."
                objections.setdefault(names[worse], Objection(Cause.COPY, reason))
        return objections


def is_good(face: Candidate, largest: int) -> bool:
    """Whether a face can be kept, and is probably one: `largest` is the area of the largest face in the photo."""
    score, share = FALSE_FACE
    may_be_false = face.box.score < score and face.box.area < share * largest
    return not (may_be_false or too_poor(face))


def too_poor(face: Candidate) -> Objection | None:
    """Object to a face that is too small or too blurred to be useful."""
    side = min(face.box.width, face.box.height)
    if side < MIN_FACE:
        return Objection(Cause.SMALL, f"The face is too small: {counted(side, 'pixel')}, {MIN_FACE} are needed.")
    if face.sharpness < MIN_SHARPNESS:
        reason = f"The face is too blurred: sharpness {face.sharpness:.0f}, {MIN_SHARPNESS:.0f} is needed."
        return Objection(Cause.BLURRED, reason)
    return None


def _look_like_one(centres: dict[str, FloatArray], one: str, other: str) -> bool:
    return float(centres[one] @ centres[other]) >= SAME_PERSON


def _no_consensus(everybody: dict[str, _PersonPhotos]) -> Iterator[str]:
    for name, own in everybody.items():
        if own.has_faces and own.centre is None and not own.is_tied:
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
    faces = {photo.sha256: len(photo.faces) for photo in found}
    owners: dict[str, set[str]] = {}
    for photo in found:
        if photo.sha256:
            owners.setdefault(photo.sha256, set()).add(photo.person)
    shared = [(pair, faces[file]) for file, people in owners.items() for pair in combinations(sorted(people), 2)]
    alone = Counter(pair for pair, count in shared if count == 1)
    for (one, other), count in Counter(pair for pair, _ in shared).items():
        yield (
            f'"{one}" and "{other}" have {counted(count, "file")} in common. That is normal for photos of both: each '
            f"folder keeps the face of its own person.{_shows_one_face(alone[one, other])}"
        )


def _shows_one_face(count: int) -> str:
    """Return a sentence on the common files that cannot be photos of two people."""
    return (
        f" In {count} of them only one face was found, so that one of the two folders cannot use it." if count else ""
    )
