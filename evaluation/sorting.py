"""Measures how `visage sort` groups photos of known people when it is not told who they are.

A pair of faces of one person that is in one group is right. Only faces whose person is known count: of a photo with
several faces, that is the face most like the person's other photos; all others are in the pile, and are not judged.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import fcluster, linkage  # type: ignore[import-untyped]
from scipy.spatial.distance import squareform  # type: ignore[import-untyped]
from sklearn.cluster import HDBSCAN
from sklearn.metrics import v_measure_score
from sklearn.metrics.cluster import pair_confusion_matrix

from collection.likeness import LEAST, group
from collection.sort import PICTURE_SIDE
from dataset.aligned import JOURNAL, OUTPUT
from dataset.candidates import Candidate, Candidates, DetectionTask, Embed, find_faces
from dataset.consensus import FloatArray, IntArray
from dataset.folders import Listing
from dataset.progress import OnStep
from dataset.selection import is_good
from evaluation.figures import Figures
from model.cohort import Cohort
from model.verification import compare
from preprocess.detect import MAX_FACES
from training.cohorts import person_of
from training.errors import DatasetError

_CUTS: Final = tuple(np.round(np.arange(-0.3, 0.71, 0.02), 2).tolist())
"""Cuts of the other ways: the best of them is taken, with which they are compared at their best."""

_PRECISION: Final = 0.99


@dataclass(frozen=True, slots=True)
class Row:
    """One way to group: the shares of pairs, the V-measure, and how many people and single faces it finds.

    `cut` is the one of `_CUTS` with the largest recall at a precision of 99 %; None where there is none to choose.
    """

    way: str
    cut: float | None
    precision: float
    recall: float
    v_measure: float
    people: int
    alone: int


@dataclass(frozen=True)
class Result(Figures):
    """The figures of each way, ours first, and of what they were measured on."""

    FILE: ClassVar[str] = "sorting.json"

    rows: Sequence[Row]
    photos: int
    faces: int
    without_face: int
    people: int
    network: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Pile:
    """The good faces of a pile, N: their photos and people; "" is a face whose person is not known."""

    faces: Sequence[Candidate]
    photos: Sequence[str]
    people: Sequence[str]


def measure(
    photos: Sequence[Listing],
    embed: Embed,
    cohort: Cohort,
    output: Path,
    workers: int,
    *,
    others: bool = False,
    on_step: OnStep = lambda *_: None,
) -> Result:
    """Group the faces of photos, which are in a folder for each person, and with `others` in other ways too.

    An interrupted call goes on in `output`.

    Raises:
        DatasetError: nobody has two photos with a face.
        WorkerKilledError: a worker process was killed.
    """
    found = [*_found(photos, embed, output, workers, on_step)]
    pile = _pile(found)
    judged = np.array([bool(person) for person in pile.people])
    known, counts = np.unique(np.array(pile.people)[judged], return_counts=True)
    if not len(known) or counts.max() < 2:
        raise DatasetError("Nobody has two photos with a face. Give a folder with a folder of photos for each person.")
    groups = group(pile.faces, pile.photos, np.full(len(pile.faces), -1), cohort.mean)
    rows = [_row("visage sort", None, groups.numbers, pile.people)]
    if others:
        rows += _other_ways(pile, cohort, on_step)
    return Result(
        rows,
        sum(len(listed.photos) for listed in photos),
        len(pile.faces),
        sum(not photo.faces for photo in found),
        len(known),
        {"embedder": repr(embed), "cohort": cohort.source},
    )


def _found(
    photos: Sequence[Listing], embed: Embed, output: Path, workers: int, on_step: OnStep
) -> Iterator[Candidates]:
    for number, listed in enumerate(photos):
        folder = output / f"faces-{number}"
        tasks = [
            DetectionTask(
                listed.root, path, person_of(path, listed.root), folder, OUTPUT, embed, MAX_FACES, PICTURE_SIDE
            )
            for path in listed.photos
        ]
        yield from find_faces(
            tasks, folder / OUTPUT / JOURNAL, workers, lambda *done: on_step("Finding faces, photos", *done)
        )


def _pile(found: Sequence[Candidates]) -> Pile:
    """Return the good faces of photos, with the person of each face that is the one of its folder."""
    centres = {
        person: np.mean([photo.faces[0].vector() for photo in found if _is_single(photo, person)], axis=0)
        for person in {photo.person for photo in found if len(photo.faces) == 1}
    }
    faces, photos, people = [], [], []
    for photo in found:
        own = _own_face(photo, centres.get(photo.person))
        largest = max((face.box.area for face in photo.faces), default=0)
        for number, face in enumerate(photo.faces):
            if is_good(face, largest):
                faces.append(face)
                photos.append(f"{photo.person}/{photo.photo}")
                people.append(photo.person if number == own else "")
    return Pile(faces, photos, people)


def _is_single(photo: Candidates, person: str) -> bool:
    return photo.person == person and len(photo.faces) == 1


def _own_face(photo: Candidates, centre: FloatArray | None) -> int:
    if len(photo.faces) < 2 or centre is None:
        return 0
    return int(np.argmax([face.vector() @ centre for face in photo.faces]))


def _row(way: str, cut: float | None, numbers: IntArray, people: Sequence[str]) -> Row:
    """Return the figures of groups; -1 is a face in none, which is compared as a group of its own."""
    single = numbers < 0
    groups = numbers.copy()
    groups[single] = numbers.max(initial=-1) + 1 + np.arange(single.sum())
    judged = np.array([bool(person) for person in people])
    truth = np.unique(np.array(people)[judged], return_inverse=True)[1]
    (_, wrong), (missed, right) = pair_confusion_matrix(truth, groups[judged])
    return Row(
        way,
        cut,
        float(right / max(right + wrong, 1)),
        float(right / max(right + missed, 1)),
        float(v_measure_score(truth, groups[judged])),
        len(np.unique(numbers[~single])),
        int(single.sum()),
    )


def _other_ways(pile: Pile, cohort: Cohort, on_step: OnStep) -> Iterator[Row]:
    """Yield the best row of each clustering of scikit-learn's by each score."""
    embeddings = np.stack([face.vector() for face in pile.faces])
    similarities, scores = compare(embeddings, embeddings, cohort)
    ways = {"cosine": embeddings @ embeddings.T, "less the mean": similarities, "normalised by the cohort": scores}
    for done, (name, matrix) in enumerate(ways.items()):
        distances = np.maximum(1 - (matrix + matrix.T) / 2, 0).astype(np.float64)
        np.fill_diagonal(distances, 0)
        for method in ("average", "complete"):
            yield _best(f"{method} linkage, {name}", method, distances, pile.people)
        found = HDBSCAN(min_cluster_size=LEAST, metric="precomputed", copy=True).fit_predict(distances)
        yield _row(f"HDBSCAN, {name}", None, found.astype(np.int64), pile.people)
        on_step("Other ways", done + 1, len(ways))


def _best(way: str, method: str, distances: npt.NDArray[np.float64], people: Sequence[str]) -> Row:
    """Return the row of the best cut through the tree of a linkage."""
    tree, rows = linkage(squareform(distances, checks=False), method), []
    for cut in _CUTS:
        clusters = fcluster(tree, 1 - cut, "distance")
        few = np.bincount(clusters)[clusters] < LEAST
        rows.append(_row(way, cut, np.where(few, -1, clusters).astype(np.int64), people))
    return max(rows, key=lambda row: (row.precision >= _PRECISION, row.recall if row.precision >= _PRECISION else 0))
