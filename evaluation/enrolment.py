"""Measures people who are on a roster by a few photos each: their other photos, and strangers.

The people are those of a dataset, such as LFW, whom the cohort of the network was not measured on. Nothing is trained.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np

from dataset.folders import Listing
from dataset.prepare import embed_all
from dataset.progress import OnStep
from dataset.words import counted
from evaluation.figures import Figures
from evaluation.metrics import Share
from model.cohort import Cohort, FloatArray
from model.roster import FEW, Roster
from model.roster_gallery import RosterGallery, measured, share_of_drawn, thresholds
from training import strangers
from training.cohorts import judging_photos, person_of
from training.embedder import Embedder
from training.errors import DatasetError

_PROBES: Final = 4
"""The largest number of other photos that are recognised of each person, so that no person decides a figure."""


@dataclass(frozen=True, slots=True)
class Row:
    """The figures of galleries of so many people: counts over all of them, and the mean threshold.

    The galleries have faces in common. Their intervals are those of one gallery, in order not to be too narrow.
    """

    people: int
    galleries: int
    name_right: Share
    recognised: Share
    strangers_taken: Share
    threshold: float

    def to_dict(self) -> dict[str, Any]:
        """Return shares with their 95 % intervals, in JSON's types."""
        shares = {name: getattr(self, name) for name in ("name_right", "recognised", "strangers_taken")}
        return {
            "people": self.people,
            "galleries": self.galleries,
            "probes": self.recognised.trials,
            "strangers": self.strangers_taken.trials,
            "threshold": self.threshold,
            **{name: share.value for name, share in shares.items()},
            **{f"{name}_interval": self._interval(share) for name, share in shares.items()},
        }

    def _interval(self, share: Share) -> list[float] | None:
        return Share(round(share.hits / self.galleries), round(share.trials / self.galleries)).interval


@dataclass(frozen=True)
class Result(Figures):
    """The figures by number of people, and the options that they were measured with."""

    FILE: ClassVar[str] = "enrolment.json"

    rows: Sequence[Row]
    options: Mapping[str, Any]
    measured_on: str
    network: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the content of `enrolment.json`."""
        return {
            "rows": [row.to_dict() for row in self.rows],
            "options": dict(self.options),
            "measured_on": self.measured_on,
            "network": dict(self.network),
        }


@dataclass(frozen=True)
class Faces:
    """N faces: (N, 512) embeddings, those with the mirror image added, and (N,) names of people."""

    embeddings: FloatArray
    mirrored: FloatArray
    names: strangers.Names


def measure(
    photos: Listing,
    embedder: Embedder,
    cohort: Cohort,
    output: Path,
    workers: int,
    *,
    sizes: Sequence[int],
    enrolled: int = 1,
    repeats: int = 10,
    rate: float = 0.01,
    seed: int = 0,
    on_step: OnStep = lambda *_: None,
) -> Result:
    """Enrol people of a dataset by `enrolled` photos each, `sizes` of them at a time, and recognise everybody else.

    For each size, `repeats` galleries are drawn. The threshold accepts a share `rate` of strangers. An interrupted call
    goes on in `output`.

    Raises:
        DatasetError: too few people have enough photos.
        PrepareError: no photo has a face, or a worker process was killed.
    """
    faces = find_faces(judging_photos(photos), embedder, output, workers, on_step)
    trials = len(sizes) * repeats
    rows: list[Row] = []
    for size in sizes:
        found: list[tuple[Share, Share, Share, float]] = []
        for random in (np.random.default_rng((seed, size, repeat)) for repeat in range(repeats)):
            found.append(_trial(faces, cohort, size, enrolled, rate, random))
            on_step("Galleries", len(rows) * repeats + len(found), trials)
        names, known, taken, thresholds = zip(*found, strict=True)
        rows.append(Row(size, repeats, _sum(names), _sum(known), _sum(taken), float(np.mean(thresholds))))
    options = {"photos": enrolled, "repeats": repeats, "false_accept_rate": rate, "seed": seed}
    network = {"sha256": embedder.sha256, "geometry": asdict(embedder.geometry)}
    return Result(rows, options, cohort.source, network)


def find_faces(photos: Listing, embedder: Embedder, output: Path, workers: int, on_step: OnStep) -> Faces:
    """Embed the face of each photo as it is and with its mirror image."""
    both = [
        embed_all(photos, workers, subject, lambda *done, name=name: on_step(name, *done), output / folder)
        for name, folder, subject in (
            ("Embedding, photos", "plain", embedder),
            ("Embedding with mirror images, photos", "mirrored", embedder.with_mirror()),
        )
    ]
    plain, mirrored = both
    paths = [path for path in plain if path in mirrored]
    return Faces(
        np.stack([plain[path] for path in paths]),
        np.stack([mirrored[path] for path in paths]),
        np.array([person_of(photos.root / path, photos.root) for path in paths]),
    )


def _trial(
    faces: Faces, cohort: Cohort, size: int, enrolled: int, rate: float, random: np.random.Generator
) -> tuple[Share, Share, Share, float]:
    """Return the shares of right names, of recognised faces and of strangers taken for somebody, and the threshold."""
    people, counts = np.unique(faces.names, return_counts=True)
    enough = people[counts > enrolled]
    if len(enough) < size:
        raise DatasetError(
            f"{counted(len(enough), 'person')} with more than {counted(enrolled, 'photo')} with a face: too few for "
            f"{size}. Give more photos, or fewer --people."
        )
    chosen = random.choice(enough, size, replace=False)
    gallery_rows, probe_rows, owners = [], [], []
    for number, rows in enumerate(_photos_of(faces.names, chosen, random)):
        gallery_rows.append(rows[:enrolled])
        probe_rows.append(rows[enrolled : enrolled + _PROBES])
        owners.append(np.full(len(probe_rows[-1]), number))
    roster = Roster("benchmark")
    for name, rows in zip(chosen, gallery_rows, strict=True):
        roster, _ = roster.with_person(str(name), faces.mirrored[rows], ())
    roster = measured(roster, cohort)
    gallery = RosterGallery.of(roster, cohort)
    bar = thresholds(roster, share_of_drawn(roster, cohort, rate))[enrolled > FEW]
    scores, people_of_probes = (
        gallery.compare(faces.embeddings[np.concatenate(probe_rows)]).scores,
        np.concatenate(owners),
    )
    right = scores.argmax(axis=1) == people_of_probes
    others = [rows[0] for rows in _photos_of(faces.names, np.setdiff1d(people, chosen), random)]
    taken = gallery.compare(faces.embeddings[others]).scores.max(axis=1) >= bar
    return Share.of(right), Share.of(right & (scores.max(axis=1) >= bar)), Share.of(taken), bar


def _photos_of(names: strangers.Names, people: strangers.Names, random: np.random.Generator) -> Iterator[Any]:
    """Yield the rows of each person's photos in a random order."""
    for person in people:
        yield random.permutation(np.flatnonzero(names == person))


def _sum(shares: Sequence[Share]) -> Share:
    return Share(sum(share.hits for share in shares), sum(share.trials for share in shares))
