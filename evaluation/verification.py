"""Verifies pairs of faces by folds: the threshold for the pairs of one fold comes from the pairs of the others.

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

from evaluation.lfw_pairs import Pair
from model.cohort import FloatArray
from training.errors import DatasetError

FALSE_ACCEPT_RATES: Final = (0.01, 0.001)

_OUT_OF_RANGE: Final = 2.0
"""A similarity outside the range of a cosine. It marks a pair without a face."""

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """The (512,) unit-length embedding of a photo. Not `found`: the chip is from the usual place."""

    embedding: FloatArray
    found: bool


@dataclass(frozen=True)
class Verification:
    """The result of F folds and P pairs: (F,) accuracies and thresholds, (P,) similarities, and the (P,) truth.

    A pair with a photo without a face always counts as wrong: its similarity is less than every cosine if it shows one
    person, and greater than every cosine if it shows two.
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
        """The number of pairs that count as wrong because a photo has no face."""
        return int((np.abs(self.similarities) > 1).sum())

    def roc(self) -> tuple[Array, Array]:
        """Return the false and true accept rates, from no accepted pair to all pairs.

        A pair without a face is accepted last, because a system that finds no face accepts nobody.
        """
        seen = np.where(np.abs(self.similarities) > 1, -_OUT_OF_RANGE, self.similarities)
        false, true, _ = roc_curve(self.same, seen, drop_intermediate=False)
        return false, true

    def to_dict(self) -> dict[str, Any]:
        """Return the figures in JSON's types."""
        false, true = self.roc()
        return {
            "accuracy": self.accuracy,
            "standard_error": self.standard_error,
            "tar_at_far": true_accepts(false, true),
            # The rate at which both errors are equal, interpolated between the points of the curve.
            "equal_error_rate": float(np.interp(0, false + true - 1, false)),
            "auc": float(auc(false, true)),
            "pairs": len(self.same),
            "pairs_without_face": self.pairs_without_face,
            "accuracies": self.accuracies.tolist(),
            "thresholds": self.thresholds.tolist(),
        }


def true_accepts(false: Array, true: Array) -> dict[str, float]:
    """Return, for each false accept rate, the largest true accept rate of a ROC at or below it."""
    return {str(rate): float(true[false <= rate].max()) for rate in FALSE_ACCEPT_RATES}


def verify(
    pairs: Sequence[Pair], faces: Mapping[str, Face], *, subtract_mean: bool = False, crop_center: bool = False
) -> Verification:
    """Verify the pairs of each fold with the threshold on the cosine that is best for the pairs of the other folds.

    With `subtract_mean`, the mean embedding of the other folds' photos is subtracted from all embeddings first. A photo
    without a face counts as wrong; with `crop_center`, the embedding of the usual place is used instead.

    Raises:
        DatasetError: the other folds of some fold have no pair with a face in both photos.
    """
    table = _Table.of(pairs, faces, crop_center=crop_center)
    accuracies, thresholds, similarities = [], [], np.empty(len(pairs))
    for fold in np.unique(table.fold):
        in_fold = table.fold == fold
        found = table.similarities(table.mean(~in_fold) if subtract_mean else None)
        thresholds.append(_best_threshold(found[~in_fold], table.same[~in_fold]))
        accuracies.append(np.mean((found[in_fold] >= thresholds[-1]) == table.same[in_fold]))
        similarities[in_fold] = found[in_fold]
    return Verification(np.array(accuracies), np.array(thresholds), similarities, table.same)


@dataclass(frozen=True)
class _Table:
    """The pairs as arrays: N photos with (N, 512) embeddings, and P pairs whose `ends` are (P, 2) rows of them."""

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
        """Return the mean embedding of the photos of some pairs. A photo counts once, one without a face never."""
        rows = np.unique(self.ends[which])
        embeddings = self.embeddings[rows[self.usable[rows]]]
        mean: Array = embeddings.sum(axis=0) / max(len(embeddings), 1)
        return mean

    def similarities(self, mean: Array | None) -> Array:
        """Return (P,) cosines of the embeddings less `mean`; outside the range of cosines where a face is missing."""
        embeddings = self.embeddings if mean is None else normalize(self.embeddings - mean)
        first, second = (embeddings[self.ends[:, end]] for end in (0, 1))
        cosines = np.einsum("pd,pd->p", first, second).clip(-1, 1)
        against = np.where(self.same, -_OUT_OF_RANGE, _OUT_OF_RANGE)
        return np.where(self.usable[self.ends].all(axis=1), cosines, against)


def _best_threshold(similarities: Array, same: Array) -> float:
    """Return the threshold with the most right pairs: halfway between the last accepted pair and the next."""
    false, true, thresholds = roc_curve(same, similarities, drop_intermediate=False)
    cosine = np.abs(thresholds) <= 1
    if not cosine.any():
        raise DatasetError("Too few photos have a face to choose a threshold. Give the whole of LFW, or --crop-center.")
    right = np.rint(true * same.sum() + (1 - false) * (~same).sum())
    best = int(np.where(cosine, right, -1).argmax())
    following = max([-1.0, *thresholds[best + 1 : best + 2]])
    return float((thresholds[best] + following) / 2)
