"""Finds the cohort of a run's pretrained weights: it comes with Visage, or was measured on this machine."""

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import astuple
from pathlib import Path
from typing import Final

import numpy as np

from dataset.folders import Listing
from dataset.prepare import embed_all
from dataset.progress import OnStep
from model.cohort import Cohort, FloatArray
from preprocess.files import DAMAGED_ARRAYS, replacing
from preprocess.geometry import Geometry
from preprocess.names import shown
from training import strangers
from training.embedder import Embedder
from training.pretrained import Pretrained
from training.run import Description

MEASURED: Final = Path(__file__).parent / "measured"
"""The cohorts that come with Visage, by the names of weights whose content is checked whenever they are loaded."""

FOLDER: Final = "cohorts"
"""The folder of what was measured on this machine, below that of all that is kept."""

PHOTOS_OF_A_PERSON: Final = 3
PEOPLE: Final = 4000
"""So many people, with so many photos of each at most, are enough to measure strangers."""


def cohort_of_run(run: Path, cache: Path) -> Cohort | None:
    """Return the cohort of the weights that a run was trained from; `cache` is the folder of all that is kept."""
    description = Description.read(run)
    return cohort_of(description.pretrained, description.geometry, cache / FOLDER)


def cohort_of(pretrained: Mapping[str, str], geometry: Geometry, cache: Path | None = None) -> Cohort | None:
    """Return the cohort of weights, by their `name` and `sha256`, and of chips of a geometry; None if nobody measured.

    `cache` is the folder of what was measured on this machine.
    """
    places = [MEASURED / _name(pretrained["name"], geometry)]
    if cache:
        places.append(cache / _name(pretrained["sha256"], geometry))
    for file in places:
        try:
            return Cohort.load(file)
        except DAMAGED_ARRAYS:  # or it is missing
            continue
    return None


def measure(
    photos: Listing,
    source: str,
    pretrained: Pretrained,
    geometry: Geometry,
    cache: Path,
    workers: int,
    on_step: OnStep = lambda *_: None,
) -> tuple[Cohort, FloatArray]:
    """Measure strangers in photos, one folder for each person, and keep the cohort in `cache`.

    Photos that are in no folder are of a person each. Also return the (M, 512) embeddings of the faces that the cohort
    does not consist of. An interrupted call goes on.

    Raises:
        DatasetError: the photos show too few people.
        PrepareError: no photo has a face, or a worker process was killed.
    """
    target = cache / _name(pretrained.sha256, geometry)
    embedder = Embedder.of_pretrained(pretrained, geometry)
    found = embed_all(
        photos,
        workers,
        embedder,
        lambda *done: on_step("Measuring strangers, photos", *done),
        target.with_suffix(".faces"),
    )
    names = np.array([person_of(photos.root / photo, photos.root) for photo in found])
    embeddings = np.stack(list(found.values()))
    cohort = strangers.measure(embeddings, names, source, lambda *done: on_step("Measuring strangers, parts", *done))
    with replacing(target) as unfinished:
        cohort.save(unfinished)
    shutil.rmtree(target.with_suffix(".faces"), ignore_errors=True)
    others = [row for row, name in enumerate(names) if strangers.part_of(name) not in strangers.COHORT]
    return cohort, embeddings[others]


def has_enough_people(photos: Listing) -> bool:
    """Whether photos may be of enough people to measure strangers on; some of them may show no face."""
    return len({person_of(path, photos.root) for path in some_photos(photos).photos}) >= strangers.MIN_PEOPLE


def some_photos(photos: Listing) -> Listing:
    """Return as many photos of as many people as are enough, none of people who may judge what was measured.

    The people's order is that of a digest of their names.
    """
    people: dict[str, list[Path]] = {}
    for path in photos.photos:
        people.setdefault(person_of(path, photos.root), []).append(path)
    wanted = [name for name in people if strangers.part_of(name) != strangers.JUDGE]
    chosen = sorted(wanted, key=lambda name: hashlib.sha256(name.encode()).digest())[:PEOPLE]
    kept = sorted(path for name in chosen for path in people[name][:PHOTOS_OF_A_PERSON])
    return Listing(photos.root, kept, photos.remarks, photos.unreadable)


def judging_photos(photos: Listing) -> Listing:
    """Return the photos of people who may judge what was measured, because nothing was measured on them."""
    kept = [path for path in photos.photos if strangers.part_of(person_of(path, photos.root)) == strangers.JUDGE]
    return Listing(photos.root, kept, photos.remarks, photos.unreadable)


def _name(weights: str, geometry: Geometry) -> str:
    """Return the name of the file for weights and a geometry."""
    parts = (weights[:16], *astuple(geometry))
    return "-".join(str(part) for part in parts) + ".npz"


def person_of(photo: Path, root: Path) -> str:
    """Return the person of a photo below a folder: that of its own folder, or one of its own where it is in none."""
    name = shown(photo.relative_to(root).as_posix())
    folder, _, _ = name.rpartition("/")
    return folder or name
