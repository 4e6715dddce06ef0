"""Computes what the numbers of an answer depend on: prototypes, the threshold of `known`, the temperature."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar  # type: ignore[import-untyped]
from scipy.special import log_softmax  # type: ignore[import-untyped]
from sklearn.cluster import KMeans
from sklearn.preprocessing import normalize

from model.gallery import FloatArray, Gallery, IntArray
from training.reliability import Reliability

PROTOTYPES: Final = 16
"""The largest number of prototypes of a person. The embeddings of more photos than that are clustered."""

IMPOSTORS: Final[Mapping[str, Sequence[tuple[float, float]]]] = {
    "casia-webface": (
        (1e-1, 0.298),
        (3e-2, 0.387),
        (1e-2, 0.448),
        (3e-3, 0.502),
        (1e-3, 0.545),
        (3e-4, 0.576),
        (1e-4, 0.610),
        (3e-5, 0.629),
    ),
}
"""By pretrained weights: (share of strangers, similarity that this share reaches with one person). Measured by
`visage benchmark lfw`: everybody in LFW with ten photos or more is a gallery, everybody else a stranger."""

_GALLERY_PHOTOS: Final = 10
"""People of LFW with at least this many photos are galleries. Users of Visage have about as many of each person."""

_RATES: Final = (1e-1, 3e-2, 1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5)

CAUTIOUS: Final = 0.55
"""The lowest threshold where no strangers were measured."""

MAX_CERTAINTY: Final = 0.8
"""The highest `certainty`, the probability that the fine-tuned head's name must have; see `certainty()`."""

ENOUGH_FACES: Final = 20
"""Figures that were measured on fewer faces than this are neither used nor shown."""

_MIN_FACES: Final = 100
"""Impostors with fewer faces than this are not used: too few to measure the default rate, one in a hundred."""

_RELATED: Final = 0.7
"""Similarity from which two people of a gallery do not count as strangers to each other: twins, or one person twice."""


def gallery_of(embeddings: FloatArray, people: IntArray) -> Gallery:
    """Return a gallery with the prototypes of each person's unit-length embeddings, (N, 512) of (N,) people."""
    owners = np.unique(people)
    prototypes = [prototypes_of(embeddings[people == person]) for person in owners]
    return Gallery(np.concatenate(prototypes), np.repeat(owners, [len(own) for own in prototypes]))


def prototypes_of(embeddings: FloatArray) -> FloatArray:
    """Return at most PROTOTYPES unit-length vectors, (K, 512), for the embeddings (N, 512) of one person: k-means."""
    if len(embeddings) <= PROTOTYPES:
        return embeddings
    means = KMeans(PROTOTYPES, n_init=4, random_state=0).fit(embeddings).cluster_centers_
    prototypes: FloatArray = normalize(means).astype(np.float32)
    return prototypes


def estimates(
    rate: float,
    gallery: Gallery,
    embeddings: FloatArray,
    people: IntArray,
    *,
    impostors: FloatArray | float | None,
    table: Sequence[tuple[float, float]] | None,
) -> dict[str, float]:
    """Return, by where it comes from, the similarity that a share `rate` of strangers reaches with somebody.

    - "people left out": each of the (N, 512) embeddings as a stranger to everybody but its owner. These are few and
      not chosen at random, so they can only raise the estimate of the others.
    - "impostors": the owner's photos of strangers, (M, 512), if there are enough of them, or the similarity that was
      measured on such photos earlier; else
    - "LFW": strangers of LFW by the weights' `table`. Among C people each may take a share of rate / C.
    """
    found = {}
    left_out = _people_left_out(gallery, embeddings, people)
    if len(left_out) * rate >= 1:
        found["people left out"] = float(np.quantile(left_out, 1 - rate))
    if isinstance(impostors, float):
        found["impostors"] = impostors
    elif impostors is not None and len(impostors) >= _MIN_FACES:
        reached = gallery.similarities(impostors, int(gallery.people.max()) + 1).max(axis=1)
        found["impostors"] = float(np.quantile(reached, 1 - rate))
    elif table:
        found["LFW"] = similarity_at_rate(table, rate, len(np.unique(gallery.people)))
    return found


def threshold(found: Mapping[str, float]) -> float:
    """Return the similarity from which a face is known: the highest estimate."""
    strangers = [value for source, value in found.items() if source != "people left out"]
    return max([*found.values(), *([] if strangers else [CAUTIOUS])])


def similarity_at_rate(table: Sequence[tuple[float, float]], rate: float, count: int) -> float:
    """Return the similarity that a share `rate` of strangers reaches with one of `count` people or more.

    The rate for all people is at most the sum of the rates for each of them (Boole's inequality). Between two rows of
    the table the logarithm of the rate is interpolated; outside the table the nearest row is used.
    """
    rates, similarities = np.array(table).T
    return float(np.interp(np.log(rate / count), np.log(rates[::-1]), similarities[::-1]))


def impostor_table(embeddings: FloatArray, names: npt.NDArray[np.str_]) -> list[tuple[float, float]]:
    """Return a table as in IMPOSTORS from (N, 512) embeddings of (N,) people: empty if nobody has enough photos.

    Everybody with _GALLERY_PHOTOS photos or more is a gallery, the first photo of everybody else a stranger to it.
    """
    people, first, owner, counts = np.unique(names, return_index=True, return_inverse=True, return_counts=True)
    reached = [
        Gallery(
            prototypes_of(embeddings[owner == person]), np.zeros(min(counts[person], PROTOTYPES), np.int64)
        ).similarities(embeddings[np.delete(first, person)], 1)
        for person in np.flatnonzero(counts >= _GALLERY_PHOTOS)
    ]
    if not reached or len(people) < _GALLERY_PHOTOS:
        return []
    return [(rate, round(float(np.quantile(np.concatenate(reached), 1 - rate)), 3)) for rate in _RATES]


def _people_left_out(gallery: Gallery, embeddings: FloatArray, people: IntArray) -> npt.NDArray[np.float32]:
    """Return each embedding's similarity, (N,), to the most similar person who is neither its owner nor related."""
    count = int(gallery.people.max()) + 1
    between = gallery.similarities(gallery.embeddings, count)
    related = np.stack([between[gallery.people == person].mean(axis=0) for person in range(count)]) >= _RELATED
    np.fill_diagonal(related, val=True)
    similarities = np.where(related[people], -1, gallery.similarities(embeddings, count))
    nearest: npt.NDArray[np.float32] = similarities.max(axis=1)
    return nearest


def temperature(logits: FloatArray, people: IntArray) -> float:
    """Return the number to divide (N, C) logits by, so that their softmax is how often (N,) people are named right.

    Guo et al., "On Calibration of Modern Neural Networks", ICML 2017. The targets are smoothed, because N faces without
    an error do not make errors impossible: half an error is added (Krichevsky and Trofimov, "The Performance of
    Universal Encoding", 1981). Without faces it is 1.
    """
    if not len(logits):
        return 1.0
    count, classes = logits.shape
    targets = np.full((count, classes), 0.5 / (count + 1) / max(classes - 1, 1))
    targets[np.arange(count), people] = (count + 0.5) / (count + 1)

    def loss(log_temperature: float) -> float:
        return float(-(targets * log_softmax(logits / np.exp(log_temperature), axis=1)).sum(axis=1).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-3, 5), method="bounded").x))


def certainty(similarities: FloatArray, probabilities: FloatArray, people: IntArray, threshold: float) -> float:
    """Return the probability, 0 to 1, under which a face does not count as known.

    The fine-tuned head is seldom sure of a stranger: of the strangers of LFW that reach a similarity of 0.5 with one of
    ten people, half get a probability under 0.8, and of those ten people's own faces none. The result is never more
    than the lowest probability of those held-out faces, (N, C) of (N,) people, that are named right and reach the
    threshold. It is 0 where there are too few of these.
    """
    rows, named = np.arange(len(people)), probabilities.argmax(axis=1)
    accepted = (named == people) & (similarities[rows, named] >= threshold)
    if accepted.sum() < ENOUGH_FACES:
        return 0.0
    return min(MAX_CERTAINTY, float(probabilities[rows, named][accepted].min()))


def figures(
    similarities: FloatArray, probabilities: FloatArray, people: IntArray, threshold: float, least: float
) -> dict[str, Any] | None:
    """Return the figures of (N,) people's faces by their (N, C) similarities and probabilities; None without faces."""
    if not len(people):
        return None
    rows, named = np.arange(len(people)), probabilities.argmax(axis=1)
    right = named == people
    known = (similarities[rows, named] >= threshold) & (probabilities[rows, named] >= least)
    return {
        "faces": len(people),
        "name_right": float(right.mean()),
        "recognised": float((right & known).mean()),
        "expected_calibration_error": Reliability.of(probabilities[rows, named].astype(np.float64), right).error,
    }
