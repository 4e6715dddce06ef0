"""The gallery: prototypes of the people whom the model knows, which embeddings are compared with."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]

NEAREST: Final = 3
"""How many of a person's prototypes count for a face: the most similar ones. With one, a single unusual photo would
decide. With all, turned or older faces would not be recognised. docs/quality.md has the measurements."""


@dataclass(frozen=True)
class Gallery:
    """Prototypes: `embeddings` (P, 512) float32 of unit length, and `people` (P,), the number of each one's person.

    Numbers of people start at 0.
    """

    embeddings: FloatArray
    people: IntArray

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read `gallery.npz`."""
        with np.load(path, allow_pickle=False) as stored:
            return cls(stored["embeddings"], stored["people"])

    def save(self, path: Path) -> None:
        """Write `gallery.npz`."""
        np.savez(path, embeddings=self.embeddings, people=self.people)

    def similarities(self, embeddings: FloatArray, count: int) -> FloatArray:
        """Return (N, count) similarities between (N, 512) unit-length embeddings and `count` people.

        A similarity is the mean of the cosines with the person's NEAREST most similar prototypes, or with all if there
        are fewer: 1 for the same picture, about 0 for another person, -1 for a person without prototypes.
        """
        cosines = embeddings @ self.embeddings.T
        columns = [_mean_of_largest(cosines[:, self.people == person]) for person in range(count)]
        return np.stack(columns, axis=1)

    def joined_by(self, embeddings: FloatArray, person: int) -> Self:
        """Return the gallery with (K, 512) further prototypes, all of one person."""
        people = np.full(len(embeddings), person, self.people.dtype)
        return type(self)(np.concatenate([self.embeddings, embeddings]), np.concatenate([self.people, people]))

    def without(self, person: int) -> Self:
        """Return the gallery without a person's prototypes. The number of everybody after them decreases by one."""
        others = self.people != person
        people = self.people[others]
        return type(self)(self.embeddings[others], people - (people > person))


def _mean_of_largest(cosines: FloatArray) -> FloatArray:
    """Return the mean (N,) of the NEAREST largest of (N, K) cosines."""
    if not cosines.shape[1]:
        return np.full(len(cosines), -1, np.float32)
    largest = np.sort(cosines, axis=1)[:, -NEAREST:]
    mean: FloatArray = largest.mean(axis=1)
    return mean
