"""Chooses the face of one person in each of several photos, and says why a photo cannot be used.

A face is chosen if it is the only one in its photo, if the owner says which it is, or if it is like the person's other
photos. Where that is not clear, the photo is not used: the owner must say which face is meant.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

import numpy as np

from model.cohort import Cohort, FloatArray
from model.roster import Flags
from preprocess.appearance import Appearance
from preprocess.detect import Box
from preprocess.photo import RGBArray

UNLIKE: Final = 0.3
"""Two photos of a person are rarely less alike: 0.6 % of the pairs of LFW whom nothing was measured on."""

LIKE: Final = 0.45
"""Photos of two people are rarely more alike: 0.1 % of these pairs."""

CLEARLY: Final = 0.15
"""By how much a face must be more like the person than every other face in its photo."""

SAME_PHOTO: Final = 0.995
"""Photos that are more alike are the same one, or a copy of other size."""

CONSIDERED: Final = 8
"""So many of a photo's faces, the most prominent, may be the person if the owner does not say which it is."""


class ChosenBy(StrEnum):
    """Why a face was chosen."""

    ONLY_FACE = "only_face"
    NUMBER = "face"
    OTHER_PHOTOS = "other_photos"


class Refusal(StrEnum):
    """Why a photo with faces was not used."""

    SEVERAL = "several-faces"
    UNLIKE = "unlike-others"
    SAME = "same-photo"
    NO_SUCH_FACE = "unknown-face"


@dataclass(frozen=True, slots=True)
class Seen:
    """The N faces of a photo, the most prominent first, and its size in pixels.

    `embeddings` are (N, 512), `chips` (N, S, S, 3) uint8 RGB.
    """

    boxes: tuple[Box, ...]
    appearances: tuple[Appearance, ...]
    embeddings: FloatArray
    chips: RGBArray
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Choice:
    """What became of a photo, numbered from 1: `face` is the number of its chosen face, None if it is not used.

    `seen` is None and `error` is set if no faces could be found in it.
    """

    photo: int
    seen: Seen | None = None
    error: Exception | None = None
    face: int | None = None
    chosen_by: ChosenBy | None = None
    refusal: Refusal | None = None

    @property
    def appearance(self) -> Appearance | None:
        """How the chosen face looks; None if none was chosen."""
        return self.seen.appearances[self.face - 1] if self.seen and self.face else None

    @property
    def quality(self) -> float:
        """The quality of the chosen face, 0 to 1."""
        seen, row = self._chosen()
        return seen.appearances[row].quality.score

    @property
    def chip(self) -> RGBArray:
        """The (S, S, 3) uint8 RGB chip of the chosen face."""
        seen, row = self._chosen()
        chip: RGBArray = seen.chips[row]
        return chip

    @property
    def embedding(self) -> FloatArray:
        """The (1, 512) embedding of the chosen face."""
        seen, row = self._chosen()
        return seen.embeddings[row : row + 1]

    def _chosen(self) -> tuple[Seen, int]:
        if self.seen is None or self.face is None:
            raise ValueError("no face was chosen")
        return self.seen, self.face - 1


def choose(
    photos: Sequence[Seen | Exception], numbers: Sequence[int | None], former: FloatArray, cohort: Cohort
) -> list[Choice]:
    """Choose the person's face in each photo, by the `numbers` that the owner gave for some of them.

    `former` (K, 512) are the embeddings of the person's photos that are there already.
    """
    choices = [_first(number, photo, face) for number, (photo, face) in enumerate(zip(photos, numbers, strict=True), 1)]
    choices = _agreeing(choices, cohort.centred(former), cohort)
    known = np.concatenate([former, *(choice.embedding for choice in choices if choice.face)])
    choices = [_by_others(choice, known, cohort) if _is_open(choice) else choice for choice in choices]
    return _without_copies(choices, former)


def _first(number: int, photo: Seen | Exception, face: int | None) -> Choice:
    """Choose the face that the owner names, or the only one."""
    if isinstance(photo, Exception):
        return Choice(number, error=photo)
    count = len(photo.boxes)
    if face is not None and face > count:
        return Choice(number, photo, refusal=Refusal.NO_SUCH_FACE)
    if face is not None:
        return Choice(number, photo, face=face, chosen_by=ChosenBy.NUMBER)
    return Choice(number, photo, face=1, chosen_by=ChosenBy.ONLY_FACE) if count == 1 else Choice(number, photo)


def _is_open(choice: Choice) -> bool:
    return choice.seen is not None and choice.face is None and choice.refusal is None


def _agreeing(choices: list[Choice], former: FloatArray, cohort: Cohort) -> list[Choice]:
    """Refuse each only face that is unlike the person's other photos; what the owner named is the person."""
    alone = [choice for choice in choices if choice.chosen_by is ChosenBy.ONLY_FACE]
    named = [choice.embedding for choice in choices if choice.chosen_by is ChosenBy.NUMBER]
    trusted = np.concatenate([former, *map(cohort.centred, named)])
    if not alone:
        return choices
    faces = cohort.centred(np.concatenate([choice.embedding for choice in alone]))
    accepted = _connected(faces, trusted)
    refused = {choice.photo for choice, is_like in zip(alone, accepted, strict=True) if not is_like}
    return [
        replace(choice, face=None, chosen_by=None, refusal=Refusal.UNLIKE) if choice.photo in refused else choice
        for choice in choices
    ]


def _connected(faces: FloatArray, trusted: FloatArray) -> Flags:
    """Return which of (N, 512) faces are like trusted ones, directly or through others that are.

    Where none is trusted, that is the face which is like the most others.
    """
    alike = faces @ faces.T >= UNLIKE
    accepted: Flags = np.any(faces @ trusted.T >= UNLIKE, axis=1)
    if not len(trusted):
        accepted[alike.sum(axis=1).argmax()] = True
    for _ in faces:
        accepted |= alike[:, accepted].any(axis=1)
    return accepted


def _by_others(choice: Choice, known: FloatArray, cohort: Cohort) -> Choice:
    """Choose the face that is clearly more like the person's other photos than the rest is; refuse if none is."""
    if choice.seen is not None and len(known):
        faces = cohort.centred(choice.seen.embeddings[:CONSIDERED])
        best = (faces @ cohort.centred(known).T).max(axis=1)
        first, second = np.sort(best)[::-1][:2]
        if first >= LIKE and first - second >= CLEARLY:
            return replace(choice, face=int(best.argmax()) + 1, chosen_by=ChosenBy.OTHER_PHOTOS)
    return replace(choice, refusal=Refusal.SEVERAL)


def _without_copies(choices: Iterable[Choice], former: FloatArray) -> list[Choice]:
    """Refuse each photo that is the same as an earlier one."""
    result, known = [], former
    for choice in choices:
        if choice.face is None:
            result.append(choice)
        elif len(known) and (known @ choice.embedding.T).max() >= SAME_PHOTO:
            result.append(replace(choice, face=None, chosen_by=None, refusal=Refusal.SAME))
        else:
            known = np.concatenate([known, choice.embedding])
            result.append(choice)
    return result
