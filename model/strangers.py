"""Strangers who are drawn from a cohort: they say which score a share of real strangers reaches."""

from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from model.cohort import Cohort, FloatArray, normalised
from model.prototypes import alikeness

DRAWN: Final = 8000
"""How many strangers are drawn to measure a threshold."""

RATES: Final = (0.03, 0.01, 0.003)
"""The shares of strangers at which drawn strangers are compared with real ones."""

_TAIL: Final = 30
"""So many of the largest scores determine how scores above them decrease."""


@lru_cache(maxsize=1)  # of 16 MB; each threshold of a bundle needs them again
def draw(cohort: Cohort, count: int = DRAWN) -> FloatArray:
    """Return (count, 512) embeddings of strangers: Gaussian around the cohort's centres, the same ones each time.

    They are read-only.
    """
    random = np.random.default_rng(0)
    shares = cohort.weights.astype(np.float64)
    centres = cohort.centres[random.choice(len(shares), count, p=shares / shares.sum())]
    values, vectors = np.linalg.eigh(cohort.covariance.astype(np.float64))
    spread = random.standard_normal(centres.shape) * np.sqrt(np.maximum(values, 0)) @ vectors.T
    strangers: FloatArray = (normalised(centres + spread) + cohort.mean).astype(np.float32)
    strangers.setflags(write=False)
    return strangers


@lru_cache(maxsize=1)  # of 16 MB; each change of a roster needs them again
def drawn_faces(cohort: Cohort) -> tuple[FloatArray, FloatArray]:
    """Return the (DRAWN, 512) drawn strangers less the mean, at unit length, and how alike each is to the cohort."""
    faces = cohort.centred(draw(cohort))
    return faces, alikeness(faces @ cohort.centres.T)


def drawn_rate(corrections: FloatArray, rate: float, people: int) -> float:
    """Return the share of drawn strangers at whose threshold a share `rate` of real ones passes, among so many people.

    It is read from a cohort's corrections, (M, 4): logarithms are interpolated, and outside the table the nearest row
    is used.
    """
    if not len(corrections):
        return rate
    sizes, *columns = corrections.T.astype(np.float64)
    factors = [np.interp(np.log(people), np.log(sizes), np.log(column)) for column in columns]
    rising = [-value for value in np.log(RATES)]
    return float(min(rate * np.exp(-np.interp(-np.log(rate), rising, factors)), 0.5))


def score_at(scores: npt.NDArray[np.float32], rate: float) -> float:
    """Return the score that a share `rate` of (N,) scores reaches.

    Where few reach it, the largest ones are taken to decrease exponentially (Pickands, "Statistical Inference Using
    Extreme Order Statistics", 1975).
    """
    count = min(_TAIL, len(scores))
    if rate * len(scores) >= count:
        return float(np.quantile(scores, 1 - rate))
    tail = np.sort(np.partition(scores, -count)[-count:])
    excess = float((tail - tail[0]).sum() / max(count - 1, 1))
    return float(tail[0]) + excess * float(np.log(count / len(scores) / rate))


def share_above(scores: npt.NDArray[np.float32], value: float) -> float:
    """Return the share of (N,) scores that reach a value: the inverse of `score_at`."""
    count = min(_TAIL, len(scores))
    tail = np.sort(scores)[-count:]
    if value <= tail[0]:
        return float((scores >= value).mean())
    excess = float((tail - tail[0]).sum() / max(count - 1, 1))
    return count / len(scores) * float(np.exp(-(value - tail[0]) / max(excess, 1e-6)))
