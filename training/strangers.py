"""Strangers in numbers: measures a cohort from photos of many people, and draws embeddings of strangers from it."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
from sklearn.cluster import KMeans

from dataset.words import counted
from model.cohort import Cohort, FloatArray, normalised
from model.gallery import Gallery, IntArray
from model.verification import FALSE_ACCEPT_RATE, compare
from training.discriminant import fit
from training.errors import DatasetError

MIN_PEOPLE: Final = 300
"""Strangers of fewer people than this are too few to measure a cohort on."""

DRAWN: Final = 8000
"""How many strangers are drawn to measure a threshold."""

RATES: Final = (0.03, 0.01, 0.003)
"""The shares of strangers at which drawn strangers are compared with real ones."""

_CENTRES: Final = 512
_PEOPLE_A_CENTRE: Final = 4
_MIN_MEMBERS: Final = 3
"""A centre of fewer people could be somebody's face."""

MEASURED: Final = (0, 1, 2)
COHORT: Final = MEASURED[:-1]
JUDGE: Final = 3
"""The parts of the people, by a digest of their names: for the corrections, for the centres, and for neither. Only the
last may judge what was measured. For the corrections each measured part is left out of the centres in turn, because few
of one part's people decide how many strangers in a hundred pass."""

_GALLERIES: Final = ((3, 12), (10, 8), (50, 6), (200, 4))
"""Number of people, and how many galleries of so many people are drawn to compare drawn strangers with real ones."""

_PHOTOS: Final = (1, 3)
"""The largest number of photos of each person in these galleries, in turn."""

Names = npt.NDArray[np.str_]


def part_of(name: str) -> int:
    """Return the part, 0 to 3, that a person belongs to."""
    return hashlib.sha256(name.encode()).digest()[-1] % 4


def measure(embeddings: FloatArray, names: Names, source: str, on_progress: Callable[[int, int], None]) -> Cohort:
    """Return the cohort of strangers' faces: (N, 512) unit-length embeddings of (N,) people; `source` names the photos.

    Raises:
        DatasetError: they are of too few people.
    """
    people = np.unique(names)
    if len(people) < MIN_PEOPLE:
        raise DatasetError(
            f"{source} has faces of {counted(len(people), 'person')}; to measure strangers takes {MIN_PEOPLE}. "
            "Give more photos."
        )
    parts = np.array([part_of(name) for name in people])[np.searchsorted(people, names)]
    factors, thresholds = [], []
    for done, left_out in enumerate(MEASURED):
        others = np.isin(parts, [part for part in MEASURED if part != left_out])
        cohort = _cohort(_one_each(embeddings, names, others), source)
        factors.append(_corrections(cohort, embeddings[parts == left_out], names[parts == left_out]))
        thresholds.append(_verification_threshold(cohort, _one_each(embeddings, names, parts == left_out)))
        on_progress(done + 1, len(MEASURED))
    # The last part was left out last: this cohort is of COHORT.
    verification = np.array([FALSE_ACCEPT_RATE, np.mean(thresholds)], np.float32)
    return replace(cohort, corrections=_means(factors), verification=verification)


def _verification_threshold(cohort: Cohort, faces: FloatArray) -> float:
    """Return the score that FALSE_ACCEPT_RATE of the pairs of (N, 512) faces, each of another person, reach."""
    _, scores = compare(faces, faces, cohort)
    return float(np.quantile(scores[np.triu_indices(len(faces), 1)], 1 - FALSE_ACCEPT_RATE))


def _means(corrections: Sequence[FloatArray]) -> FloatArray:
    """Return the geometric means of tables of corrections; a number of people that one of them lacks is left out."""
    rows = min(len(table) for table in corrections)
    means: FloatArray = np.exp(np.mean([np.log(table[:rows]) for table in corrections], axis=0)).astype(np.float32)
    return means


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


def drawn_rate(cohort: Cohort, rate: float, people: int) -> float:
    """Return the share of drawn strangers at whose threshold a share `rate` of real ones passes, among so many people.

    It is read from the cohort's corrections: logarithms are interpolated, and outside the table the nearest row is
    used.
    """
    if not len(cohort.corrections):
        return rate
    sizes, *columns = cohort.corrections.T.astype(np.float64)
    factors = [np.interp(np.log(people), np.log(sizes), np.log(column)) for column in columns]
    rising = [-value for value in np.log(RATES)]
    return float(min(rate * np.exp(-np.interp(-np.log(rate), rising, factors)), 0.5))


def _one_each(embeddings: FloatArray, names: Names, which: npt.NDArray[np.bool_]) -> FloatArray:
    """Return the embedding of the first photo of each person among those of some photos."""
    rows = np.flatnonzero(which)
    return embeddings[rows[np.unique(names[rows], return_index=True)[1]]]


def _cohort(faces: FloatArray, source: str) -> Cohort:
    """Return the mean, the centres and the covariance around them of (N, 512) faces of as many people."""
    mean = faces.mean(axis=0)
    centred = normalised(faces - mean)
    clusters = KMeans(min(_CENTRES, len(faces) // _PEOPLE_A_CENTRE), n_init=1, random_state=0).fit(centred)
    counts = np.bincount(clusters.labels_, minlength=len(clusters.cluster_centers_))
    large = counts >= _MIN_MEMBERS
    members = large[clusters.labels_]
    own = clusters.labels_[members]
    # A cluster's mean is nearer to its members than the mean of all like them would be.
    residuals = (centred[members] - clusters.cluster_centers_[own]) * np.sqrt(counts[own] / (counts[own] - 1))[:, None]
    return Cohort(
        mean,
        normalised(clusters.cluster_centers_[large]).astype(np.float32),
        (counts[large] / counts[large].sum()).astype(np.float32),
        (residuals.T @ residuals / len(residuals)).astype(np.float32),
        np.zeros((0, 1 + len(RATES)), np.float32),
        np.zeros(0, np.float32),
        source,
    )


def _corrections(cohort: Cohort, embeddings: FloatArray, names: Names) -> FloatArray:
    """Return rows of a number of people, and by what to divide each of RATES for drawn strangers, (M, 4)."""
    drawn, people = draw(cohort), len(np.unique(names))
    rows = []
    for size, repeats in [(size, repeats) for size, repeats in _GALLERIES if size <= people / 4]:
        factors = []
        for gallery, strangers in _galleries(cohort, embeddings, names, size, repeats):
            real, imagined = (gallery.compare(faces).scores.max(axis=1) for faces in (strangers, drawn))
            reached = [np.quantile(real, 1 - rate) for rate in RATES]
            passed = [max(float((imagined >= score).mean()), 1 / len(drawn)) for score in reached]
            factors.append(np.log(np.array(RATES) / passed))
        rows.append([size, *np.exp(np.mean(factors, axis=0))])
    return np.array(rows, np.float32).reshape(-1, 1 + len(RATES))


def _galleries(
    cohort: Cohort, embeddings: FloatArray, names: Names, size: int, repeats: int
) -> Iterator[tuple[Gallery, FloatArray]]:
    """Yield galleries of `size` people, and a face of everybody else."""
    random = np.random.default_rng(size)
    people, counts = np.unique(names, return_counts=True)
    for repeat in range(repeats):
        photos = _PHOTOS[repeat % len(_PHOTOS)]
        likely = np.where(counts >= min(photos, 2), 1.0, 1e-6)  # who has several photos, where several are wanted
        chosen = random.choice(people, size, replace=False, p=likely / likely.sum())
        yield (
            fit(*prototypes(embeddings, names, chosen, photos, random), cohort),
            _one_each(embeddings, names, ~np.isin(names, chosen)),
        )


def prototypes(
    embeddings: FloatArray, names: Names, chosen: Sequence[str] | Names, photos: int, random: np.random.Generator
) -> tuple[FloatArray, IntArray]:
    """Return up to `photos` embeddings of each of the chosen people, drawn at random, and their people."""
    rows = [random.permutation(np.flatnonzero(names == name))[:photos] for name in chosen]
    return embeddings[np.concatenate(rows)], np.repeat(np.arange(len(rows)), [len(own) for own in rows])
