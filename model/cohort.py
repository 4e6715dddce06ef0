"""The cohort: what faces of strangers are like, by statistics that are nobody's face."""

from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Final, Self

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

_DIMENSIONS: Final = 512
_ARRAYS: Final = ("mean", "centres", "weights", "covariance", "corrections", "roster_corrections", "verification")


@dataclass(frozen=True, eq=False)
class Cohort:
    """Strangers' embeddings in numbers: `mean` (512,) and `centres` (K, 512), unit-length means of several people each.

    The centres are those of embeddings less the mean. `covariance` (512, 512) is that of a stranger's embedding around
    its centre, and `weights` (K,) are the shares of strangers by centre. `corrections` (M, 4) are rows of a number of
    people, and how many times more real strangers than drawn ones pass three thresholds; see `training.strangers`.
    `roster_corrections` are the same for people who are on a roster, whose scores are others. `verification` (3,) is a
    share of pairs of different people, the score that so many reach, and the least penalty; see `model.verification`.
    `source` names the photos. Without measurements, the mean is 0 and there are no centres.
    """

    mean: FloatArray
    centres: FloatArray
    weights: FloatArray
    covariance: FloatArray
    corrections: FloatArray
    roster_corrections: FloatArray
    verification: FloatArray
    source: str

    @classmethod
    def unmeasured(cls) -> Self:
        """Return the cohort of a network whose strangers nobody has measured."""
        none = np.zeros((0, _DIMENSIONS), np.float32)
        return cls(np.zeros(_DIMENSIONS, np.float32), none, none[:, 0], none, none[:, :4], none[:, :4], none[:, 0], "")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read `cohort.npz`."""
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name].astype(np.float32) for name in _ARRAYS}
            return cls(**arrays, source=str(stored["source"]))

    def save(self, path: Path) -> None:
        """Write `cohort.npz`; half floats are exact enough for the large arrays."""
        with path.open("wb") as file:
            np.savez(
                file,
                mean=self.mean,
                centres=self.centres.astype(np.float16),
                weights=self.weights,
                covariance=self.covariance.astype(np.float16),
                corrections=self.corrections,
                roster_corrections=self.roster_corrections,
                verification=self.verification,
                source=np.array(self.source),
            )

    def __eq__(self, other: object) -> bool:
        """Return whether the other is a cohort of the same numbers and source."""
        return isinstance(other, Cohort) and all(
            np.array_equal(getattr(self, name), getattr(other, name)) for name in self.__dataclass_fields__
        )

    def __hash__(self) -> int:
        return hash((self.source, self.mean.tobytes()))

    @cached_property
    def digest(self) -> str:
        """What distinguishes it from other cohorts whose drawn strangers are others."""
        arrays = (self.mean, self.centres, self.weights, self.covariance)
        return sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()[:16]

    @property
    def is_measured(self) -> bool:
        """Whether strangers were measured."""
        return len(self.centres) > 0

    def centred(self, embeddings: FloatArray | npt.NDArray[np.float16]) -> FloatArray:
        """Return (N, 512) embeddings less the mean, at unit length; zeros stay zeros."""
        centred: FloatArray = embeddings - self.mean
        # There may be 10,000 people; without a copy, it takes half of the time.
        centred /= np.maximum(np.sqrt(np.einsum("ij,ij->i", centred, centred)), 1e-12)[:, None]
        return centred


def normalised(vectors: FloatArray) -> FloatArray:
    """Return (N, D) vectors at unit length; zeros stay zeros."""
    unit: FloatArray = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return unit
