"""The gallery: whom the model knows, as prototypes that an embedding is compared with."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]

FALSE_REJECT_RATE: Final = 0.07
"""Share of known faces that may be taken for strangers."""

DEFAULT_THRESHOLD: Final = 0.6
"""Where there are too few faces to choose by: a little under what ten people's faces gave."""

_MIN_FACES: Final = 20


@dataclass(frozen=True)
class Gallery:
    """Prototypes: `embeddings` (P, 512) float32 of unit length, and `people` (P,), each an index of the labels."""

    embeddings: FloatArray
    people: IntArray

    @classmethod
    def of_means(cls, embeddings: FloatArray, people: IntArray) -> Self:
        """Return a gallery with one prototype a person: the mean of their embeddings, scaled to unit length."""
        owners = np.unique(people)
        means = np.stack([embeddings[people == person].mean(axis=0) for person in owners])
        return cls(_unit(means), owners)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read `gallery.npz`."""
        with np.load(path, allow_pickle=False) as stored:
            return cls(stored["embeddings"], stored["people"])

    def save(self, path: Path) -> None:
        """Write `gallery.npz`."""
        np.savez(path, embeddings=self.embeddings, people=self.people)

    def similarities(self, embeddings: FloatArray, classes: int) -> FloatArray:
        """Return (N, C) cosines between (N, 512) unit-length embeddings and each person's nearest prototype."""
        cosines = embeddings @ self.embeddings.T
        nearest = [cosines[:, self.people == person].max(axis=1, initial=-1) for person in range(classes)]
        return np.stack(nearest, axis=1)

    def threshold(self, embeddings: FloatArray, people: IntArray, false_reject_rate: float) -> float:
        """Return the cosine from which a face counts as known, chosen on faces the prototypes were not made from.

        At export no strangers are at hand, and a gallery's own people are a poor stand-in: they are fewer and less
        alike than the world outside. So the threshold is as strict as the known allow: `false_reject_rate` is the
        share of them that may fall under it. Under twenty faces that says nothing, and DEFAULT_THRESHOLD is returned.
        """
        if len(embeddings) < _MIN_FACES:
            return DEFAULT_THRESHOLD
        similarities = self.similarities(embeddings, int(self.people.max()) + 1)
        return float(np.quantile(similarities[np.arange(len(people)), people], false_reject_rate))


def _unit(vectors: FloatArray) -> FloatArray:
    scaled: FloatArray = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return scaled
