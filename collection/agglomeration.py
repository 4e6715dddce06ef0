"""Average linkage: joins groups of faces as long as their faces are alike on average, in memory for the faces alone.

Libraries keep a matrix of all pairs, which takes 1.6 GB for 20,000 faces. The mean cosine of two groups is the product
of their mean vectors, so that means are enough. Two groups that are each other's nearest are joined, many at once. With
average linkage, that gives the same groups as joining the nearest two of all at a time. Source: F. Murtagh, "A Survey
of Recent Advances in Hierarchical Clustering Algorithms", The Computer Journal 26, 1983, reciprocal nearest neighbours.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from model.cohort import FloatArray
from model.prototypes import IntArray

_BLOCK: Final = 1024
"""So many groups are compared with all others at once, to save memory."""

_ROUNDING: Final = 1e-5
"""Cosines of 512 float32 numbers that differ by less are equal."""


def linked(vectors: FloatArray, cut: float, groups: IntArray | None = None, apart: int = 0) -> IntArray:
    """Return the number of each vector's group, (N,): groups of (N, D) vectors whose mean cosine is `cut` or more.

    It begins with `groups`, (N,) numbers without gaps, or with a group for each vector. No two of the first `apart`
    groups are joined. A joined group has the smallest number of its parts; the others have no gaps.
    """
    if not len(vectors):
        return np.zeros(0, np.int64)
    joined = _Groups(vectors, np.arange(len(vectors)) if groups is None else groups, apart)
    while joined.join(cut):
        pass
    return _without_gaps(joined.numbers, apart)


def _without_gaps(numbers: IntArray, apart: int) -> IntArray:
    """Return numbers without gaps but among the first `apart`, which keep theirs."""
    present = np.unique(numbers)
    following = present[present >= apart]
    new = np.concatenate([np.arange(apart), apart + np.arange(len(following))])
    renumbered: IntArray = new[np.searchsorted(np.concatenate([np.arange(apart), following]), numbers)]
    return renumbered


class _Groups:
    """Groups of vectors: their means, their sizes, and for each its nearest other group.

    `_second` bounds how alike it is to all others but the nearest. No bound has to rise when groups are joined: the
    mean cosine with a joined group is never above those with its parts.
    """

    def __init__(self, vectors: FloatArray, numbers: IntArray, apart: int) -> None:
        self.numbers = numbers
        count = max(int(numbers.max()) + 1, apart)
        self._names = np.arange(count)
        self._sizes = np.bincount(numbers, minlength=count).astype(np.float32)
        self._means = np.zeros((count, vectors.shape[1]), np.float32)
        np.add.at(self._means, numbers, vectors)
        self._means /= np.maximum(self._sizes, 1)[:, None]
        self._held = np.arange(count) < apart
        self._open = self._sizes > 0
        self._nearest = np.full(count, -1)
        self._cosines, self._second = np.full((2, count), -np.inf, np.float32)
        self._find_nearest(np.flatnonzero(self._open))

    def join(self, cut: float) -> bool:
        """Join every two groups that are each other's nearest; return whether there were any."""
        self._open &= self._cosines >= cut  # who is below the cut stays below it
        if not self._open.any():
            return False
        self._drop_closed()
        first, second = self._pairs()
        sizes = self._sizes[first] + self._sizes[second]
        share = (self._sizes[second] / sizes)[:, None]
        self._means[first] += share * (self._means[second] - self._means[first])
        self._sizes[first] = sizes
        self._held[first] |= self._held[second]
        self._open[second] = False
        target = np.arange(len(self._names))
        target[second] = first
        self._rename(second, first)
        self._find_nearest(np.concatenate([first, self._without_nearest(first, target)]))
        return True

    def _without_nearest(self, joined: IntArray, target: IntArray) -> IntArray:
        """Return the other groups whose nearest was joined, and may not be the nearest any more."""
        was_joined = np.zeros(len(target), np.bool_)
        was_joined[joined] = was_joined[np.flatnonzero(target != np.arange(len(target)))] = True
        rows = np.flatnonzero(self._open & was_joined[self._nearest])
        rows = rows[~np.isin(rows, joined)]
        nearest = target[self._nearest[rows]]
        cosines: FloatArray = np.einsum("ij,ij->i", self._means[rows], self._means[nearest])
        cosines[self._held[rows] & self._held[nearest]] = -np.inf
        stays: npt.NDArray[np.bool_] = cosines >= self._second[rows] - _ROUNDING
        self._nearest[rows[stays]], self._cosines[rows[stays]] = nearest[stays], cosines[stays]
        without: IntArray = rows[~stays]
        return without

    def _pairs(self) -> tuple[IntArray, IntArray]:
        """Return the groups that are each other's nearest, (M,) and (M,); the most alike two if rounding hides them."""
        rows = np.flatnonzero(self._open)
        nearest = self._nearest[rows]
        mutual = (self._nearest[nearest] == rows) & (rows < nearest)
        if mutual.any():
            return rows[mutual], nearest[mutual]
        best = rows[self._cosines[rows].argmax()]
        pair = np.sort([best, self._nearest[best]])
        return pair[:1], pair[1:]

    def _rename(self, gone: IntArray, kept: IntArray) -> None:
        """Note that the vectors of some groups are now those of others."""
        names = np.arange(max(int(self.numbers.max()), int(self._names.max())) + 1)
        names[self._names[gone]] = self._names[kept]
        self.numbers = names[self.numbers]

    def _drop_closed(self) -> None:
        """Forget the groups that nothing is joined to any more, once they are half of all."""
        if 2 * self._open.sum() > len(self._open):
            return
        kept = self._open.copy()
        kept[self._nearest[self._open]] = True
        place = np.cumsum(kept) - 1
        self._nearest = place[self._nearest[kept]]
        for name in ("_names", "_sizes", "_means", "_held", "_open", "_cosines", "_second"):
            setattr(self, name, getattr(self, name)[kept])

    def _find_nearest(self, rows: IntArray) -> None:
        for at in range(0, len(rows), _BLOCK):
            some = rows[at : at + _BLOCK]
            cosines = self._means[some] @ self._means.T
            cosines[:, ~self._open] = -np.inf
            cosines[np.arange(len(some)), some] = -np.inf
            cosines[np.ix_(self._held[some], self._held)] = -np.inf
            best = cosines.argmax(axis=1)
            self._nearest[some], self._cosines[some] = best, cosines[np.arange(len(some)), best]
            cosines[np.arange(len(some)), best] = -np.inf
            self._second[some] = cosines.max(axis=1)
