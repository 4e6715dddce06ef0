"""Measures corrections: what photos of people, and near misses, change for their other photos and for everybody else.

Some people of a dataset are put on a roster by a few photos each; the rest are strangers. Half of all other photos are
recognised, and the owner corrects every wrong answer: "this is ..." adds a photo to the person, and "this is not ..."
keeps the face of a stranger as a near miss of whom it was taken for. The other half says what that changed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Final, Self

import numpy as np
import numpy.typing as npt

from dataset.folders import Listing
from dataset.progress import OnStep
from dataset.words import counted
from evaluation.enrolment import Faces, find_faces
from evaluation.figures import Figures
from evaluation.metrics import Share
from model.cohort import Cohort, FloatArray
from model.prototypes import IntArray
from model.roster import Roster
from model.roster_gallery import RosterGallery, has_many, measured, share_of_drawn, thresholds
from training.embedder import Embedder
from training.errors import DatasetError

NOBODY: Final = -1
"""The number of a stranger's person."""

_SHARES: Final = ("recognised", "wrong_name", "strangers_taken", "recognised_without_corrections")


@dataclass(frozen=True, slots=True)
class Row:
    """What happened to the measured faces at one moment.

    `recognised` and `wrong_name` are shares of the faces of people on the roster. `recognised_without_corrections` is
    that of people of whom nothing was corrected.
    """

    recognised: Share
    wrong_name: Share
    strangers_taken: Share
    recognised_without_corrections: Share

    def to_dict(self) -> dict[str, Any]:
        """Return shares with their counts, in JSON's types."""
        shares = {name: getattr(self, name) for name in _SHARES}
        return {name: {"share": share.value, "faces": share.trials} for name, share in shares.items()}

    @classmethod
    def sum(cls, rows: Sequence[Self]) -> Self:
        """Return the counts of all rows together."""
        shares = ([getattr(row, name) for row in rows] for name in _SHARES)
        return cls(*(Share(sum(one.hits for one in own), sum(one.trials for one in own)) for own in shares))


@dataclass(frozen=True)
class Result(Figures):
    """The figures before any correction, after photos were added, and after near misses were added, too."""

    FILE: ClassVar[str] = "corrections.json"

    rows: Mapping[str, Row]
    photos: int
    near_misses: int
    options: Mapping[str, Any]
    measured_on: str
    network: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the content of `corrections.json`."""
        return {
            "rows": {name: row.to_dict() for name, row in self.rows.items()},
            "corrections": {"photos": self.photos, "near_misses": self.near_misses},
            "options": dict(self.options),
            "measured_on": self.measured_on,
            "network": dict(self.network),
        }


@dataclass(frozen=True)
class _Half:
    """N faces: (N, 512) embeddings, those with the mirror image added, and (N,) numbers of people or NOBODY."""

    plain: FloatArray
    mirrored: FloatArray
    people: IntArray


@dataclass(frozen=True)
class _Draw:
    """A roster with its people's ids in their order, and the two halves of the other photos."""

    roster: Roster
    ids: tuple[str, ...]
    corrected: _Half
    judged: _Half


def measure(
    photos: Listing,
    embedder: Embedder,
    cohort: Cohort,
    output: Path,
    workers: int,
    *,
    people: int,
    enrolled: int = 1,
    repeats: int = 10,
    rate: float = 0.01,
    seed: int = 0,
    on_step: OnStep = lambda *_: None,
) -> Result:
    """Put `people` of a dataset on a roster by `enrolled` photos each, and correct half of all answers.

    `repeats` times, other people are drawn. The threshold accepts a share `rate` of strangers. An interrupted call goes
    on in `output`.

    Raises:
        DatasetError: too few people have enough photos.
        PrepareError: no photo has a face, or a worker process was killed.
    """
    faces = find_faces(photos, embedder, output, workers, on_step)
    found: dict[str, list[Row]] = {"before": [], "photos": [], "near_misses": []}
    counts = np.zeros(2, np.int64)
    for repeat in range(repeats):
        drawn = _draw(faces, cohort, people, enrolled, np.random.default_rng((seed, people, repeat)))
        added, touched, given = _with_photos(drawn, cohort, rate)
        missed, more, misses = _with_near_misses(drawn, added, cohort, rate)
        untouched = np.setdiff1d(np.arange(people), [*touched, *more])
        for name, roster in zip(found, (drawn.roster, added, missed), strict=True):
            found[name].append(_row(roster, drawn.judged, untouched, cohort, rate))
        counts += given, misses
        on_step("Rosters", repeat + 1, repeats)
    options = {"people": people, "photos": enrolled, "repeats": repeats, "false_accept_rate": rate, "seed": seed}
    network = {"sha256": embedder.sha256, "geometry": asdict(embedder.geometry)}
    rows = {name: Row.sum(own) for name, own in found.items()}
    return Result(rows, int(counts[0]), int(counts[1]), options, cohort.source, network)


def _draw(faces: Faces, cohort: Cohort, people: int, enrolled: int, random: np.random.Generator) -> _Draw:
    names, counts = np.unique(faces.names, return_counts=True)
    enough = names[counts > enrolled + 1]
    if len(enough) < people or people == len(names):
        raise DatasetError(
            f"{counted(len(enough), 'person')} with more than {counted(enrolled + 1, 'photo')} with a face, of "
            f"{len(names)}: too few to enrol {people} and leave strangers. Give more photos, or fewer --people."
        )
    chosen = random.choice(enough, people, replace=False)
    roster, ids = Roster("benchmark"), []
    halves: tuple[list[tuple[IntArray, IntArray]], ...] = ([], [])
    for number, name in enumerate([*chosen, *np.setdiff1d(names, chosen)]):
        rows = random.permutation(np.flatnonzero(faces.names == name))
        if number < people:
            roster, person = roster.with_person(f"Person {number}", faces.mirrored[rows[:enrolled]], ())
            ids.append(person.id)
            rows = rows[enrolled:]
        for half, part in zip(halves, np.array_split(rows, 2), strict=True):
            half.append((part, np.full(len(part), number if number < people else NOBODY)))
    corrected, judged = (_half(faces, parts) for parts in halves)
    return _Draw(measured(roster, cohort), tuple(ids), corrected, judged)


def _half(faces: Faces, parts: Sequence[tuple[IntArray, IntArray]]) -> _Half:
    rows, people = (np.concatenate(values) for values in zip(*parts, strict=True))
    return _Half(faces.embeddings[rows], faces.mirrored[rows], people)


def _answers(roster: Roster, half: _Half, cohort: Cohort, rate: float) -> tuple[IntArray, npt.NDArray[np.bool_]]:
    """Return who each face is most like, (N,), and whether that person is given as the answer."""
    gallery = RosterGallery.of(roster, cohort)
    few, many = thresholds(roster, share_of_drawn(roster, cohort, rate))
    scores = gallery.compare(half.plain).scores
    named = scores.argmax(axis=1)
    return named, scores.max(axis=1) >= np.where(has_many(roster), many, few)[named]


def _with_photos(drawn: _Draw, cohort: Cohort, rate: float) -> tuple[Roster, set[int], int]:
    """Add each face that was unknown or got a wrong name; return the roster, whose faces, and how many there were."""
    half, roster = drawn.corrected, drawn.roster
    named, known = _answers(roster, half, cohort, rate)
    wrong = np.flatnonzero((half.people != NOBODY) & ~(known & (named == half.people)))
    for row in wrong:
        roster = roster.with_photos(drawn.ids[half.people[row]], half.mirrored[row : row + 1], ())
    return measured(roster, cohort), set(half.people[wrong].tolist()), len(wrong)


def _with_near_misses(drawn: _Draw, roster: Roster, cohort: Cohort, rate: float) -> tuple[Roster, set[int], int]:
    """Add a near miss for each wrong name; return the roster, to whom they were added, and how many there were."""
    half = drawn.corrected
    named, known = _answers(roster, half, cohort, rate)
    wrong = np.flatnonzero(known & (named != half.people))
    for row in wrong:
        roster = roster.with_near_miss(drawn.ids[named[row]], half.mirrored[row])
    return measured(roster, cohort), set(named[wrong].tolist()), len(wrong)


def _row(roster: Roster, half: _Half, untouched: IntArray, cohort: Cohort, rate: float) -> Row:
    named, known = _answers(roster, half, cohort, rate)
    ours, right = half.people != NOBODY, named == half.people
    others = np.isin(half.people, untouched)
    shares: Iterator[npt.NDArray[np.bool_]] = iter(
        ((known & right)[ours], (known & ~right)[ours], known[~ours], (known & right)[others])
    )
    return Row(*map(Share.of, shares))
