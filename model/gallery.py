"""The gallery: prototypes of the people whom the model knows, and how a face is compared with them.

A face is compared in two ways. Its `similarities` are cosines, for people to read. Its `scores` decide whether it is
known. They are the sum of two parts:

- the similarity, less half of how alike the face is to others, and less half of how alike the prototypes are to
  others: symmetric score normalisation (Matejka et al., "Analysis of Score Normalization in Multilingual Speaker
  Recognition", Interspeech 2017) without the division by a deviation, which made it worse. The others are the cohort's
  centres and the other people of the gallery.
- a linear function of the embedding that distinguishes the people of the gallery (Crosswhite et al., "Template
  Adaptation for Face Verification and Identification", 2017).

The first part counts more for people with few photos, the second for people with many. docs/quality.md has the
measurements.
"""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final, Self

import numpy as np

from model.cohort import Cohort, FloatArray
from model.prototypes import ALIKE, IntArray, Prototypes

_ARRAYS: Final = ("embeddings", "people", "weights", "biases", "penalties", "strangers")


@dataclass(frozen=True)
class Comparison:
    """N faces compared with C people: (N, C) `similarities`, `normalised` similarities, and `scores`."""

    similarities: FloatArray
    normalised: FloatArray
    scores: FloatArray


@dataclass(frozen=True)
class Gallery:
    """Prototypes: `embeddings` (P, 512) float32 of unit length, and `people` (P,), the number of each one's person.

    Numbers of people start at 0. `weights` (C, 512) and `biases` (C,) are the linear part of a score, and `penalties`
    (P,) half of how alike each prototype is to others; `training.discriminant` computes them. Without a measured cohort
    they are 0, and the scores are the similarities. `strangers` (D,) are the largest scores of the strangers that
    `model.strangers` draws, where they were computed; otherwise there are none.
    """

    embeddings: FloatArray
    people: IntArray
    weights: FloatArray
    biases: FloatArray
    penalties: FloatArray
    strangers: FloatArray
    cohort: Cohort = field(default_factory=Cohort.unmeasured)

    @classmethod
    def load(cls, path: Path, cohort: Path) -> Self:
        """Read `gallery.npz` and `cohort.npz`."""
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in _ARRAYS}
        return cls(**arrays, cohort=Cohort.load(cohort))

    @classmethod
    def plain(cls, embeddings: FloatArray, people: IntArray, cohort: Cohort | None = None) -> Self:
        """Return the gallery of (P, 512) prototypes of (P,) people whose scores are their similarities."""
        count = int(people.max()) + 1 if len(people) else 0
        zeros = np.zeros((count, embeddings.shape[1]), np.float32)
        return cls(
            embeddings,
            people,
            zeros,
            np.zeros(count, np.float32),
            np.zeros(len(people), np.float32),
            np.zeros(0, np.float32),
            cohort or Cohort.unmeasured(),
        )

    def save(self, path: Path) -> None:
        """Write `gallery.npz`."""
        with path.open("wb") as file:
            np.savez(file, **{name: getattr(self, name) for name in _ARRAYS})

    @property
    def count(self) -> int:
        """The number of people."""
        return len(self.biases)

    def similarities(self, embeddings: FloatArray) -> FloatArray:
        """Return (N, C) similarities between (N, 512) unit-length embeddings and the people.

        A similarity is the mean of the cosines with the person's NEAREST most similar prototypes, or with all if there
        are fewer; the mean embedding of strangers is subtracted first. It is 1 for the same picture, about 0 for
        another person, -1 for a person without prototypes.
        """
        return self._prototypes.nearest(self._prototypes.cosines(self.cohort.centred(embeddings)))

    def compare(self, embeddings: FloatArray) -> Comparison:
        """Compare (N, 512) unit-length embeddings with the people."""
        faces = self.cohort.centred(embeddings)
        cosines = self._prototypes.cosines(faces)
        similarities = self._prototypes.nearest(cosines)
        if not self.cohort.is_measured:
            return Comparison(similarities, similarities, similarities)
        alike = alike_to_others(similarities, faces @ self.cohort.centres.T)
        normalised: FloatArray = self._prototypes.nearest(cosines - self.penalties) - np.float32(0.5) * alike
        return Comparison(similarities, normalised, normalised + faces @ self.weights.T + self.biases)

    @cached_property
    def _prototypes(self) -> Prototypes:
        return Prototypes(self.cohort.centred(self.embeddings), self.people, self.count)


def alike_to_others(similarities: FloatArray, cosines: FloatArray) -> FloatArray:
    """Return how alike N faces are to others than each of C people, (N, C).

    It is the mean of the ALIKE largest of the (N, C) similarities with the other people and of the (N, K) cosines with
    the cohort.
    """
    both = np.hstack([similarities, cosines])
    count = min(ALIKE, both.shape[1] - 1)
    if count < 1:
        return np.zeros_like(similarities)
    # One more than count: where a person is among the largest, the next one takes the place.
    largest = np.sort(np.partition(both, -count - 1, axis=1)[:, -count - 1 :], axis=1)
    total = largest.sum(axis=1, keepdims=True)
    left_out = np.where(similarities >= largest[:, 1:2], similarities, largest[:, :1])
    mean: FloatArray = ((total - left_out) / count).astype(np.float32)
    return mean
