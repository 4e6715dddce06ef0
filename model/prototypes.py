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

_ABSENT: Final = np.float32(-np.inf)


@dataclass(frozen=True)
class Prototypes:
    """(P, 512) float32 `embeddings` and `people` (P,), numbers from 0 to `count` - 1.

    The embeddings are of unit length, with a cohort's mean subtracted. Or they are as the network makes them: `mean`
    (512,) is then subtracted when they are compared, and `norms` (P,) are the lengths that this gives. Then nothing has
    to be computed of all embeddings when many of them are read.
    """

    embeddings: FloatArray
    people: IntArray
    count: int
    mean: FloatArray | None = None
    norms: FloatArray | None = None

    def cosines(self, faces: FloatArray) -> FloatArray:
        """Return the (N, P) cosines with (N, 512) unit-length faces, of which the mean is subtracted, too."""
        cosines: FloatArray = faces @ self.embeddings.T
        if self.mean is not None and self.norms is not None:
            cosines -= (faces @ self.mean)[:, None]
            cosines /= self.norms
        return cosines

    def nearest(self, cosines: FloatArray, first: int | None = None) -> FloatArray:
        """Return the mean (N, C) of the NEAREST largest of each person's cosines, (N, P).

        It is the mean of all for a person with fewer, and -1 for one without prototypes. With `first`, only so many of
        each person's prototypes count.
        """
        return self._means(cosines, (), first)

    def best(self, cosines: FloatArray, first: int | None = None) -> FloatArray:
        """Return the same, or what one or two of the cosines alone give, less FEWER, where that is more.

        So a photo that is unlike the person's others is recognised once it is among them.
        """
        return self._means(cosines, FEWER, first)

    def _means(self, cosines: FloatArray, fewer: Sequence[float], first: int | None) -> FloatArray:
        """Return the means (N, C); `fewer` is what is subtracted from the mean of one cosine, of two, and so on."""
        largest = self._largest(cosines, NEAREST, first)
        present = largest > _ABSENT
        sums, counts = np.where(present, largest, 0).cumsum(axis=0), present.sum(axis=0)
        means = sums[-1] / np.maximum(counts, 1)
        for count, less in enumerate(fewer, 1):
            means = np.maximum(means, np.where(counts >= count, sums[count - 1] / count - np.float32(less), _ABSENT))
        nearest: FloatArray = np.where(counts, means, _NOBODY).astype(np.float32)
        return nearest

    def largest(self, cosines: FloatArray) -> FloatArray:
        """Return the largest (N, C) of each person's cosines, (N, P); -1 for a person without prototypes."""
        largest: FloatArray = np.maximum(self._largest(cosines, 1)[0], _NOBODY)
        return largest

    def first(self, most: int | None) -> IntArray:
        """Return the numbers of the first `most` prototypes of each person, sorted; of all for None."""
        numbers = self._columns[:most].ravel()
        return np.sort(numbers[numbers < len(self.people)])

    def _largest(self, cosines: FloatArray, count: int, first: int | None = None) -> FloatArray:
        """Return the `count` largest of each person's cosines, (count, N, C), in descending order, padded."""
        padded = np.hstack([cosines, np.full((len(cosines), 1), _ABSENT)])
        largest = np.full((count, len(cosines), self.count), _ABSENT)
        for column in self._columns[:first]:  # for 10,000 people, ten times as fast as partitioning all cosines
            values = padded[:, column]
            for rank in range(count):
                largest[rank], values = np.maximum(largest[rank], values), np.minimum(largest[rank], values)
        return largest

    @cached_property
    def _columns(self) -> IntArray:
        """Each person's first prototype, second, and so on, (K, C); the number after the last one pads it."""
        counts = np.bincount(self.people, minlength=self.count)
        slots = np.full((self.count, counts.max(initial=0)), len(self.people))
        slots[np.arange(slots.shape[1]) < counts[:, None]] = np.argsort(self.people, kind="stable")
        return np.ascontiguousarray(slots.T)


def alikeness(cosines: FloatArray) -> FloatArray:
    """Return how alike N faces are to others, (N,): the mean of the ALIKE largest of their (N, K) cosines with them."""
    count = min(ALIKE, cosines.shape[1])
    if not count:
        return np.zeros(len(cosines), np.float32)
    mean: FloatArray = np.partition(cosines, -count, axis=1)[:, -count:].mean(axis=1, dtype=np.float32)
    return mean
