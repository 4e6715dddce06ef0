"""Measures a cohort: what strangers are like, from photos of many people."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt
from sklearn.cluster import KMeans

from dataset.words import counted
from model.cohort import Cohort, FloatArray, normalised
from model.gallery import Gallery
from model.prototypes import IntArray
from model.roster_gallery import RosterGallery
from model.strangers import RATES, draw
from model.verification import FALSE_ACCEPT_RATE, compare, penalties
from training.discriminant import fit
from training.errors import DatasetError

MIN_PEOPLE: Final = 300
"""Strangers of fewer people than this are too few to measure a cohort on."""

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

_LARGEST: Final = (400, 4)
"""The same for a roster, which may become large. Half of the people of a part stay strangers."""

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
    of_trained, of_roster, of_pairs = [], [], []
    for done, left_out in enumerate(MEASURED):
        others = np.isin(parts, [part for part in MEASURED if part != left_out])
        cohort = _cohort(_one_each(embeddings, names, others), source)
        part = embeddings[parts == left_out], names[parts == left_out]
        of_trained.append(_corrections(cohort, *part, fit, _GALLERIES))
        of_roster.append(_corrections(cohort, *part, RosterGallery.of_prototypes, (*_GALLERIES, _LARGEST)))
        of_pairs.append(_verification(cohort, _one_each(embeddings, names, parts == left_out)))
        on_progress(done + 1, len(MEASURED))
    # The last part was left out last: this cohort is of COHORT.
    return replace(
        cohort,
        corrections=_means(of_trained),
        roster_corrections=_means(of_roster),
        verification=np.mean(of_pairs, axis=0).astype(np.float32),
    )


def _verification(cohort: Cohort, faces: FloatArray) -> FloatArray:
    """Return what verification needs, (3,), measured on (N, 512) faces, each of another person; see `Cohort`."""
    least = np.median(penalties(faces, cohort))
    trial = replace(cohort, verification=np.array([FALSE_ACCEPT_RATE, 0, least], np.float32))
    scores = compare(faces, faces, trial)[1][np.triu_indices(len(faces), 1)]
    return np.array([FALSE_ACCEPT_RATE, np.quantile(scores, 1 - FALSE_ACCEPT_RATE), least], np.float32)


def _means(corrections: Sequence[FloatArray]) -> FloatArray:
    """Return the geometric means of tables of corrections; a number of people that one of them lacks is left out."""
    rows = min(len(table) for table in corrections)
    means: FloatArray = np.exp(np.mean([np.log(table[:rows]) for table in corrections], axis=0)).astype(np.float32)
    return means


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
        np.zeros((0, 1 + len(RATES)), np.float32),
        np.zeros(0, np.float32),
        source,
    )


def _corrections(
    cohort: Cohort,
    embeddings: FloatArray,
    names: Names,
    make: Callable[[FloatArray, IntArray, Cohort], Gallery | RosterGallery],
    galleries: Sequence[tuple[int, int]],
) -> FloatArray:
    """Return rows of a number of people, and by what to divide each of RATES for drawn strangers, (M, 4).

    `make` makes a gallery of prototypes, their people and the cohort.
    """
    drawn, people = draw(cohort), len(np.unique(names))
    rows = []
    for size, repeats in [(size, repeats) for size, repeats in galleries if size <= people / 2]:
        factors = []
        for chosen, strangers in _galleries(embeddings, names, size, repeats):
            gallery = make(*chosen, cohort)
            real, imagined = (gallery.compare(faces).scores.max(axis=1) for faces in (strangers, drawn))
            reached = [np.quantile(real, 1 - rate) for rate in RATES]
            passed = [max(float((imagined >= score).mean()), 1 / len(drawn)) for score in reached]
            factors.append(np.log(np.array(RATES) / passed))
        rows.append([size, *np.exp(np.mean(factors, axis=0))])
    return np.array(rows, np.float32).reshape(-1, 1 + len(RATES))


def _galleries(
    embeddings: FloatArray, names: Names, size: int, repeats: int
) -> Iterator[tuple[tuple[FloatArray, IntArray], FloatArray]]:
    """Yield prototypes of `size` people and whose they are, and a face of everybody else."""
    random = np.random.default_rng(size)
    people, counts = np.unique(names, return_counts=True)
    for repeat in range(repeats):
        photos = _PHOTOS[repeat % len(_PHOTOS)]
        likely = np.where(counts >= min(photos, 2), 1.0, 1e-6)  # who has several photos, where several are wanted
        chosen = random.choice(people, size, replace=False, p=likely / likely.sum())
        yield (
            prototypes(embeddings, names, chosen, photos, random),
            _one_each(embeddings, names, ~np.isin(names, chosen)),
        )


def prototypes(
    embeddings: FloatArray, names: Names, chosen: Sequence[str] | Names, photos: int, random: np.random.Generator
) -> tuple[FloatArray, IntArray]:
    """Return up to `photos` embeddings of each of the chosen people, drawn at random, and their people."""
    rows = [random.permutation(np.flatnonzero(names == name))[:photos] for name in chosen]
    return embeddings[np.concatenate(rows)], np.repeat(np.arange(len(rows)), [len(own) for own in rows])
