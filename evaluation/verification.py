"""Face verification by folds: whether two photos show the same person, judged by a threshold from other pairs.

G. B. Huang, M. Ramesh, T. Berg, E. Learned-Miller: "Labeled Faces in the Wild: A Database for Studying Face Recognition
in Unconstrained Environments", University of Massachusetts Amherst, report 07-49, 2007, "View 2".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
from sklearn.metrics import auc, roc_curve
from sklearn.preprocessing import normalize

from training.embedder import FloatArray
from training.errors import DatasetError

FALSE_ACCEPT_RATES: Final = (0.01, 0.001)

_BEYOND: Final = 2.0
"""A similarity that no cosine reaches."""

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two photos, relative to the dataset's folder, whether they show the same person, and the fold they are in."""

    first: str
    second: str
    same: bool
    fold: int


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """A photo's (512,) unit-length embedding, and whether the detector found the face, or the usual place stands in."""

    embedding: FloatArray
    found: bool


@dataclass(frozen=True)
class Verification:
    """What ten-fold verification found: (F,) accuracies and thresholds; (P,) similarities and whether it is one person.

    The similarity of a pair that has no face in one of its photos is such that it is always told wrong: below every
    cosine for two photos of the same person, above every cosine for photos of two.
    """

    accuracies: Array
    thresholds: Array
    similarities: Array
    same: Array

    @property
    def accuracy(self) -> float:
        """The mean over the folds."""
        return float(self.accuracies.mean())

    @property
    def standard_error(self) -> float:
        """The standard error of the mean: the folds' sample deviation over the root of their number (Huang et al.)."""
        return float(self.accuracies.std(ddof=1) / np.sqrt(len(self.accuracies)))

    @property
    def pairs_without_face(self) -> int:
        """How many pairs always count against."""
        return int((np.abs(self.similarities) > 1).sum())

    def roc(self) -> tuple[Array, Array]:
        """Return the shares of impostor and of genuine pairs accepted, from no pair accepted to all of them.

        A pair without a face is the last to be accepted: who sees no face takes nobody for somebody else.
        """
        seen = np.where(np.abs(self.similarities) > 1, -_BEYOND, self.similarities)
        false, true, _ = roc_curve(self.same, seen, drop_intermediate=False)
        return false, true

    def to_dict(self) -> dict[str, Any]:
        """Return the figures in JSON's types."""
        false, true = self.roc()
        return {
            "accuracy": self.accuracy,
            "standard_error": self.standard_error,
            "tar_at_far": true_accepts(false, true),
            # Where both errors are equal: between the curve's points, on a straight line.
            "equal_error_rate": float(np.interp(0, false + true - 1, false)),
            "auc": float(auc(false, true)),
            "pairs": len(self.same),
            "pairs_without_face": self.pairs_without_face,
            "accuracies": self.accuracies.tolist(),
            "thresholds": self.thresholds.tolist(),
        }


def true_accepts(false: Array, true: Array) -> dict[str, float]:
    """Return, by false accept rate, the most genuine pairs that are accepted at no more impostors, from a ROC."""
    return {str(rate): float(true[false <= rate].max()) for rate in FALSE_ACCEPT_RATES}


def verify(
    pairs: Sequence[Pair], faces: Mapping[str, Face], *, subtract_mean: bool = False, crop_center: bool = False
) -> Verification:
    """Tell each fold's pairs apart by the threshold on their cosine that tells the other folds' pairs apart best.

    With `subtract_mean`, the mean embedding of the other folds' photos is first taken from all embeddings. A photo
    without a face counts against, unless `crop_center`: then the place where LFW's faces usually are is embedded.

    Raises:
        DatasetError: the other folds of some fold have no pair with a face in both photos.
    """
    table = _Table.of(pairs, faces, crop_center=crop_center)
    accuracies, thresholds, similarities = [], [], np.empty(len(pairs))
    for fold in np.unique(table.fold):
        own = table.fold == fold
        found = table.similarities(table.mean(~own) if subtract_mean else None)
        thresholds.append(_best_threshold(found[~own], table.same[~own]))
        accuracies.append(np.mean((found[own] >= thresholds[-1]) == table.same[own]))
        similarities[own] = found[own]
    return Verification(np.array(accuracies), np.array(thresholds), similarities, table.same)


@dataclass(frozen=True)
class _Table:
    """The pairs as arrays: rows of `embeddings` (N, 512), whether each counts, and per pair its ends (P, 2)."""

    embeddings: Array
    usable: Array
    ends: Array
    same: Array
    fold: Array

    @classmethod
    def of(cls, pairs: Sequence[Pair], faces: Mapping[str, Face], *, crop_center: bool) -> Self:
        rows = {photo: row for row, photo in enumerate(faces)}
        return cls(
            np.stack([face.embedding for face in faces.values()]).astype(np.float64),
            np.array([face.found or crop_center for face in faces.values()]),
            np.array([(rows[pair.first], rows[pair.second]) for pair in pairs]),
            np.array([pair.same for pair in pairs]),
            np.array([pair.fold for pair in pairs]),
        )

    def mean(self, which: Array) -> Array:
        """Return the mean embedding of some pairs' photos, each taken once, and none without a face."""
        rows = np.unique(self.ends[which])
        embeddings = self.embeddings[rows[self.usable[rows]]]
        mean: Array = embeddings.sum(axis=0) / max(len(embeddings), 1)
        return mean

    def similarities(self, mean: Array | None) -> Array:
        """Return (P,) cosines, with `mean` taken from the embeddings first; beyond all cosines where a face lacks."""
        embeddings = self.embeddings if mean is None else normalize(self.embeddings - mean)
        first, second = (embeddings[self.ends[:, end]] for end in (0, 1))
        cosines = np.einsum("pd,pd->p", first, second).clip(-1, 1)
        against = np.where(self.same, -_BEYOND, _BEYOND)
        return np.where(self.usable[self.ends].all(axis=1), cosines, against)


def _best_threshold(similarities: Array, same: Array) -> float:
    """Return the threshold that tells most pairs right: midway from the last pair it accepts to the next."""
    false, true, thresholds = roc_curve(same, similarities, drop_intermediate=False)
    cosine = np.abs(thresholds) <= 1
    if not cosine.any():
        raise DatasetError("Too few photos have a face to choose a threshold. Is this LFW? --crop-center does without.")
    right = np.rint(true * same.sum() + (1 - false) * (~same).sum())
    best = int(np.where(cosine, right, -1).argmax())
    following = max(-1.0, *thresholds[best + 1 : best + 2])
    return float((thresholds[best] + following) / 2)
