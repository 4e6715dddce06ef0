"""Computes what the numbers of an answer depend on: prototypes, the threshold of `known`, the temperature."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar  # type: ignore[import-untyped]
from scipy.special import log_softmax  # type: ignore[import-untyped]
from sklearn.cluster import KMeans
from sklearn.preprocessing import normalize

from model import strangers
from model.cohort import Cohort, FloatArray
from model.gallery import Gallery
from model.known import CAUTIOUS
from model.prototypes import IntArray
from model.strangers import score_at, share_above
from training.discriminant import fit
from training.reliability import Reliability

PROTOTYPES: Final = 16
"""The largest number of prototypes of a person. The embeddings of more photos than that are clustered."""

ENOUGH_FACES: Final = 20
"""Figures that were measured on fewer faces than this are neither used nor shown."""

MIN_IMPOSTORS: Final = 100
"""Impostors with fewer faces than this are not used: too few to measure the default rate, one in a hundred."""

_FOLDS: Final = 10
"""Into how many groups people are divided to be left out, a group at a time."""

_REPRESENTATIVE: Final = 20
"""Of so few people, those left out are not like strangers: nobody among them is much like another. Their estimate
counts by 1 - 20 / people. Measured on LFW, and on 50 people in photos of 64 pixels."""

_EVIDENCE: Final = 2.0
"""Those left out count half where so many of their faces are expected above the threshold. Measured on 200 people of
LFW with one photo each."""

_RELATED: Final = 0.7
"""Similarity from which two people of a gallery do not count as strangers to each other: twins, or one person twice."""

LEFT_OUT: Final = "people left out"
IMPOSTORS: Final = "impostors"


@dataclass(frozen=True)
class Threshold:
    """The score from which a face is known, and how it was found.

    `estimates` are scores by where they come from. `measured_on` names the photos of strangers that the rate was
    measured on, None where it is assumed. `drawn_rate` is the share of the cohort's drawn strangers that reach the
    threshold, where the owner's impostors determine it.
    """

    value: float
    estimates: Mapping[str, float]
    measured_on: str | None
    drawn_rate: float | None = None

    def to_dict(self, rate: float) -> dict[str, Any]:
        """Return what the manifest says about it; `rate` is the share of strangers that was asked for."""
        return {
            "false_accept_rate": rate,
            "estimates": dict(self.estimates),
            "measured_on": self.measured_on,
            "drawn_rate": self.drawn_rate,
        }


def gallery_of(embeddings: FloatArray, people: IntArray, cohort: Cohort) -> Gallery:
    """Return a gallery with the prototypes of each person's unit-length embeddings, (N, 512) of (N,) people."""
    owners = np.unique(people)
    prototypes = [prototypes_of(embeddings[people == person]) for person in owners]
    fitted = fit(np.concatenate(prototypes), np.repeat(owners, [len(own) for own in prototypes]), cohort)
    return with_strangers(fitted)


def with_strangers(gallery: Gallery) -> Gallery:
    """Return a gallery with the largest scores of drawn strangers, if its cohort is measured."""
    if len(gallery.strangers) or not gallery.cohort.is_measured:
        return gallery
    return replace(gallery, strangers=gallery.compare(strangers.draw(gallery.cohort)).scores.max(axis=1))


def prototypes_of(embeddings: FloatArray) -> FloatArray:
    """Return at most PROTOTYPES unit-length vectors, (K, 512), for the embeddings (N, 512) of one person: k-means."""
    if len(embeddings) <= PROTOTYPES:
        return embeddings
    means = KMeans(PROTOTYPES, n_init=4, random_state=0).fit(embeddings).cluster_centers_
    prototypes: FloatArray = normalize(means).astype(np.float32)
    return prototypes


def threshold(
    gallery: Gallery,
    rate: float,
    *,
    impostors: FloatArray | None = None,
    earlier: Mapping[str, Any] | None = None,
) -> Threshold:
    """Return the score that a share `rate` of strangers reaches with somebody in the gallery.

    - The owner's impostors, (M, 512) embeddings of strangers, determine it if there are enough of them. For a gallery
      that has changed since, `earlier`, what `Threshold.to_dict` returned, stands for them.
    - Else strangers that are drawn from the cohort estimate it, corrected by how many more real ones passed; and so do
      the people of the gallery, each as a stranger to the others. They are like the strangers that the owner's photos
      will show: the more people and photos there are, the more their estimate counts.
    - Without a cohort, it is CAUTIOUS or the estimate of the people, if that is higher.
    """
    cohort = gallery.cohort
    drawn = with_strangers(gallery).strangers if cohort.is_measured else None
    if impostors is not None and len(impostors) >= MIN_IMPOSTORS:
        value = score_at(gallery.compare(impostors).scores.max(axis=1), rate)
        share = None if drawn is None else share_above(drawn, value)
        return Threshold(value, {IMPOSTORS: value}, IMPOSTORS, share)
    if earlier and IMPOSTORS in earlier["estimates"]:
        return _as_earlier(earlier, drawn)
    found = _left_out(gallery, rate)
    estimates = {LEFT_OUT: found[0]} if found else {}
    if drawn is None:
        return Threshold(max([CAUTIOUS, *estimates.values()]), estimates, None)
    value = score_at(drawn, strangers.drawn_rate(cohort.corrections, rate, gallery.count))
    estimates[cohort.source] = value
    if found:
        difference, evidence = found[0] - value, found[1]
        value += difference * evidence * (1 if difference > 0 else max(0.0, 1 - _REPRESENTATIVE / gallery.count))
    return Threshold(value, estimates, cohort.source)


def _as_earlier(earlier: Mapping[str, Any], drawn: npt.NDArray[np.float32] | None) -> Threshold:
    """Return the threshold that the owner's impostors determined, for (N,) scores of drawn strangers with new people.

    Without drawn strangers it stays what it was.
    """
    share = earlier["drawn_rate"]
    value = float(earlier["estimates"][IMPOSTORS]) if share is None or drawn is None else score_at(drawn, share)
    return Threshold(value, {IMPOSTORS: value}, IMPOSTORS, share)


def _left_out(gallery: Gallery, rate: float) -> tuple[float, float] | None:
    """Return the score that people who are left out reach with the others, and how much that counts, 0 to 1.

    None of too few faces.
    """
    if gallery.count < 3:
        return None
    related, folds = _related(gallery), min(_FOLDS, gallery.count)
    groups = np.random.default_rng(0).permutation(gallery.count) % folds
    reached = [_scores_of_group(gallery, np.flatnonzero(groups == group), related) for group in np.unique(groups)]
    scores = np.concatenate(reached)
    expected = len(scores) * rate
    if expected < 1:
        return None
    smaller = 1 - 1 / folds  # the gallery without them, and its rate
    return score_at(scores, rate * smaller), expected / (expected + _EVIDENCE)


def _scores_of_group(gallery: Gallery, group: IntArray, related: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
    """Return the largest score, (N,), of each prototype of some people with the others who are not related to them."""
    kept = ~np.isin(gallery.people, group)
    others = np.delete(np.arange(gallery.count), group)
    rest = fit(gallery.embeddings[kept], np.searchsorted(others, gallery.people[kept]), gallery.cohort)
    scores = rest.compare(gallery.embeddings[~kept]).scores
    strangers_to = ~related[gallery.people[~kept]][:, others]
    largest: npt.NDArray[np.float32] = np.where(strangers_to, scores, -np.inf).max(axis=1)
    return largest[np.isfinite(largest)]


def _related(gallery: Gallery) -> npt.NDArray[np.bool_]:
    """Return which of C people are so alike that they are no strangers to each other, (C, C)."""
    between = gallery.similarities(gallery.embeddings)
    sums = np.zeros((gallery.count, gallery.count), np.float64)
    np.add.at(sums, gallery.people, between)
    related: npt.NDArray[np.bool_] = sums / np.bincount(gallery.people)[:, None] >= _RELATED
    return related | related.T


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


def figures(scores: FloatArray, probabilities: FloatArray, people: IntArray, threshold: float) -> dict[str, Any] | None:
    """Return the figures of (N,) people's faces by their (N, C) scores and probabilities; None without faces."""
    if not len(people):
        return None
    rows, named = np.arange(len(people)), probabilities.argmax(axis=1)
    right = named == people
    known = scores[rows, named] >= threshold
    return {
        "faces": len(people),
        "name_right": float(right.mean()),
        "recognised": float((right & known).mean()),
        "expected_calibration_error": Reliability.of(probabilities[rows, named].astype(np.float64), right).error,
    }
