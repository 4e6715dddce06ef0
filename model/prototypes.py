"""Prototypes: embeddings of people, and how alike a face is to those of each person."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from model.cohort import FloatArray

IntArray = npt.NDArray[np.int64]

NEAREST: Final = 3
"""How many of a person's prototypes count for a face: the most similar ones. With one, a single unusual photo would
decide. With all, turned or older faces would not be recognised. docs/quality.md has the measurements."""

FEWER: Final = (0.15, 0.07)
"""How much less the most similar prototype alone counts, and the mean of the two most similar ones. On LFW, with three
photos of each person, that changes no figure by more than 0.2 %; with nothing subtracted, more strangers pass."""

ALIKE: Final = 8
"""How many others say how alike a face is to others: the most similar ones. Measured on LFW: 4 to 16 do as well."""

_NOBODY: Final = np.float32(-1)
"""The similarity with a person who has no prototypes."""


@dataclass(frozen=True)
class Prototypes:
    """(P, 512) float32 unit-length `embeddings`, of which a cohort's mean is subtracted, and `people` (P,).

    A person is a number from 0 to `count` - 1.
    """

    embeddings: FloatArray
    people: IntArray
    count: int

    def cosines(self, faces: FloatArray) -> FloatArray:
        """Return the (N, P) cosines with (N, 512) unit-length faces, of which the mean is subtracted, too."""
        cosines: FloatArray = faces @ self.embeddings.T
        return cosines

    def nearest(self, cosines: FloatArray) -> FloatArray:
        """Return the mean (N, C) of the NEAREST largest of each person's cosines, (N, P).

        It is the mean of all for a person with fewer, and -1 for one without prototypes.
        """
        return self._means(cosines, ())

    def best(self, cosines: FloatArray) -> FloatArray:
        """Return the same, or what one or two of the cosines alone give, less FEWER, where that is more.

        So a photo that is unlike the person's others is recognised once it is among them.
        """
        return self._means(cosines, FEWER)

    def _means(self, cosines: FloatArray, fewer: Sequence[float]) -> FloatArray:
        """Return the means (N, C); `fewer` is what is subtracted from the mean of one cosine, of two, and so on."""
        if not len(self.people):
            return np.full((len(cosines), self.count), _NOBODY)
        slots, padding, used = self._slots
        by_person = np.where(padding, -np.inf, cosines[:, slots])
        largest = np.partition(by_person, -NEAREST, axis=2)[:, :, -NEAREST:]
        present = np.isfinite(largest)
        sums = np.where(present, largest, 0)
        means = sums.sum(axis=2) / used
        if fewer:
            descending = -np.sort(-largest, axis=2)
            for count, less in enumerate(fewer, 1):
                means = np.maximum(means, descending[:, :, :count].mean(axis=2) - np.float32(less))
        nearest: FloatArray = np.where(present.any(axis=2), means, _NOBODY).astype(np.float32)
        return nearest

    def largest(self, cosines: FloatArray) -> FloatArray:
        """Return the largest (N, C) of each person's cosines, (N, P); -1 for a person without prototypes."""
        largest = np.full((len(cosines), self.count), _NOBODY)
        np.maximum.at(largest.T, self.people, cosines.T)
        return largest

    @cached_property
    def _slots(self) -> tuple[IntArray, npt.NDArray[np.bool_], FloatArray]:
        """Return each person's rows of prototypes, (C, K), padded; which are padding; and how many count, (C,)."""
        counts = np.bincount(self.people, minlength=self.count)
        slots = np.zeros((self.count, max(counts.max(initial=0), NEAREST)), np.int64)
        filled = np.arange(slots.shape[1]) < counts[:, None]
        slots[filled] = np.argsort(self.people, kind="stable")
        return slots, ~filled, np.clip(counts, 1, NEAREST).astype(np.float32)


def alikeness(cosines: FloatArray) -> FloatArray:
    """Return how alike N faces are to others, (N,): the mean of the ALIKE largest of their (N, K) cosines with them."""
    count = min(ALIKE, cosines.shape[1])
    if not count:
        return np.zeros(len(cosines), np.float32)
    mean: FloatArray = np.partition(cosines, -count, axis=1)[:, -count:].mean(axis=1, dtype=np.float32)
    return mean
