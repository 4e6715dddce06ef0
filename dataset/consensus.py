"""Decides which face of each photo is the person's, by what the photos of one folder have in common.

The photos of a folder share one person; other people appear in a few of them only. The face that has a similar face in
the most photos is taken for a contender. Then, in rounds, the faces that are similar to the contender's mean face are
collected, and the mean is computed again from them alone. Faces of other people never enter the mean. Among the faces
that are left, the next contender is found in the same way. The person is the contender who is in clearly more photos
than the others. If nobody is, the folder is tied: nobody is chosen, and its owner has to say who the person is.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from typing import Final

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]

SUPPORT: Final = 0.5
"""Cosine from which two faces count as similar. One in a thousand pairs of different people reaches it."""

AGREEMENT: Final = 0.38
"""Cosine with the mean of the person's other photos under which a photo is set aside. Of 395 web photos of ten people,
one was under it; of 3,555 comparisons with another person's mean, three in a thousand reached it."""

MIN_PHOTOS: Final = 3
"""With fewer photos there is no majority: nobody can lead by `_LEAD`."""

_MIN_SHARE: Final = 1 / 3
"""A folder's person must be in at least this share of its photos."""

_POSSIBLE: Final = 0.25
"""Cosine with somebody's mean face from which a face may be theirs, for counting the photos that somebody is in. Of 393
faces of ten people none was under it; of 3,537 comparisons with another person's mean, 5 % reached it."""

_LEAD: Final = (1.5, 0.15)
"""The person must be in more photos than anybody else, by 1.5 photos and 15 % of all. If two people are in every photo,
and the detector misses one face in twenty, the wrong one leads so in at most 1.2 of 100 folders of any size (binomial
distribution). `visage benchmark ties` counts what it decides."""

_ROUNDS: Final = 10


@dataclass(frozen=True, slots=True)
class Choice:
    """A photo's face, an index of its faces, and its cosine with the faces of the person's other photos.

    `agreement` is None where there are no other photos of the person to compare with. `rival` is the highest cosine
    with the other people who could have been the folder's person; None if there are none.
    """

    face: int
    agreement: float | None
    rival: float | None = None


@dataclass(frozen=True, slots=True)
class FaceOfPhoto:
    """Where a face is among a folder's photos: the number of the photo, and the number of the face in it, from 0."""

    photo: int
    face: int


@dataclass(frozen=True, eq=False)
class Contender:
    """Somebody who may be a folder's person: (M,) indices of the folder's faces, one a photo, and their mean (512,).

    `shown` says where the faces are, the most similar to the mean first. `photos` counts the photos that may show the
    contender: there may be poor faces in them that are not among `faces`.
    """

    faces: IntArray
    centre: FloatArray
    shown: Sequence[FaceOfPhoto]
    photos: int


@dataclass(frozen=True)
class Consensus:
    """A choice for each photo, and the person.

    `person` is None if the photos have nobody in common, or if several people fit them about equally: those are `tied`.
    """

    choices: Sequence[Choice]
    person: Contender | None
    tied: Sequence[Contender] = ()

    @property
    def centre(self) -> FloatArray | None:
        """The person's mean embedding (512,); None if there is no person."""
        return self.person.centre if self.person else None


class FolderFaces:
    """The faces of one folder's photos: (K, 512) unit-length embeddings for each photo, the most prominent face first.

    `answers` are faces of which the owner said that they are the person's. `hints` are the faces of kept photos that
    show one face only; they count if the folder is tied.
    """

    def __init__(
        self, photos: Sequence[FloatArray], answers: Sequence[FaceOfPhoto] = (), hints: Sequence[FaceOfPhoto] = ()
    ) -> None:
        self.faces: FloatArray = np.concatenate(photos)
        self._owner: IntArray = np.repeat(np.arange(len(photos)), [len(photo) for photo in photos])
        self._count = len(photos)
        self._first: IntArray = np.searchsorted(self._owner, np.arange(self._count))
        self._answers, self._hints = self._indices(answers), self._indices(hints)

    def _indices(self, faces: Sequence[FaceOfPhoto]) -> IntArray:
        return np.array([self._first[face.photo] + face.face for face in faces], np.int64)

    @property
    def is_answered(self) -> bool:
        """Whether the owner said which face is the person's."""
        return len(self._answers) > 0

    def _located(self, index: int) -> FaceOfPhoto:
        photo = int(self._owner[index])
        return FaceOfPhoto(photo, int(index - self._first[photo]))

    @cached_property
    def contenders(self) -> Sequence[Contender]:
        """Everybody in a third of the photos, or in about as many as the first; who is in the most comes first."""
        groups = list(self._groups())
        close = [group for group in groups if not self._leads(len(groups[0]), len(group))]
        if len(close) > 1 and self._count >= MIN_PHOTOS:
            groups = [*_separate(self.faces, self._owner, close), *groups[len(close) :]]
        groups = [group for group in groups if len(group)]
        taken = np.concatenate(groups) if groups else self._answers
        contenders = [self._contender(group, np.setdiff1d(taken, group)) for group in groups]
        return sorted(contenders, key=lambda contender: -contender.photos)

    def _groups(self) -> Iterator[IntArray]:
        """Yield the faces of each contender, whoever is in the most photos first."""
        if self._count < MIN_PHOTOS:
            yield from sorted(_linked(self.faces, self._owner), key=len, reverse=True)
            return
        free: IntArray = np.arange(len(self.faces))
        most = None
        while len(free):
            seed = _seed(self.faces[free], self._owner[free], SUPPORT if most is None else AGREEMENT)
            if len(seed) < (max(2, _MIN_SHARE * self._count) if most is None else 2):
                return
            group = free[_gather(self.faces[free], self._owner[free], seed)]
            if len(group) < 2 or (most and len(group) < _MIN_SHARE * self._count and self._leads(most, len(group))):
                return
            yield group
            most = most or len(group)
            free = np.setdiff1d(free, group)

    def _leads(self, photos: int, others: int) -> bool:
        """Whether somebody in `photos` photos is clearly ahead of somebody in `others` photos."""
        photos_more, share_more = _LEAD
        return photos - others >= photos_more + share_more * self._count

    def _contender(self, group: IntArray, others: IntArray) -> Contender:
        """Return the contender with a group of faces; `others` are faces of somebody else."""
        possible = np.flatnonzero(_agreement(self.faces, self._owner, group) >= _POSSIBLE)
        photos = np.unique(self._owner[np.union1d(group, np.setdiff1d(possible, others))])
        centre = _centre(self.faces[group])
        typical = group[np.argsort(-self.faces[group] @ centre, kind="stable")]
        return Contender(group, centre, [self._located(int(face)) for face in typical], len(photos))

    def decide(self, explained: Collection[int] = ()) -> Consensus:
        """Return who the folder's person is; `explained` are the contenders, by index, who have other folders."""
        if len(self._answers):
            return self._answered(self._answers)
        if not self.contenders:
            return Consensus(self._first_faces(), None)
        possible = self._possible(explained)
        if len(possible) == 1:
            others = [other for other in self.contenders if other is not possible[0]] if explained else []
            return self._chosen(possible[0], others)
        return self.undecided(possible)

    def _possible(self, explained: Collection[int]) -> Sequence[Contender]:
        """Return the contenders who fit about equally.

        Whoever has another folder is left out, unless nobody else is in about as many photos.
        """
        others = [self.contenders[index] for index in sorted(explained)]
        own = [contender for contender in self.contenders if contender not in others] or others
        close = [contender for contender in own if not self._leads(own[0].photos, contender.photos)]
        if own is not others and others and self._leads(others[0].photos, own[0].photos):
            return [others[0], *close]
        return close

    def undecided(self, possible: Sequence[Contender] | None = None) -> Consensus:
        """Return that the owner has to choose between contenders, by default all of them, unless the hints decide."""
        return self._answered(self._hints) if len(self._hints) else self._tie(possible or self.contenders)

    def _tie(self, tied: Sequence[Contender]) -> Consensus:
        return Consensus(self._first_faces(), None, tied)

    def _answered(self, answers: IntArray) -> Consensus:
        """Return the consensus for the contender whom the owner's answers show; a tie if they show several equally."""
        votes = Counter(shown for face in answers if (shown := self._shown_by(int(face))))
        if len(votes) > 1 and len(set(votes.values())) == 1:
            return self._tie(list(votes))
        person = votes.most_common(1)[0][0] if votes else self._contender(self._like(answers), answers)
        return self._chosen(person, [other for other in self.contenders if not _overlap(other, person)])

    def _shown_by(self, face: int) -> Contender | None:
        """Return the contender whom a face shows, if any."""
        for contender in self.contenders:
            if face in contender.faces:
                return contender
        agreements = [(float(self.faces[face] @ contender.centre), contender) for contender in self.contenders]
        agreement, nearest = max(agreements, key=itemgetter(0), default=(0.0, None))
        return nearest if agreement >= AGREEMENT else None

    def _like(self, answers: IntArray) -> IntArray:
        """Return the faces that are similar to those of the answers, which are nobody's among the contenders."""
        similarity: FloatArray = (self.faces @ self.faces[answers].T).max(axis=1)
        chosen = _best_of_each_photo(similarity, self._owner)
        similar = chosen[similarity[chosen] >= SUPPORT]
        return np.union1d(_gather(self.faces, self._owner, similar), answers)

    def _chosen(self, person: Contender, others: Sequence[Contender]) -> Consensus:
        """Return the choices for a person. A face of somebody else is chosen only where there is no other."""
        agreement = _agreement(self.faces, self._owner, person.faces)
        score = agreement - 2 * np.isin(np.arange(len(agreement)), [face for other in others for face in other.faces])
        rivals = [_agreement(self.faces, self._owner, other.faces) for other in others]
        rival = np.max(rivals, axis=0) if rivals else None
        return Consensus(
            [
                Choice(
                    self._located(face).face,
                    None if self._is_alone(face, person) else float(agreement[face]),
                    None if rival is None else float(rival[face]),
                )
                for face in _best_of_each_photo(score, self._owner)
            ],
            person,
        )

    def _is_alone(self, face: int, person: Contender) -> bool:
        """Whether there is nothing to compare the person's face in a photo with."""
        if self._count < MIN_PHOTOS and face in person.faces:
            return True
        return bool((self._owner[person.faces] == self._owner[face]).all())

    def _first_faces(self) -> list[Choice]:
        return [Choice(0, None)] * self._count


def _linked(faces: FloatArray, owner: IntArray) -> list[IntArray]:
    """Return the faces of each person in one or two photos: the most similar ones of two photos are one person's."""
    first, second = np.flatnonzero(owner == 0), np.flatnonzero(owner == 1)
    linked = [np.array(pair) for pair in _pairs(faces[first] @ faces[second].T, AGREEMENT, first, second)]
    rest = np.setdiff1d(np.arange(len(faces)), np.concatenate(linked) if linked else [])
    return [*linked, *rest.reshape(-1, 1)]


def _separate(faces: FloatArray, owner: IntArray, groups: Sequence[IntArray]) -> Sequence[IntArray]:
    """Give each face to the person it is most similar to: siblings who are in the same photos have similar faces.

    Nobody is in one photo twice.
    """
    people: IntArray = np.arange(len(groups))
    photos = np.split(np.arange(len(faces)), np.flatnonzero(np.diff(owner)) + 1)
    for _ in range(_ROUNDS):
        scores = np.stack([_agreement(faces, owner, group) for group in groups], axis=1)
        pairs = [pair for photo in photos for pair in _pairs(scores[photo], AGREEMENT, photo, people)]
        separated = [np.array([face for face, person in pairs if person == number], np.int64) for number in people]
        if all(map(np.array_equal, separated, groups)):
            break
        groups = separated
    return groups


def _pairs(scores: FloatArray, least: float, rows: IntArray, columns: IntArray) -> list[tuple[int, int]]:
    """Pair each row with one column at most, the highest score first, as long as it is `least`; return their names."""
    pairs: list[tuple[int, int]] = []
    left = np.where(scores >= least, scores, -np.inf)
    while left.size and left.max() > -np.inf:
        row, column = np.unravel_index(left.argmax(), left.shape)
        pairs.append((int(rows[row]), int(columns[column])))
        left[row], left[:, column] = -np.inf, -np.inf
    return pairs


def _overlap(one: Contender, other: Contender) -> bool:
    return 2 * int(np.isin(one.faces, other.faces).sum()) >= one.photos


def _seed(faces: FloatArray, owner: IntArray, least: float) -> IntArray:
    """Return the most similar face of each photo to the face that has similar ones in the most photos.

    Faces are similar from the cosine `least` on.
    """
    similarity = faces @ faces.T
    starts = np.searchsorted(owner, np.unique(owner))
    support = np.maximum.reduceat(similarity, starts, axis=1)  # (faces, photos): the most similar face of each photo
    votes = (support >= least).sum(axis=1) + support.mean(axis=1)  # the mean settles ties
    best = int(np.argmax(votes))
    supporting = np.where(similarity[best] >= least, similarity[best], -1)
    chosen = _best_of_each_photo(supporting, owner)
    return chosen[supporting[chosen] > 0]


def _gather(faces: FloatArray, owner: IntArray, members: IntArray) -> IntArray:
    """Return the faces, one a photo, that are similar to their own mean; `members` are those to begin with."""
    for _ in range(_ROUNDS):
        agreement = _agreement(faces, owner, members)
        chosen = _best_of_each_photo(agreement, owner)
        gathered = chosen[agreement[chosen] >= AGREEMENT]
        if np.array_equal(gathered, members):
            break
        members = gathered
    return members


def _agreement(faces: FloatArray, owner: IntArray, members: IntArray) -> FloatArray:
    """Return every face's cosine with the mean of the members that are of other photos."""
    total = faces[members].sum(axis=0)
    own = np.zeros((owner[-1] + 1, faces.shape[1]), faces.dtype)
    own[owner[members]] = faces[members]
    others = total - own[owner]
    lengths = np.linalg.norm(others, axis=1)
    agreement: FloatArray = np.einsum("fd,fd->f", faces, others) / np.maximum(lengths, 1e-9)
    return agreement


def _best_of_each_photo(score: FloatArray, owner: IntArray) -> IntArray:
    """Return the index of each photo's face with the highest score."""
    order = np.lexsort((-score, owner))
    return order[np.searchsorted(owner[order], np.unique(owner))]


def _centre(faces: FloatArray) -> FloatArray:
    mean = faces.mean(axis=0)
    centre: FloatArray = mean / np.linalg.norm(mean)
    return centre
