"""Decides which faces of a pile are one person's, and which people are somebody already.

Faces of one pile have things in common that are nobody's: the camera, the light, the size of the pictures. So the
mean of the pile's people is subtracted, each person counting once; docs/sort.md has what that changes.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from collection.agglomeration import linked
from dataset import copies
from dataset.candidates import Candidate
from model.cohort import FloatArray, normalised
from model.prototypes import IntArray

_FIRST_CUT: Final = 0.52
"""Mean cosine of embeddings as they are from which faces are one person's, to learn the pile's mean from."""

CUT: Final = 0.5
"""Mean cosine, after the pile's mean is subtracted, from which faces are one person's, in a pile of few people."""

_JOINED: Final = 0.06
"""Groups of several faces are one person's already when they are less alike by this: chance moves their mean less."""

_CROWD: Final = (100, 0.06)
"""From this number of people on, the cut rises by so much with each tenfold: more people have more doubles."""

_ATTACHED: Final = (0.38, 0.2)
"""A single face belongs to the person whom it is this much like, and this much more than everybody else."""

_PRIOR: Final = 20
"""So many people the mean of strangers counts as, against the people of the pile."""

LEAST: Final = 3
"""A person has so many different pictures, or more."""

_SUGGESTED: Final = 0.08
"""People who are less alike than one person's groups by no more than this may be one all the same."""

_MOST_SUGGESTED: Final = 50


@dataclass(frozen=True)
class Groups:
    """The group of each of N faces, (N,), -1 for none; and pairs of groups that may be one person, most alike first.

    A group that began as somebody has that number, below `known`; the others are new.
    """

    numbers: IntArray
    known: int
    alike: Sequence[tuple[int, int]]


def group(
    faces: Sequence[Candidate], photos: Sequence[str], owners: IntArray, mean: FloatArray, least: int = LEAST
) -> Groups:
    """Group faces by person; `photos` names the photo of each.

    `owners` (N,) has the number of whoever a face is known to be, from 0, or -1: these faces stay together, and two of
    these people are never made one. `mean` (512,) is that of strangers' embeddings. New people have `least` pictures.
    """
    known = int(owners.max(initial=-1)) + 1
    if not len(faces):
        return Groups(owners, known, ())
    embeddings = np.stack([face.vector() for face in faces])
    centred, people = centre(embeddings, mean)
    numbers = _people(centred, owners, known, cut_of(people), min(least, LEAST))
    numbers = _without_few(numbers, known, faces, photos, least)
    numbers = _with_singles(numbers, centred)
    return Groups(numbers, known, _alike(numbers, centred, cut_of(people) - _JOINED))


def cut_of(people: int) -> float:
    """Return the cut for a pile of about so many people."""
    crowd, rise = _CROWD
    return CUT + rise * max(0.0, math.log10(max(people, 1) / crowd))


def centre(embeddings: FloatArray, mean: FloatArray) -> tuple[FloatArray, int]:
    """Return (N, 512) embeddings less the mean of the pile's people and of strangers, at unit length.

    Also return about how many people the pile shows.
    """
    groups = linked(embeddings, _FIRST_CUT)
    means = _means(groups, embeddings)
    large = np.bincount(groups) >= LEAST
    centred: FloatArray = embeddings - (_PRIOR * mean + means[large].sum(axis=0)) / (_PRIOR + large.sum())
    return normalised(centred.astype(np.float32)), len(means)


def _people(centred: FloatArray, owners: IntArray, known: int, cut: float, least: int) -> IntArray:
    """Return groups of `least` faces or more, of which the known people keep their numbers; -1 is a face in none."""
    single = owners < 0
    begun = owners.copy()
    begun[single] = known + np.arange(single.sum())
    numbers = linked(centred, cut, begun, known)
    sizes = np.bincount(numbers, minlength=known)
    several = (numbers < known) | (sizes[numbers] >= least)
    joined = np.full(len(numbers), -1)
    new = np.unique(numbers[several & (numbers >= known)], return_inverse=True)[1]
    joined[several] = numbers[several]
    joined[several & (numbers >= known)] = known + new
    if several.any():
        joined[several] = linked(centred[several], cut - _JOINED, joined[several], known)
    return joined


def _without_few(
    numbers: IntArray, known: int, faces: Sequence[Candidate], photos: Sequence[str], least: int
) -> IntArray:
    """Return the groups without new people of too few pictures; the numbers of the others stay without gaps."""
    kept, following = numbers.copy(), known
    for number in range(known, int(numbers.max()) + 1):
        rows = np.flatnonzero(numbers == number).tolist()
        enough = len({photos[row] for row in rows}) >= least and has_pictures([faces[row] for row in rows], least)
        kept[rows] = following if enough else -1
        following += enough
    return kept


def has_pictures(faces: Sequence[Candidate], least: int) -> bool:
    """Whether faces are of so many pictures that are not copies of each other."""
    different: list[Candidate] = []
    for face in faces:
        if len(different) >= least:
            break
        if not any(_is_copy(face, other) for other in different):
            different.append(face)
    return len(different) >= least


def _is_copy(face: Candidate, other: Candidate) -> bool:
    alike = float(face.vector() @ other.vector()) >= copies.MIN_COSINE
    return alike and copies.fit(face.picture, other.picture) >= copies.MIN_FIT


def _with_singles(numbers: IntArray, centred: FloatArray) -> IntArray:
    """Return the groups with each single face that is clearly most like one of them."""
    means = _means(numbers, centred)
    free = np.flatnonzero(numbers < 0)
    if not len(means) or not len(free):
        return numbers
    cosines = centred[free] @ means.T
    best = cosines.argmax(axis=1)
    largest = cosines[np.arange(len(free)), best]
    cosines[np.arange(len(free)), best] = -1
    likeness, lead = _ATTACHED
    clear = (largest >= likeness) & (largest - cosines.max(axis=1) >= lead)
    attached = numbers.copy()
    attached[free[clear]] = best[clear]
    return attached


def _means(numbers: IntArray, centred: FloatArray) -> FloatArray:
    """Return the mean of each group, (C, 512), not at unit length: its product is the mean cosine. Zeros of nobody."""
    count = int(numbers.max(initial=-1)) + 1
    sums, members = np.zeros((count, centred.shape[1]), np.float32), numbers >= 0
    np.add.at(sums, numbers[members], centred[members])
    sizes = np.bincount(numbers[members], minlength=count).astype(np.float32)
    sums /= np.maximum(sizes, 1)[:, None]
    return sums


def _alike(numbers: IntArray, centred: FloatArray, cut: float) -> list[tuple[int, int]]:
    means = _means(numbers, centred)
    cosines = np.triu(means @ means.T, 1)
    pairs = np.argwhere(cosines >= cut - _SUGGESTED)
    order = np.argsort(-cosines[tuple(pairs.T)], kind="stable")[:_MOST_SUGGESTED]
    return [(int(one), int(other)) for one, other in pairs[order]]
