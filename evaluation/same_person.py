"""Measures how often two photos pass for one person's, at the threshold that a cohort has for verification.

People judge whom nothing was measured on. Of different people, one photo each is compared with all others; of one
person, every two photos, and each person counts the same. Pairs that share a person are not independent, so the
intervals come from drawing the people again (bootstrap), and not the pairs.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt

from dataset.folders import Listing
from dataset.prepare import embed_all
from dataset.progress import OnStep
from evaluation.figures import Figures
from evaluation.metrics import CONFIDENCE
from model.cohort import Cohort, FloatArray
from model.verification import compare, threshold_at
from training.cohorts import judging_photos, person_of
from training.embedder import Embedder
from training.errors import DatasetError

RARE: Final = (1e-4, 1e-5, 1e-6)
"""The shares of pairs for which `visage search` sets its bar, among 10,000, 100,000 and a million faces."""

_RESAMPLES: Final = 1000

_MIN_PEOPLE: Final = 50
"""Fewer people have about a thousand pairs, of which one would pass."""

Matrix = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of so many pairs of so many people that pass, and its interval at 95 % confidence."""

    value: float
    interval: list[float]
    pairs: int
    people: int


@dataclass(frozen=True, slots=True)
class Search:
    """The bar of a search: the share of pairs that should pass, the score, and the shares of pairs that do.

    The pairs are those of the `false_accepts` and the `true_accepts` of the result.
    """

    stated_rate: float
    threshold: float
    false_accepts: float
    true_accepts: float


@dataclass(frozen=True)
class Result(Figures):
    """The share of pairs of different people that pass, and that of pairs of one person."""

    FILE: ClassVar[str] = "verification.json"

    threshold: float
    stated_rate: float
    false_accepts: Rate
    true_accepts: Rate
    searches: list[Search]
    measured_on: str
    network: Mapping[str, Any] = field(default_factory=dict)


def measure(
    photos: Listing, embedder: Embedder, cohort: Cohort, output: Path, workers: int, on_step: OnStep = lambda *_: None
) -> Result:
    """Compare the faces of a dataset's people who may judge. An interrupted call goes on in `output`.

    Raises:
        DatasetError: no threshold was measured with the network, or too few people have photos.
        PrepareError: no photo has a face, or a worker process was killed.
    """
    if not len(cohort.verification):
        raise DatasetError("No threshold for verification was measured. Run `visage benchmark strangers` first.")
    judging = judging_photos(photos)
    found = embed_all(judging, workers, embedder, lambda *done: on_step("Embedding, photos", *done), output / "plain")
    names = np.array([person_of(judging.root / photo, judging.root) for photo in found])
    embeddings = np.stack(list(found.values()))
    rate, threshold, _ = map(float, cohort.verification)
    scores = compare(embeddings, embeddings, cohort)[1]
    return Result(
        threshold,
        rate,
        _of_different_people(scores >= threshold, names),
        _of_one_person(scores >= threshold, names),
        [_search(scores, names, rate, threshold_at(cohort, rate)) for rate in RARE],
        cohort.source,
        {"sha256": embedder.sha256, "geometry": asdict(embedder.geometry)},
    )


def _search(scores: FloatArray, names: npt.NDArray[np.str_], rate: float, threshold: float) -> Search:
    passes = scores >= threshold
    return Search(rate, threshold, _of_different_people(passes, names).value, _of_one_person(passes, names).value)


def _of_different_people(passes: Matrix, names: npt.NDArray[np.str_]) -> Rate:
    """Return the rate among the first photos of all people, from (N, N) whether two photos pass."""
    first = np.unique(names, return_index=True)[1]
    people = len(first)
    if people < _MIN_PEOPLE:
        raise DatasetError(f"Too few people to judge by: {people} instead of {_MIN_PEOPLE}. Give more photos.")
    between = passes[np.ix_(first, first)].astype(np.float64)
    np.fill_diagonal(between, 0)
    counts = _draws(people)
    # Somebody who is drawn twice makes no pair with themselves.
    rates = np.einsum("ri,ri->r", counts @ between, counts) / (people**2 - (counts**2).sum(axis=1))
    pairs = people * (people - 1)
    return Rate(float(between.sum() / pairs), _interval(rates), pairs // 2, people)


def _of_one_person(passes: Matrix, names: npt.NDArray[np.str_]) -> Rate:
    """Return the rate among the photos of each person with several, from (N, N) whether two photos pass."""
    shares, pairs = [], 0
    for name in np.unique(names):
        rows = np.flatnonzero(names == name)
        upper = np.triu_indices(len(rows), 1)
        if len(rows) > 1:
            shares.append(passes[np.ix_(rows, rows)][upper].mean())
            pairs += len(upper[0])
    if not shares:
        raise DatasetError("Nobody who can judge has two photos. Give several photos of each person.")
    rates = _draws(len(shares)) @ np.array(shares) / len(shares)
    return Rate(float(np.mean(shares)), _interval(rates), pairs, len(shares))


def _draws(people: int) -> npt.NDArray[np.float64]:
    """Return (_RESAMPLES, people) how often each person is drawn."""
    return np.random.default_rng(0).multinomial(people, np.full(people, 1 / people), _RESAMPLES).astype(np.float64)


def _interval(rates: npt.NDArray[np.float64]) -> list[float]:
    low, high = np.quantile(rates, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return [float(low), float(high)]
