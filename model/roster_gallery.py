"""Compares faces with the people of a roster.

A score is the similarity, less half of how alike the face is to the cohort, and less half of how alike the prototypes
are to it: symmetric score normalisation, see `model.gallery`. Unlike there, it depends on nobody else on the roster.
Who comes and goes never changes the scores of the others. docs/quality.md has the measurements.

Near misses lower a score: a face that is more like one of them than like the person's photos is taken for the former.

The more photos people have, and the odder these are, the more strangers reach a score with them. So there are two bars.
That of people with FEW photos is measured as if nobody had more, and that of the others with all photos. Whoever gets
further photos raises only the bar of people who have many.
"""

from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np

from model.cohort import Cohort, FloatArray, normalised
from model.gallery import Comparison
from model.prototypes import IntArray, Prototypes, alikeness
from model.roster import FEW, Flags, Roster, restored
from model.strangers import DRAWN, drawn_faces, drawn_rate, score_at

NEAR_MISS: Final = 2.0
"""By how many times the difference a score decreases for a face that is more like a near miss than like the person. Of
0.5 to 4, the larger ones took fewer strangers for somebody, and from 2 on nothing changed: docs/quality.md."""

USUAL: Final = 0.05
"""How much more alike people may be to each other than drawn strangers are to them, before that raises the bar. People
of LFW, whom the cohort is right for, are by 0 to 0.04."""

_COMPARISONS: Final = 640_000
_COMPARED: Final = (64, 1024)
"""So many comparisons say how alike people are to each other, of so many photos at least and at most, evenly spaced.
With fewer photos, chance moves the bar of a small roster; with more, a change of 10,000 people takes longer."""

_MIN_PEOPLE: Final = 5
"""Of fewer people, nothing is concluded; of so many, half of what is found."""

_BLOCK: Final = 256
"""Strangers that are compared at once, to save memory."""

_LEVELS: Final = (FEW, None)
"""How many of each person's photos count for each of the two bars."""


@dataclass(frozen=True)
class RosterGallery:
    """The people of a roster as prototypes, and their near misses; `penalties` (P,) are those of the prototypes."""

    prototypes: Prototypes
    penalties: FloatArray
    misses: Prototypes
    cohort: Cohort

    @classmethod
    def of(cls, roster: Roster, cohort: Cohort) -> Self:
        """Return the gallery of a roster whose penalties are computed, see `measured`."""
        embeddings, near = restored(roster.embeddings), roster.near
        photos = ~near if near.any() else slice(None)  # which copies nothing
        zeros, ones = np.zeros(len(near), np.float32), np.ones(len(near), np.float32)
        penalties, norms = (roster.penalties, roster.norms) if cohort.is_measured else (zeros, ones)

        def part(rows: Flags | slice) -> Prototypes:
            return Prototypes(embeddings[rows], roster.owners[rows], len(roster.people), cohort.mean, norms[rows])

        return cls(part(photos), penalties[photos], part(near), cohort)

    @classmethod
    def of_prototypes(cls, embeddings: FloatArray, people: IntArray, cohort: Cohort) -> Self:
        """Return the gallery of (P, 512) prototypes of (P,) people."""
        centred = cohort.centred(embeddings)
        penalties = np.float32(0.5) * alikeness(centred @ cohort.centres.T)
        count = int(people.max()) + 1
        none = Prototypes(embeddings[:0], people[:0], count)
        return cls(Prototypes(centred, people, count), penalties, none, cohort)

    def compare(self, embeddings: FloatArray) -> Comparison:
        """Compare (N, 512) unit-length embeddings with the people."""
        faces = self.cohort.centred(embeddings)
        cosines = self.prototypes.cosines(faces)
        similarities = self.prototypes.nearest(cosines)
        scores = self._scores(cosines, faces, alikeness(faces @ self.cohort.centres.T), None, similarities)
        return Comparison(similarities, scores, scores)

    def scores(self, faces: FloatArray, alike: FloatArray, first: int | None = None) -> FloatArray:
        """Return the scores, (N, C), of (N, 512) faces less the mean, at unit length, alike to the cohort by (N,).

        With `first`, only so many photos of each person count.
        """
        return self._scores(self.prototypes.cosines(faces), faces, alike, first)

    def largest(self, faces: FloatArray, alike: FloatArray, levels: range) -> tuple[FloatArray, IntArray]:
        """Return the largest score of each of N faces at each level, and with whom: (L, N) each; see `scores`."""
        found, best = [], []
        for block in np.array_split(np.arange(len(faces)), max(1, len(faces) // _BLOCK)):
            cosines = self.prototypes.cosines(faces[block])
            scores = [self._scores(cosines, faces[block], alike[block], _LEVELS[level]) for level in levels]
            found.append([values.max(axis=1) for values in scores])
            best.append([values.argmax(axis=1) for values in scores])
        return np.concatenate(found, axis=1), np.concatenate(best, axis=1)

    def _scores(
        self,
        cosines: FloatArray,
        faces: FloatArray,
        alike: FloatArray,
        first: int | None,
        similarities: FloatArray | None = None,
    ) -> FloatArray:
        """Return the scores by the cosines with the prototypes. Only near misses need `similarities`."""
        scores: FloatArray = self.prototypes.best(cosines - self.penalties, first) - np.float32(0.5) * alike[:, None]
        if len(self.misses.people):
            known = self.prototypes.nearest(cosines, first) if similarities is None else similarities
            scores -= self._nearness(faces, known, None)
        return scores

    def similarities(self, embeddings: FloatArray) -> FloatArray:
        """Return the similarities, (N, C), of (N, 512) unit-length embeddings with the people."""
        return self.prototypes.nearest(self.prototypes.cosines(self.cohort.centred(embeddings)))

    def nearness(self, embeddings: FloatArray, similarities: FloatArray, people: IntArray | None = None) -> FloatArray:
        """Return by how much the scores of (N, 512) faces decrease, because the faces are like near misses: (N, C).

        `similarities` (N, C) are those with the people numbered `people`, by default all.
        """
        return self._nearness(self.cohort.centred(embeddings), similarities, people)

    def _nearness(self, faces: FloatArray, similarities: FloatArray, people: IntArray | None) -> FloatArray:
        if not len(self.misses.people):
            return np.zeros_like(similarities)
        largest = self.misses.largest(self.misses.cosines(faces))
        excess = (largest if people is None else largest[:, people]) - similarities
        nearness: FloatArray = np.float32(NEAR_MISS) * np.maximum(excess, 0)
        return nearness


def more_alike(roster: Roster, gallery: RosterGallery, level: int = 0) -> float:
    """Return by how much more alike the people of a measured roster are to each other than the cohort lets expect.

    Strangers will be like the people: they are of the same place, or their photos are. Each person is taken for a
    stranger to the others, and the medians of these scores and of those of drawn strangers are compared. `level` is
    the bar's.
    """
    first = _LEVELS[level]
    rows = np.flatnonzero(~roster.near)[gallery.prototypes.first(first)]
    most = int(np.clip(_COMPARISONS // max(len(rows), 1), *_COMPARED))
    rows = rows[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), most)).astype(np.int64))]
    people = len(np.unique(roster.owners[rows]))
    if people < _MIN_PEOPLE:
        return 0.0
    faces = gallery.cohort.centred(restored(roster.embeddings[rows]))
    scores = gallery.scores(faces, 2 * roster.penalties[rows], first)
    scores[np.arange(len(rows)), roster.owners[rows]] = -np.inf
    difference = float(np.median(scores.max(axis=1)) - np.median(roster.strangers[level])) - USUAL
    return max(0.0, difference) * people / (people + _MIN_PEOPLE)


def share_of_drawn(roster: Roster, cohort: Cohort, rate: float) -> float:
    """Return the share of drawn strangers at whose threshold a share `rate` of real ones passes; 0 without people."""
    people = len(np.unique(roster.owners[~roster.near]))  # those who have photos
    return drawn_rate(cohort.roster_corrections, rate, people) if people else 0.0


def thresholds(roster: Roster, share: float) -> tuple[float, float]:
    """Return the scores that a share of drawn strangers reaches, with people with FEW photos at most and with others.

    They are higher by `alike`: strangers will be like the people.
    """
    few, many = (
        score_at(scores, share) + float(alike) for scores, alike in zip(roster.strangers, roster.alike, strict=True)
    )
    return few, many


def has_many(roster: Roster) -> Flags:
    """Return which of the people have more than FEW photos, (C,)."""
    many: Flags = np.bincount(roster.owners[~roster.near], minlength=len(roster.people)) > FEW
    return many


def measured(roster: Roster, cohort: Cohort) -> Roster:
    """Return the roster with its penalties, and with the largest score that each drawn stranger reaches.

    Only what changed since they were computed is computed again, so that one change of a large roster is quick.
    """
    if not cohort.is_measured or not roster.people:  # to draw strangers takes time at a cold start
        return roster
    if roster.cohort != cohort.digest or roster.nearest.shape[1] != DRAWN:
        unknown = np.full(len(roster.owners), np.nan, np.float32)
        roster = replace(
            roster,
            cohort=cohort.digest,
            penalties=unknown,
            norms=unknown,
            strangers=np.full((len(_LEVELS), DRAWN), -np.inf, np.float32),
            nearest=np.full((len(_LEVELS), DRAWN), -1),
        )
    changed = np.unique(roster.owners[np.isnan(roster.penalties)])
    if not len(changed) and (roster.nearest >= 0).all() and not np.isnan(roster.alike).any():
        return roster
    roster = _with_strangers(_with_rows(roster, cohort), cohort, changed)
    gallery = RosterGallery.of(roster, cohort)
    alike = [more_alike(roster, gallery, level) for level in _levels(roster)]
    return replace(roster, alike=np.resize(np.array(alike, np.float32), len(_LEVELS)))


def _levels(roster: Roster) -> range:
    """Return the levels to compute: where nobody has many photos, both are the same."""
    return range(len(_LEVELS) if has_many(roster).any() else 1)


def _with_rows(roster: Roster, cohort: Cohort) -> Roster:
    """Return the roster with the penalties and norms that are missing."""
    penalties, norms, missing = roster.penalties.copy(), roster.norms.copy(), np.isnan(roster.penalties)
    for rows in np.array_split(np.flatnonzero(missing), max(1, missing.sum() // _BLOCK)):
        centred = restored(roster.embeddings[rows]) - cohort.mean
        norms[rows] = np.linalg.norm(centred, axis=1)
        penalties[rows] = np.float32(0.5) * alikeness(normalised(centred) @ cohort.centres.T)
    return replace(roster, penalties=penalties, norms=norms)


def _with_strangers(roster: Roster, cohort: Cohort, changed: IntArray) -> Roster:
    """Return the roster with the largest scores of drawn strangers, after some people have changed."""
    faces, alike = drawn_faces(cohort)
    strangers, nearest = roster.strangers.copy(), roster.nearest.copy()
    unknown = (nearest < 0).any(axis=0)
    strangers[:, unknown] = -np.inf
    everybody = np.arange(len(roster.people))
    for people, rows in ((changed, np.flatnonzero(~unknown)), (everybody, np.flatnonzero(unknown))):
        if len(people) and len(rows):
            found, best = _part(roster, cohort, people).largest(faces[rows], alike[rows], _levels(roster))
            better = found > strangers[:, rows]
            strangers[:, rows] = np.where(better, found, strangers[:, rows])
            nearest[:, rows] = np.where(better, people[best], nearest[:, rows])
    return replace(roster, strangers=strangers, nearest=nearest)


def _part(roster: Roster, cohort: Cohort, people: IntArray) -> RosterGallery:
    """Return the gallery of some people alone, in their order; `people` are their sorted numbers."""
    mine: Flags = np.isin(roster.owners, people)
    part = replace(
        roster,
        people=tuple(roster.people[number] for number in people),
        embeddings=roster.embeddings[mine],
        owners=np.searchsorted(people, roster.owners[mine]),
        near=roster.near[mine],
        penalties=roster.penalties[mine],
        norms=roster.norms[mine],
    )
    return RosterGallery.of(part, cohort)
