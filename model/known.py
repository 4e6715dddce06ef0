"""Everybody whom a service knows: the people on whom its network was trained, and those on its roster.

A person on whom the network was trained may be on the roster, too, with further photos or near misses. A face then gets
the better of the two scores.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Self

import numpy as np

from model.cohort import FloatArray
from model.errors import UnknownPersonError
from model.gallery import Comparison, Gallery
from model.manifest import Manifest
from model.prototypes import IntArray
from model.roster import Flags, Roster, trained_id
from model.roster_gallery import RosterGallery, has_many, measured, share_of_drawn, thresholds
from model.strangers import score_at, share_above
from preprocess.names import key

CAUTIOUS: Final = 0.55
"""The lowest threshold of similarities where no strangers were measured; a guess."""

ENROLMENT_TEMPERATURE: Final = 0.05
"""Temperature of the softmax over normalised similarities where one of the people is on the roster: one that is higher
by this much makes a person e times as likely."""

SCORE_IN_LOGITS: Final = 1.0
"""How much a score counts beside the network's logits for the name."""


LOOKALIKE: Final = 0.7
"""Similarity from which two people may be confused: about that of two photos of one person."""


@dataclass(frozen=True, slots=True)
class Lookalike:
    """Somebody who may be confused with another person."""

    id: str
    name: str
    similarity: float


@dataclass(frozen=True)
class Judgement:
    """What is known of N faces and C people: `probabilities`, `similarities` and `scores`, (N, C) each.

    Whoever reaches the score of the bundle's `threshold` with a person is known as that person.
    """

    probabilities: FloatArray
    similarities: FloatArray
    scores: FloatArray


@dataclass(frozen=True)
class Bars:
    """What is subtracted from the scores with people on whom the network was trained, and with those on the roster.

    `few` is for people on the roster with few photos, and `many` for those with more; see `model.roster_gallery`.

    They are chosen so that one share of strangers, that of the manifest, is taken for anybody at all.
    """

    trained: float = 0
    few: float = 0
    many: float = 0


@dataclass(frozen=True)
class KnownPeople:
    """The people of a bundle and of a roster: those on whom the network was trained come first."""

    manifest: Manifest
    gallery: Gallery
    roster: Roster

    @classmethod
    def of(cls, manifest: Manifest, gallery: Gallery, roster: Roster | None) -> Self:
        """Return the people of a bundle, and of a roster if there is one; what it lacks is computed."""
        return cls(manifest, gallery, measured(roster or Roster(""), gallery.cohort))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the people, in the order of a judgement."""
        people = self.roster.people
        return (*self.manifest.labels, *(people[number].name for number in self._newcomers))

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """Their ids. Somebody who was added, and on whom a network was trained later, keeps theirs."""
        people = self.roster.people
        entries = {people[number].name: people[number].id for number in self._entries}
        trained = (entries.get(label) or trained_id(label) for label in self.manifest.labels)
        return (*trained, *(people[number].id for number in self._newcomers))

    def number_of(self, identity: str) -> int:
        """Return the number of the person with this id.

        Raises:
            UnknownPersonError: there is none.
        """
        number = self._numbers.get(identity)
        if number is None:
            raise UnknownPersonError(identity)
        return number

    def named(self, name: str) -> list[str]:
        """Return the ids of whoever has this name. Two have it if one was added, and trained on in another spelling."""
        return self._by_key.get(key(name), [])

    @cached_property
    def sorted_by_name(self) -> list[tuple[str, str]]:
        """The key of each person's name (see `preprocess.names`) and the id, in the order of the keys."""
        return sorted((key(name), identity) for name, identity in zip(self.names, self.ids, strict=True))

    @cached_property
    def _by_key(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name, identity in self.sorted_by_name:
            found.setdefault(name, []).append(identity)
        return found

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {identity: number for number, identity in enumerate(self.ids)}

    @property
    def trained(self) -> int:
        """How many of them the network was trained on."""
        return len(self.manifest.labels)

    @property
    def version(self) -> int | None:
        """The version of the roster; None without one."""
        return self.roster.version if self.roster.space else None

    @property
    def supported(self) -> int | None:
        """For how many people on the roster the threshold was measured; None if for none."""
        table = self.gallery.cohort.roster_corrections
        return int(table[-1, 0]) if len(table) else None

    def judge(self, embeddings: FloatArray, logits: FloatArray) -> Judgement:
        """Judge N faces by their (N, 512) unit-length embeddings and (N, C) logits."""
        own = self.gallery.compare(embeddings)
        if not self.roster.people:
            return Judgement(naming_probabilities(logits, own, self.manifest.temperature), own.similarities, own.scores)
        found = self._rows.compare(embeddings)
        own = self._with_entries(own, found, embeddings)
        joined = Comparison(
            *(
                np.hstack([getattr(own, name), getattr(found, name)[:, self._newcomers]])
                for name in ("similarities", "normalised", "scores")
            )
        )
        scores = joined.scores - self._shifts
        return Judgement(naming_probabilities(logits, joined, self.manifest.temperature), joined.similarities, scores)

    def _with_entries(self, own: Comparison, found: Comparison, embeddings: FloatArray) -> Comparison:
        """Return how faces compare with the trained people, with what the roster adds of some of them."""
        if not len(self._entries):
            return own
        rows, labels = self._entries, self._labels
        to_own = np.float32(self.bars.trained) - self._roster_shifts[rows]
        similarities, normalised, scores = own.similarities.copy(), own.normalised.copy(), own.scores.copy()
        similarities[:, labels] = np.maximum(similarities[:, labels], found.similarities[:, rows])
        lowered = self._rows.nearness(embeddings, similarities[:, labels], rows)
        normalised[:, labels] = np.maximum(normalised[:, labels] - lowered, found.normalised[:, rows])
        scores[:, labels] = np.maximum(scores[:, labels] - lowered, found.scores[:, rows] + to_own)
        return Comparison(similarities, normalised, scores)

    @cached_property
    def bars(self) -> Bars:
        """By how much scores of each kind of people are too high for the one threshold of the manifest."""
        trained, cohort = self.manifest.threshold, self.gallery.cohort
        if not cohort.is_measured:
            cautious = max(CAUTIOUS, trained) - trained
            return Bars(few=cautious, many=cautious)
        share = share_of_drawn(self.roster, cohort, self.manifest.calibration["false_accept_rate"])
        if not share:
            return Bars()
        few, many = thresholds(self.roster, share)
        of_trained, of_many = self._of_both(few, 0, share), self._of_both(many, 1, share)
        return Bars(of_trained, few + of_trained - trained, many + of_many - trained)

    def _of_both(self, bar: float, level: int, share: float) -> float:
        """Return by how much bars must be higher because strangers may be like trained people or those on the roster.

        `bar` is that of the roster at this level, 0 for few photos and 1 for many.
        """
        if not len(self.gallery.strangers):
            return 0.0
        trained = self.manifest.threshold
        of_trained = share_above(self.gallery.strangers, trained)
        reached = self.roster.strangers[level] - (bar - self.roster.alike[level])
        above = np.maximum(self.gallery.strangers - trained, reached)
        return max(0.0, score_at(above, math.sqrt(share * max(of_trained, 1e-6))))

    def similarities(self, embeddings: FloatArray) -> FloatArray:
        """Return the similarities, (N, C), of (N, 512) unit-length embeddings with the people."""
        own = self.gallery.similarities(embeddings)
        if not self.roster.people:
            return own
        found = self._rows.similarities(embeddings)
        labels, rows = self._labels, self._entries
        own[:, labels] = np.maximum(own[:, labels], found[:, rows])
        return np.hstack([own, found[:, self._newcomers]])

    def lookalikes(self, embeddings: FloatArray, but: str = "") -> list[Lookalike]:
        """Return who looks like the person of (K, 512) embeddings, other than the one with the id `but`."""
        if not len(embeddings):
            return []
        means = self.similarities(embeddings).mean(axis=0)
        alike = np.flatnonzero(means >= LOOKALIKE)
        found = [Lookalike(self.ids[person], self.names[person], float(means[person])) for person in alike]
        return sorted((one for one in found if one.id != but), key=lambda one: -one.similarity)

    @cached_property
    def _rows(self) -> RosterGallery:
        return RosterGallery.of(self.roster, self.gallery.cohort)

    @cached_property
    def _is_trained(self) -> Flags:
        """Whether the network was trained on each of those on the roster, too."""
        labels = set(self.manifest.labels)
        return np.array([person.name in labels for person in self.roster.people], np.bool_)

    @cached_property
    def _entries(self) -> IntArray:
        """Numbers, on the roster, of those on whom the network was trained, too."""
        return np.flatnonzero(self._is_trained)

    @cached_property
    def _labels(self) -> IntArray:
        """The number of each of `_entries` among the labels."""
        labels = {label: number for number, label in enumerate(self.manifest.labels)}
        return np.array([labels[self.roster.people[number].name] for number in self._entries], np.int64)

    @cached_property
    def _newcomers(self) -> IntArray:
        """Numbers, on the roster, of those on whom the network was not trained."""
        return np.flatnonzero(~self._is_trained)

    @cached_property
    def _shifts(self) -> FloatArray:
        """By how much the scores of each person are too high for the threshold, (C,)."""
        trained = np.full(self.trained, self.bars.trained, np.float32)
        return np.concatenate([trained, self._roster_shifts[self._newcomers]])

    @cached_property
    def _roster_shifts(self) -> FloatArray:
        """The same for everybody on the roster."""
        return np.where(has_many(self.roster), np.float32(self.bars.many), np.float32(self.bars.few))


def naming_probabilities(logits: FloatArray, compared: Comparison, temperature: float) -> FloatArray:
    """Return (N, people) probabilities of N faces by (N, C) logits and comparisons, trained people before the others.

    Of people whom the network was trained on, the logits and scores decide. It gives no logits to those on the roster:
    the normalised similarities decide between them and the trained person who is the likeliest.
    """
    count = logits.shape[1]
    named = _softmax(naming_logits(logits, compared.scores), temperature)
    if compared.scores.shape[1] == count:
        return named
    nearest = np.take_along_axis(compared.normalised, named.argmax(axis=1)[:, None], axis=1)
    shares = _softmax(np.hstack([nearest, compared.normalised[:, count:]]), ENROLMENT_TEMPERATURE)
    return np.hstack([named * shares[:, :1], shares[:, 1:]])


def naming_logits(logits: FloatArray, scores: FloatArray) -> FloatArray:
    """Return (N, C) logits of the trained people with their scores added, before they are divided by a temperature."""
    added: FloatArray = logits + SCORE_IN_LOGITS * scores[:, : logits.shape[1]]
    return added


def _softmax(values: FloatArray, temperature: float) -> FloatArray:
    """Return the softmax of each row. SciPy's would have to be imported in every cold start."""
    powers = np.exp((values - values.max(axis=1, keepdims=True)) / temperature)
    shares: FloatArray = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
    return shares
