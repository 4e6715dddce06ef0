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
import numpy.typing as npt

from model.cohort import Cohort

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]

NEAREST: Final = 3
"""How many of a person's prototypes count for a face: the most similar ones. With one, a single unusual photo would
decide. With all, turned or older faces would not be recognised. docs/quality.md has the measurements."""

ALIKE: Final = 8
"""How many others say how alike a face is to others: the most similar ones. Measured on LFW: 4 to 16 do as well."""

_NOBODY: Final = np.float32(-1)
"""The similarity with a person who has no prototypes."""


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
    they are 0, and the scores are the similarities.
    """

    embeddings: FloatArray
    people: IntArray
    weights: FloatArray
    biases: FloatArray
    penalties: FloatArray
    cohort: Cohort = field(default_factory=Cohort.unmeasured)

    @classmethod
    def load(cls, path: Path, cohort: Path) -> Self:
        """Read `gallery.npz` and `cohort.npz`."""
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in ("embeddings", "people", "weights", "biases", "penalties")}
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
            cohort or Cohort.unmeasured(),
        )

    def save(self, path: Path) -> None:
        """Write `gallery.npz`."""
        with path.open("wb") as file:
            np.savez(
                file,
                embeddings=self.embeddings,
                people=self.people,
                weights=self.weights,
                biases=self.biases,
                penalties=self.penalties,
            )

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
        return self._nearest(self.cohort.centred(embeddings) @ self._prototypes.T)

    def compare(self, embeddings: FloatArray) -> Comparison:
        """Compare (N, 512) unit-length embeddings with the people."""
        faces = self.cohort.centred(embeddings)
        cosines = faces @ self._prototypes.T
        similarities = self._nearest(cosines)
        if not self.cohort.is_measured:
            return Comparison(similarities, similarities, similarities)
        alike = alikeness(similarities, faces @ self.cohort.centres.T)
        normalised: FloatArray = self._nearest(cosines - self.penalties) - np.float32(0.5) * alike
        return Comparison(similarities, normalised, normalised + faces @ self.weights.T + self.biases)

    @cached_property
    def _prototypes(self) -> FloatArray:
        return self.cohort.centred(self.embeddings)

    @cached_property
    def _slots(self) -> tuple[IntArray, npt.NDArray[np.bool_], FloatArray]:
        """Return each person's rows of prototypes, (C, K), padded; which are padding; and how many count, (C,)."""
        counts = np.bincount(self.people, minlength=self.count)
        slots = np.zeros((self.count, max(counts.max(initial=0), NEAREST)), np.int64)
        filled = np.arange(slots.shape[1]) < counts[:, None]
        slots[filled] = np.argsort(self.people, kind="stable")
        return slots, ~filled, np.clip(counts, 1, NEAREST).astype(np.float32)

    def _nearest(self, cosines: FloatArray) -> FloatArray:
        """Return the mean (N, C) of the NEAREST largest of each person's cosines; (N, P) are those with prototypes."""
        slots, padding, used = self._slots
        by_person = np.where(padding, -np.inf, cosines[:, slots]) if len(self.people) else np.empty((0, 0, 0))
        largest = np.partition(by_person, -NEAREST, axis=2)[:, :, -NEAREST:]
        present = np.isfinite(largest)
        mean = np.where(present, largest, 0).sum(axis=2) / used
        nearest: FloatArray = np.where(present.any(axis=2), mean, _NOBODY).astype(np.float32)
        return nearest


def alikeness(similarities: FloatArray, cosines: FloatArray) -> FloatArray:
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
