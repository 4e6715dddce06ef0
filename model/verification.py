"""Verification: whether two faces are of one person, at a stated share of pairs of different people that pass.

A pair's score is the cosine of its embeddings, less a penalty for each face: half of how alike it is to strangers. This
is symmetric score normalisation without the division by a deviation, as in `model.gallery`. A face that is unlike all
strangers gets the median penalty: it may be of people of whom there are few among the strangers, and who are as alike
to each other as anybody. docs/quality.md has the measurements.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from model.cohort import Cohort, FloatArray
from model.prototypes import alikeness
from model.strangers import draw, score_at

FALSE_ACCEPT_RATE: Final = 0.001
"""The share of pairs of different people that may pass for one person. `training.strangers` measures the score that so
many reach."""

CAUTIOUS: Final = 0.6
"""The score from which a pair passes where nobody has measured a threshold. The score is the similarity then. Of
CASIA-WebFace weights, 1 in 10,000 pairs of different people of LFW reaches 0.60 where no mean was measured either."""

_DRAWN: Final = 4000
"""Strangers who are drawn for the threshold of rare pairs: half of them make four million pairs with the others. With
four times as many pairs, the thresholds of 1 in 10,000 to 1 in a million are the same to 0.004."""


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether two faces are of one person: whether their `score` reaches the `threshold`.

    `similarity` is their cosine, -1 to 1, after the mean embedding of strangers is subtracted. `false_accept_rate` is
    the share of pairs of different people whose score reaches the threshold, None where nobody has measured it.
    """

    same: bool
    similarity: float
    score: float
    threshold: float
    false_accept_rate: float | None


def verify(first: FloatArray, second: FloatArray, cohort: Cohort) -> Verification:
    """Compare two (512,) unit-length embeddings."""
    similarity, score = (float(values[0, 0]) for values in compare(first[None], second[None], cohort))
    if not len(cohort.verification):
        return Verification(similarity >= CAUTIOUS, similarity, similarity, CAUTIOUS, None)
    rate, threshold, _ = map(float, cohort.verification)
    return Verification(score >= threshold, similarity, score, threshold, rate)


def threshold_at(cohort: Cohort, rate: float) -> float:
    """Return the score that a share `rate` of pairs of different people reaches.

    Only one threshold is measured on real strangers: of rarer pairs they have too few. For those, drawn strangers say
    how much higher it is. For a higher share it is the measured one. docs/quality.md says how many real pairs pass.
    """
    measured, threshold, _ = map(float, cohort.verification)
    if rate >= measured:
        return threshold
    faces = draw(cohort, _DRAWN)
    scores = compare(faces[: len(faces) // 2], faces[len(faces) // 2 :], cohort)[1].ravel()
    passing = -int(len(scores) * measured)
    tail = np.partition(scores, passing)[passing:]
    return threshold + score_at(tail, rate / measured) - float(tail.min())


def compare(first: FloatArray, second: FloatArray, cohort: Cohort) -> tuple[FloatArray, FloatArray]:
    """Return (N, M) similarities and (N, M) scores of (N, 512) and (M, 512) unit-length embeddings."""
    similarities: FloatArray = cohort.centred(first) @ cohort.centred(second).T
    return similarities, similarities - penalties(first, cohort)[:, None] - penalties(second, cohort)


def penalties(embeddings: FloatArray, cohort: Cohort) -> FloatArray:
    """Return what (N, 512) unit-length embeddings take from a score, (N,), at least as much as the cohort says."""
    half: FloatArray = np.float32(0.5) * alikeness(cohort.centred(embeddings) @ cohort.centres.T)
    return np.maximum(half, cohort.verification[2]) if len(cohort.verification) else half
